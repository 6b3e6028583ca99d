//! A client that polls as the official one does: one GET waiting, and one POST beside it.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Method, StatusCode};

use super::{
    door::{Asking, Reply, Route},
    ending::Ending,
    error::{ConnectError, Kind, TestError},
    opened::Opened,
    step::Step,
    websocket::WebSocket,
};
use crate::{
    body::Body,
    codec::engine::{Frame, Packet, ParseError, Payload, Transport, encode_payload},
};

const SEPARATOR: char = '\x1e';

pub(super) struct Polling {
    route: Route,
    sid: String,
    /// The most bytes of a POST.
    max_payload: usize,
    /// The size of the pipe that a websocket would get.
    buffer: usize,
    pub(super) outgoing: VecDeque<Frame>,
    incoming: VecDeque<Result<Packet, ParseError>>,
    get: Option<Asking>,
    post: Option<Asking>,
    upgrade: Option<Upgrade>,
    is_closing: bool,
}

/// How far the websocket has come that takes over.
enum Upgrade {
    Probing(Pin<Box<dyn Future<Output = Result<WebSocket, ConnectError>> + Send>>),
    /// It is good, and waits until no request is under way.
    Pausing(Box<WebSocket>),
}

impl Polling {
    pub(super) async fn open(route: Route, buffer: usize) -> Result<(Self, Opened), ConnectError> {
        let request = route.request(Method::GET, Transport::Polling, None, Body::empty())?;
        let reply = route.ask(request).await?;
        if reply.status != StatusCode::OK {
            return Err(reply.into_error());
        }
        let text = reply.text();
        let (first, rest) = match text.split_once(SEPARATOR) {
            Some((first, rest)) => (first, Some(rest)),
            None => (text.as_str(), None),
        };
        let opened = Opened::parse(first, reply.headers)?;
        let mut polling = Self {
            route,
            sid: opened.sid.clone(),
            max_payload: opened.max_payload,
            buffer,
            outgoing: VecDeque::new(),
            incoming: VecDeque::new(),
            get: None,
            post: None,
            upgrade: None,
            is_closing: false,
        };
        if let Some(rest) = rest {
            polling.receive(rest.as_bytes());
        }
        Ok((polling, opened))
    }

    pub(super) fn close(&mut self) {
        self.is_closing = true;
        self.outgoing.push_back(Frame::CLOSE);
    }

    pub(super) fn upgrade(&mut self) {
        let (route, sid, buffer) = (self.route.clone(), self.sid.clone(), self.buffer);
        self.upgrade = Some(Upgrade::Probing(Box::pin(async move {
            let (mut websocket, _) = WebSocket::connect(&route, Some(&sid), buffer).await?;
            websocket.send(Frame::Text("2probe".into()));
            loop {
                match std::future::poll_fn(|cx| websocket.poll(cx, true)).await {
                    Step::Written => {}
                    Step::Packet(Packet::Pong(data)) if &*data == "probe" => return Ok(websocket),
                    _ => {
                        let sentence =
                            "the websocket that was to take over ended, or did not answer the probe";
                        return Err(TestError::new(Kind::Ended, sentence).into());
                    }
                }
            }
        })));
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, reads: bool) -> Poll<Step<WebSocket>> {
        loop {
            if reads && let Some(packet) = self.incoming.pop_front() {
                return Poll::Ready(packet.map_or(Step::End(Ending::Garbled), Step::Packet));
            }
            if let Poll::Ready(step) = self.poll_upgrade(cx) {
                return Poll::Ready(step);
            }
            if let Poll::Ready(step) = self.poll_post(cx) {
                match step {
                    Some(step) => return Poll::Ready(step),
                    None => continue,
                }
            }
            if !reads {
                return Poll::Pending;
            }
            match std::task::ready!(self.poll_get(cx)) {
                Ok(reply) if reply.status == StatusCode::OK => self.receive(&reply.body),
                Ok(reply) => return Poll::Ready(Step::End(Ending::Status(reply.status))),
                Err(_) => return Poll::Ready(Step::End(Ending::Cut)),
            }
        }
    }

