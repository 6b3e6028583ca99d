//! The reader is proved here: each kind of violation is found in a small house of its own, and nothing else is.

use super::{Files, MOST_LINES, PURE, ROOMS, SPAWNS, habits, house::House};

fn files(files: &[(&str, &str)]) -> Files {
    let root = [("src/lib.rs", "")];
    root.iter().chain(files).map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
}

fn violations(sources: &[(&str, &str)]) -> Vec<String> {
    House::new(&files(sources)).violations(ROOMS)
}

/// Exactly one violation, which says this.
#[track_caller]
fn finds(sources: &[(&str, &str)], sentence: &str) {
    says(&violations(sources), sentence);
}

#[track_caller]
fn says(found: &[String], sentence: &str) {
    assert!(found.len() == 1 && found[0].contains(sentence), "{sentence:?} is expected, found: {found:#?}");
}

#[track_caller]
fn clean(sources: &[(&str, &str)]) {
    assert_eq!(violations(sources), [""; 0]);
}

/// `text` as one file of floor 0, below a whole house.
fn in_codec(text: &str) -> Vec<String> {
    violations(&[("src/codec/packet.rs", text), ("src/engine/mod.rs", ""), ("src/engine/session.rs", "")])
}

const UP: &str =
    "src/codec/packet.rs:1: codec::packet → engine::session points upwards, from floor 0 to floor 3";

// Upwards, in every way it can be written.

#[test]
fn an_arrow_up_is_found_however_it_is_written() {
    let ways = [
        "use crate::engine::session::Session;",
        "pub(crate) use crate::engine::session::Session as Other;",
        "use crate::{engine::{session::{self, Session}}};",
        "use super::super::engine::session::Session;",
        "fn f() { use crate::engine::session::Session; }",
        "fn f() -> crate::engine::session::Session { g() }",
        "fn f() { let _ = Vec::<crate::engine::session::Session>::new(); }",
        "fn f() { super::super::engine::session::go(); }",
        "fn f() { self::super::super::engine::session::go(); }",
        "fn f(s: &mut impl Into<tower_socketio::engine::session::Session>) {}",
        "macro_rules! m { () => { $crate::engine::session::go() } }",
        "tokio::select! { _ = x => crate::engine::session::go() }",
        "for x in crate::engine::session::all() {}",
        "mod inline { use super::super::super::engine::session::Session; }",
        "mod a { mod b {} } mod c { fn f() { super::super::super::engine::session::go(); } }",
        "impl<'a> X<'a> { const C: char = '\\''; fn f() { crate::engine::session::go(); } }",
        "const A: &str = r\"\\\"; const B: u8 = b'\"'; use crate::engine::session::Session;",
        "#[cfg(not(test))] use crate::engine::session::Session;",
        "#[cfg(any(test, unix))] use crate::engine::session::Session;",
        "#[cfg(all(unix, not(test)))] use crate::engine::session::Session;",
        "fn f() { #[cfg(test)] g() } use crate::engine::session::Session;",
        "#[cfg(test)] use a::{b, c}; use crate::engine::session::Session;",
        "#[cfg(test)] #[derive(Debug)] struct T<A, B> { a: [u8; 3] } use crate::engine::session::Session;",
        "struct S { #[cfg(test)] a: u8, b: crate::engine::session::Session }",
        "impl T for S { fn f(&self) -> impl Fn() + use<'_> { crate::engine::session::go() } }",
    ];
    for way in ways {
        let found = in_codec(way);
        assert_eq!(found, [UP], "{way}");
    }
}

#[test]
fn a_module_imported_by_name_is_followed_further() {
    let found = in_codec("use crate::engine as e;\nfn f() { e::session::go(); }");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("packet.rs:1: codec::packet → engine points upwards"), "{found:#?}");
    assert!(found[1].contains("packet.rs:2: codec::packet → engine::session points upwards"), "{found:#?}");
}

#[test]
fn a_face_that_reexports_from_above_is_found() {
    finds(
        &[("src/codec/mod.rs", "pub use crate::engine::Session;"), ("src/engine/mod.rs", "")],
        "codec → engine points upwards",
    );
}

