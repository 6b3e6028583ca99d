use std::{
    fmt,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_http::services::fs::ServeFileSystemResponseBody;

use crate::error::BoxError;

pin_project! {
    /// The body of a response: a file's, or the inner service's.
    pub struct ServeClientBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Empty,
        // Some frameworks ask for bodies that are `Sync`, which tower-http's is not. The mutex makes it so: it is
        // never locked, since reading a body needs `&mut` anyway.
        File { body: Mutex<ServeFileSystemResponseBody> },
        Inner { #[pin] body: B },
    }
}

impl<B> ServeClientBody<B> {
    pub(super) fn file(body: ServeFileSystemResponseBody) -> Self {
        Self { kind: Kind::File { body: Mutex::new(body) } }
    }

    pub(super) fn inner(body: B) -> Self {
        Self { kind: Kind::Inner { body } }
    }
}

impl<B> Default for ServeClientBody<B> {
    fn default() -> Self {
        Self { kind: Kind::Empty }
    }
}

impl<B> Body for ServeClientBody<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProjection::Empty => Poll::Ready(None),
            KindProjection::File { body } => {
                let body = body.get_mut().unwrap_or_else(PoisonError::into_inner);
                Pin::new(body).poll_frame(cx).map_err(Into::into)
            }
            KindProjection::Inner { body } => body.poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            // It says so at its end.
            Kind::File { .. } => false,
            Kind::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            // The response's `Content-Length` says it.
            Kind::File { .. } => SizeHint::default(),
            Kind::Inner { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for ServeClientBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServeClientBody")
    }
}
