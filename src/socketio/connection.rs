//! A session of the engine as a client of Socket.IO: its messages become packets for its driver.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use tower::Service;

use super::{
    driver::Driver,
    hub::Hub,
    link::{Link, Load},
    namespace::ConnectService,
};
use crate::{
    codec::{engine::Message, parser::PacketDecoder},
    exchange::Open,
};

/// Speaks Socket.IO over sessions: the service that an engine is made with. For each session it starts a driver on
/// the session's task.
#[derive(Clone)]
pub struct Connector {
    hub: Arc<Hub>,
    service: ConnectService,
}

impl Connector {
    pub(crate) fn new(hub: Arc<Hub>, service: ConnectService) -> Self {
        Self { hub, service }
    }
}

impl Service<Open> for Connector {
    type Response = Connection;
    type Error = Infallible;
    type Future = Ready<Result<Connection, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The connect services are asked by the clients that join.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, open: Open) -> Self::Future {
        let link = Arc::new(Link::new(open.session_id.clone(), open.revision, open.scope.clone()));
        let limits = &self.hub.limits;
        let connection = Connection {
            link: link.clone(),
            decoder: self.hub.parser.decoder(&limits.packet),
            max_set_aside: Load { events: limits.events_set_aside, bytes: limits.bytes_set_aside },
            unfinished: 0,
            is_broken: false,
        };
        let scope = open.scope.clone();
        scope.drive(Driver::new(self.hub.clone(), self.service.clone(), link, open));
        ready(Ok(connection))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

/// One session. It is not ready while as many events are set aside as may be.
pub struct Connection {
    link: Arc<Link>,
    decoder: Box<dyn PacketDecoder>,
    max_set_aside: Load,
    /// Bytes of the messages that make up the packet under way.
    unfinished: usize,
    /// The client sent what is no packet: the driver closes the session, and what follows is ignored.
    is_broken: bool,
}

impl Service<Message> for Connection {
    type Response = ();
    type Error = Infallible;
    type Future = Ready<Result<(), Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.link.poll_room(cx, self.max_set_aside).map(Ok)
    }

    fn call(&mut self, message: Message) -> Self::Future {
        if !self.is_broken {
            self.unfinished += message.len();
            let decoded = match message {
                Message::Text(text) => self.decoder.text(text),
                Message::Binary(bytes) => self.decoder.binary(bytes),
            };
            self.is_broken = decoded.is_err();
            // Without a packet, attachments are still due.
            if let Some(packet) = decoded.transpose() {
                self.link.push(packet, std::mem::take(&mut self.unfinished));
            }
        }
        ready(Ok(()))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_broken", &self.is_broken).finish_non_exhaustive()
    }
}