#[test]
fn what_stands_behind_a_reexport_counts_too() {
    let face = ("src/transport/mod.rs", "mod polling; pub use polling::{Poll as Get};");
    let user = ("src/transport/websocket.rs", "use super::Get;");
    finds(
        &[face, user, ("src/transport/polling.rs", "")],
        "transport::websocket → transport::polling is a neighbour",
    );
}

#[test]
fn what_is_no_code_of_the_crate_is_ignored() {
    let quiet = [
        "// use crate::engine::session::Session;",
        "/// [`crate::engine::session`]\n//! crate::engine::session::x\n",
        "/* use crate::engine::session::A; /* nested */ use crate::engine::session::B; */",
        "const A: &str = \"crate::engine::session::X \\\" crate::engine::session::Y\";",
        "const A: &str = r#\"\" crate::engine::session::X\"#; const B: &[u8] = br\"crate::engine::session::X\";",
        "const A: u8 = b'\"'; const B: char = '\"'; // crate::engine::session::go()",
        "#[cfg(test)] mod tests { use super::*; use crate::engine::session::Session; fn f() { {} } }",
        "#[cfg(all(test, unix))] #[allow(x)] pub(crate) mod tests { use crate::engine::session::Session; }",
        "#[cfg(test)] use crate::engine::session::{Session, go};",
        "#[cfg(test)] fn f<A, B>() { crate::engine::session::go() }",
        "#[cfg(test)] static A: X = X {}.and(crate::engine::session::go);",
        "#[cfg(test)] const fn f() { crate::engine::session::go() }",
        "pub(in crate::engine::session) fn f() {}",
        "use engine::session; use ::engine::session::Session;",
    ];
    for text in quiet {
        assert_eq!(in_codec(text), [""; 0], "{text}");
    }
}

#[test]
fn files_that_only_tests_include_are_ignored() {
    let face = ("src/engine/mod.rs", "#[cfg(test)]\nmod testing;");
    let up = "use crate::server::SocketIo;";
    clean(&[face, ("src/engine/testing.rs", up), ("src/engine/testing/deep.rs", up), ("src/server.rs", "")]);
    let moved = ("src/engine/session.rs", "#[cfg(test)]\n#[path = \"session_tests.rs\"]\nmod tests;");
    clean(&[moved, ("src/engine/session_tests.rs", up), ("src/server.rs", "")]);
    let found = violations(&[("src/engine/testing.rs", up), ("src/server.rs", "")]);
    says(&found, "engine::testing → server points upwards");
}

// Neighbours and exceptions.

#[test]
fn neighbours_need_a_line_in_the_table() {
    let at = |path, text| {
        [(path, text), ("src/engine/mod.rs", ""), ("src/adapter.rs", ""), ("src/codec/engine.rs", "")]
    };
    finds(&at("src/socketio/mod.rs", "use crate::engine::X;"), "socketio → engine is a neighbour on floor 3");
    finds(
        &at("src/transport/mod.rs", "use crate::adapter::X;"),
        "transport → adapter is a neighbour on floor 2",
    );
    finds(
        &at("src/codec/parser.rs", "use crate::codec::engine::X;"),
        "codec::parser → codec::engine is a neighbour",
    );
    finds(
        &at("src/codec/parser.rs", "use super::engine::X;"),
        "codec::parser → codec::engine is a neighbour",
    );
}

#[test]
fn listed_neighbours_are_one_way() {
    clean(&[("src/exchange.rs", "use crate::outbox::Outbox;"), ("src/outbox.rs", "")]);
    finds(
        &[("src/outbox.rs", "use crate::exchange::Open;"), ("src/exchange.rs", "")],
        "outbox → exchange is a neighbour",
    );
}

