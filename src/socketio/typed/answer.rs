//! What a typed handler returns, as the acknowledgement that its event has.

use serde::Serialize;

use super::event::NoAck;
use crate::{
    error::BoxError,
    socketio::{
        answer_form::AnswerForm,
        event::Reply,
        handler::{Ack, IntoReply},
    },
};

/// What may be returned by the handler of an event whose acknowledgement is `A`: an `A`, or a `Result` of it with any
/// error. Where `A` is [`NoAck`], a `()` stands for it.
#[diagnostic::on_unimplemented(
    message = "the handler returns `{Self}`, but its event is acknowledged with `{A}`",
    label = "does not give `{A}`",
    note = "return `{A}`, or a `Result` of it with any error; where it is `NoAck`, return `()`",
    note = "an acknowledgement must implement serde's `Serialize`"
)]
pub trait IntoAnswer<A> {
    /// Whether it can be an error.
    const CAN_FAIL: bool;

    /// Makes the answer, in the form that is wanted. If there is none, no answer is wanted, and nothing has to be
    /// encoded.
    ///
    /// # Errors
    /// The handler's own, and those of encoding.
    fn into_answer(self, form: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError>;
}

impl<A: Serialize + 'static> IntoAnswer<A> for A {
    const CAN_FAIL: bool = false;

    fn into_answer(self, form: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError> {
        Ack(self).into_reply(form)
    }
}

impl<A: Serialize + 'static, E: Into<BoxError>> IntoAnswer<A> for Result<A, E> {
    const CAN_FAIL: bool = true;

    fn into_answer(self, form: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError> {
        self.map(Ack).into_reply(form)
    }
}

/// A client that asks all the same gets an acknowledgement without arguments.
impl IntoAnswer<NoAck> for () {
    const CAN_FAIL: bool = false;

    fn into_answer(self, form: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError> {
        self.into_reply(form)
    }
}

impl<E: Into<BoxError>> IntoAnswer<NoAck> for Result<(), E> {
    const CAN_FAIL: bool = true;

    fn into_answer(self, form: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError> {
        self.into_reply(form)
    }
}
