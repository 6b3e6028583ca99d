//! What a client's frames mean: tungstenite, in the role of the server, is asked for a second opinion.
//!
//! The same bytes go to a session, cut at any points, and to tungstenite. Both must come to the same messages, the same
//! pongs and the same close code. They differ in what they know first:
//!
//! * Ours refuses a frame as soon as it is wrong, tungstenite when it is complete. Where ours has refused the last frame
//!   before it was complete, tungstenite is shown the rest of it.
//! * Of a frame that is wrong in two ways, ours names what stands first on the wire: not the length (1009) of a header
//!   that must not be at all (1002), and not the reason (1007) of a close frame with a bad code (1002).
//! * A control frame of up to 125 bytes has no place for a longer length. Ours refuses one (as `ws` does), tungstenite
//!   looks at the length alone.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{self, Cursor, Read, Write};

use common::{Recorder, Server, Session, Sessions, config, recorder, settle};
use proptest::{prelude::*, sample::Index, test_runner::FileFailurePersistence};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    runtime::Runtime,
};
use tokio_tungstenite::tungstenite::{
    Error, Message as WsMessage, WebSocket,
    protocol::{
        Role, WebSocketConfig,
        frame::{
            FrameHeader,
            coding::{CloseCode, Control, OpCode},
        },
    },
};
use tower_socketio::{
    CloseReason, Text,
    codec::engine::{Message, Packet},
};

/// The most bytes of a message.
const LIMIT: usize = 300;

/// What came of a client's bytes.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    messages: Vec<Message>,
    pongs: Vec<Vec<u8>>,
    /// The code of the server's close frame.
    code: Option<u16>,
    reason: CloseReason,
}

impl Outcome {
    fn is_violation(&self) -> bool {
        self.code.is_some() && self.reason == CloseReason::TransportError
    }
}

// What clients send.

fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let length = payload.len();
    let mut bytes = match length {
        0..126 => vec![first, 0x80 | length as u8],
        _ => [&[first, 0xfe], &(length as u16).to_be_bytes()[..]].concat(),
    };
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// A message in as many frames as it was cut into, with pings and pongs in between.
fn message(kind: u8, payload: &[u8], cuts: &[Index], controls: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(payload.len());
    let (mut bytes, mut start) = (Vec::new(), 0);
    for (number, cut) in cuts.iter().enumerate() {
        let is_last = number + 1 == cuts.len();
        let first = if number == 0 { kind } else { 0 } | if is_last { 0x80 } else { 0 };
        bytes.extend(frame(first, &payload[start..*cut], mask));
        start = *cut;
        if let Some(control) = controls.get(number) {
            bytes.extend(frame(0x89 + control % 2, &vec![b'p'; usize::from(*control) % 126], mask));
        }
    }
    bytes
}

fn messages() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        6 => "4.{0,60}".prop_map(|text| (0x01, text.into_bytes())),
        1 => ".{0,5}".prop_map(|text| (0x01, text.into_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..10).prop_map(|bytes| (0x01, [b"4", &bytes[..]].concat())),
        4 => prop::collection::vec(any::<u8>(), 0..=LIMIT + 10).prop_map(|bytes| (0x02, bytes)),
    ];
    let cuts = prop::collection::vec(any::<Index>(), 0..4);
    let controls = prop::collection::vec(any::<u8>(), 0..3);
    (payload, cuts, controls, any::<[u8; 4]>())
        .prop_map(|((kind, payload), cuts, controls, mask)| message(kind, &payload, &cuts, &controls, mask))
}

fn close_frames() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![Just(1000_u16), 998..1020_u16, 2998..3002_u16, 4998..5002_u16, any::<u16>()];
    let reason =
        prop_oneof![".{0,20}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..5)];
    let with_code = (code, reason).prop_map(|(code, reason)| [&code.to_be_bytes(), &reason[..]].concat());
    let payload = prop_oneof![Just(vec![]), Just(vec![3]), with_code];
    (payload, any::<[u8; 4]>()).prop_map(|(payload, mask)| frame(0x88, &payload, mask))
}

/// Headers that say anything, of any length.
fn headers() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![prop::sample::select(vec![0x81_u8, 0x82, 0x01, 0x80, 0x89]), any::<u8>()];
    let length = prop_oneof![0..400_u64, any::<u64>()];
    (first, any::<u8>(), length, prop::collection::vec(any::<u8>(), 0..40)).prop_map(
        |(first, second, length, rest)| match second & 0x7f {
            127 => [&[first, second], &length.to_be_bytes()[..], &rest].concat(),
            126 => [&[first, second], &(length as u16).to_be_bytes()[..], &rest].concat(),
            _ => [&[first, second], &rest[..]].concat(),
        },
    )
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![10 => messages(), 1 => close_frames(), 1 => headers()];
    let change = prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<Index>().prop_map(Change::Remove),
        any::<Index>().prop_map(Change::Cut),
    ];
    let changes = prop_oneof![2 => Just(vec![]), 1 => prop::collection::vec(change, 1..3)];
    (prop::collection::vec(part, 0..6), changes).prop_map(|(parts, changes)| {
        let mut bytes = parts.concat();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        bytes
    })
}

