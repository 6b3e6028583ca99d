//! Events on their way to a client, for those who listen to them.

use std::{cell::OnceCell, fmt, sync::Arc};

use crate::{
    codec::parser::{Args, EncodeError},
    guard::guarded,
    id::SocketId,
};

/// An event that goes to a client: what listeners of outgoing events are told.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    event: &'a str,
    args: &'a Args,
    socket: &'a SocketId,
    wants_ack: bool,
}

impl<'a> Outgoing<'a> {
    /// The event's name.
    pub fn event(&self) -> &'a str {
        self.event
    }

    /// What goes with it.
    pub fn args(&self) -> &'a Args {
        self.args
    }

    /// To which socket it goes.
    pub fn socket_id(&self) -> &'a SocketId {
        self.socket
    }

    /// Whether an acknowledgement was asked for.
    pub fn wants_ack(&self) -> bool {
        self.wants_ack
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("event", &self.event)
            .field("args", self.args)
            .field("socket", self.socket)
            .field("wants_ack", &self.wants_ack)
            .finish()
    }
}

/// A listener of outgoing events, without its type.
pub(crate) type OutgoingListener = Arc<dyn Fn(&Outgoing<'_>) + Send + Sync>;

/// A listener whose panic is no matter of whoever emits.
pub(crate) fn listener(listen: impl Fn(&Outgoing<'_>) + Send + Sync + 'static) -> OutgoingListener {
    Arc::new(move |outgoing| {
        guarded("a listener of outgoing events", || listen(outgoing));
    })
}

/// An event as it was emitted. What goes with it is encoded for listeners when the first of them is there.
pub(crate) struct Emitted<'a> {
    event: &'a str,
    encode: &'a dyn Fn() -> Result<Args, EncodeError>,
    wants_ack: bool,
    args: OnceCell<Args>,
}

impl<'a> Emitted<'a> {
    pub(crate) fn new(
        event: &'a str,
        encode: &'a dyn Fn() -> Result<Args, EncodeError>,
        wants_ack: bool,
    ) -> Self {
        Self { event, encode, wants_ack, args: OnceCell::new() }
    }

    /// As it goes to one socket.
    pub(crate) fn to<'b>(&'b self, socket: &'b SocketId) -> Outgoing<'b> {
        let encode = || guarded("the data of an event", self.encode);
        let args = self.args.get_or_init(|| encode().and_then(Result::ok).unwrap_or_default());
        Outgoing { event: self.event, args, socket, wants_ack: self.wants_ack }
    }
}
