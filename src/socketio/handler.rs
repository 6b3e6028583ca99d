//! Handlers: plain async functions and closures, whose arguments are extracted.

use std::{any::Any, future::Future, sync::Arc};

use serde::Serialize;

use super::{
    answer_form::AnswerForm,
    event::{Event, EventFuture, HookFuture, Reply},
    event_error::EventError,
    extract::Extract,
    states::Needs,
};
use crate::{codec::parser::Payload, error::BoxError};

/// A function or closure that handles an event (or one of the other contexts `C`): up to eight arguments that
/// implement [`Extract`], an async body, and a result that implements [`IntoReply`].
///
/// It is cloned for each call, so what a closure captures should be cheap to clone.
#[diagnostic::on_unimplemented(
    message = "this is no handler for `{C}`",
    label = "must be an `async fn` or closure whose arguments can all be extracted, whose future is `Send`, and \
             whose result can be a reply",
    note = "arguments of event handlers: `Socket`, `Data<T>`, `Event`, `AckSender`, `State<T>`, `Io` and others",
    note = "results: `()`, `Ack<T>`, `Reply`, or a `Result` of one of them with any error",
    note = "what a closure captures must be `Clone + Send + Sync + 'static`"
)]
pub trait Handler<C, A>: Clone + Send + Sync + 'static {
    /// What it returns.
    type Output: IntoReply;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Extracts the arguments and calls it.
    ///
    /// # Errors
    /// Those of the extractors; then it is not called.
    fn call(self, context: &C) -> Result<Self::Future, EventError>;

    /// What its arguments need.
    fn needs(needs: &mut Needs);
}

macro_rules! impl_handler {
    ($($argument:ident),*) => {
        impl<C, F, Fut, $($argument,)*> Handler<C, ($($argument,)*)> for F
        where
            F: FnOnce($($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            Fut::Output: IntoReply,
            $($argument: Extract<C>,)*
        {
            type Output = Fut::Output;
            type Future = Fut;

            fn call(self, context: &C) -> Result<Fut, EventError> {
                let _ = context;
                Ok(self($($argument::extract(context)?),*))
            }

            fn needs(needs: &mut Needs) {
                let _ = &needs;
                $($argument::needs(needs);)*
            }
        }
    };
}

impl_handler!();
impl_handler!(A1);
impl_handler!(A1, A2);
impl_handler!(A1, A2, A3);
impl_handler!(A1, A2, A3, A4);
impl_handler!(A1, A2, A3, A4, A5);
impl_handler!(A1, A2, A3, A4, A5, A6);
impl_handler!(A1, A2, A3, A4, A5, A6, A7);
impl_handler!(A1, A2, A3, A4, A5, A6, A7, A8);

/// What a handler returns, as the answer to its event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no answer to an event",
    note = "return `()`, `Ack(value)`, a `Reply`, or a `Result` of one of them"
)]
pub trait IntoReply {
    /// Makes the answer, in the form that is wanted. If there is none, no answer is wanted, and nothing has to be
    /// encoded.
    ///
    /// # Errors
    /// The handler's own, and those of encoding.
    fn into_reply(self, form: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError>;
}

/// Nothing to say: a client that asked gets an acknowledgement without arguments, if no other handler of the event
/// answers.
impl IntoReply for () {
    fn into_reply(self, _: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError> {
        Ok(Reply::handled())
    }
}

impl IntoReply for Reply {
    fn into_reply(self, _: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError> {
        Ok(self)
    }
}

/// The arguments of an acknowledgement. A tuple is several.
///
/// More than 4 KiB of [`Bytes`](bytes::Bytes) are sent from where they are. A slice keeps all of the buffer that it is
/// a part of until the client has taken it, and a client that reads slowly is allowed to leave thousands of them
/// waiting, of which only their own length is counted. Who answers with a small part of something large gives a copy:
/// [`Bytes::copy_from_slice`](bytes::Bytes::copy_from_slice).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack<T>(pub T);

impl<T: Serialize + 'static> IntoReply for Ack<T> {
    fn into_reply(self, form: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError> {
        let Some(form) = form else { return Ok(Reply::none()) };
        let bytes = (&self.0 as &dyn Any).downcast_ref();
        Ok(form.reply(&Payload::new(&&self.0).as_bytes(bytes))?)
    }
}

impl<R: IntoReply, E: Into<BoxError>> IntoReply for Result<R, E> {
    fn into_reply(self, form: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError> {
        self.map_err(Into::into)?.into_reply(form)
    }
}

/// An event handler without its type.
pub(crate) type EventHandler = Arc<dyn Fn(&Event) -> EventFuture + Send + Sync>;

/// A hook without its type.
pub(crate) type HookHandler<C> = Arc<dyn Fn(&C) -> HookFuture + Send + Sync>;

/// The one place where the types of event handlers end.
pub(crate) fn erase<H: Handler<Event, A>, A>(handler: H, needs: &mut Needs) -> EventHandler {
    let mut own = Needs::default();
    H::needs(&mut own);
    needs.extend(&own);
    let takes_ack = own.takes_ack();
    Arc::new(move |event| {
        let owed = event.ack.as_ref().map(|ack| (event.socket.state().clone(), ack.id()));
        match handler.clone().call(event) {
            Ok(future) => Box::pin(async move {
                let answer = future.await;
                let form = owed.as_ref().map(|(namespace, id)| AnswerForm::acknowledgement(namespace, *id));
                let reply = answer.into_reply(form.as_ref())?;
                Ok(if takes_ack { Reply::none() } else { reply })
            }),
            Err(error) => Box::pin(std::future::ready(Err(error.into()))),
        }
    })
}

/// The same for hooks. Nothing of the user's runs before the future is polled.
pub(crate) fn erase_hook<C, H, A>(handler: H, needs: &mut Needs) -> HookHandler<C>
where
    C: Clone + Send + Sync + 'static,
    H: Handler<C, A>,
{
    H::needs(needs);
    let handler = Arc::new(handler);
    Arc::new(move |context| {
        let (handler, context) = (handler.clone(), context.clone());
        Box::pin(async move {
            let future = (*handler).clone().call(&context);
            drop((handler, context));
            future?.await.into_reply(None).map(drop).map_err(EventError::from_error)
        })
    })
}
