//! Events on their way, with connection state recovery.

use std::sync::Arc;

use super::replay::{Order, Replay, Taken};
use crate::{
    adapter::Emission,
    codec::parser::EncodeError,
    outbox::{SendError, SharedPacket},
    socketio::{
        delivery::{Delivery, shared},
        emit_error::EmitError,
        member::Member,
        namespace_state::NamespaceState,
        outgoing::Emitted,
    },
};

impl Replay {
    /// Sends an event, and gives it back as the other servers are to get it. If the store brings it to everybody, there
    /// is nothing more to do.
    pub(crate) fn broadcast(
        &self,
        namespace: &NamespaceState,
        mut emission: Emission,
    ) -> Result<Option<Emission>, EncodeError> {
        is_sendable(namespace, &emission)?;
        let delivery = {
            let mut order = self.order.lock();
            match self.append(&namespace.name, &mut emission) {
                Taken::Here => self.place(&mut order, namespace, &emission)?,
                Taken::Over => return Ok(None),
            }
        };
        depart(namespace, delivery, &emission);
        if !self.server.is_shared {
            emission.offset = None;
        }
        Ok(Some(emission))
    }

    /// Sends an event to one socket. It gets it wherever it is: also before it has joined, and if it has left the room
    /// of its own id.
    pub(crate) fn emit(
        &self,
        namespace: &NamespaceState,
        member: &Arc<Member>,
        mut emission: Emission,
    ) -> Result<(), EmitError> {
        is_sendable(namespace, &emission)?;
        let mut delivery = Delivery::default();
        {
            let mut order = self.order.lock();
            // A store that brings events to everybody does not find a socket that has not joined.
            let is_found = !self.server.is_shared || member.is_connected();
            if is_found && let Taken::Over = self.append(&namespace.name, &mut emission) {
                return Ok(());
            }
            self.pass(&mut order, &emission);
            let is_pending = member.recovery.as_ref().is_some_and(|recovery| recovery.is_pending());
            if !is_pending {
                let packet = namespace.encode_emission(None, &emission)?;
                delivery.place(member.clone(), &packet, emission.flags.into());
            }
        }
        match depart(namespace, delivery, &emission) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Another server's event has come.
    pub(crate) fn receive(
        &self,
        namespace: &NamespaceState,
        mut emission: Emission,
    ) -> Result<(), EncodeError> {
        if !self.server.is_shared {
            emission.offset = None;
            return self.broadcast(namespace, emission).map(drop);
        }
        let delivery = {
            let mut order = self.order.lock();
            self.place(&mut order, namespace, &emission)?
        };
        depart(namespace, delivery, &emission);
        Ok(())
    }

    fn place(
        &self,
        order: &mut Order,
        namespace: &NamespaceState,
        emission: &Emission,
    ) -> Result<Delivery, EncodeError> {
        self.pass(order, emission);
        let mut members = namespace.select(&emission.target);
        members.retain(|member| !member.is_leaving());
        if !order.ahead.is_empty() {
            members.retain(|member| !order.was_told(member, emission.offset.as_ref()));
        }
        let mut packets = Packets::new(namespace, emission);
        let mut delivery = Delivery::default();
        for member in members {
            let packet = packets.for_member(&member)?;
            delivery.place_shared(member, packet, emission.flags.into());
        }
        Ok(delivery)
    }
}

/// What cannot be encoded is not to stand in the log. Without attachments, whatever became arguments can be.
fn is_sendable(namespace: &NamespaceState, emission: &Emission) -> Result<(), EncodeError> {
    if emission.args.attachments().is_empty() {
        return Ok(());
    }
    namespace.encode_emission(None, emission).map(drop)
}

/// It is on its way, without its offset for whoever listens to that.
fn depart(namespace: &NamespaceState, delivery: Delivery, emission: &Emission) -> Option<SendError> {
    let args = || Ok(emission.args.clone());
    delivery.depart(namespace, Some(&Emitted::new(&emission.event, &args, false)))
}

/// One event, encoded once for those who may be recovered, and once for those who may not: they get no offset.
struct Packets<'a> {
    namespace: &'a NamespaceState,
    emission: &'a Emission,
    with_offset: Option<SharedPacket>,
    without: Option<SharedPacket>,
}

impl<'a> Packets<'a> {
    fn new(namespace: &'a NamespaceState, emission: &'a Emission) -> Self {
        Self { namespace, emission, with_offset: None, without: None }
    }

    fn for_member(&mut self, member: &Member) -> Result<&SharedPacket, EncodeError> {
        let Self { namespace, emission, with_offset, without } = self;
        if member.recovery.is_some() || emission.offset.is_none() {
            return match with_offset {
                Some(packet) => Ok(packet),
                none => Ok(none.insert(shared(&namespace.encode_emission(None, emission)?))),
            };
        }
        match without {
            Some(packet) => Ok(packet),
            none => {
                let emission = Emission { offset: None, ..(*emission).clone() };
                Ok(none.insert(shared(&namespace.encode_emission(None, &emission)?)))
            }
        }
    }
}
