//! What a client offers in `Sec-WebSocket-Extensions` (RFC 6455, section 9.1; RFC 7692, section 7.1).

const EXTENSION: &str = "permessage-deflate";

/// One offer of the client, with nothing in it that is not understood.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    /// The server's window is to be no larger.
    pub(super) server_max_window_bits: Option<u8>,
    /// The server may limit the client's window; the client itself does to so many bits, if it says so.
    pub(super) client_max_window_bits: Option<Hint>,
}

/// How large a window the client would have if nobody limited it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    None,
    Bits(u8),
}

/// The text is no list of extensions.
#[derive(Debug)]
struct Malformed;

/// The first offer of one header's value that can be taken. What is no list of extensions offers nothing from there on.
pub(super) fn first(header: &str) -> Option<Offer> {
    let mut rest = header;
    loop {
        let mut extension = Parameters { rest };
        let name = extension.token().ok()?;
        let offer = Offer::read(&mut extension).ok()?;
        if name == EXTENSION && offer.is_some() {
            return offer;
        }
        rest = extension.rest.strip_prefix(',')?;
    }
}

impl Offer {
    /// Reads the parameters to the end. Nothing comes of an offer that has to be declined: for an unknown parameter, one
    /// that comes twice, or a value that cannot be (RFC 7692, section 7).
    fn read(parameters: &mut Parameters<'_>) -> Result<Option<Self>, Malformed> {
        let mut offer = Some(Self::default());
        while let Some((name, value)) = parameters.next()? {
            offer = offer.and_then(|offer| offer.with(name, value));
        }
        Ok(offer)
    }

    fn with(mut self, name: &str, value: Option<&str>) -> Option<Self> {
        let is_new = match (name, value) {
            ("server_no_context_takeover", None) => {
                !std::mem::replace(&mut self.server_no_context_takeover, true)
            }
            ("client_no_context_takeover", None) => {
                !std::mem::replace(&mut self.client_no_context_takeover, true)
            }
            ("server_max_window_bits", Some(value)) => {
                self.server_max_window_bits.replace(window_bits(value)?).is_none()
            }
            ("client_max_window_bits", None) => self.client_max_window_bits.replace(Hint::None).is_none(),
            ("client_max_window_bits", Some(value)) => {
                self.client_max_window_bits.replace(Hint::Bits(window_bits(value)?)).is_none()
            }
            _ => false,
        };
        is_new.then_some(self)
    }
}

/// 8 to 15, without leading zeros.
fn window_bits(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

/// The parameters of one extension.
struct Parameters<'a> {
    rest: &'a str,
}

impl<'a> Parameters<'a> {
    fn next(&mut self) -> Result<Option<(&'a str, Option<&'a str>)>, Malformed> {
        self.space();
        let Some(rest) = self.rest.strip_prefix(';') else {
            let is_end = self.rest.is_empty() || self.rest.starts_with(',');
            return if is_end { Ok(None) } else { Err(Malformed) };
        };
        self.rest = rest;
        let name = self.token()?;
        let Some(rest) = self.rest.strip_prefix('=') else { return Ok(Some((name, None))) };
        self.rest = rest;
        self.space();
        let value = if self.rest.starts_with('"') { self.quoted()? } else { self.token()? };
        Ok(Some((name, Some(value))))
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn token(&mut self) -> Result<&'a str, Malformed> {
        self.space();
        let is_separator =
            |character: char| !character.is_ascii_graphic() || "\"(),/:;<=>?@[\\]{}".contains(character);
        let end = self.rest.find(is_separator).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.space();
        if token.is_empty() { Err(Malformed) } else { Ok(token) }
    }

    /// A token in quotes, which is the same to this protocol.
    fn quoted(&mut self) -> Result<&'a str, Malformed> {
        let quoted = self.rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
        let (value, rest) = quoted.ok_or(Malformed)?;
        self.rest = rest;
        let token = Parameters { rest: value }.token()?;
        if token.len() == value.len() { Ok(token) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Offer = Offer {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: None,
        client_max_window_bits: None,
    };

    #[test]
    fn each_parameter_is_read() {
        let table = [
            ("permessage-deflate", PLAIN),
            (
                "permessage-deflate; server_no_context_takeover",
                Offer { server_no_context_takeover: true, ..PLAIN },
            ),
            (
                " permessage-deflate ;\tclient_no_context_takeover ",
                Offer { client_no_context_takeover: true, ..PLAIN },
            ),
            (
                "permessage-deflate; server_max_window_bits=10",
                Offer { server_max_window_bits: Some(10), ..PLAIN },
            ),
            (
                "permessage-deflate; client_max_window_bits",
                Offer { client_max_window_bits: Some(Hint::None), ..PLAIN },
            ),
            (
                "permessage-deflate;client_max_window_bits = \"9\"",
                Offer { client_max_window_bits: Some(Hint::Bits(9)), ..PLAIN },
            ),
            (
                "permessage-deflate; client_max_window_bits=15; server_max_window_bits=8; \
                 client_no_context_takeover; server_no_context_takeover",
                Offer {
                    server_no_context_takeover: true,
                    client_no_context_takeover: true,
                    server_max_window_bits: Some(8),
                    client_max_window_bits: Some(Hint::Bits(15)),
                },
            ),
        ];
        for (header, offer) in table {
            assert_eq!(first(header), Some(offer), "{header}");
        }
    }

    #[test]
    fn an_offer_that_cannot_be_is_declined() {
        for parameters in [
            "unknown",
            "server_no_context_takeover=true",
            "client_no_context_takeover=1",
            "server_no_context_takeover; server_no_context_takeover",
            "client_no_context_takeover; client_no_context_takeover",
            "client_max_window_bits; client_max_window_bits=10",
            "server_max_window_bits=10; server_max_window_bits=10",
            "server_max_window_bits",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=08",
            "server_max_window_bits=+9",
            "client_max_window_bits=99",
            "client_max_window_bits=9.0",
            "Server_No_Context_Takeover",
        ] {
            assert_eq!(first(&format!("permessage-deflate; {parameters}")), None, "{parameters}");
            let then_another = format!("permessage-deflate; {parameters}, permessage-deflate");
            assert_eq!(first(&then_another), Some(PLAIN), "{parameters}");
        }
    }

    #[test]
    fn other_extensions_are_passed_over() {
        let header = "x-webkit-deflate-frame; a=\"b\"; c, permessage-bzip2, permessage-deflate";
        assert_eq!(first(header), Some(PLAIN));
        assert_eq!(first("permessage-deflates, deflate"), None);
    }

    #[test]
    fn what_is_no_list_of_extensions_offers_nothing() {
        for header in [
            "",
            ",",
            ";;,=",
            ", permessage-deflate",
            "permessage-deflate;",
            "permessage-deflate; ;",
            "permessage-deflate; a=",
            "permessage-deflate; client_max_window_bits=\"10",
            "permessage-deflate; client_max_window_bits=\"1 0\"",
            "permessage-deflate; client_max_window_bits=\"\"",
            "permessage-deflate server_no_context_takeover",
            "x; =, permessage-deflate",
        ] {
            assert_eq!(first(header), None, "{header}");
        }
    }
}