#[test]
fn hook_layers_see_two_floors_and_never_each_other() {
    let house = |text| {
        let below = [
            ("src/exchange.rs", ""),
            ("src/error.rs", ""),
            ("src/engine/mod.rs", ""),
            ("src/socketio/mod.rs", ""),
        ];
        let layers = [
            ("src/layer/headers/layer.rs", ""),
            ("src/layer/headers/future.rs", text),
            ("src/layer/cookie.rs", ""),
            ("src/layer/namespace.rs", ""),
        ];
        [&below[..], &layers[..]].concat()
    };
    clean(&house("use crate::{error::Error, exchange::Open}; use super::layer::Layer;"));
    finds(&house("use crate::engine::X;"), "layer::headers::future → engine skips its limit");
    finds(&house("use crate::socketio::X;"), "layer::headers::future → socketio skips its limit");
    finds(&house("use crate::layer::cookie::X;"), "→ layer::cookie is a neighbour on floor 4");
    let face = [("src/layer/mod.rs", "mod headers; pub use headers::layer::HeadersLayer;")];
    let by_the_face = [&face[..], &house("use crate::layer::HeadersLayer;")].concat();
    finds(&by_the_face, "layer::headers::future → layer is a neighbour");
    finds(&house("use crate::layer::namespace::X;"), "→ layer::namespace is a neighbour on floor 4");
}

#[test]
fn the_namespace_layer_sees_the_words_of_socketio_only() {
    let below = [("src/socketio/mod.rs", ""), ("src/engine/mod.rs", ""), ("src/adapter.rs", "")];
    let house = |text| [&below[..], &[("src/layer/namespace.rs", text)]].concat();
    clean(&house("use crate::socketio::Connect;"));
    finds(&house("use crate::engine::X;"), "layer::namespace → engine skips its limit");
    finds(&house("use crate::adapter::X;"), "layer::namespace → adapter skips its limit");
}

#[test]
fn a_new_module_must_be_given_a_floor() {
    finds(
        &[("src/helpers/mod.rs", "use crate::engine::X;"), ("src/engine.rs", "")],
        "`helpers` stands on no floor: add it to the table ROOMS",
    );
}

#[test]
fn a_name_from_the_root_is_refused() {
    let root = ("src/lib.rs", "mod text; pub use text::Text;");
    for way in
        ["use crate::Text;", "use crate::{Text as T};", "fn f(t: super::Text) {}", "fn f() { crate::mac!() }"]
    {
        finds(
            &[root, ("src/text.rs", ""), ("src/server.rs", way)],
            "server imports from the crate's root: name the module",
        );
    }
}

// Circles.

#[test]
fn a_circle_of_two_files_is_found() {
    let (a, b) =
        (("src/engine/a.rs", "use super::b::B;"), ("src/engine/b.rs", "fn f() { crate::engine::a::g(); }"));
    finds(&[a, b], "engine::a (src/engine/a.rs:1) → engine::b (src/engine/b.rs:1) → engine::a");
    clean(&[a, ("src/engine/b.rs", "")]);
}

#[test]
fn a_circle_of_three_files_is_found() {
    let (a, b) =
        (("src/engine/a.rs", "use crate::engine::b::B;"), ("src/engine/b/mod.rs", "use super::c::C;"));
    let c = ("src/engine/c.rs", "\nuse crate::engine::{a::{X, Y}};");
    finds(
        &[a, b, c],
        "engine::a (src/engine/a.rs:1) → engine::b (src/engine/b/mod.rs:1) → engine::c (src/engine/c.rs:2) → engine::a",
    );
}

#[test]
fn a_circle_through_a_reexport_is_found() {
    let face = ("src/engine/mod.rs", "mod a; mod b; pub use self::{a::{Old as New}, b::B}; // B");
    let (a, b) =
        (("src/engine/a.rs", "use super::B;"), ("src/engine/b.rs", "fn f(new: crate::engine::New) {}"));
    finds(&[face, a, b], "engine::a (src/engine/a.rs:1) → engine::b (src/engine/b.rs:1) → engine::a");
}

#[test]
fn a_circle_with_a_face_that_holds_code_is_found() {
    let child = ("src/engine/a.rs", "use super::Limits;");
    for face in [
        "mod a; use a::A; pub struct Limits;",
        "mod a; pub struct Limits; fn f() { a::g() }",
        "mod a; pub use a::A; fn f() { A::new() }",
        "mod a; pub use a::A; struct Limits { a: A }",
    ] {
        finds(
            &[("src/engine/mod.rs", face), child],
            "a circle of files: engine (src/engine/mod.rs:1) → engine::a",
        );
    }
}

