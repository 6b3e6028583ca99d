//! A session of the engine as a client of Socket.IO: its messages become packets for its driver.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use tokio::time::Instant;
use tower::Service;

use super::{
    driver::Driver,
    hub::Hub,
    limits::SocketLimits,
    link::{Link, Load, News},
    namespace::ConnectService,
    unfinished::Held,
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
    /// Behind an `Arc`: frameworks clone this for every request, but only sessions need a service of their own.
    service: Arc<ConnectService>,
}

impl Connector {
    pub(crate) fn new(hub: Arc<Hub>, service: ConnectService) -> Self {
        Self { hub, service: Arc::new(service) }
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
        let connection = Connection {
            link: link.clone(),
            decoder: Some(self.hub.parser.decoder(&self.hub.limits.packet)),
            limits: self.hub.limits.clone(),
            unfinished: 0,
            held: Held::new(self.hub.unfinished.clone()),
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

/// One session. It is not ready while as many events are set aside as may be, except for the attachments of a packet
/// that has begun: it could not be complete in time, else.
pub struct Connection {
    link: Arc<Link>,
    /// Nothing when the client has sent what is no packet: the driver closes the session, and what follows is ignored.
    decoder: Option<Box<dyn PacketDecoder>>,
    limits: Arc<SocketLimits>,
    /// Bytes of the messages that make up the packet under way.
    unfinished: usize,
    /// What the decoder holds of it.
    held: Held,
}

impl Connection {
    /// Until when the packet has to be complete that has begun, if one has.
    fn due(&self) -> Option<Instant> {
        self.held.is_any().then(|| Instant::now() + self.limits.unfinished_timeout)
    }
}

impl Service<Message> for Connection {
    type Response = ();
    type Error = Infallible;
    type Future = Ready<Result<(), Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.held.is_any() {
            return Poll::Ready(Ok(()));
        }
        let limit = Load { events: self.limits.events_set_aside, bytes: self.limits.bytes_set_aside };
        self.link.poll_room(cx, limit).map(Ok)
    }

    fn call(&mut self, message: Message) -> Self::Future {
        if let Some(mut decoder) = self.decoder.take() {
            self.unfinished += message.len();
            let had_begun = self.held.is_any();
            let mut decoded = match message {
                Message::Text(text) => decoder.text(text),
                Message::Binary(bytes) => decoder.binary(bytes),
            };
            let held = self.held.set(decoder.unfinished_bytes(), self.limits.unfinished_bytes);
            if let (Ok(_), Err(error)) = (&decoded, held) {
                decoded = Err(error);
            }
            self.decoder = Some(decoder);
            match decoded {
                // A packet is large, and straight on its way.
                Ok(Some(packet)) => {
                    let bytes = std::mem::take(&mut self.unfinished);
                    self.link.push(News::Packet(packet, bytes), self.due());
                }
                // Without a packet, attachments are still due.
                Ok(None) if self.held.is_any() != had_begun => self.link.begun(self.due()),
                Ok(None) => {}
                Err(error) => {
                    self.decoder = None;
                    self.held.release();
                    self.link.push(News::Malformed(error), None);
                }
            }
        }
        ready(Ok(()))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("held", &self.held).finish_non_exhaustive()
    }
}
