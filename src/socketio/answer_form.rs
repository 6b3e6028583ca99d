//! What a handler's answer is made into.

use std::sync::Arc;

use super::{event::Reply, namespace_state::NamespaceState};
use crate::codec::parser::{EncodeError, Parser, Payload};

/// In what form the answer of a handler is wanted: see [`IntoReply`](super::IntoReply).
#[derive(Debug)]
pub struct AnswerForm<'a>(Wanted<'a>);

#[derive(Debug)]
enum Wanted<'a> {
    /// Arguments, for whoever passes them on.
    Args(&'a dyn Parser),
    /// The acknowledgement of an event with this id.
    Acknowledgement(&'a Arc<NamespaceState>, u64),
}

impl<'a> AnswerForm<'a> {
    pub(crate) fn args(parser: &'a dyn Parser) -> Self {
        Self(Wanted::Args(parser))
    }

    pub(crate) fn acknowledgement(namespace: &'a Arc<NamespaceState>, id: u64) -> Self {
        Self(Wanted::Acknowledgement(namespace, id))
    }

    /// The parser that will write it.
    pub fn parser(&self) -> &dyn Parser {
        match self.0 {
            Wanted::Args(parser) => parser,
            Wanted::Acknowledgement(namespace, _) => &*namespace.parser,
        }
    }

    /// Makes the answer of its arguments.
    ///
    /// # Errors
    /// When they cannot be serialized, are nested too deeply, or have too many attachments.
    pub fn reply(&self, data: &Payload<'_>) -> Result<Reply, EncodeError> {
        if let Wanted::Acknowledgement(namespace, id) = self.0
            && let Some(written) = namespace.acknowledge(id, data)
        {
            return Ok(Reply::written(namespace.clone(), id, written?));
        }
        Ok(Reply::ack(self.parser().args(data)?))
    }
}
