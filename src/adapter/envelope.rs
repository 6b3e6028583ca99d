//! What servers say to each other, as bytes.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::{
    message::{Answer, Emission, Flags, Message, NoAck, Request},
    names::{Offset, RequestId, ServerId},
    snapshot::SocketSnapshot,
    target::{Room, Target},
};
use crate::{
    codec::parser::{self, Args, Decoder, Limits, PacketBody},
    id::SocketId,
    text::Text,
};

/// One message between servers of this crate: who says it, where, and what.
///
/// An adapter whose broker also serves other implementations speaks their form instead. The form of this one is a
/// version's own: all servers of a cluster have the same. Its bytes are a list of parts, each after its length (four
/// bytes, big-endian): a JSON head, and where there are arguments, the text of a packet that holds them and the
/// attachments.
///
/// ```
/// use tower_socketio::adapter::{Body, Envelope, Message, Target};
///
/// let leave = Message::SocketsLeave { target: Target::default(), rooms: vec!["red".into()] };
/// let envelope = Envelope { from: "one".into(), namespace: "/".into(), body: Body::Message(leave) };
/// let read = Envelope::from_bytes(&envelope.to_bytes())?;
/// assert!(matches!(read.body, Body::Message(Message::SocketsLeave { rooms, .. }) if *rooms[0] == *"red"));
/// # Ok::<_, tower_socketio::adapter::EnvelopeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The server that says it.
    pub from: ServerId,
    /// The namespace that it is about.
    pub namespace: Arc<str>,
    /// What it says.
    pub body: Body,
}

/// What is in an [`Envelope`].
#[derive(Debug, Clone)]
pub enum Body {
    /// Something to be done.
    Message(Message),
    /// A question, and how long it will be waited for.
    Request(RequestId, Duration, Request),
    /// An answer.
    Answer(RequestId, Answer),
}

/// Why bytes are no [`Envelope`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeError(&'static str);

const CUT: EnvelopeError = EnvelopeError("it is cut short");

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for EnvelopeError {}

/// Nothing is refused that another server could send.
const LIMITS: Limits =
    Limits { max_attachments: usize::MAX, max_attachment_bytes: usize::MAX, max_depth: usize::MAX };

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    from: ServerId,
    namespace: Arc<str>,
    kind: Kind<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind<'a> {
    Broadcast {
        event: Arc<str>,
        target: Target,
        volatile: bool,
        compress: bool,
        offset: Option<Offset>,
        asks: Option<Asks>,
    },
    SocketsJoin {
        target: Target,
        rooms: Vec<Room>,
    },
    SocketsLeave {
        target: Target,
        rooms: Vec<Room>,
    },
    DisconnectSockets {
        target: Target,
        close: bool,
    },
    FetchSockets {
        target: Target,
        asks: Asks,
    },
    ServerSideEmit {
        event: Arc<str>,
        asks: Option<Asks>,
    },
    Clients {
        request: RequestId,
        count: usize,
        sockets: Vec<SocketId>,
    },
    Ack {
        request: RequestId,
        socket: Option<SocketId>,
    },
    NoAck {
        request: RequestId,
        socket: SocketId,
        why: NoAck,
    },
    Sockets {
        request: RequestId,
        sockets: std::borrow::Cow<'a, [SocketSnapshot]>,
    },
    ServerSide {
        request: RequestId,
    },
    Declined {
        request: RequestId,
    },
}

impl Kind<'_> {
    /// Whether a packet with arguments stands behind the head, be they none.
    fn has_args(&self) -> bool {
        matches!(
            self,
            Self::Broadcast { .. } | Self::ServerSideEmit { .. } | Self::Ack { .. } | Self::ServerSide { .. }
        )
    }
}

#[derive(Serialize, Deserialize)]
struct Asks {
    request: RequestId,
    millis: u64,
}

impl Asks {
    fn new(request: &RequestId, timeout: Duration) -> Self {
        Self { request: request.clone(), millis: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX) }
    }

    fn with(self, request: Request) -> Body {
        Body::Request(self.request, Duration::from_millis(self.millis), request)
    }
}

fn broadcast(emission: &Emission, asks: Option<Asks>) -> Kind<'static> {
    let Emission { event, target, flags, offset, .. } = emission;
    let Flags { volatile, compress } = *flags;
    Kind::Broadcast {
        event: event.clone(),
        target: target.clone(),
        volatile,
        compress,
        offset: offset.clone(),
        asks,
    }
}

impl Body {
    /// The head, and the arguments that go with it.
    fn parts(&self) -> (Kind<'_>, Option<&Args>) {
        match self {
            Self::Message(message) => match message {
                Message::Broadcast(emission) => (broadcast(emission, None), Some(&emission.args)),
                Message::SocketsJoin { target, rooms } => {
                    (Kind::SocketsJoin { target: target.clone(), rooms: rooms.clone() }, None)
                }
                Message::SocketsLeave { target, rooms } => {
                    (Kind::SocketsLeave { target: target.clone(), rooms: rooms.clone() }, None)
                }
                Message::DisconnectSockets { target, close } => {
                    (Kind::DisconnectSockets { target: target.clone(), close: *close }, None)
                }
                Message::ServerSideEmit { event, args } => {
                    (Kind::ServerSideEmit { event: event.clone(), asks: None }, Some(args))
                }
            },
            Self::Request(id, timeout, request) => {
                let asks = Asks::new(id, *timeout);
                match request {
                    Request::Broadcast(emission) => (broadcast(emission, Some(asks)), Some(&emission.args)),
                    Request::FetchSockets { target } => {
                        (Kind::FetchSockets { target: target.clone(), asks }, None)
                    }
                    Request::ServerSideEmit { event, args } => {
                        (Kind::ServerSideEmit { event: event.clone(), asks: Some(asks) }, Some(args))
                    }
                }
            }
            Self::Answer(request, answer) => {
                let request = request.clone();
                match answer {
                    Answer::Clients { count, sockets } => {
                        (Kind::Clients { request, count: *count, sockets: sockets.clone() }, None)
                    }
                    Answer::Ack { socket, args } => {
                        (Kind::Ack { request, socket: socket.clone() }, Some(args))
                    }
                    Answer::NoAck { socket, why } => {
                        (Kind::NoAck { request, socket: socket.clone(), why: *why }, None)
                    }
                    Answer::Sockets(sockets) => (Kind::Sockets { request, sockets: sockets.into() }, None),
                    Answer::ServerSide(args) => (Kind::ServerSide { request }, Some(args)),
                    Answer::Declined => (Kind::Declined { request }, None),
                }
            }
        }
    }

