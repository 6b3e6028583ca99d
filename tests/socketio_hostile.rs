//! What attackers send, row by row: the session ends or goes on, an honest client beside it notices nothing, nothing is
//! left afterwards, and lines of the log stay lines.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    io,
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use common::SECOND;
use tower_socketio::{
    prelude::*,
    testing::{TestClient, TestError, TestSession},
};

type Outcome = Result<(), TestError>;

/// What comes of an attack.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Session {
    Ends,
    GoesOn,
}

use Session::{Ends, GoesOn};

/// A message of an attacker.
#[derive(Clone)]
enum Message {
    Text(String),
    Binary,
}

/// Packets of Socket.IO, one after the other; `<binary>` is a binary message.
fn packets(packets: &[&str]) -> Vec<Message> {
    let message = |packet: &&str| match *packet {
        "<binary>" => Message::Binary,
        packet => Message::Text(format!("4{packet}")),
    };
    packets.iter().map(message).collect()
}

/// Sent by somebody who has joined nothing.
const BEFORE_CONNECT: &[(&[&str], Session)] = &[
    (&[r#"2["x"]"#], Ends),
    (&[r#"20["x"]"#], Ends),
    (&["30[]"], Ends),
    (&["1"], Ends),
    (&["4{}"], Ends),
    (&[r#"51-["x",{"_placeholder":true,"num":0}]"#, "<binary>"], Ends),
    (&["<binary>"], Ends),
    (&["0[]"], Ends),
    (&["0null"], Ends),
    (&[r#"0"token""#], Ends),
    (&[r#"0{"a":"#], Ends),
    (&["0{}{}"], Ends),
    (&["0{a:1}"], Ends),
];

/// Sent by somebody who has joined `/`.
const AFTER_CONNECT: &[(&[&str], Session)] = &[
    // Unknown types.
    (&["7"], Ends),
    (&["9[]"], Ends),
    (&["-1"], Ends),
    (&[""], Ends),
    (&["x"], Ends),
    (&["\u{0662}[\"x\"]"], Ends),
    // A second CONNECT.
    (&["0"], Ends),
    (&["0{}"], Ends),
    // Namespaces that do not exist, and odd ones.
    (&["0/nowhere,"], GoesOn),
    (&["0/nowhere"], GoesOn),
    (&["0/,"], Ends),
    (&["0//,"], GoesOn),
    (&["0/admin?token=1,"], GoesOn),
    (&["0/?token=1,"], GoesOn),
    (&["0/../../etc/passwd,"], GoesOn),
    (&["0/%2e%2e/admin,"], GoesOn),
    (&["0/\u{0}\u{7f},"], GoesOn),
    (&["0/a\nERROR forged line,"], GoesOn),
    (&["0/\u{1b}[31mred,"], GoesOn),
    (&["0/\u{1f4a5},"], GoesOn),
    (&["0/__proto__,"], GoesOn),
    (&["0/constructor,"], GoesOn),
    (&["0/toString,"], GoesOn),
    (&[r#"2/nowhere,["x"]"#], Ends),
    (&["1/nowhere,"], Ends),
    (&["0/admin,[]"], Ends),
    (&[r#"0/admin,{"__proto__":{"isAdmin":true},"constructor":1}"#], GoesOn),
    // Names.
    (&[r#"2["__proto__"]"#], GoesOn),
    (&[r#"2["constructor",1]"#], GoesOn),
    (&[r#"2["toString"]"#], GoesOn),
    (&[r#"2["hasOwnProperty"]"#], GoesOn),
    (&[r#"2[""]"#], GoesOn),
    (&[r#"2["x\n2026 ERROR forged \u001b[31m line"]"#], GoesOn),
    (&[r#"2["connect"]"#], Ends),
    (&[r#"2["connect_error"]"#], Ends),
    (&[r#"2["disconnect"]"#], Ends),
    (&[r#"2["disconnecting"]"#], Ends),
    (&[r#"2["newListener"]"#], Ends),
    (&[r#"2["removeListener"]"#], Ends),
    // Payloads.
    (&["2"], Ends),
    (&["2[]"], Ends),
    (&["2{}"], Ends),
    (&[r#"2"x""#], Ends),
    (&["2null"], Ends),
    (&["2[null]"], Ends),
    (&[r#"2["x"]]"#], Ends),
    (&[r#"2["x"]x"#], Ends),
    (&[r#"2["x"],["y"]"#], Ends),
    (&[r#"2["x""#], Ends),
    (&[r#"2["x",]"#], Ends),
    (&[r#"2["x",NaN]"#], Ends),
    (&["2[\"x\",\"\n\"]"], Ends),
    // Attachments.
    (&[r#"50-["x"]"#], Ends),
    (&[r#"5["x"]"#], Ends),
    (&[r#"5-["x"]"#], Ends),
    (&[r#"511-["x"]"#], Ends),
    (&[r#"599999999999999999999-["x"]"#], Ends),
    (&[r#"5+1-["x",{"_placeholder":true,"num":0}]"#, "<binary>"], Ends),
    (&[r#"5-1-["x",{"_placeholder":true,"num":0}]"#, "<binary>"], Ends),
    (&[r#"51e1-["x"]"#], Ends),
    (&[r#"51-["x",{"_placeholder":true,"num":1}]"#, "<binary>"], Ends),
    (&[r#"51-["x",{"_placeholder":true,"num":-1}]"#, "<binary>"], Ends),
    (&[r#"51-["x",{"_placeholder":true,"num":"0"}]"#, "<binary>"], Ends),
    (&[r#"51-["x",{"_placeholder":true}]"#, "<binary>"], Ends),
    (&[r#"51-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#, "<binary>"], Ends),
    (&[r#"51-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#, "<binary>"], GoesOn),
    (&[r#"51-["x",{"_placeholder":true,"num":0}]"#, r#"2["x"]"#], Ends),
    (&[r#"51-["x",{"_placeholder":true,"num":0}]"#, "<binary>", "<binary>"], Ends),
    (&["<binary>"], Ends),
    // Acknowledgements.
    (&["30[]"], GoesOn),
    (&["3[]"], GoesOn),
    (&["318446744073709551615[]"], GoesOn),
    (&["318446744073709551616[]"], Ends),
    (&[r#"218446744073709551616["x"]"#], Ends),
    (&[r#"2999999999999999999999999["x"]"#], Ends),
    (&["30"], Ends),
    (&["30{}"], Ends),
    // After DISCONNECT.
    (&["1", r#"2["x"]"#], Ends),
    (&["1", "1"], Ends),
    // Values.
    (&[r#"2["x",1e999999]"#], GoesOn),
    (&[r#"2["x",-0.0e-99999]"#], GoesOn),
    (&[r#"2["x","\ud800"]"#], GoesOn),
    (&[r#"2["x",{"\udfff\ud800":1}]"#], GoesOn),
];

/// Rows that are made.
fn made() -> Vec<(&'static str, Vec<Message>, Session)> {
    let one = |packet: String| packets(&[&packet]);
    let nested = |depth: usize| one(format!(r#"2["x",{}{}]"#, "[".repeat(depth), "]".repeat(depth)));
    let flood = |packet: &dyn Fn(usize) -> String| {
        let flood: Vec<_> = (0..200).map(packet).collect();
        packets(&flood.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let objects = format!(r#"2["x",{}1{}]"#, r#"{"a":"#.repeat(200), "}".repeat(200));
    vec![
        ("nesting up to the limit", nested(127), GoesOn),
        ("one level more", nested(128), Ends),
        ("a hundred thousand levels", nested(100_000), Ends),
        ("nested objects", one(objects), Ends),
        ("a payload that only opens", one("2".to_owned() + &"[".repeat(100_000)), Ends),
        ("a number of 100 000 digits", one(format!(r#"2["x",{}]"#, "9".repeat(100_000))), GoesOn),
        ("100 000 arguments", one(format!(r#"2["x"{}]"#, ",1".repeat(100_000))), GoesOn),
        ("an object of 20 000 keys", one(wide_object()), GoesOn),
        ("a name of 100 000 characters", one(format!(r#"2["{}"]"#, "n".repeat(100_000))), GoesOn),
        ("a namespace of 100 000 characters", one(format!("0/{},", "n".repeat(100_000))), GoesOn),
        ("a flood of namespaces that do not exist", flood(&|n| format!("0/{n},")), GoesOn),
        ("a flood of joining and leaving", flood(&|n| ["0/admin,", "1/admin,"][n % 2].to_owned()), GoesOn),
        ("a flood of answers to no question", flood(&|n| format!("3{n}[]")), GoesOn),
        ("a flood of events", flood(&|n| format!(r#"2["x",{n}]"#)), GoesOn),
    ]
}

fn wide_object() -> String {
    let keys: Vec<_> = (0..20_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
    format!(r#"2["x",{{{}}}]"#, keys.join(","))
}

/// What was written to the log that is more than one line, or has control characters.
static FORGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn forged() -> MutexGuard<'static, Vec<String>> {
    FORGED.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let line = line.strip_suffix('\n').unwrap_or(&line);
        // The frames that tungstenite traces are not ours.
        if line.contains("socketio") && line.contains(char::is_control) {
            forged().push(line.to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn watch_the_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let format = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE);
        format.with_writer(|| Lines).init();
    });
}

fn server() -> SocketIo {
    // Whatever comes is read, and what cannot be is an error that is logged.
    let open = || {
        Namespace::new()
            .on("x", async |_: TryData<serde_json::Value>| Ack("y"))
            .on("strict", async |Data(n): Data<u32>| Ack(n))
            .on_error(async |error: EventError| tracing::warn!(error = error.message(), "an error"))
    };
    SocketIo::builder().namespace("/", open()).namespace("/admin", open()).build()
}

/// The session answers, whatever else it has to say before.
async fn answers(session: &TestSession) -> Result<bool, TestError> {
    if session.send_raw(r#"4277777["x"]"#).is_err() {
        return Ok(false);
    }
    loop {
        match session.next_packet().await {
            Ok(packet) if packet == r#"377777["y"]"# => return Ok(true),
            Ok(_) => {}
            Err(error) if error.is_ended() => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// One attack over each transport: what came of it.
async fn attack(name: &str, is_joined: bool, messages: &[Message], expected: Session) -> Outcome {
    for is_polling in [false, true] {
        let io = server();
        let mut honest = TestClient::connect(&io, "/").await?;
        let attacker = TestClient::connect(&io, "/").patience(60 * SECOND);
        let attacker = if is_polling { attacker.polling() } else { attacker };
        let attacker = attacker.open().await?;
        if is_joined {
            attacker.send_raw("40")?;
            attacker.next_packet().await?;
        }
        for message in messages {
            let sent = match message {
                Message::Text(packet) => attacker.send_raw(packet.clone()),
                Message::Binary => attacker.send_raw_binary(vec![1, 2, 3]),
            };
            assert!(sent.is_ok() || expected == Ends, "{name}");
            assert_eq!(honest.emit_with_ack::<String>("x", ()).await?, "y", "{name}");
        }
        let goes_on = answers(&attacker).await?;
        assert_eq!(goes_on, expected == GoesOn, "{name:.100}, polling: {is_polling}");
        drop(attacker);
        assert_eq!(honest.emit_with_ack::<u32>("strict", 5).await?, 5);
        tokio::time::sleep(100 * SECOND).await;
        let left = (io.of("/").sockets().len(), io.of("/admin").sockets().len(), io.engine().clients_count());
        assert_eq!(left, (1, 0, 1), "{name}");
        assert!(honest.try_next().is_none() && honest.ending().is_none());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn before_connect_nothing_but_a_connect_is_taken() -> Outcome {
    watch_the_log();
    for (messages, expected) in BEFORE_CONNECT {
        attack(&format!("{messages:?}"), false, &packets(messages), *expected).await?;
    }
    assert_eq!(*forged(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_attack_ends_its_own_session_or_nothing() -> Outcome {
    watch_the_log();
    for (messages, expected) in AFTER_CONNECT {
        attack(&format!("{messages:?}"), true, &packets(messages), *expected).await?;
    }
    assert_eq!(*forged(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn attacks_with_much_of_something_are_no_more_than_others() -> Outcome {
    watch_the_log();
    for (name, messages, expected) in made() {
        attack(name, true, &messages, expected).await?;
    }
    assert_eq!(*forged(), [""; 0]);
    Ok(())
}
