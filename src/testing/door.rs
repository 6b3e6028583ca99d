//! The service under test, and the requests of one client.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

use super::error::{ConnectError, Kind, TestError};
use crate::{body::Body, codec::engine::Transport, error::BoxError, sync::Mutex};

/// A response, read to its end.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) type Asking = Pin<Box<dyn Future<Output = Result<Reply, TestError>> + Send>>;

impl Reply {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn into_error(self) -> ConnectError {
        ConnectError::Http { status: self.status, body: self.text() }
    }
}

/// A service, its types forgotten.
#[derive(Clone)]
pub(super) struct Door(Arc<dyn Fn(Request<Body>) -> Asking + Send + Sync>);

impl Door {
    pub(super) fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: HttpBody + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let service = Mutex::new(service);
        Self(Arc::new(move |request| {
            let service = service.lock().clone();
            Box::pin(ask(service, request))
        }))
    }
}

async fn ask<S, B>(service: S, request: Request<Body>) -> Result<Reply, TestError>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let failed = |what: &str, error: BoxError| TestError::new(Kind::Unexpected, format!("{what}: {error}"));
    let response = service.oneshot(request).await;
    let response = response.map_err(|error| failed("the service failed a request", error.into()))?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await;
    let body = body.map_err(|error| failed("the body of a response failed", error.into()))?.to_bytes();
    Ok(Reply { status: parts.status, headers: parts.headers, body })
}

/// Where a client's requests go, and what they have in common.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) door: Door,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) extensions: Extensions,
}

impl Route {
    pub(super) fn new(door: Door) -> Self {
        Self {
            door,
            path: "/socket.io/".to_owned(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            extensions: Extensions::new(),
        }
    }

    pub(super) fn ask(&self, request: Request<Body>) -> Asking {
        (self.door.0)(request)
    }

    pub(super) fn request(
        &self,
        method: Method,
        transport: Transport,
        sid: Option<&str>,
        body: impl Into<Body>,
    ) -> Result<Request<Body>, TestError> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("EIO", "4").append_pair("transport", transport.as_str());
        if let Some(sid) = sid {
            query.append_pair("sid", sid);
        }
        // Of repeated parameters the server takes the last one: the test has the last word.
        query.extend_pairs(&self.query);
        let uri = format!("{}?{}", self.path, query.finish());
        let request = Request::builder().method(method).uri(uri).header("host", "localhost");
        let mut request = request.body(body.into()).map_err(|error| {
            TestError::new(Kind::Setup, format!("the path `{}` makes no request: {error}", self.path))
        })?;
        request.headers_mut().extend(self.headers.clone());
        *request.extensions_mut() = self.extensions.clone();
        Ok(request)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("path", &self.path).field("query", &self.query).finish_non_exhaustive()
    }
}