#[derive(Debug, Clone)]
enum Change {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let (Self::Replace(at, _) | Self::Insert(at, _) | Self::Remove(at) | Self::Cut(at)) = self;
        if bytes.is_empty() {
            return;
        }
        let at = at.index(bytes.len());
        match self {
            Self::Replace(_, byte) => bytes[at] = *byte,
            Self::Insert(_, byte) => bytes.insert(at, *byte),
            Self::Remove(_) => drop(bytes.remove(at)),
            Self::Cut(_) => bytes.truncate(at),
        }
    }
}

// Ours.

struct Ours {
    server: Server,
    sessions: Sessions,
}

impl Ours {
    fn new() -> Self {
        let (make, sessions): (Recorder, _) = recorder();
        Self { server: Server::new(make, config(|config| config.max_payload = LIMIT)), sessions }
    }

    async fn open(&mut self) -> (DuplexStream, Session) {
        let mut connection = self.server.connect();
        let head = "GET /?EIO=4&transport=websocket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(connection.read_u8().await.unwrap());
        }
        (connection, self.sessions.next().await)
    }

    async fn outcome(&mut self, pieces: &[&[u8]]) -> Outcome {
        let (mut connection, mut session) = self.open().await;
        for piece in pieces {
            // The server may be through with it before.
            connection.write_all(piece).await.ok();
            settle().await;
        }
        connection.shutdown().await.ok();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        let reason = session.closed().await;
        let (pongs, code) = answers(&answer);
        Outcome { messages: session.all(), pongs, code, reason }
    }
}

/// What a server has sent: its pongs, and the code of its close frame, which is the last.
fn answers(mut bytes: &[u8]) -> (Vec<Vec<u8>>, Option<u16>) {
    let mut pongs = Vec::new();
    loop {
        let mut cursor = Cursor::new(bytes);
        let (header, length) = FrameHeader::parse(&mut cursor).unwrap().expect("a close frame is the last");
        let (start, end) = (cursor.position() as usize, cursor.position() as usize + length as usize);
        assert!(header.mask.is_none() && header.is_final);
        let payload = &bytes[start..end];
        bytes = &bytes[end..];
        match header.opcode {
            OpCode::Control(Control::Pong) => pongs.push(payload.to_vec()),
            OpCode::Control(Control::Close) => {
                assert!(bytes.is_empty(), "a close frame is the last");
                return (pongs, payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
            }
            _ => {}
        }
    }
}

// Tungstenite's.

struct Pipe(Cursor<Vec<u8>>);

impl Read for Pipe {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut self.0, space)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a session makes of the messages that tungstenite finds.
fn second_opinion(bytes: &[u8]) -> Outcome {
    let limits = WebSocketConfig::default().max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT));
    let mut websocket =
        WebSocket::from_raw_socket(Pipe(Cursor::new(bytes.to_vec())), Role::Server, Some(limits));
    let (mut messages, mut pongs) = (Vec::new(), Vec::new());
    let (code, reason) = loop {
        match websocket.read() {
            Ok(WsMessage::Text(text)) => match Packet::decode(Text::from(text.as_str())) {
                Ok(Packet::Message(message)) => messages.push(message),
                Ok(Packet::Close) => break (None, CloseReason::TransportClose),
                Ok(Packet::Ping(_)) => break (None, CloseReason::TransportError),
                Ok(_) => {}
                Err(_) => break (None, CloseReason::ParseError),
            },
            Ok(WsMessage::Binary(bytes)) => messages.push(Message::Binary(bytes)),
            Ok(WsMessage::Ping(body)) => pongs.push(body.to_vec()),
            Ok(WsMessage::Close(Some(frame))) if frame.reason == "Protocol violation" => {
                break (Some(1002), CloseReason::TransportError);
            }
            Ok(WsMessage::Close(frame)) => {
                break (frame.map(|frame| frame.code.into()), CloseReason::TransportClose);
            }
            Ok(_) => {}
            Err(Error::Capacity(_)) => break (Some(1009), CloseReason::TransportError),
            Err(Error::Utf8(_)) => break (Some(1007), CloseReason::TransportError),
            Err(Error::Protocol(error)) if error.to_string().contains("Connection reset") => {
                break (None, CloseReason::TransportClose);
            }
            Err(Error::Protocol(_)) => break (Some(1002), CloseReason::TransportError),
            Err(error) => panic!("{error}"),
        }
    };
    Outcome { messages, pongs, code, reason }
}

