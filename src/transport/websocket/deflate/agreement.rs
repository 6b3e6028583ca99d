//! What server and client agree on.

use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};

use super::{
    offer::{self, Hint, Offer},
    options::{LARGEST_WINDOW, PerMessageDeflate},
};

/// What becomes of the messages of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// What was sent helps to compress what follows.
    pub(super) keeps_server_context: bool,
    pub(super) keeps_client_context: bool,
    /// How far back compressed messages to the client refer at most.
    pub(super) server_window_bits: u8,
    pub(super) threshold: usize,
    pub(super) largest: usize,
    pub(super) level: u32,
}

impl Agreement {
    /// Takes the first offer that can be taken, and answers it in the headers of the 101.
    pub(in crate::transport::websocket) fn find(
        options: &PerMessageDeflate,
        request: &HeaderMap,
        answer: &mut HeaderMap,
    ) -> Option<Self> {
        let mut headers = request.get_all(SEC_WEBSOCKET_EXTENSIONS).iter();
        let offer = headers.find_map(|header| offer::first(header.to_str().ok()?))?;
        let (agreement, text) = accept(options, offer);
        answer.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::try_from(text).ok()?);
        Some(agreement)
    }
}

/// Every offer can be kept: see `server_max_window_bits` of the options for small windows.
fn accept(options: &PerMessageDeflate, offer: Offer) -> (Agreement, String) {
    let server_window_bits =
        offer.server_max_window_bits.unwrap_or(LARGEST_WINDOW).min(options.server_max_window_bits);
    // Without a context, the other side need not keep one either.
    let keeps_server_context = options.server_context_takeover
        && !offer.server_no_context_takeover
        && server_window_bits == LARGEST_WINDOW;
    let keeps_client_context = options.client_context_takeover && !offer.client_no_context_takeover;
    let mut text = "permessage-deflate".to_owned();
    if !keeps_server_context {
        text.push_str("; server_no_context_takeover");
    }
    if !keeps_client_context {
        text.push_str("; client_no_context_takeover");
    }
    if offer.server_max_window_bits.is_some() || server_window_bits < LARGEST_WINDOW {
        text.push_str(&format!("; server_max_window_bits={server_window_bits}"));
    }
    // Whatever the client's window, its messages can be inflated: nothing is asked of one that cannot be told.
    if let Some(hint) = offer.client_max_window_bits
        && options.client_max_window_bits < LARGEST_WINDOW
    {
        let bits = match hint {
            Hint::None => options.client_max_window_bits,
            Hint::Bits(bits) => bits.min(options.client_max_window_bits),
        };
        text.push_str(&format!("; client_max_window_bits={bits}"));
    }
    let agreement = Agreement {
        keeps_server_context,
        keeps_client_context,
        server_window_bits,
        threshold: options.threshold,
        largest: options.largest,
        level: options.level,
    };
    (agreement, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(options: &PerMessageDeflate, offers: &[&str]) -> Option<(Agreement, String)> {
        let (mut request, mut answer) = (HeaderMap::new(), HeaderMap::new());
        for offer in offers {
            request.append(SEC_WEBSOCKET_EXTENSIONS, offer.parse().unwrap());
        }
        let agreement = Agreement::find(options, &request, &mut answer);
        assert_eq!(answer.contains_key(SEC_WEBSOCKET_EXTENSIONS), agreement.is_some());
        let text = answer.get(SEC_WEBSOCKET_EXTENSIONS)?.to_str().unwrap();
        Some((agreement?, text.strip_prefix("permessage-deflate").unwrap().to_owned()))
    }

    const NO_CONTEXTS: &str = "; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn by_default_no_context_is_kept() {
        let (agreement, text) = answer(&PerMessageDeflate::new(), &["permessage-deflate"]).unwrap();
        assert_eq!(text, NO_CONTEXTS);
        assert!(!agreement.keeps_server_context && !agreement.keeps_client_context);
    }

    #[test]
    fn contexts_are_kept_if_both_want_it() {
        let options = PerMessageDeflate::new().server_context_takeover(true).client_context_takeover(true);
        for (offer, expected, server, client) in [
            ("permessage-deflate", "", true, true),
            ("permessage-deflate; server_no_context_takeover", "; server_no_context_takeover", false, true),
            ("permessage-deflate; client_no_context_takeover", "; client_no_context_takeover", true, false),
            // The pieces of a small window stand alone.
            (
                "permessage-deflate; server_max_window_bits=14",
                "; server_no_context_takeover; server_max_window_bits=14",
                false,
                true,
            ),
        ] {
            let (agreement, text) = answer(&options, &[offer]).unwrap();
            let contexts = (agreement.keeps_server_context, agreement.keeps_client_context);
            assert_eq!((&*text, contexts), (expected, (server, client)), "{offer}");
        }
    }

    #[test]
    fn the_smaller_window_counts() {
        let options = PerMessageDeflate::new().server_max_window_bits(12).client_max_window_bits(11);
        for (offer, bits, expected) in [
            ("permessage-deflate", 12, "; server_max_window_bits=12"),
            ("permessage-deflate; server_max_window_bits=15", 12, "; server_max_window_bits=12"),
            ("permessage-deflate; server_max_window_bits=9", 9, "; server_max_window_bits=9"),
            (
                "permessage-deflate; client_max_window_bits",
                12,
                "; server_max_window_bits=12; client_max_window_bits=11",
            ),
            (
                "permessage-deflate; client_max_window_bits=10",
                12,
                "; server_max_window_bits=12; client_max_window_bits=10",
            ),
        ] {
            let (agreement, text) = answer(&options, &[offer]).unwrap();
            assert_eq!(agreement.server_window_bits, bits, "{offer}");
            assert_eq!(text, format!("{NO_CONTEXTS}{expected}"), "{offer}");
        }
    }

    #[test]
    fn the_largest_window_is_named_only_to_who_asked_for_it() {
        let options = PerMessageDeflate::new();
        for (offer, expected) in [
            ("permessage-deflate; client_max_window_bits", ""),
            ("permessage-deflate; client_max_window_bits=10", ""),
            ("permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=15"),
        ] {
            assert_eq!(answer(&options, &[offer]).unwrap().1, format!("{NO_CONTEXTS}{expected}"), "{offer}");
        }
    }

    #[test]
    fn the_first_offer_that_can_be_taken_is_it_in_several_headers_too() {
        let options = PerMessageDeflate::new();
        let offers = [
            "foo",
            "permessage-deflate; bar, permessage-deflate; server_max_window_bits=10",
            "permessage-deflate",
        ];
        assert_eq!(answer(&options, &offers).unwrap().0.server_window_bits, 10);
        assert_eq!(answer(&options, &["foo", "permessage-deflate; bar"]), None);
        assert_eq!(answer(&options, &[]), None);
    }
}