    fn from_parts(kind: Kind<'_>, args: Args) -> Self {
        match kind {
            Kind::Broadcast { event, target, volatile, compress, offset, asks } => {
                let emission = Emission { event, args, target, flags: Flags { volatile, compress }, offset };
                match asks {
                    Some(asks) => asks.with(Request::Broadcast(emission)),
                    None => Self::Message(Message::Broadcast(emission)),
                }
            }
            Kind::SocketsJoin { target, rooms } => Self::Message(Message::SocketsJoin { target, rooms }),
            Kind::SocketsLeave { target, rooms } => Self::Message(Message::SocketsLeave { target, rooms }),
            Kind::DisconnectSockets { target, close } => {
                Self::Message(Message::DisconnectSockets { target, close })
            }
            Kind::FetchSockets { target, asks } => asks.with(Request::FetchSockets { target }),
            Kind::ServerSideEmit { event, asks: Some(asks) } => {
                asks.with(Request::ServerSideEmit { event, args })
            }
            Kind::ServerSideEmit { event, asks: None } => {
                Self::Message(Message::ServerSideEmit { event, args })
            }
            Kind::Clients { request, count, sockets } => {
                Self::Answer(request, Answer::Clients { count, sockets })
            }
            Kind::Ack { request, socket } => Self::Answer(request, Answer::Ack { socket, args }),
            Kind::NoAck { request, socket, why } => Self::Answer(request, Answer::NoAck { socket, why }),
            Kind::Sockets { request, sockets } => {
                Self::Answer(request, Answer::Sockets(sockets.into_owned()))
            }
            Kind::ServerSide { request } => Self::Answer(request, Answer::ServerSide(args)),
            Kind::Declined { request } => Self::Answer(request, Answer::Declined),
        }
    }
}

impl Envelope {
    /// The bytes.
    pub fn to_bytes(&self) -> Bytes {
        let (kind, args) = self.body.parts();
        let head = Head { from: self.from.clone(), namespace: self.namespace.clone(), kind };
        let head = serde_json::to_vec(&head).expect("text, numbers and JSON values can be written to memory");
        let packet = args.and_then(|args| parser::ack_raw("/", 0, args, &LIMITS).ok());
        let mut out = BytesMut::with_capacity(head.len() + 64);
        let mut part = |bytes: &[u8]| {
            out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            out.put_slice(bytes);
        };
        part(&head);
        if let Some(packet) = &packet {
            part(packet.first());
            packet.attachments().iter().for_each(|bytes| part(bytes));
        }
        out.freeze()
    }

    /// Reads them. Attachments share the buffer.
    ///
    /// # Errors
    /// When they are no envelope.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, EnvelopeError> {
        let mut rest = bytes.clone();
        let head = part(&mut rest)?.ok_or(EnvelopeError("it has no head"))?;
        let head: Head<'_> =
            serde_json::from_slice(&head).map_err(|_| EnvelopeError("its head cannot be read"))?;
        let Head { from, namespace, kind } = head;
        let args = match part(&mut rest)? {
            Some(text) => arguments(text, &mut rest)?,
            None if kind.has_args() => return Err(CUT),
            None => Args::empty(),
        };
        Ok(Self { from, namespace, body: Body::from_parts(kind, args) })
    }
}

fn part(rest: &mut Bytes) -> Result<Option<Bytes>, EnvelopeError> {
    if rest.is_empty() {
        return Ok(None);
    }
    let Some(len) = rest.first_chunk::<4>().map(|len| u32::from_be_bytes(*len) as usize) else {
        return Err(CUT);
    };
    drop(rest.split_to(4));
    if rest.len() < len { Err(CUT) } else { Ok(Some(rest.split_to(len))) }
}

fn arguments(mut text: Bytes, rest: &mut Bytes) -> Result<Args, EnvelopeError> {
    let unreadable = EnvelopeError("its arguments cannot be read");
    if text.first() != Some(&b'4') {
        return Err(unreadable);
    }
    drop(text.split_to(1));
    let mut decoder = Decoder::new(LIMITS);
    let text = Text::try_from(text).map_err(|_| unreadable.clone())?;
    let mut packet = decoder.text(text).map_err(|_| unreadable.clone())?;
    while packet.is_none() {
        let attachment = part(rest)?.ok_or(unreadable.clone())?;
        packet = decoder.binary(attachment).map_err(|_| unreadable.clone())?;
    }
    match packet.map(|packet| packet.body) {
        Some(PacketBody::Ack { args, .. }) => Ok(args),
        _ => Err(unreadable),
    }
}

#[cfg(test)]
mod tests;