#[test]
fn a_face_that_only_reexports_makes_no_circle() {
    let face =
        ("src/engine/mod.rs", "mod a; mod b; pub use a::A; pub(crate) use self::b::{B, inner::C as D};");
    clean(&[
        face,
        ("src/engine/a.rs", "use super::{B, D};"),
        ("src/engine/b/mod.rs", "pub mod inner;"),
        ("src/engine/b/inner.rs", ""),
    ]);
    let deep = ("src/engine/b/mod.rs", "mod inner; pub use inner::B;");
    clean(&[face, ("src/engine/a.rs", "use crate::engine::B;"), deep, ("src/engine/b/inner.rs", "")]);
}

#[test]
fn a_circle_through_two_faces_is_found() {
    let faces = [
        ("src/engine/mod.rs", "pub use b::B; mod b;"),
        ("src/engine/b/mod.rs", "mod inner; pub use inner::B;"),
    ];
    let files = [("src/engine/a.rs", "use super::B;"), ("src/engine/b/inner.rs", "use crate::engine::a::A;")];
    finds(&[faces, files].concat(), "engine::a (src/engine/a.rs:1) → engine::b::inner (");
}

#[test]
fn a_method_named_like_a_reexport_is_no_arrow() {
    let face = ("src/engine/mod.rs", "mod a; pub use a::open; pub struct Limits; fn f() { x.open() }");
    clean(&[face, ("src/engine/a.rs", "use super::Limits;")]);
}

#[test]
fn a_glob_of_a_face_is_refused() {
    let house =
        |text| [("src/engine/mod.rs", "mod a; mod b;"), ("src/engine/a.rs", text), ("src/engine/b.rs", "")];
    finds(&house("use super::*;"), "the glob `engine::*` hides");
    finds(
        &[("src/engine/mod.rs", "mod a; pub use a::*;"), ("src/engine/a.rs", "")],
        "the glob `engine::a::*` hides",
    );
    clean(&house("use super::b::*; enum E {} mod inner { use super::*; use super::E::*; }"));
}

#[test]
fn a_house_in_order_is_clean() {
    clean(&[
        ("src/lib.rs", "pub mod codec; mod server; mod text; pub use {server::SocketIo, text::Text};"),
        ("src/prelude.rs", "pub use crate::{server::SocketIo, layer::cookie::CookieLayer};"),
        ("src/server.rs", "use crate::{engine::Service, socketio, layer::cookie::CookieLayer};"),
        ("src/layer/cookie.rs", "use crate::exchange::Session;"),
        ("src/socketio/mod.rs", "use crate::{adapter::Rooms, codec::parser};"),
        ("src/engine/mod.rs", "mod service; mod session; pub use service::Service;"),
        ("src/engine/service.rs", "use super::session::{self, Session}; fn f() { session::spawn(); }"),
        ("src/engine/session.rs", "use crate::transport::polling; fn f() { tokio::spawn(polling::get()); }"),
        ("src/transport/mod.rs", "mod kind; pub mod polling; pub use kind::Kind;"),
        ("src/transport/polling.rs", "use super::Kind;"),
        ("src/transport/kind.rs", ""),
        ("src/adapter.rs", "use crate::outbox::Outbox;"),
        ("src/exchange.rs", "use crate::{id::SessionId, outbox::Outbox};"),
        ("src/outbox.rs", "use crate::codec::engine::Packet;"),
        ("src/codec/mod.rs", "pub mod engine; pub mod parser;"),
        ("src/codec/engine.rs", "use crate::text::Text;"),
        ("src/codec/parser.rs", ""),
        ("src/id.rs", ""),
        ("src/text.rs", "mod inline { use super::Text; } #[cfg(test)] mod tests { use super::*; }"),
    ]);
}

// Habits.

