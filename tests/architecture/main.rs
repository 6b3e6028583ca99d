//! The house keeps itself: no arrow (import) points up, no circles, and a few habits (pure rooms, one place that
//! spawns, nothing unbounded). The sources are read as text, so that inline paths count as well as `use` lines.
//!
//! Read the table `ROOMS` first: it is the plan of `src/`. `lexer` cuts text into words, `imports` finds the paths in
//! one file, `house` follows them from file to file, `habits` holds the other rules, `fixtures` proves the reader.
//!
//! Not seen: paths inside string literals (`#[serde(with = "…")]`), and calls of trait methods without a path.

mod fixtures;
mod habits;
mod house;
mod imports;
mod lexer;

use std::{collections::BTreeMap, fs, path::Path};

use house::{House, Room};

/// Path (`src/a/b.rs`) to text.
type Files = BTreeMap<String, String>;

/// Every module of `src/`, the floor it stands on, and which others of that floor it may import. A room imports all
/// lower floors, or with `below(n)` only the floors under `n`. The most exact row counts; `*` is one room per module.
const ROOMS: &[Room] = &[
    // Floor 0: words and pure functions.
    Room::new("text", 0, &["copied"]),
    Room::new("sync", 0, &[]),
    Room::new("copied", 0, &[]),
    Room::new("error", 0, &[]),
    Room::new("guard", 0, &[]),
    Room::new("futures", 0, &[]),
    Room::new("limit", 0, &[]),
    Room::new("lent", 0, &[]),
    Room::new("id", 0, &["text", "error"]),
    Room::new("body", 0, &["text", "error"]),
    Room::new("codec", 0, &["text", "error", "id", "copied"]),
    Room::new("codec::engine", 0, &["codec", "text", "error", "id"]),
    Room::new("codec::parser", 0, &["codec", "text", "error", "id", "copied"]),
    // Floor 1: the contract between layers and engine, and the pen to the wire.
    Room::new("outbox", 1, &[]),
    Room::new("exchange", 1, &["outbox"]),
    // Floor 2: what moves messages, and rooms.
    Room::new("transport", 2, &[]),
    Room::new("transport::polling", 2, &["transport"]),
    Room::new("transport::websocket", 2, &["transport"]),
    Room::new("adapter", 2, &[]),
    // Floor 3: Engine.IO | Socket.IO.
    Room::new("engine", 3, &[]),
    Room::new("socketio", 3, &[]),
    // Floor 4: each layer alone in its module.
    Room::new("layer", 4, &[]).below(2),
    Room::new("layer::*", 4, &["layer::response_hook"]).below(2),
    Room::new("layer::connect_fn", 4, &["socketio"]).below(2),
    Room::new("layer::namespace", 4, &["socketio"]).below(2),
    // Roof; `lib.rs` is above all.
    Room::new("server", 5, &[]),
    Room::new("service_ext", 5, &["server"]),
    Room::new("testing", 5, &["server"]),
    Room::new("guide", 5, &[]),
    Room::new("prelude", 5, &["server", "service_ext"]),
];

/// Files (by the beginning of their path) that know no clock, no task and no runtime.
const PURE: &[&str] = &[
    "src/adapter/memory/log",
    "src/adapter/memory/vault",
    "src/codec",
    "src/engine/verify",
    "src/engine/heartbeat",
    "src/engine/stall",
    "src/transport/websocket/assembly",
    "src/transport/websocket/deflate",
    "src/transport/websocket/header",
    "src/transport/websocket/mask",
    "src/transport/websocket/outgoing",
    "src/transport/websocket/violation",
];

/// Where tasks may be spawned: for each row in one single file, which is one of these or stands in one of these folders.
const SPAWNS: &[&[&str]] = &[
    &["src/engine/session.rs", "src/engine/session/"],
    &["src/adapter/task.rs"],
    &["src/socketio/flusher.rs"],
    &["src/testing/driver.rs"],
];

const MOST_LINES: usize = 500;

#[test]
fn arrows_point_down_and_make_no_circle() {
    let files = sources();
    assert_none(&House::new(&files).violations(ROOMS));
}

#[test]
fn pure_rooms_have_no_clock_and_no_runtime() {
    let files = sources();
    assert_none(&habits::impure(&House::new(&files), PURE));
}

#[test]
fn tasks_are_spawned_in_their_files() {
    let files = sources();
    assert_none(&habits::spawning(&House::new(&files), SPAWNS));
}

#[test]
fn no_channel_is_unbounded() {
    assert_none(&habits::unbounded(&sources()));
}

#[test]
fn nothing_is_unsafe() {
    assert_none(&habits::unsafe_code(&sources()));
}

#[test]
fn files_are_modules() {
    let files = sources();
    assert_none(&habits::moved_files(&House::new(&files)));
}

#[test]
fn files_are_short() {
    assert_none(&habits::long_files(&sources(), MOST_LINES));
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n\n{}\n", violations.join("\n"));
}

fn sources() -> Files {
    let mut files = Files::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), "src", &mut files);
    assert!(files.contains_key("src/lib.rs"), "the sources were not found");
    files
}

fn collect(root: &Path, folder: &str, files: &mut Files) {
    for entry in fs::read_dir(root.join(folder)).expect("a folder of src/ can be listed") {
        let entry = entry.expect("a folder of src/ can be listed");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(root, &path, files);
        } else if path.ends_with(".rs") {
            files.insert(path, fs::read_to_string(entry.path()).expect("a source file is readable UTF-8"));
        }
    }
}
