//! Who may open a session.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use http::request::Parts;

type Allowed = Result<(), NotAllowed>;
type AllowFuture = Pin<Box<dyn Future<Output = Allowed> + Send>>;

/// Request extension: who is asked whether this request may open a session.
///
/// The engine asks in its step of the verification: only for requests that would open a session, after transport
/// and method were found right, before its revision is looked at and an id is made. Where several ask, all must agree, and the first that does not decides.
#[derive(Clone, Default)]
pub struct AllowRequest(Vec<Judge>);

#[derive(Clone)]
enum Judge {
    Sync(Arc<dyn Fn(&Parts) -> Allowed + Send + Sync>),
    Async(Arc<dyn Fn(Arc<Parts>) -> AllowFuture + Send + Sync>),
}

/// Why a request may not open a session.
///
/// In the extensions of a request it is a verdict that has already been spoken: the engine refuses this request,
/// whatever it asks for, before it looks at anything else. Whoever stands outside and cannot know whose request it is
/// leaves it there; services other than the engine take no notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAllowed(Why);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    Forbidden(Option<String>),
    Unavailable(Duration),
}

impl NotAllowed {
    /// Code 4, status 403, text `Forbidden`.
    pub const fn forbidden() -> Self {
        Self(Why::Forbidden(None))
    }

    /// Code 4, status 403, with a text of your own that the client reads.
    pub fn because(text: impl Into<String>) -> Self {
        Self(Why::Forbidden(Some(text.into())))
    }

    /// Not now: status 503, to be tried again after about this time. It is no error of the protocol's table.
    pub const fn unavailable(retry_after: Duration) -> Self {
        Self(Why::Unavailable(retry_after))
    }

    /// The text that the client reads instead of the default one.
    pub fn text(&self) -> Option<&str> {
        match &self.0 {
            Why::Forbidden(text) => text.as_deref(),
            Why::Unavailable(_) => None,
        }
    }

    /// When it may be tried again, if the server has only no room now.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0 {
            Why::Forbidden(_) => None,
            Why::Unavailable(retry_after) => Some(retry_after),
        }
    }
}

/// With this text: [`NotAllowed::because`].
impl From<String> for NotAllowed {
    fn from(text: String) -> Self {
        Self::because(text)
    }
}

/// With this text: [`NotAllowed::because`].
impl From<&str> for NotAllowed {
    fn from(text: &str) -> Self {
        Self::because(text)
    }
}

impl AllowRequest {
    /// Asks one that knows at once, after those that are asked already.
    pub fn and(mut self, judge: impl Fn(&Parts) -> Result<(), NotAllowed> + Send + Sync + 'static) -> Self {
        self.0.push(Judge::Sync(Arc::new(judge)));
        self
    }

    /// Asks one that has to wait, after those that are asked already. Its future is dropped with the request.
    pub fn and_async<F>(mut self, judge: impl Fn(Arc<Parts>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), NotAllowed>> + Send + 'static,
    {
        self.0.push(Judge::Async(Arc::new(move |parts| Box::pin(judge(parts)))));
        self
    }

    /// Asks those of another, after those that are asked already.
    pub fn chain(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Asks them all, one after the other.
    ///
    /// # Errors
    /// That of the first who does not agree.
    pub async fn ask(&self, parts: &Arc<Parts>) -> Result<(), NotAllowed> {
        for judge in &self.0 {
            match judge {
                Judge::Sync(judge) => judge(parts)?,
                Judge::Async(judge) => judge(parts.clone()).await?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for AllowRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AllowRequest({})", self.0.len())
    }
}