#[test]
fn clocks_and_runtimes_are_found_in_pure_code() {
    let impure = |path, text| habits::impure(&House::new(&files(&[(path, text)])), PURE);
    let ways = [
        "async fn f() {}",
        "use tokio::sync::Notify;",
        "use tokio_tungstenite::X;",
        "fn f() { Instant::now() }",
        "use std::time::{SystemTime};",
        "fn f(t: Instant) { t.elapsed() }",
    ];
    for way in ways {
        for path in [
            "src/codec/engine/a.rs",
            "src/engine/verify.rs",
            "src/engine/verify/b.rs",
            "src/engine/heartbeat.rs",
        ] {
            says(&impure(path, way), "is to be pure");
        }
        assert_eq!(impure("src/engine/session.rs", way), [""; 0]);
    }
    let pure = "// async\nfn f(now: Instant) { \"tokio\" } #[cfg(test)] mod tests { async fn f() {} }";
    assert_eq!(impure("src/codec/a.rs", pure), [""; 0]);
}

#[test]
fn a_task_spawned_elsewhere_is_found() {
    let spawning = |sources: &[(&str, &str)]| habits::spawning(&House::new(&files(sources)), SPAWNS);
    let ways = [
        "fn f() { tokio::spawn(x); }",
        "fn f() { tokio::task::spawn(x); }",
        "use tokio::task; fn f() { task::spawn(x); }",
        "use tokio::{spawn};",
        "use tokio::task::*;",
        "fn f() { handle.spawn(x); }",
        "fn f() { ::std::thread::spawn(x); }",
        "use tokio::runtime::Handle; fn f() { Handle::spawn(&h, x); }",
        "fn f() { tokio::task::spawn_blocking(x); }",
    ];
    for way in ways {
        says(
            &spawning(&[("src/engine/service.rs", way)]),
            "service.rs:1: a task is spawned; only one file does",
        );
        assert_eq!(spawning(&[("src/engine/session/task.rs", way), ("src/adapter/task.rs", way)]), [""; 0]);
        says(
            &spawning(&[("src/engine/session/a.rs", way), ("src/engine/session/b.rs", way)]),
            "session/b.rs:1",
        );
    }
    let calls = "use super::session; fn spawn() {} fn f() { session::spawn(); }";
    assert_eq!(spawning(&[("src/engine/service.rs", calls), ("src/engine/session.rs", "")]), [""; 0]);
}

#[test]
fn unbounded_channels_are_found() {
    let ways = [
        "use tokio::sync::mpsc; fn f() { mpsc::unbounded_channel(); }",
        "use x::UnboundedSender;",
        "fn f() { a::unbounded() }",
        "use std::sync::mpsc; fn f() { mpsc::channel(); }",
        "use std::sync::mpsc::channel;",
        "#[cfg(test)] mod tests { use x::unbounded; }",
    ];
    for way in ways {
        says(&habits::unbounded(&files(&[("src/outbox.rs", way)])), "src/outbox.rs:1: ");
    }
    let bounded =
        "use tokio::sync::mpsc; fn f() { mpsc::channel(1); } // unbounded\nconst A: &str = \"unbounded\";";
    assert_eq!(habits::unbounded(&files(&[("src/outbox.rs", bounded)])), [""; 0]);
}

#[test]
fn unsafe_code_moved_files_and_long_files_are_found() {
    let file = |text: &str| files(&[("src/text.rs", text)]);
    says(&habits::unsafe_code(&file("fn f() { unsafe { g() } }")), "`unsafe`");
    assert_eq!(habits::unsafe_code(&file("#![forbid(unsafe_code)] // unsafe")), [""; 0]);
    let moved = |text| habits::moved_files(&House::new(&file(text)));
    says(&moved("#[path = \"x.rs\"] mod y;"), "src/text.rs:1");
    assert_eq!(moved("#[cfg(test)] #[path = \"text_tests.rs\"] mod tests;"), [""; 0]);
    says(&moved("include!(\"x.rs\");"), "`include!`");
    says(&habits::long_files(&file(&"\n".repeat(MOST_LINES + 1)), MOST_LINES), "501 lines");
    assert_eq!(habits::long_files(&file(&"\n".repeat(MOST_LINES)), MOST_LINES), [""; 0]);
}
