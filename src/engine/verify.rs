//! What a request asks for, or which error it is: the protocol's order of checks, as a pure function.

use std::borrow::Cow;

use http::Method;

use super::config::EngineConfig;
use crate::{
    codec::engine::{Form, Revision, Transport},
    error::ErrorCode,
    exchange::ErrorContext,
};

/// The parameters that the engine knows. Where one is repeated, the last wins; an empty one is as good as none.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    pub(super) transport: Option<Cow<'a, str>>,
    pub(super) sid: Option<Cow<'a, str>>,
    pub(super) revision: Option<Cow<'a, str>>,
    /// With any value: the client takes binary messages only as text.
    pub(super) base64: Option<Cow<'a, str>>,
    /// With any value: the client wants its answers as scripts (JSONP).
    pub(super) jsonp: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    pub(super) fn parse(query: &'a str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in parameters(query) {
            let place = match &*name {
                "transport" => &mut parsed.transport,
                "sid" => &mut parsed.sid,
                "EIO" => &mut parsed.revision,
                "b64" => &mut parsed.base64,
                "j" => {
                    // This one counts without a value, too.
                    parsed.jsonp = Some(value);
                    continue;
                }
                _ => continue,
            };
            *place = Some(value).filter(|value| !value.is_empty());
        }
        parsed
    }

    pub(super) fn revision(&self) -> Revision {
        Revision::from_query(self.revision.as_deref())
    }

    /// How the packets of a session that is opened, or moved, with this query are written.
    pub(super) fn form(&self) -> Form {
        Form { revision: self.revision(), base64: self.base64.is_some() }
    }
}

/// The parameters, and their values. Hardly any has something to decode.
fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let mut rest = Some(query);
    std::iter::from_fn(move || {
        let query = rest?;
        let mut equals = None;
        let mut is_plain = true;
        let mut end = query.len();
        // One pass, byte by byte: the parts are too short for anything cleverer.
        for (at, byte) in query.bytes().enumerate() {
            match byte {
                b'&' => {
                    end = at;
                    break;
                }
                b'=' if equals.is_none() => equals = Some(at),
                b'%' | b'+' => is_plain = false,
                _ => {}
            }
        }
        let pair = &query[..end];
        rest = query.get(end + 1..);
        if !is_plain {
            return Some(form_urlencoded::parse(pair.as_bytes()).next().unwrap_or_default());
        }
        let (name, value) = equals.map_or((pair, ""), |equals| (&pair[..equals], &pair[equals + 1..]));
        Some((name.into(), value.into()))
    })
}

/// What is known of the session that a request names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Current {
    pub(super) transport: Transport,
    pub(super) revision: Revision,
}

/// What is known of a request, once its session was looked up.
pub(super) struct Facts<'a> {
    pub(super) method: &'a Method,
    pub(super) query: &'a Query<'a>,
    /// It asks to leave HTTP.
    pub(super) is_upgrade: bool,
    /// The session that it names, if there is one.
    pub(super) session: Option<Current>,
}

/// Which error it is.
pub(super) type Refusal = (ErrorCode, ErrorContext);

/// What a valid request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Open(Transport),
    Poll,
    Post,
    Upgrade,
    /// A method that no session understands.
    Other,
}

/// Decides in the order of the protocol. (Two of its checks stand elsewhere: middlewares are layers outside of the
/// engine, and a header with illegal characters does not pass the HTTP parser.)
pub(super) fn verify(facts: &Facts<'_>, config: &EngineConfig) -> Result<Asked, Refusal> {
    let transport = transport(facts, config)?;
    if transport == Transport::Polling && facts.query.jsonp.is_some() {
        // It would answer with a script that the request has named.
        return Err((ErrorCode::BadRequest, ErrorContext::named("JSONP_NOT_SUPPORTED")));
    }
    if facts.query.sid.is_some() { existing(facts, transport, config) } else { new(facts, transport) }
}

fn transport(facts: &Facts<'_>, config: &EngineConfig) -> Result<Transport, Refusal> {
    let name = facts.query.transport.as_deref();
    name.and_then(Transport::from_name).filter(|transport| config.serves(*transport)).ok_or_else(|| {
        (ErrorCode::UnknownTransport, ErrorContext::Transport { transport: name.map(str::to_owned) })
    })
}

