//! What the engine asks of its users' types, and what it promises of its own.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    cell::Cell,
    convert::Infallible,
    marker::PhantomPinned,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Buf;
use common::{Recorder, recorder};
use http::Request;
use http_body::Frame;
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};
use tower_socketio::{
    Body, BoxError, CloseReason, ResponseBody, SessionId,
    codec::engine::Message,
    engine::{EngineService, ResponseFuture},
    exchange::{Closed, Scope},
    outbox::Outbox,
};

fn assert_send<T: Send>() {}

fn assert_sync<T: Sync>() {}

fn assert_clone<T: Clone>() {}

#[test]
fn the_engine_is_shared_between_threads() {
    assert_send::<EngineService<Recorder>>();
    assert_sync::<EngineService<Recorder>>();
    assert_clone::<EngineService<Recorder>>();
}

#[test]
fn its_future_may_move_to_another_thread() {
    assert_send::<ResponseFuture>();
}

#[test]
fn its_bodies_are_shared_between_threads() {
    assert_send::<Body>();
    assert_sync::<Body>();
    assert_send::<ResponseBody<Body>>();
    assert_sync::<ResponseBody<Body>>();
}

#[test]
fn what_a_session_is_given_may_move_to_another_thread() {
    assert_send::<Outbox>();
    assert_sync::<Outbox>();
    assert_send::<Scope>();
    assert_sync::<Scope>();
    assert_send::<Closed>();
    assert_send::<SessionId>();
    assert_send::<Message>();
    assert_send::<CloseReason>();
}

/// A body that is no more than it must be: neither `Unpin`, `Sync` nor `Debug`, and neither is its data.
struct Meagre {
    packet: Option<Vec<u8>>,
    _not_sync: Cell<()>,
    _not_unpin: PhantomPinned,
}

struct MeagreData {
    bytes: Vec<u8>,
    read: usize,
    _not_sync: Cell<()>,
    _not_unpin: PhantomPinned,
}

/// An error that is no `std::error::Error`, but becomes one.
struct MeagreError;

impl From<MeagreError> for BoxError {
    fn from(_: MeagreError) -> Self {
        "meagre".into()
    }
}

impl Buf for MeagreData {
    fn remaining(&self) -> usize {
        self.bytes.len() - self.read
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes[self.read..]
    }

    fn advance(&mut self, count: usize) {
        self.read += count;
    }
}

impl http_body::Body for Meagre {
    type Data = MeagreData;
    type Error = MeagreError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<MeagreData>, MeagreError>>> {
        let packet = self.packet.clone();
        let frame = packet.map(|bytes| {
            Ok(Frame::data(MeagreData {
                bytes,
                read: 0,
                _not_sync: Cell::new(()),
                _not_unpin: PhantomPinned,
            }))
        });
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.packet.is_none()
    }
}

/// A session's service that may move, and no more.
struct Restless(Cell<usize>);

impl Service<Message> for Restless {
    type Response = ();
    type Error = MeagreError;
    type Future = Pin<Box<dyn Future<Output = Result<(), MeagreError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), MeagreError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Message) -> Self::Future {
        self.0.set(self.0.get() + 1);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn a_body_has_to_be_send_and_nothing_else() {
    let engine = EngineService::new(recorder().0);
    let body = Meagre { packet: None, _not_sync: Cell::new(()), _not_unpin: PhantomPinned };
    let request = Request::get("/?EIO=4&transport=polling").body(body).unwrap();
    let response = engine.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"0{"));
}

#[tokio::test]
async fn an_endless_body_of_any_kind_is_refused_at_the_limit() {
    let engine = EngineService::new(recorder().0);
    let meagre = |packet| Meagre { packet, _not_sync: Cell::new(()), _not_unpin: PhantomPinned };
    let request = Request::get("/?EIO=4&transport=polling").body(meagre(None)).unwrap();
    let body = engine.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let handshake: serde_json::Value = serde_json::from_slice(&body[1..]).unwrap();
    let uri = format!("/?EIO=4&transport=polling&sid={}", handshake["sid"].as_str().unwrap());
    let request = Request::post(uri).body(meagre(Some(vec![b'4'; 1000]))).unwrap();
    assert_eq!(engine.oneshot(request).await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_sessions_service_has_to_be_send_and_nothing_else() {
    let make = tower::service_fn(|_| std::future::ready(Ok::<_, Infallible>(Restless(Cell::new(0)))));
    let engine = EngineService::new(make);
    let request = Request::get("/?EIO=4&transport=polling").body(Body::empty()).unwrap();
    assert_eq!(engine.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_engine_is_always_ready() {
    let mut engine = EngineService::new(recorder().0);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let ready = Service::<Request<Body>>::poll_ready(&mut engine, &mut cx);
    assert!(matches!(ready, Poll::Ready(Ok(()))));
}
