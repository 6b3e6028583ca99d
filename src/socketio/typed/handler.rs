//! Typed handlers: the last argument is the event.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use serde::de::DeserializeOwned;

use super::{answer::IntoAnswer, event::TypedEvent};
use crate::{
    error::BoxError,
    socketio::{
        answer_form::AnswerForm,
        event::{Event, Reply},
        event_error::EventError,
        extract::Extract,
        handler::{Handler, IntoReply},
        states::Needs,
    },
};

/// A function or closure that handles a [`TypedEvent`]: its last argument is the event, up to seven more come before
/// it and implement [`Extract`], and what it returns implements [`IntoAnswer`] for the event's acknowledgement.
///
/// It is cloned for each call, so what a closure captures should be cheap to clone.
#[diagnostic::on_unimplemented(
    message = "this is no handler for a typed event",
    label = "must be an `async fn` or closure whose last argument is the event, whose other arguments can all be \
             extracted, and whose future is `Send`",
    note = "arguments before the event: `Socket`, `Event`, `State<T>`, `Io` and others",
    note = "what a closure captures must be `Clone + Send + Sync + 'static`"
)]
pub trait TypedHandler<A>: Clone + Send + Sync + 'static {
    /// What it handles.
    type Event;
    /// What it returns.
    type Output;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Extracts the other arguments and calls it.
    ///
    /// # Errors
    /// Those of the extractors; then it is not called.
    fn call(self, context: &Event, event: Self::Event) -> Result<Self::Future, EventError>;

    /// What its arguments need.
    fn needs(needs: &mut Needs);
}

macro_rules! impl_typed_handler {
    ($($argument:ident),*) => {
        impl<F, Fut, M, $($argument,)*> TypedHandler<($($argument,)* M,)> for F
        where
            F: FnOnce($($argument,)* M) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            $($argument: Extract<Event>,)*
        {
            type Event = M;
            type Output = Fut::Output;
            type Future = Fut;

            fn call(self, context: &Event, event: M) -> Result<Fut, EventError> {
                let _ = context;
                Ok(self($($argument::extract(context)?,)* event))
            }

            fn needs(needs: &mut Needs) {
                let _ = &needs;
                $($argument::needs(needs);)*
            }
        }
    };
}

impl_typed_handler!();
impl_typed_handler!(A1);
impl_typed_handler!(A1, A2);
impl_typed_handler!(A1, A2, A3);
impl_typed_handler!(A1, A2, A3, A4);
impl_typed_handler!(A1, A2, A3, A4, A5);
impl_typed_handler!(A1, A2, A3, A4, A5, A6);
impl_typed_handler!(A1, A2, A3, A4, A5, A6, A7);

/// A typed handler as one of all handlers.
pub(crate) struct Typed<H, A> {
    handler: H,
    arguments: PhantomData<fn() -> A>,
}

/// Its arguments, unlike those of any function.
pub(crate) struct TypedArguments<A>(PhantomData<fn() -> A>);

impl<H, A> Typed<H, A> {
    pub(crate) fn new(handler: H) -> Self {
        Self { handler, arguments: PhantomData }
    }
}

impl<H: Clone, A> Clone for Typed<H, A> {
    fn clone(&self) -> Self {
        Self::new(self.handler.clone())
    }
}

impl<H, A> Handler<Event, TypedArguments<A>> for Typed<H, A>
where
    H: TypedHandler<A>,
    A: 'static,
    H::Event: TypedEvent<Ack: 'static> + DeserializeOwned,
    H::Output: IntoAnswer<<H::Event as TypedEvent>::Ack>,
{
    type Output = Answer<H::Output, <H::Event as TypedEvent>::Ack>;
    type Future = Answering<H::Future, <H::Event as TypedEvent>::Ack>;

    fn call(self, context: &Event) -> Result<Self::Future, EventError> {
        let event = context.args.deserialize().map_err(EventError::from_error)?;
        Ok(Answering { handler: self.handler.call(context, event)?, ack: PhantomData })
    }

    fn needs(needs: &mut Needs) {
        H::needs(needs);
    }
}

/// What a typed handler has returned.
pub(crate) struct Answer<R, A>(R, PhantomData<fn() -> A>);

impl<R: IntoAnswer<A>, A> IntoReply for Answer<R, A> {
    fn into_reply(self, form: Option<&AnswerForm<'_>>) -> Result<Reply, BoxError> {
        self.0.into_answer(form)
    }
}

pin_project! {
    /// A typed handler that runs.
    pub(crate) struct Answering<F, A> {
        #[pin]
        handler: F,
        ack: PhantomData<fn() -> A>,
    }
}

impl<F: Future, A> Future for Answering<F, A> {
    type Output = Answer<F::Output, A>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().handler.poll(cx).map(|output| Answer(output, PhantomData))
    }
}

impl<F, A> fmt::Debug for Answering<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").finish_non_exhaustive()
    }
}
