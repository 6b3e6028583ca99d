//! Give polling clients a cookie with the id of their session.
//!
//! In Node: the option `cookie`.
//!
//! The cookie is for what stands before the server: a balancer that sends all requests of a session to the same one.
//! The engine itself does not read it, and no client needs it. It is on the polling handshake only: a session that
//! begins with a websocket has one connection, and nothing to balance. Cookies that are on the response already stay.
//!
//! The value is the session's id, which is a secret: keep the cookie `HttpOnly`, as it is by default.
//!
//! ```
//! # use std::{convert::Infallible, time::Duration};
//! # use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::layer::{
//!     CookieLayer,
//!     cookie::{SameSite, SessionCookie},
//! };
//!
//! // `io=<id>; Path=/; HttpOnly; SameSite=Lax`
//! let layer = CookieLayer::default();
//!
//! // `sticky=<id>; Max-Age=3600; Path=/socket.io; HttpOnly; Secure; SameSite=Strict`
//! let cookie = SessionCookie::named("sticky")
//!     .path("/socket.io")
//!     .max_age(Duration::from_secs(3600))
//!     .secure(true)
//!     .same_site(SameSite::Strict);
//! let layer = CookieLayer::new(cookie);
//!
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! let service = ServiceBuilder::new().layer(layer).service(engine);
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(service.oneshot(Request::new(()))).unwrap();
//! ```

use std::{error::Error, fmt, fmt::Write as _, future::Ready, sync::Arc, time::Duration};

use http::{HeaderValue, header::SET_COOKIE, response::Parts};
use tower::Layer;

use super::response_hook::{ResponseHook, ResponseHookService};
use crate::{
    codec::engine::Transport,
    exchange::{ResponseKind, SessionResponse},
    id::SessionId,
};

/// How the cookie looks: its name and attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookie {
    name: String,
    max_age: Option<Duration>,
    domain: Option<String>,
    path: Option<String>,
    http_only: bool,
    secure: bool,
    partitioned: bool,
    same_site: Option<SameSite>,
}

/// With which requests of other sites a browser sends the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// With none.
    Strict,
    /// Only when the user follows a link.
    Lax,
    /// With all. Browsers take it only together with `Secure`.
    None,
}

/// The cookie cannot be: browsers would not take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCookie(String);

impl SessionCookie {
    /// A cookie of this name with the path `/`, `HttpOnly` and `SameSite=Lax`.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            max_age: None,
            domain: None,
            path: Some("/".to_owned()),
            http_only: true,
            secure: false,
            partitioned: false,
            same_site: Some(SameSite::Lax),
        }
    }

    /// How long the browser keeps it, in whole seconds. Default: until it is closed.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// The domain that it is sent to, and all below it. Default: the host that set it, alone.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// The path that it is sent to, and all below it. Default: `/`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Without a path: the browser takes that of the request.
    pub fn without_path(mut self) -> Self {
        self.path = None;
        self
    }

    /// Whether it is kept from scripts. Default: yes.
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Whether it is sent over TLS only. Default: no.
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Whether a browser keeps one for each site that ours is embedded in. Default: no.
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// With which requests of other sites it is sent. Default: [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    /// Without a word on other sites: the browser decides.
    pub fn without_same_site(mut self) -> Self {
        self.same_site = None;
        self
    }

    fn check(&self) -> Result<(), InvalidCookie> {
        let refuse = |reason: &str| Err(InvalidCookie(format!("the cookie {:?} {reason}", self.name)));
        if self.name.is_empty() || !self.name.bytes().all(is_token) {
            return refuse("has no name of a cookie: letters, digits, `-`, `_` and a few other signs");
        }
        if self.path.as_ref().is_some_and(|path| !path.starts_with('/') || !path.bytes().all(is_attribute)) {
            return refuse("has no path of a URL: write it with a `/` at the beginning, and without `;`");
        }
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        if self.domain.as_ref().is_some_and(|domain| domain.is_empty() || !domain.bytes().all(is_host)) {
            return refuse("has no name of a host as its domain: write it as in `example.com`");
        }
        if !self.secure && (self.partitioned || self.same_site == Some(SameSite::None)) {
            return refuse("is for requests of other sites, which browsers take only with `.secure(true)`");
        }
        let begins = |prefix: &str| {
            self.name.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
        };
        if begins("__Secure-") && !self.secure {
            return refuse("has a prefix that browsers take only with `.secure(true)`");
        }
        let is_bound = self.secure && self.domain.is_none() && self.path.as_deref() == Some("/");
        if begins("__Host-") && !is_bound {
            return refuse("has a prefix that browsers take only with `.secure(true)`, `/` and no domain");
        }
        Ok(())
    }

    /// What follows the value, in Node's order.
    fn attributes(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        if let Some(max_age) = self.max_age {
            write!(text, "; Max-Age={}", max_age.as_secs())?;
        }
        if let Some(domain) = &self.domain {
            write!(text, "; Domain={domain}")?;
        }
        if let Some(path) = &self.path {
            write!(text, "; Path={path}")?;
        }
        for (is_set, name) in
            [(self.http_only, "HttpOnly"), (self.secure, "Secure"), (self.partitioned, "Partitioned")]
        {
            if is_set {
                write!(text, "; {name}")?;
            }
        }
        if let Some(same_site) = self.same_site {
            write!(text, "; SameSite={same_site:?}")?;
        }
        Ok(text)
    }
}