fn existing(facts: &Facts<'_>, transport: Transport, config: &EngineConfig) -> Result<Asked, Refusal> {
    let Some(current) = facts.session else {
        let sid = facts.query.sid.as_deref().unwrap_or_default().into();
        return Err((ErrorCode::UnknownSession, ErrorContext::Session { sid }));
    };
    if !facts.is_upgrade && transport != current.transport {
        let context = ErrorContext::Named {
            name: "TRANSPORT_MISMATCH",
            transport: Some(transport.to_string()),
            previous_transport: Some(current.transport.to_string()),
            error: None,
        };
        return Err((ErrorCode::BadRequest, context));
    }
    let revision = facts.query.revision();
    if revision != current.revision {
        let context = ErrorContext::Revision {
            name: "PROTOCOL_MISMATCH",
            protocol: revision.number(),
            previous_protocol: current.revision.number(),
        };
        return Err((ErrorCode::BadRequest, context));
    }
    match (facts.is_upgrade, transport, facts.method) {
        (true, Transport::WebSocket, _) if !config.allow_upgrades => {
            Err((ErrorCode::BadRequest, ErrorContext::named("UPGRADE_NOT_ALLOWED")))
        }
        (true, Transport::WebSocket, _) => Ok(Asked::Upgrade),
        (true, Transport::Polling, _) | (false, Transport::WebSocket, _) => Err(handshake_error()),
        (false, Transport::Polling, &Method::GET) => Ok(Asked::Poll),
        (false, Transport::Polling, &Method::POST) => Ok(Asked::Post),
        (false, Transport::Polling, _) => Ok(Asked::Other),
    }
}

fn new(facts: &Facts<'_>, transport: Transport) -> Result<Asked, Refusal> {
    // The extended CONNECT of HTTP/2 stands for a websocket's GET.
    let is_get = *facts.method == Method::GET || (facts.is_upgrade && *facts.method == Method::CONNECT);
    if !is_get {
        let method = facts.method.to_string();
        return Err((ErrorCode::BadHandshakeMethod, ErrorContext::Method { method }));
    }
    if (transport == Transport::WebSocket) != facts.is_upgrade {
        return Err(handshake_error());
    }
    Ok(Asked::Open(transport))
}

/// The revision of the session that is to be opened. It is looked at last, when the application has agreed.
pub(super) fn revision(query: &Query<'_>, config: &EngineConfig) -> Result<Revision, Refusal> {
    match query.revision() {
        Revision::V3 if !config.allow_eio3 => {
            Err((ErrorCode::UnsupportedProtocol, ErrorContext::Protocol { protocol: 3 }))
        }
        revision => Ok(revision),
    }
}

