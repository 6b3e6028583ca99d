//! What is written of a namespace's events for clients in TypeScript. (That the real compiler takes it so, and what it
//! refuses: `tests/js/typescript.test.mjs`.)
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tower_socketio::{
    prelude::*,
    socketio::typed::{Direction, Types},
    typed_events,
    typescript::Binary,
};
use ts_rs::TS;

macro_rules! payloads {
    ($($(#[$attribute:meta])* $item:item)*) => {$(
        #[derive(Serialize, Deserialize, TS)]
        $(#[$attribute])*
        $item
    )*};
}

payloads! {
    struct Named { text: String, to: Option<u64> }
    struct Several(String, u8);
    struct Newtype(f64);
    struct NewtypeOfTuple((bool, i128));
    struct NewtypeOfNamed(Named);
    struct Nothing;
    enum Choice { Left, Right { far: bool } }
    struct Upload {
        #[ts(as = "BTreeMap<String, Binary>")]
        parts: BTreeMap<String, Bytes>,
    }
    struct Page<T> { items: Vec<T> }
    struct Outer { inner: Vec<Inner>, more: Page<Choice> }
    struct Inner { pair: (u8, Choice) }
}

/// One that TypeScript knows nothing of.
#[derive(Serialize, Deserialize)]
struct Plain(u8);

typed_events! {
    Named = "e";
    Several = "e";
    Newtype = "e";
    NewtypeOfTuple = "e";
    NewtypeOfNamed = "e";
    Nothing = "e";
    Choice = "e";
    Inner = "a";
    Outer = "b";
    Page<u8> = "c";
    Plain = "plain";
}

/// Without the macro.
#[derive(Serialize, Deserialize, TS)]
struct ByHand;

impl TypedEvent for ByHand {
    const NAME: &'static str = "by \"hand\"";
    type Ack = NoAck;

    fn types() -> Option<Types> {
        Some(Types::of::<Self>())
    }
}

/// An event of its own for each case, as an event has one name and one acknowledgement.
macro_rules! event {
    ($event:ident($payload:ty) $(-> $ack:ty)?) => {
        #[derive(Serialize, Deserialize, TS)]
        struct $event($payload);
        typed_events! { $event = "e" $(-> $ack)?; }
    };
}

fn lines(namespace: &Namespace) -> Vec<String> {
    let text = namespace.typescript().unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The line of the only event, and the declarations.
fn written(namespace: &Namespace) -> (String, Vec<String>) {
    let lines = lines(namespace);
    let event = lines.iter().find(|line| line.starts_with("  \"")).unwrap();
    let types = lines.iter().filter_map(|line| line.strip_prefix("export type "));
    (event.trim().to_owned(), types.map(str::to_owned).collect())
}

fn problem(namespace: &Namespace) -> String {
    namespace.typescript().unwrap_err().to_string()
}

#[test]
fn payloads_are_the_arguments_that_they_are_on_the_wire() {
    let event = |namespace: Namespace| written(&namespace).0;
    let new = Namespace::new;
    assert_eq!(event(new().emits::<Named>()), r#""e": (data: Named) => void;"#);
    assert_eq!(event(new().emits::<Several>()), r#""e": (...args: Several) => void;"#);
    assert_eq!(event(new().emits::<Newtype>()), r#""e": (data: Newtype) => void;"#);
    assert_eq!(event(new().emits::<NewtypeOfTuple>()), r#""e": (...args: NewtypeOfTuple) => void;"#);
    assert_eq!(event(new().emits::<NewtypeOfNamed>()), r#""e": (data: NewtypeOfNamed) => void;"#);
    assert_eq!(event(new().emits::<Nothing>()), r#""e": () => void;"#);
    assert_eq!(event(new().emits::<Choice>()), r#""e": (data: Choice) => void;"#);
}

#[test]
fn all_types_that_are_needed_are_there_once() {
    event!(Event(Outer) -> Inner);
    let (event, types) =
        written(&Namespace::new().on_event(async |Event(mut outer): Event| outer.inner.remove(0)));
    assert_eq!(event, r#""e": (data: Event, ack: (answer: Inner) => void) => void;"#);
    assert_eq!(
        types,
        [
            r#"Choice = "Left" | { "Right": { far: boolean, } };"#,
            "Event = Outer;",
            "Inner = { pair: [number, Choice], };",
            "Outer = { inner: Array<Inner>, more: Page<Choice>, };",
            "Page<T> = { items: Array<T>, };",
        ]
    );
}

#[test]
fn integers_are_numbers_and_bytes_are_buffers() {
    event!(Event(Vec<Upload>) -> NewtypeOfTuple);
    let (_, types) = written(&Namespace::new().receives::<Event>());
    assert_eq!(
        types,
        [
            "Event = Array<Upload>;",
            "NewtypeOfTuple = [boolean, number];",
            "Upload = { parts: { [key in string]: ArrayBuffer | Uint8Array }, };",
        ]
    );
}

#[test]
fn an_acknowledgement_is_the_last_argument() {
    event!(One(u8) -> String);
    event!(Two(u8) -> (bool, u8));
    event!(None(u8) -> ());
    event!(OfTwo((u8, u8)) -> Option<u8>);
    let event = |namespace: Namespace| written(&namespace).0;
    let new = Namespace::new;
    assert_eq!(event(new().emits::<One>()), r#""e": (data: One, ack: (answer: string) => void) => void;"#);
    assert_eq!(
        event(new().emits::<Two>()),
        r#""e": (data: Two, ack: (...answer: [boolean, number]) => void) => void;"#
    );
    assert_eq!(event(new().emits::<None>()), r#""e": (data: None, ack: () => void) => void;"#);
    assert_eq!(
        event(new().emits::<OfTwo>()),
        r#""e": (...args: [...args: OfTwo, ack: (answer: number | null) => void]) => void;"#
    );
}

#[test]
fn what_can_fail_may_be_answered_with_an_error() {
    event!(One(u8) -> u8);
    event!(Two(u8) -> (bool, u8));
    event!(None(u8) -> ());
    let event = |namespace: Namespace| written(&namespace).0;
    let one = Namespace::new().on_event(async |One(n): One| Ok::<_, BoxError>(n));
    assert!(lines(&one).contains(&"export interface ErrorAck {".to_owned()));
    assert_eq!(event(one), r#""e": (data: One, ack: (answer: number | ErrorAck) => void) => void;"#);
    let two = Namespace::new().on_event(async |Two(n): Two| Ok::<_, BoxError>((true, n)));
    assert_eq!(
        event(two),
        r#""e": (data: Two, ack: (...answer: [boolean, number] | [ErrorAck]) => void) => void;"#
    );
    let none = Namespace::new().on_event(async |_: None| Ok::<_, BoxError>(()));
    assert_eq!(event(none), r#""e": (data: None, ack: (error?: ErrorAck) => void) => void;"#);
    // Nothing is answered, so nothing can fail.
    event!(Quiet(u8));
    let quiet = Namespace::new().on_event(async |_: Quiet| Ok::<_, BoxError>(()));
    assert_eq!(event(quiet), r#""e": (data: Quiet) => void;"#);
}

#[test]
fn the_order_of_registration_does_not_matter() {
    let one =
        Namespace::new().on_event(async |_: Inner| {}).on_event(async |_: Outer| {}).emits::<Page<u8>>();
    let other =
        Namespace::new().emits::<Page<u8>>().on_event(async |_: Outer| {}).on_event(async |_: Inner| {});
    assert_eq!(one.typescript(), other.typescript());
    let declared = one.typed_events().iter().map(|event| (event.name(), event.direction()));
    let (client, server) = (Direction::ClientToServer, Direction::ServerToClient);
    assert!(declared.eq([("a", client), ("b", client), ("c", server)]));
}

#[test]
fn an_event_may_be_written_by_hand_and_its_name_is_quoted() {
    assert_eq!(written(&Namespace::new().emits::<ByHand>()).0, r#""by \"hand\"": () => void;"#);
}

#[test]
fn layers_leave_the_events_as_they_are() {
    let namespace = Namespace::new().emits::<ByHand>();
    let text = namespace.typescript();
    assert_eq!(namespace.layer(tower::load_shed::LoadShedLayer::new()).typescript(), text);
}

#[test]
fn an_event_that_has_no_types_is_an_error() {
    let problem = problem(&Namespace::new().emits::<Plain>());
    assert!(problem.starts_with(r#"the event "plain" has no types in TypeScript: `"#), "{problem}");
    assert!(problem.contains("Plain` and its acknowledgement must derive `TS`"), "{problem}");
    event!(Event(u8) -> Plain);
    assert!(Namespace::new().emits::<Event>().typescript().is_err());
}

#[test]
fn two_types_with_one_name_are_an_error() {
    mod other {
        use super::*;
        #[derive(Serialize, Deserialize, TS)]
        pub(super) struct Named(pub(super) bool);
        typed_events! { Named = "other"; }
    }
    let problem = problem(&Namespace::new().emits::<Named>().emits::<other::Named>());
    assert_eq!(problem, "two types have the name `Named`: `#[ts(rename = \"…\")]`");
}

#[test]
fn two_types_for_one_event_are_an_error() {
    event!(One(u8));
    event!(Two(u8));
    let problem = problem(&Namespace::new().emits::<One>().emits::<Two>());
    assert!(problem.starts_with("the event \"e\" is both `"), "{problem}");
    // In two directions they may differ.
    assert!(Namespace::new().emits::<One>().receives::<Two>().typescript().is_ok());
}

#[test]
fn a_name_that_the_file_needs_itself_is_an_error() {
    event!(ErrorAck(u8));
    let problem = problem(&Namespace::new().emits::<ErrorAck>());
    assert!(problem.starts_with("`ErrorAck` is a name of ours"), "{problem}");
}

#[test]
fn a_file_that_is_up_to_date_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.d.ts");
    let namespace = Namespace::new().emits::<ByHand>();
    namespace.write_typescript(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), namespace.typescript().unwrap());

    let old = std::fs::File::open(&path).unwrap();
    old.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    namespace.write_typescript(&path).unwrap();
    assert_eq!(old.metadata().unwrap().modified().unwrap(), std::time::SystemTime::UNIX_EPOCH);
    Namespace::new().write_typescript(&path).unwrap();
    assert!(!std::fs::read_to_string(&path).unwrap().contains("hand"));
}
