//! In what clients of Socket.IO v1 and v2 differ, which come with revision 3 of Engine.IO.
//!
//! * They are in the main namespace from the start, without asking for it.
//! * Their sockets have no ids of their own: in the main namespace it is the session's, elsewhere
//!   `<namespace>#<session's>`. So for them, other than for all others, the session's id is public.
//! * Joining is answered without a payload, and refused with the error's data, or else its text.
//! * What they send to join stands in the query of the namespace's name.

use std::{borrow::Cow, collections::HashMap};

use super::{connect::Refusal, hub::Hub};
use crate::{
    codec::{
        engine::Revision,
        parser::{Encoded, Joined, Json, OutgoingBody, OutgoingPacket, Payload, Refused},
    },
    id::{SessionId, SocketId},
    text::Text,
};

/// What is spoken with one client.
#[derive(Debug)]
pub(super) enum Dialect {
    Current,
    Old { session_id: SessionId },
}

impl Dialect {
    pub(super) fn of(revision: Revision, session_id: SessionId) -> Self {
        match revision {
            Revision::V3 => Self::Old { session_id },
            Revision::V4 => Self::Current,
        }
    }

    /// The namespace that a client is in without asking.
    pub(super) fn joins_at_once(&self) -> Option<&'static str> {
        matches!(self, Self::Old { .. }).then_some("/")
    }

    /// The namespace that a packet means by this name.
    pub(super) fn namespace<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self {
            Self::Current => Cow::Borrowed(name),
            Self::Old { .. } => escaped(path(name)),
        }
    }

    /// What the client sent to join by this name.
    pub(super) fn auth(&self, name: &str, payload: Option<Json>) -> Option<Json> {
        if let Self::Current = self {
            return payload;
        }
        let (_, query) = name.split('#').next()?.split_once('?')?;
        let query: HashMap<Cow<'_, str>, Cow<'_, str>> = form_urlencoded::parse(query.as_bytes()).collect();
        let json = serde_json::to_string(&query).ok()?;
        Json::parse(Text::from(json)).ok()
    }

    /// The id of a new socket; none when there are no random numbers.
    pub(super) fn socket_id(&self, namespace: &str) -> Option<SocketId> {
        match self {
            Self::Current => SocketId::random().ok(),
            Self::Old { session_id } if namespace == "/" => Some(session_id.as_str().into()),
            Self::Old { session_id } => Some(format!("{namespace}#{}", session_id.as_str()).as_str().into()),
        }
    }

    /// Whether clients know how to be recovered.
    pub(super) fn has_private_ids(&self) -> bool {
        matches!(self, Self::Current)
    }

    /// Tells the client that it has joined.
    pub(super) fn joined(&self, hub: &Hub, namespace: &str, joined: &Joined<'_>) -> Option<Encoded> {
        let payload = match self {
            Self::Current => Some(Payload::new(&joined)),
            Self::Old { .. } => None,
        };
        hub.encode(&OutgoingPacket { namespace, body: OutgoingBody::Connect(payload) })
    }

    /// Tells the client that it has not. (That there is no such namespace is told as to all others, as in Node.)
    pub(super) fn refused(&self, hub: &Hub, namespace: &str, refusal: &Refusal) -> Option<Encoded> {
        let (message, data) = refusal.parts();
        let encode =
            |payload| hub.encode(&OutgoingPacket { namespace, body: OutgoingBody::ConnectError(payload) });
        match (self, data) {
            (Self::Old { .. }, Some(data)) => encode(Payload::new(&data)),
            (Self::Old { .. }, None) if *refusal != Refusal::invalid_namespace() => {
                encode(Payload::new(&message))
            }
            _ => encode(Payload::new(&&Refused { message, data })),
        }
    }
}

/// What stands before the query, and before a fragment.
fn path(name: &str) -> &str {
    name.split(['?', '#']).next().unwrap_or_default()
}