/// The header of the last frame, its payload, and the same bytes with all of it, filled up with zeros.
fn completed(bytes: &[u8]) -> (Option<(FrameHeader, u64)>, Vec<u8>, Vec<u8>) {
    let (mut bytes, mut start, mut last, mut payload) = (bytes.to_vec(), 0, None, Vec::new());
    while start < bytes.len() {
        let mut cursor = Cursor::new(&bytes[start..]);
        match FrameHeader::parse(&mut cursor) {
            Ok(Some((header, length))) => {
                start += cursor.position() as usize;
                // A longer one is refused by its header.
                let length_here = length.min(LIMIT as u64 + 1) as usize;
                let end = start + length_here;
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                payload = bytes[start..end].to_vec();
                let mask = header.mask.unwrap_or_default();
                payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
                last = Some((header, length));
                start = end;
            }
            Ok(None) => bytes.push(0),
            Err(_) => break,
        }
    }
    (last, payload, bytes)
}

/// The same bytes, in which a control frame that writes its length in a longer form is wrong in another way, too.
fn without_long_controls(bytes: &[u8]) -> Vec<u8> {
    let (mut bytes, mut start) = (bytes.to_vec(), 0);
    while let [first, second, ..] = &mut bytes[start..] {
        if *first & 0x08 != 0 && *second & 0x7f > 125 {
            *first |= 0x70;
        }
        let mut cursor = Cursor::new(&bytes[start..]);
        let Ok(Some((_, length))) = FrameHeader::parse(&mut cursor) else { break };
        let end = (start as u64 + cursor.position()).saturating_add(length);
        start = end.min(bytes.len() as u64) as usize;
    }
    bytes
}

fn agree(bytes: &[u8], ours: &Outcome) -> Result<(), TestCaseError> {
    let bytes = &without_long_controls(bytes)[..];
    let theirs = second_opinion(bytes);
    if *ours == theirs {
        return Ok(());
    }
    // Ours may know more than there is to see for tungstenite, but nothing else.
    prop_assert!(ours.is_violation(), "ours: {:?}, tungstenite: {:?}", ours, theirs);
    let (_, _, all) = completed(bytes);
    let theirs = second_opinion(&all);
    let is_same = *ours == theirs;
    let both_refuse = (&ours.messages, &ours.pongs, theirs.is_violation(), ours.code)
        == (&theirs.messages, &theirs.pongs, true, Some(1002));
    let (last, payload, _) = completed(&all[..refused_at(&all)]);
    let is_too_long =
        theirs.code == Some(1009) && last.as_ref().is_some_and(|(_, length)| *length > LIMIT as u64);
    let is_bad_close = theirs.code == Some(1007)
        && last.is_some_and(|(header, _)| header.opcode == OpCode::Control(Control::Close))
        && payload.first_chunk().is_some_and(|code| !CloseCode::from(u16::from_be_bytes(*code)).is_allowed());
    let excused = both_refuse && (is_too_long || is_bad_close);
    prop_assert!(is_same || excused, "ours: {:?}, tungstenite: {:?}", ours, theirs);
    Ok(())
}

/// So many bytes are enough for tungstenite to refuse a frame.
fn refused_at(bytes: &[u8]) -> usize {
    (0..=bytes.len()).find(|length| second_opinion(&bytes[..*length]).is_violation()).unwrap_or(bytes.len())
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[test]
fn any_frames_mean_what_tungstenite_says_they_mean() {
    let runtime = runtime();
    let ours = std::cell::RefCell::new(runtime.block_on(async { Ours::new() }));
    let seen = std::cell::RefCell::new(std::collections::BTreeMap::new());
    // As many as PROPTEST_CASES asks for, but not few.
    let config = ProptestConfig::default();
    let failures: Box<FileFailurePersistence> = Box::new(FileFailurePersistence::WithSource("regressions"));
    let config =
        ProptestConfig { cases: config.cases.max(1000), failure_persistence: Some(failures), ..config };
    proptest!(config, |(bytes in streams(), cuts in prop::collection::vec(any::<Index>(), 0..5))| {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
        let outcome = runtime.block_on(ours.borrow_mut().outcome(&pieces));
        *seen.borrow_mut().entry((outcome.reason.as_str(), outcome.code)).or_insert(0) += 1;
        agree(&bytes, &outcome)?;
    });
    // Nothing is compared if all end in the same way.
    let seen = seen.into_inner();
    for end in [
        ("transport close", None),
        ("transport error", Some(1002)),
        ("transport error", Some(1007)),
        ("transport error", Some(1009)),
        ("parse error", None),
    ] {
        assert!(seen.contains_key(&end), "{end:?} of {seen:?}");
    }
}
