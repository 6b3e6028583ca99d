//! What other servers want of this one.

use std::{future::poll_fn, sync::Arc, time::Duration};

use futures_util::FutureExt;

use super::{
    acks::AckError, asked::Asked, delivery::send, emit_error::EmitError, hub::Hub,
    namespace_state::NamespaceState, others::Others, outgoing::Emitted, server_side::run,
    server_table::ServerCall, socket::Socket,
};
use crate::{
    adapter::{
        Answer, Asker, Emission, Message, NoAck, Receive, Request, ServerChange, ServerId, Target, Work,
    },
    id::SocketId,
};

impl Receive for Hub {
    fn receive(self: Arc<Self>, from: Option<ServerId>, namespace: &str, message: Message) -> Option<Work> {
        if let Message::ServerSideEmit { event, args } = message {
            let namespace = namespace.into();
            let call = ServerCall { from, namespace, event, args, wants_answer: false };
            return Some(Box::pin(run(self, call).map(drop)));
        }
        let is_logged = self.recovery.as_ref().is_some_and(|recovery| recovery.logs_others());
        // Even if nobody is there: somebody may come back.
        let namespace = if is_logged { self.namespace(namespace) } else { self.existing(namespace)? };
        match message {
            Message::Broadcast(emission) => match &namespace.replay {
                Some(replay) if !emission.flags.volatile => {
                    if let Err(error) = replay.receive(&namespace, emission) {
                        tracing::debug!(%error, "another server's event cannot be encoded");
                    }
                }
                _ => deliver(&namespace, &emission),
            },
            Message::SocketsJoin { target, rooms } => {
                for member in namespace.select(&target) {
                    namespace.join(&member, rooms.iter().cloned());
                }
            }
            Message::SocketsLeave { target, rooms } => {
                for member in namespace.select(&target) {
                    rooms.iter().for_each(|room| namespace.leave(&member, room));
                }
            }
            Message::DisconnectSockets { target, close } => {
                self.sockets(&namespace, &target).iter().for_each(|socket| socket.disconnect(close));
            }
            Message::ServerSideEmit { .. } => {}
        }
        None
    }

    fn server_changed(&self, change: ServerChange) {
        if let Some(others) = &self.others {
            others.tell(&change);
        }
    }

    fn serve(self: Arc<Self>, asker: Asker, request: Request, timeout: Duration) -> Option<Work> {
        let others = self.others.clone()?;
        let namespace = self.existing(&asker.namespace);
        match request {
            Request::Broadcast(emission) => {
                let asked = namespace.and_then(|namespace| ask(&namespace, &emission));
                let sockets = asked.as_ref().map(Asked::ids).unwrap_or_default();
                others.respond(&asker, Answer::Clients { count: sockets.len(), sockets });
                Some(Box::pin(pass_on(asked?, others, asker, timeout)))
            }
            Request::FetchSockets { target } => {
                let sockets = namespace.map(|namespace| self.sockets(&namespace, &target));
                let snapshots = sockets.iter().flatten().map(Socket::snapshot).collect();
                others.respond(&asker, Answer::Sockets(snapshots));
                None
            }
            Request::ServerSideEmit { event, args } => {
                let (from, namespace) = (Some(asker.server.clone()), asker.namespace.clone());
                let call = ServerCall { from, namespace, event, args, wants_answer: true };
                Some(Box::pin(async move {
                    let answer = tokio::time::timeout(timeout, run(self, call)).await.ok().flatten();
                    others.respond(&asker, answer.map_or(Answer::Declined, Answer::ServerSide));
                }))
            }
        }
    }
}

impl Hub {
    fn sockets(self: &Arc<Self>, namespace: &Arc<NamespaceState>, target: &Target) -> Vec<Socket> {
        let members = namespace.select(target).into_iter();
        members
            .filter(|member| !member.is_leaving())
            .map(|member| Socket::new(member, namespace.clone(), self.clone()))
            .collect()
    }
}

fn deliver(namespace: &NamespaceState, emission: &Emission) {
    let members = namespace.select(&emission.target);
    if members.is_empty() {
        return;
    }
    match namespace.encode_emission(None, emission) {
        Ok(packet) => {
            let args = || Ok(emission.args.clone());
            let emitted = Emitted::new(&emission.event, &args, false);
            send(namespace, members, &packet, emission.flags.into(), &emitted);
        }
        Err(error) => tracing::debug!(%error, "another server's event cannot be encoded"),
    }
}

fn ask(namespace: &NamespaceState, emission: &Emission) -> Option<Asked> {
    let encode = |id| namespace.encode_emission(Some(id), emission);
    let args = || Ok(emission.args.clone());
    let emitted = Emitted::new(&emission.event, &args, true);
    Asked::ask(namespace, &emission.target, emission.flags.into(), encode, &emitted)
        .inspect_err(|error| tracing::debug!(%error, "another server's event cannot be encoded"))
        .ok()
}

/// Tells whoever asked what the clients answer.
async fn pass_on(mut asked: Asked, others: Arc<Others>, asker: Asker, timeout: Duration) {
    let all = async {
        while let Some((socket, answer)) = poll_fn(|cx| asked.poll_next(cx)).await {
            others.respond(&asker, answer_of(socket, answer));
        }
    };
    if tokio::time::timeout(timeout, all).await.is_err() {
        for socket in asked.give_up() {
            others.respond(&asker, Answer::NoAck { socket, why: NoAck::Timeout });
        }
    }
}

fn answer_of(socket: SocketId, answer: Result<crate::codec::parser::Args, AckError>) -> Answer {
    let why = match answer {
        Ok(args) => return Answer::Ack { socket: Some(socket), args },
        Err(AckError::Emit(EmitError::TooManyAcks)) => NoAck::TooMany,
        Err(AckError::Timeout) => NoAck::Timeout,
        Err(_) => NoAck::Disconnected,
    };
    Answer::NoAck { socket, why }
}