/// The path as it stands in a URL: Node takes the names of old clients for one, so that `/my nsp` is `/my%20nsp`.
fn escaped(path: &str) -> Cow<'_, str> {
    let is_escaped = |byte: u8| !(0x21..0x7f).contains(&byte) || b"\"<>`{}".contains(&byte);
    if !path.bytes().any(is_escaped) {
        return Cow::Borrowed(path);
    }
    let mut escaped = String::with_capacity(path.len() + 8);
    for char in path.chars() {
        for byte in char.encode_utf8(&mut [0; 4]).bytes() {
            match is_escaped(byte) {
                true => escaped.push_str(&format!("%{byte:02X}")),
                false => escaped.push(char::from(byte)),
            }
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        codec::parser::DefaultParser,
        socketio::{SocketLimits, States},
    };

    fn hub() -> Hub {
        Hub::new(SocketLimits::default(), States::default(), std::sync::Arc::new(DefaultParser::new()))
    }

    fn old() -> Dialect {
        Dialect::of(Revision::V3, "abc".into())
    }

    fn text(packet: &Encoded) -> &str {
        std::str::from_utf8(packet.first()).unwrap()
    }

    #[test]
    fn old_sockets_are_called_as_their_session() {
        assert_eq!(old().socket_id("/").as_deref(), Some("abc"));
        assert_eq!(old().socket_id("/a").as_deref(), Some("/a#abc"));
        let current = Dialect::of(Revision::V4, "abc".into());
        assert!(!current.socket_id("/").unwrap().contains("abc"));
    }

    #[test]
    fn only_for_old_clients_a_query_is_no_part_of_the_name() {
        let current = Dialect::of(Revision::V4, "abc".into());
        assert_eq!(current.namespace("/a?b=1"), "/a?b=1");
        assert!(current.auth("/a?b=1", None).is_none());
        assert_eq!(old().namespace("/a?b=1"), "/a");
        let auth = old().auth("/a?token=1%203&y=&y=2", None).unwrap();
        assert_eq!(auth.deserialize::<Value>().unwrap(), json!({ "token": "1 3", "y": "2" }));
        assert!(old().auth("/a", None).is_none());
    }

    #[test]
    fn names_of_old_clients_are_paths_of_urls() {
        for (name, path) in [
            ("/my nsp", "/my%20nsp"),
            ("/my%20nsp?x=1", "/my%20nsp"),
            ("/é", "/%C3%A9"),
            ("/a#b?c", "/a"),
            ("/a-b_c.d~e!$&'()*+;=:@", "/a-b_c.d~e!$&'()*+;=:@"),
        ] {
            assert_eq!(old().namespace(name), path);
        }
        assert_eq!(Dialect::of(Revision::V4, "abc".into()).namespace("/my nsp"), "/my nsp");
    }

    #[test]
    fn old_clients_are_answered_without_a_payload_and_refused_with_data_or_text() {
        let joined = Joined { sid: "abc", pid: Some("p") };
        assert_eq!(text(&old().joined(&hub(), "/a", &joined).unwrap()), "40/a,");
        assert_eq!(text(&old().joined(&hub(), "/", &joined).unwrap()), "40");
        let current = Dialect::of(Revision::V4, "abc".into());
        let packet = current.joined(&hub(), "/", &joined).unwrap();
        assert_eq!(text(&packet), r#"40{"sid":"abc","pid":"p"}"#);
        let refused = |refusal: Refusal| text(&old().refused(&hub(), "/a", &refusal).unwrap()).to_owned();
        assert_eq!(refused(Refusal::new("bad")), r#"44/a,"bad""#);
        assert_eq!(refused(Refusal::new("bad").data(json!({ "x": 1 }))), r#"44/a,{"x":1}"#);
        assert_eq!(refused(Refusal::invalid_namespace()), r#"44/a,{"message":"Invalid namespace"}"#);
    }
}