    fn receive(&mut self, body: &[u8]) {
        self.incoming.extend(Payload::new(body.to_vec(), usize::MAX));
    }

    fn is_pausing(&self) -> bool {
        matches!(self.upgrade, Some(Upgrade::Pausing(_)))
    }

    /// The answer to a waiting GET, which is begun if there is none.
    fn poll_get(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, TestError>> {
        if self.get.is_none() && !self.is_pausing() && !self.is_closing {
            let request =
                self.route.request(Method::GET, Transport::Polling, Some(&self.sid), Body::empty())?;
            self.get = Some(self.route.ask(request));
        }
        let Some(get) = &mut self.get else { return Poll::Pending };
        let reply = std::task::ready!(get.as_mut().poll(cx));
        self.get = None;
        Poll::Ready(reply)
    }

    /// Ready when a POST was answered, with a step if that is worth one.
    fn poll_post(&mut self, cx: &mut Context<'_>) -> Poll<Option<Step<WebSocket>>> {
        if self.post.is_none() && !self.outgoing.is_empty() && !self.is_pausing() {
            let payload = self.next_payload();
            let mut request =
                match self.route.request(Method::POST, Transport::Polling, Some(&self.sid), payload) {
                    Ok(request) => request,
                    Err(_) => return Poll::Ready(Some(Step::End(Ending::Cut))),
                };
            let text = http::HeaderValue::from_static("text/plain;charset=UTF-8");
            request.headers_mut().insert(http::header::CONTENT_TYPE, text);
            self.post = Some(self.route.ask(request));
        }
        let Some(post) = &mut self.post else { return Poll::Pending };
        let reply = std::task::ready!(post.as_mut().poll(cx));
        self.post = None;
        Poll::Ready(match reply {
            Ok(reply) if reply.status != StatusCode::OK => Some(Step::End(Ending::Status(reply.status))),
            Err(_) => Some(Step::End(Ending::Cut)),
            Ok(_) if self.is_closing && self.outgoing.is_empty() => Some(Step::End(Ending::Local)),
            Ok(_) if self.outgoing.is_empty() => Some(Step::Written),
            Ok(_) => None,
        })
    }

    /// As many packets as one POST may have.
    fn next_payload(&mut self) -> Body {
        let mut packets = Vec::new();
        let mut bytes = 0;
        while let Some(frame) = self.outgoing.front() {
            let length = match frame {
                Frame::Text(text) => text.len(),
                Frame::Binary(binary) => 1 + binary.len().div_ceil(3) * 4,
            };
            if bytes > 0 && bytes + 1 + length > self.max_payload {
                break;
            }
            bytes += 1 + length;
            packets.extend(self.outgoing.pop_front());
        }
        Body::from(encode_payload(&packets))
    }

    fn poll_upgrade(&mut self, cx: &mut Context<'_>) -> Poll<Step<WebSocket>> {
        match self.upgrade.take() {
            Some(Upgrade::Probing(mut probing)) => match probing.as_mut().poll(cx) {
                Poll::Pending => self.upgrade = Some(Upgrade::Probing(probing)),
                Poll::Ready(Ok(websocket)) => {
                    self.upgrade = Some(Upgrade::Pausing(Box::new(websocket)));
                    return self.poll_upgrade(cx);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Step::Upgraded(Err(error.into()))),
            },
            Some(Upgrade::Pausing(mut websocket)) => {
                if self.get.is_none() && self.post.is_none() && self.incoming.is_empty() {
                    websocket.send(Frame::Text("5".into()));
                    self.outgoing.drain(..).for_each(|frame| websocket.send(frame));
                    return Poll::Ready(Step::Upgraded(Ok(websocket)));
                }
                self.upgrade = Some(Upgrade::Pausing(websocket));
            }
            None => {}
        }
        Poll::Pending
    }
}
