//! What one event is: its name, its payload, its acknowledgement.

use serde::de::DeserializeOwned;

use super::typescript::Types;

/// An event, defined once for both directions: its name, its payload (the type itself) and its acknowledgement.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tower_socketio::{prelude::*, typed_events};
///
/// /// One struct, one argument: an object.
/// #[derive(Serialize, Deserialize)]
/// struct ChatMessage {
///     text: String,
/// }
///
/// /// Two arguments.
/// #[derive(Serialize, Deserialize)]
/// struct Add(i64, i64);
///
/// /// The argument is a boolean.
/// #[derive(Serialize, Deserialize)]
/// struct Typing(bool);
///
/// typed_events! {
///     ChatMessage = "chat message";
///     Add = "add" -> i64;
/// }
///
/// // The same by hand, which is also how a generic type becomes an event:
/// impl TypedEvent for Typing {
///     const NAME: &'static str = "typing";
///     type Ack = NoAck;
/// }
/// ```
///
/// Whoever emits it has to be able to serialize it, and to read its acknowledgement; whoever handles it the other way
/// round. An event that only goes one way needs only one half, and may borrow when it is only sent.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no typed event",
    label = "has no name and no acknowledgement",
    note = "say what they are: `typed_events! {{ {Self} = \"name\"; }}`, or by hand with `impl TypedEvent for {Self}`",
    note = "a typed handler's last argument is the event; other arguments come before it"
)]
pub trait TypedEvent {
    /// The event's name. Reserved names are refused when the server is built, or when it is emitted.
    const NAME: &'static str;

    /// What the other side answers: any type whose values can be the arguments of an acknowledgement, `()` for one
    /// without arguments, and [`NoAck`] if there is none to wait for.
    type Ack;

    /// What it is in TypeScript, if that is known. With the feature `typescript` the macro finds out, and by hand it is
    /// `Some(Types::of::<Self>())`.
    fn types() -> Option<Types> {
        None
    }
}

impl<M: TypedEvent + ?Sized> TypedEvent for &M {
    const NAME: &'static str = M::NAME;
    type Ack = M::Ack;

    fn types() -> Option<Types> {
        M::types()
    }
}

/// The acknowledgement of an event that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoAck {}

/// [`NoAck`], and nothing else: what may be emitted without waiting for an answer.
#[diagnostic::on_unimplemented(
    message = "this event has an acknowledgement, of type `{Self}`, and the client expects to be asked for it",
    label = "would be sent without asking",
    note = "use `emit_event_with_ack`"
)]
pub trait WithoutAck {}

impl WithoutAck for NoAck {}

/// Every acknowledgement that can be read: what may be waited for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no acknowledgement that could be waited for",
    label = "cannot be waited for",
    note = "an event whose acknowledgement is `NoAck` is sent with `emit_event`",
    note = "any other acknowledgement must implement serde's `Deserialize`, without borrowing"
)]
pub trait WithAck: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> WithAck for T {}

/// Defines events: `Type = "name";` for one without acknowledgement, `Type = "name" -> Ack;` for one with.
///
/// ```
/// # use tower_socketio::{socketio::TypedEvent, typed_events};
/// struct Save {
///     text: String,
/// }
///
/// typed_events! {
///     Save = "save" -> u64;
/// }
/// assert_eq!(<Save as TypedEvent>::NAME, "save");
/// ```
///
/// Each is an implementation of [`TypedEvent`](crate::socketio::TypedEvent), whose page says more.
#[macro_export]
macro_rules! typed_events {
    ($($event:ty = $name:literal $(-> $ack:ty)?;)*) => {$(
        impl $crate::socketio::TypedEvent for $event {
            const NAME: &'static str = $name;
            type Ack = <($($ack,)?) as $crate::socketio::typed::AckOrNone>::Ack;

            fn types() -> ::core::option::Option<$crate::socketio::typed::Types> {
                #[allow(unused_imports)]
                use $crate::socketio::typed::probe::Unknown as _;
                $crate::socketio::typed::probe::Probe::<Self>::new().types()
            }
        }
    )*};
}

/// What [`typed_events!`](crate::typed_events) was told of an acknowledgement.
#[doc(hidden)]
pub trait AckOrNone {
    type Ack;
}

impl AckOrNone for () {
    type Ack = NoAck;
}

impl<A> AckOrNone for (A,) {
    type Ack = A;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Say;
    struct Ask;
    struct Wait;

    typed_events! {
        Say = "say";
        Ask = "ask" -> String;
        Wait = "wait" -> ();
    }

    fn ack<M: TypedEvent<Ack = A>, A>() {}

    #[test]
    fn the_macro_gives_name_and_acknowledgement() {
        assert_eq!((Say::NAME, Ask::NAME, <&Wait as TypedEvent>::NAME), ("say", "ask", "wait"));
        ack::<Say, NoAck>();
        ack::<Ask, String>();
        ack::<&Wait, ()>();
    }
}