fn handshake_error() -> Refusal {
    (ErrorCode::BadRequest, ErrorContext::named("TRANSPORT_HANDSHAKE_ERROR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    use Transport::{Polling, WebSocket};

    /// A request as one line: method, query, whether it asks for an upgrade, the transport of the session it names.
    type Row = (&'static str, &'static str, bool, Option<Transport>);

    fn verdict((method, query, is_upgrade, session): Row) -> Result<Asked, (u8, String)> {
        let query = Query::parse(query);
        let method = method.parse().unwrap();
        let session = session.map(|transport| Current { transport, revision: Revision::V4 });
        let facts = Facts { method: &method, query: &query, is_upgrade, session };
        let config = EngineConfig::default();
        verify(&facts, &config)
            .and_then(|asked| match asked {
                Asked::Open(_) => revision(&query, &config).map(|_| asked),
                _ => Ok(asked),
            })
            .map_err(|(code, context)| (code.number(), serde_json::to_string(&context).unwrap()))
    }

    #[test]
    fn valid_requests_are_understood() {
        let table: [(Row, Asked); 9] = [
            (("GET", "EIO=4&transport=polling", false, None), Asked::Open(Polling)),
            (("GET", "EIO=3&transport=websocket&EIO=4&transport=polling", false, None), Asked::Open(Polling)),
            (("GET", "EIO=4&transport=polling&sid=", false, None), Asked::Open(Polling)),
            (("GET", "EIO=4&transport=websocket", true, None), Asked::Open(WebSocket)),
            (("GET", "EIO=4&transport=polling&sid=a", false, Some(Polling)), Asked::Poll),
            (("POST", "EIO=4&transport=polling&sid=a", false, Some(Polling)), Asked::Post),
            (("GET", "EIO=4&transport=websocket&sid=a", true, Some(Polling)), Asked::Upgrade),
            (("PUT", "EIO=4&transport=polling&sid=a", false, Some(Polling)), Asked::Other),
            (("CONNECT", "EIO=4&transport=websocket", true, None), Asked::Open(WebSocket)),
        ];
        for (row, asked) in table {
            assert_eq!(verdict(row), Ok(asked), "{row:?}");
        }
    }

    #[test]
    fn each_error_has_its_code_and_context() {
        let mismatch =
            r#"{"name":"TRANSPORT_MISMATCH","transport":"polling","previousTransport":"websocket"}"#;
        let handshake = r#"{"name":"TRANSPORT_HANDSHAKE_ERROR"}"#;
        let revisions = r#"{"name":"PROTOCOL_MISMATCH","protocol":3,"previousProtocol":4}"#;
        let jsonp = r#"{"name":"JSONP_NOT_SUPPORTED"}"#;
        let table: [(Row, u8, &str); 22] = [
            (("GET", "", false, None), 0, r#"{"transport":null}"#),
            (("GET", "EIO=4&transport=tobi", false, None), 0, r#"{"transport":"tobi"}"#),
            (("GET", "EIO=4&transport=constructor", false, None), 0, r#"{"transport":"constructor"}"#),
            (("GET", "EIO=4&transport=webtransport", false, None), 0, r#"{"transport":"webtransport"}"#),
            (("GET", "EIO=4&transport=polling&sid=a", false, None), 1, r#"{"sid":"a"}"#),
            (("GET", "EIO=4&transport=websocket&sid=__proto__", true, None), 1, r#"{"sid":"__proto__"}"#),
            (("POST", "EIO=4&transport=polling", false, None), 2, r#"{"method":"POST"}"#),
            (("OPTIONS", "EIO=4&transport=polling", false, None), 2, r#"{"method":"OPTIONS"}"#),
            (("GET", "EIO=4&transport=websocket", false, None), 3, handshake),
            (("GET", "EIO=4&transport=polling", true, None), 3, handshake),
            (("GET", "EIO=4&transport=polling&sid=a", false, Some(WebSocket)), 3, mismatch),
            (("GET", "EIO=4&transport=polling&sid=a", true, Some(Polling)), 3, handshake),
            (("GET", "EIO=3&transport=polling&sid=a", false, Some(WebSocket)), 3, mismatch),
            (("GET", "EIO=3&transport=polling&sid=a", false, Some(Polling)), 3, revisions),
            (("POST", "transport=polling&sid=a", false, Some(Polling)), 3, revisions),
            (("GET", "EIO=3&transport=websocket&sid=a", true, Some(Polling)), 3, revisions),
            (("GET", "EIO=4&transport=polling&j=0", false, None), 3, jsonp),
            (("POST", "EIO=4&transport=polling&j=&sid=a", false, Some(Polling)), 3, jsonp),
            (("CONNECT", "EIO=4&transport=polling", true, None), 3, handshake),
            (("CONNECT", "EIO=4&transport=polling", false, None), 2, r#"{"method":"CONNECT"}"#),
            (("GET", "EIO=3&transport=polling", false, None), 5, r#"{"protocol":3}"#),
            (("GET", "transport=polling", false, None), 5, r#"{"protocol":3}"#),
        ];
        for (row, code, context) in table {
            assert_eq!(verdict(row), Err((code, context.to_owned())), "{row:?}");
        }
    }

    #[test]
    fn a_transport_that_is_switched_off_is_unknown() {
        let config = EngineConfig { transports: vec![WebSocket], ..EngineConfig::default() };
        let query = Query::parse("EIO=4&transport=polling");
        let facts = Facts { method: &Method::GET, query: &query, is_upgrade: false, session: None };
        assert_eq!(verify(&facts, &config).unwrap_err().0, ErrorCode::UnknownTransport);
    }

    #[test]
    fn upgrades_may_be_switched_off() {
        let config = EngineConfig { allow_upgrades: false, ..EngineConfig::default() };
        let query = Query::parse("EIO=4&transport=websocket&sid=a");
        let session = Some(Current { transport: Polling, revision: Revision::V4 });
        let facts = Facts { method: &Method::GET, query: &query, is_upgrade: true, session };
        let (code, context) = verify(&facts, &config).unwrap_err();
        assert_eq!((code, context), (ErrorCode::BadRequest, ErrorContext::named("UPGRADE_NOT_ALLOWED")));
    }

    #[test]
    fn revision_three_may_be_switched_on() {
        let config = EngineConfig { allow_eio3: true, ..EngineConfig::default() };
        assert_eq!(revision(&Query::parse("EIO=3"), &config), Ok(Revision::V3));
        assert_eq!(revision(&Query::parse("EIO=4"), &config), Ok(Revision::V4));
    }
}
