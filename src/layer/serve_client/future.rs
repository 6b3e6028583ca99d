use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, VARY},
};
use pin_project_lite::pin_project;

use super::{
    body::ServeClientBody,
    files::{ClientFiles, Reading, set_content_type},
};

pin_project! {
    /// The future of [`ServeClient`](super::ServeClient).
    pub struct ServeClientFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Inner { #[pin] future: F },
        File { #[pin] reading: Reading, file: &'static str, files: Arc<ClientFiles> },
        NotModified { files: Arc<ClientFiles> },
    }
}

impl<F> ServeClientFuture<F> {
    pub(super) fn inner(future: F) -> Self {
        Self { state: State::Inner { future } }
    }

    pub(super) fn file(reading: Reading, file: &'static str, files: Arc<ClientFiles>) -> Self {
        Self { state: State::File { reading, file, files } }
    }

    pub(super) fn not_modified(files: Arc<ClientFiles>) -> Self {
        Self { state: State::NotModified { files } }
    }
}

impl<F, R, E> Future for ServeClientFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ServeClientBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match self.project().state.project() {
            StateProjection::Inner { future } => {
                return future.poll(cx).map_ok(|response| response.map(ServeClientBody::inner));
            }
            StateProjection::File { reading, file, files } => {
                let Ok(response) = ready!(reading.poll(cx));
                let (mut parts, body) = response.into_parts();
                // Anything else: the file has gone since the start.
                if parts.status == StatusCode::OK {
                    // Without what `ServeDir` says of ranges, dates and tags: the version says it all.
                    let mut headers = HeaderMap::new();
                    for name in [CONTENT_LENGTH, CONTENT_ENCODING, VARY] {
                        headers.extend(parts.headers.remove(&name).map(|value| (name, value)));
                    }
                    files.tag(&mut headers);
                    set_content_type(file, &mut headers);
                    parts.headers = headers;
                }
                Response::from_parts(parts, ServeClientBody::file(body))
            }
            StateProjection::NotModified { files } => {
                let mut response = Response::new(ServeClientBody::default());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                files.tag(response.headers_mut());
                // As the 200 has it: caches keep one answer for each encoding.
                response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
                response
            }
        };
        Poll::Ready(Ok(response))
    }
}

impl<F> fmt::Debug for ServeClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServeClientFuture")
    }
}
