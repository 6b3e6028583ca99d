//! A client's transport: whatever it is, packets go in and come out.

use std::task::{Context, Poll};

use super::{
    door::Route,
    error::{ConnectError, Kind, TestError},
    opened::Opened,
    polling::Polling,
    step::Step,
    websocket::WebSocket,
};
use crate::codec::engine::{Frame, Transport};

pub(super) enum Wire {
    Polling(Box<Polling>),
    WebSocket(Box<WebSocket>),
}

impl Wire {
    pub(super) async fn open(
        route: &Route,
        transport: Transport,
        buffer: usize,
    ) -> Result<(Self, Opened), ConnectError> {
        Ok(match transport {
            Transport::Polling => {
                let (polling, opened) = Polling::open(route.clone(), buffer).await?;
                (Self::Polling(Box::new(polling)), opened)
            }
            Transport::WebSocket => {
                let (websocket, opened) = WebSocket::open(route, buffer).await?;
                (Self::WebSocket(Box::new(websocket)), opened)
            }
        })
    }

    pub(super) fn send(&mut self, frame: Frame) {
        match self {
            Self::Polling(polling) => polling.outgoing.push_back(frame),
            Self::WebSocket(websocket) => websocket.send(frame),
        }
    }

    /// Says goodbye; the end comes as a step.
    pub(super) fn close(&mut self) {
        match self {
            Self::Polling(polling) => polling.close(),
            Self::WebSocket(websocket) => websocket.close(),
        }
    }

    /// Moves over to a websocket; what becomes of it comes as a step.
    pub(super) fn upgrade(&mut self) -> Result<(), TestError> {
        match self {
            Self::Polling(polling) => {
                polling.upgrade();
                Ok(())
            }
            Self::WebSocket(_) => {
                Err(TestError::new(Kind::Setup, "the client is on a websocket already, and cannot upgrade"))
            }
        }
    }

    /// Sends what is to be sent, and, if the client reads, gives the next thing that came.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, reads: bool) -> Poll<Step<WebSocket>> {
        match self {
            Self::Polling(polling) => polling.poll(cx, reads),
            Self::WebSocket(websocket) => websocket.poll(cx, reads),
        }
    }
}
