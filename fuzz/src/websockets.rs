//! What a client sends over its websocket.

use std::{
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    sync::oneshot,
};
use tower::{ServiceExt, service_fn};
use tower_socketio::{
    CloseReason, SessionId,
    codec::engine::Message,
    engine::{EngineConfig, EngineService, PerMessageDeflate},
    exchange::{Open, UpgradeHook},
};

/// More than all answers to an input.
const PIPE: usize = 1 << 20;

const MAX_PAYLOAD: usize = 1000;

/// The bytes of a connection, behind one that says in how large pieces they come: the session ends, its answers are
/// frames, the last of them says goodbye, and all of it is the same as if they had come at once.
pub fn frames(bytes: &[u8]) {
    let Some((&size, stream)) = bytes.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let whole = runtime.block_on(outcome(&[stream], None));
    let pieces: Vec<&[u8]> = stream.chunks(usize::from(size).max(1)).collect();
    let in_pieces = runtime.block_on(outcome(&pieces, None));
    assert_eq!(whole, in_pieces);
}

/// The same where the client may compress: no message is too long, and which fault of a message is found first may depend
/// on the pieces.
pub fn deflated(bytes: &[u8]) {
    let Some((&size, stream)) = bytes.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let deflate = || Some(PerMessageDeflate::new().client_context_takeover(size % 2 == 0));
    let (whole, reason, _) = runtime.block_on(outcome(&[stream], deflate()));
    assert!(whole.iter().all(|message| message.len() <= MAX_PAYLOAD));
    let pieces: Vec<&[u8]> = stream.chunks(usize::from(size).max(1)).collect();
    let (in_pieces, other_reason, _) = runtime.block_on(outcome(&pieces, deflate()));
    assert_eq!((whole, reason), (in_pieces, other_reason));
}

/// The messages that came of it, the reason of the end, and what was answered.
async fn outcome(
    pieces: &[&[u8]],
    deflate: Option<PerMessageDeflate>,
) -> (Vec<Message>, CloseReason, Vec<u8>) {
    let mut config = EngineConfig::default();
    (config.max_payload, config.max_fragments) = (MAX_PAYLOAD, 8);
    config.per_message_deflate = deflate;
    let messages = Arc::new(Mutex::new(Vec::new()));
    let (sender, closed) = oneshot::channel();
    let (sender, received) = (Arc::new(Mutex::new(Some(sender))), messages.clone());
    let make = service_fn(move |open: Open| {
        if let Some(sender) = sender.lock().unwrap_or_else(PoisonError::into_inner).take() {
            sender.send(open.closed).ok();
        }
        let messages = messages.clone();
        ready(Ok::<_, Infallible>(service_fn(move |message: Message| {
            messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            ready(Ok::<_, Infallible>(()))
        })))
    });
    let (mut client, server) = duplex(PIPE);
    let request = Request::builder()
        .uri("/engine.io/?EIO=4&transport=websocket")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-extensions", "permessage-deflate")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .extension(SessionId::from("mine"))
        .extension(UpgradeHook::from_io(server))
        .body(Full::<Bytes>::default());
    let engine = EngineService::with_config(make, config);
    let response = engine.oneshot(request.expect("a request")).await.expect("an engine never fails");
    assert_eq!(response.status(), 101);
    settle().await;
    for piece in pieces {
        // The session may have ended before.
        client.write_all(piece).await.ok();
        settle().await;
    }
    client.shutdown().await.ok();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.expect("a pipe does not fail");
    check(&answer);
    let reason = closed.await.expect("there was a session").await;
    (std::mem::take(&mut *received.lock().unwrap_or_else(PoisonError::into_inner)), reason, answer)
}

/// Lets the session have its turns.
async fn settle() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

/// Frames of a server: whole, without a mask, and a close frame at the end.
fn check(mut answer: &[u8]) {
    loop {
        let [first, second, rest @ ..] = answer else { panic!("an answer ends with a close frame") };
        let (length, rest) = match second {
            0..126 => (usize::from(*second), rest),
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            _ => panic!("no answer is that long, or has a mask"),
        };
        answer = &rest[length..];
        match first {
            0x81 | 0x8a => {}
            0x88 => return assert!(answer.is_empty() && matches!(length, 0 | 2)),
            first => panic!("an answer begins with {first:#x}"),
        }
    }
}