/// Named `io`, as in Node.
impl Default for SessionCookie {
    fn default() -> Self {
        Self::named("io")
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_attribute(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b';'
}

impl fmt::Display for InvalidCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidCookie {}

/// Gives polling clients a cookie with the id of their session: see the [module](self).
#[derive(Debug, Clone)]
pub struct CookieLayer {
    name: Arc<str>,
    attributes: Arc<str>,
}

impl CookieLayer {
    /// A layer that gives this cookie.
    ///
    /// # Panics
    /// If browsers would not take it. [`try_new`](Self::try_new) is for cookies from a configuration.
    #[track_caller]
    pub fn new(cookie: SessionCookie) -> Self {
        Self::try_new(cookie).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same for a cookie that is not known to be right.
    ///
    /// # Errors
    /// If browsers would not take it: a name, path or domain with illegal characters, or attributes that exclude
    /// each other.
    pub fn try_new(cookie: SessionCookie) -> Result<Self, InvalidCookie> {
        cookie.check()?;
        let attributes = cookie.attributes().map_err(|error| InvalidCookie(error.to_string()))?;
        Ok(Self { name: cookie.name.into(), attributes: attributes.into() })
    }

    fn header(&self, id: &SessionId) -> Option<HeaderValue> {
        // The engine takes no other ids; another service might.
        let id = Some(id).filter(|id| id.is_valid())?.as_str();
        let mut header = HeaderValue::try_from(format!("{}={id}{}", self.name, self.attributes)).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl Default for CookieLayer {
    fn default() -> Self {
        Self::new(SessionCookie::default())
    }
}

impl<S> Layer<S> for CookieLayer {
    type Service = ResponseHookService<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        ResponseHookService::new(inner, self.clone())
    }
}

impl ResponseHook for CookieLayer {
    type Future = Ready<()>;

    fn on_response(&self, response: &mut Parts) -> Option<Self::Future> {
        let session = response.extensions.get::<SessionResponse>()?;
        if session.kind() == ResponseKind::Opened && session.transport() == Transport::Polling {
            response.headers.append(SET_COOKIE, self.header(session.session_id())?);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::ready};

    use http::{Request, Response};
    use tower::{Service, ServiceExt, service_fn};

    use super::*;
    use crate::layer::response_hook::testing::{KINDS, foreign, refusal, request, session};

    fn cookie(layer: &CookieLayer) -> String {
        layer.header(&SessionId::from("sid")).unwrap().to_str().unwrap().to_owned()
    }

    async fn set_by<S>(engine: S) -> Vec<HeaderValue>
    where
        S: Service<Request<()>, Response = Response<&'static str>, Error = Infallible>,
    {
        let response = CookieLayer::default().layer(engine).oneshot(request()).await.unwrap();
        response.headers().get_all(SET_COOKIE).iter().cloned().collect()
    }

    /// The 101 of a session that begins with a websocket.
    fn direct() -> impl Service<Request<()>, Response = Response<&'static str>, Error = Infallible> {
        service_fn(|request: Request<()>| {
            let parts = Arc::new(request.into_parts().0);
            let (kind, id) = (ResponseKind::Opened, SessionId::from("sid"));
            let session = SessionResponse::new(kind, id, Transport::WebSocket, parts);
            ready(Ok(Response::builder().status(101).extension(session).body("").unwrap()))
        })
    }

    #[test]
    fn attributes_have_the_order_and_text_of_nodes() {
        let base = || SessionCookie::named("c");
        let (seconds, secure) = (Duration::from_millis(10_900), true);
        let table = [
            (SessionCookie::default(), "io=sid; Path=/; HttpOnly; SameSite=Lax"),
            (
                base()
                    .max_age(seconds)
                    .domain("x.com")
                    .path("/p")
                    .http_only(false)
                    .secure(secure)
                    .same_site(SameSite::None),
                "c=sid; Max-Age=10; Domain=x.com; Path=/p; Secure; SameSite=None",
            ),
            (base().without_path(), "c=sid; HttpOnly; SameSite=Lax"),
            (base().same_site(SameSite::Strict), "c=sid; Path=/; HttpOnly; SameSite=Strict"),
            (base().without_same_site().http_only(false), "c=sid; Path=/"),
            (
                base().secure(secure).partitioned(true),
                "c=sid; Path=/; HttpOnly; Secure; Partitioned; SameSite=Lax",
            ),
            (
                SessionCookie::named("__Host-io").secure(secure),
                "__Host-io=sid; Path=/; HttpOnly; Secure; SameSite=Lax",
            ),
        ];
        for (given, text) in table {
            assert_eq!(cookie(&CookieLayer::new(given)), text);
        }
    }

    #[test]
    fn what_browsers_would_not_take_is_refused_with_advice() {
        let base = || SessionCookie::named("c");
        let table = [
            (SessionCookie::named(""), "name"),
            (SessionCookie::named("a b"), "name"),
            (SessionCookie::named("a=b"), "name"),
            (SessionCookie::named("a;b"), "name"),
            (SessionCookie::named("ü"), "name"),
            (SessionCookie::named("a\r\nb"), "name"),
            (base().path("socket.io"), "`/` at the beginning"),
            (base().path(""), "`/` at the beginning"),
            (base().path("/a;b"), "without `;`"),
            (base().path("/a\nb"), "path"),
            (base().domain(""), "domain"),
            (base().domain("x.com; Secure"), "domain"),
            (base().same_site(SameSite::None), "`.secure(true)`"),
            (base().partitioned(true), "`.secure(true)`"),
            (SessionCookie::named("__secure-io"), "prefix"),
            (SessionCookie::named("__Host-io"), "prefix"),
            (SessionCookie::named("__Host-io").secure(true).path("/x"), "prefix"),
            (SessionCookie::named("__Host-io").secure(true).domain("x.com"), "prefix"),
        ];
        for (given, advice) in table {
            let error = CookieLayer::try_new(given.clone()).unwrap_err();
            assert!(error.to_string().contains(advice), "{given:?}: {error}");
        }
    }

    #[test]
    #[should_panic = "the cookie \"a b\" has no name of a cookie"]
    fn a_wrong_cookie_panics_with_advice() {
        CookieLayer::new(SessionCookie::named("a b"));
    }

    #[tokio::test]
    async fn it_is_on_the_polling_handshake_only() {
        for kind in KINDS {
            let expected = usize::from(kind == ResponseKind::Opened);
            assert_eq!(set_by(session(kind)).await.len(), expected, "{kind:?}");
        }
        assert!(set_by(direct()).await.is_empty());
        assert!(set_by(refusal()).await.is_empty());
        assert!(set_by(foreign()).await.is_empty());
    }

    #[tokio::test]
    async fn cookies_that_are_there_stay() {
        let twice = CookieLayer::new(SessionCookie::named("other")).layer(session(ResponseKind::Opened));
        let cookies = set_by(twice).await;
        let names: Vec<_> = cookies.iter().map(|cookie| cookie.to_str().unwrap()[..5].to_owned()).collect();
        assert_eq!(names, ["other", "io=si"]);
    }

    #[tokio::test]
    async fn no_log_shows_it() {
        assert!(set_by(session(ResponseKind::Opened)).await[0].is_sensitive());
    }

    #[test]
    fn an_id_that_is_none_is_not_written() {
        assert_eq!(CookieLayer::default().header(&SessionId::from("a; Domain=evil")), None);
    }
}
