//! Response bodies.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

/// The body of a response of the engine: at most one chunk, its length known ahead.
#[derive(Debug, Clone, Default)]
pub struct Body(Option<Bytes>);

impl Body {
    /// A body without bytes.
    pub const fn empty() -> Self {
        Self(None)
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, Bytes::len) as u64)
    }
}

pin_project! {
    /// The body of a response of a service that stands beside the engine: the engine's own, or the inner service's.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    #[derive(Debug)]
    enum Kind<B> {
        Engine { body: Body },
        Inner { #[pin] body: B },
    }
}

impl<B> ResponseBody<B> {
    /// The engine answered.
    pub fn engine(body: Body) -> Self {
        Self { kind: Kind::Engine { body } }
    }

    /// The inner service answered.
    pub fn inner(body: B) -> Self {
        Self { kind: Kind::Inner { body } }
    }
}

impl<B> From<Body> for ResponseBody<B> {
    fn from(body: Body) -> Self {
        Self::engine(body)
    }
}

impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::engine(Body::empty())
    }
}

impl<B: http_body::Body<Data = Bytes>> http_body::Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Engine { body } => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            KindProjection::Inner { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Engine { body } => body.is_end_stream(),
            Kind::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Engine { body } => body.size_hint(),
            Kind::Inner { body } => body.size_hint(),
        }
    }
}
