//! The task of one session: it moves packets between the transport and the state.

use std::{fmt, future::poll_fn, sync::Arc, task::Poll};

use tokio::task::AbortHandle;

use super::{
    ending::Ending,
    state::{Order, Shared},
    step::Step,
    wire::Wire,
};
use crate::codec::{
    engine::{Frame, Message, Packet, Transport},
    parser::{Decoder, Limits},
};

/// The task, which ends with this.
pub(super) struct Driver(AbortHandle);

impl Driver {
    pub(super) fn spawn(wire: Wire, shared: Arc<Shared>) -> Self {
        Self(tokio::spawn(drive(wire, shared)).abort_handle())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("is_finished", &self.0.is_finished()).finish()
    }
}

/// Whatever happens to the task, those who wait for its packets hear of it: a service that panics in a request of the
/// client has cut the client off.
struct Telling(Arc<Shared>);

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.end.get_or_insert(Ending::Cut);
        });
    }
}

async fn drive(mut wire: Wire, shared: Arc<Shared>) {
    let _telling = Telling(shared.clone());
    let mut decoder = Decoder::new(Limits {
        max_attachments: usize::MAX,
        max_attachment_bytes: usize::MAX,
        ..Limits::default()
    });
    // The text of the packet that is being received.
    let mut head = String::new();
    let mut is_closing = false;
    let end = loop {
        let (work, reads) = shared.with(|state| (state.take_work(), state.reads));
        let (frames, order) = work;
        frames.into_iter().for_each(|frame| wire.send(frame));
        match order {
            Some(Order::Cut) => {
                // What fits into the connection has left before it is cut.
                let _step = poll_fn(|cx| Poll::Ready(wire.poll(cx, false))).await;
                break Ending::Local;
            }
            Some(Order::Close) => {
                is_closing = true;
                wire.close();
            }
            Some(Order::Upgrade) => {
                if let Err(error) = wire.upgrade() {
                    shared.change(|state| state.upgrade = Some(Err(error)));
                }
            }
            None => {}
        }
        let step = tokio::select! {
            biased;
            step = poll_fn(|cx| wire.poll(cx, reads || is_closing)) => step,
            () = shared.work() => continue,
        };
        match step {
            Step::Written => shared.change(|state| state.written()),
            Step::Upgraded(outcome) => {
                let outcome = outcome.map(|websocket| wire = Wire::WebSocket(websocket));
                shared.change(|state| {
                    if outcome.is_ok() {
                        state.transport = Transport::WebSocket;
                    }
                    state.upgrade = Some(outcome);
                });
            }
            Step::End(_) if is_closing => break Ending::Local,
            Step::End(ending) => break ending,
            Step::Packet(packet) => {
                if let Err(ending) = receive(packet, &mut wire, &mut decoder, &mut head, &shared) {
                    break ending;
                }
            }
        }
    };
    shared.change(|state| state.end = Some(end));
}

fn receive(
    packet: Packet,
    wire: &mut Wire,
    decoder: &mut Decoder,
    head: &mut String,
    shared: &Shared,
) -> Result<(), Ending> {
    let decoded = match packet {
        Packet::Message(Message::Text(text)) => {
            text.as_str().clone_into(head);
            decoder.text(text)
        }
        Packet::Message(Message::Binary(bytes)) => decoder.binary(bytes),
        Packet::Ping(data) => {
            if shared.with(|state| state.answers_pings) {
                wire.send(Frame::Text(["3", &data].concat().into()));
            }
            Ok(None)
        }
        Packet::Close => return Err(Ending::Closed),
        Packet::Open | Packet::Pong(_) | Packet::Upgrade | Packet::Noop => Ok(None),
    };
    match decoded {
        Ok(Some(packet)) => match shared.change(|state| state.receive(packet, head)) {
            true => Ok(()),
            false => Err(Ending::Overrun),
        },
        Ok(None) => Ok(()),
        Err(_) => Err(Ending::Garbled),
    }
}
