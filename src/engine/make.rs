//! What makes sessions, and what they are: the two services that an engine is built on.

use tower::Service;

use crate::{codec::engine::Message, error::BoxError, exchange::Open};

/// The service of one session: any `Service<Message, Response = ()>`. It is implemented for all that fit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the service of a session",
    note = "it must be a `Service<Message, Response = ()>` that is `Send + 'static`, with a `Send + 'static` future \
            and an error that is `Into<BoxError>`"
)]
pub trait SessionService:
    Service<Message, Response = (), Error: Into<BoxError>, Future: Send + 'static> + Send + 'static
{
}

impl<S> SessionService for S where
    S: Service<Message, Response = (), Error: Into<BoxError>, Future: Send + 'static> + Send + 'static
{
}

/// What an engine asks once for each session: any `Service<Open>` that answers with a [`SessionService`]. It is
/// implemented for all that fit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot make sessions",
    note = "it must be a `Service<Open>` that is `Clone + Send + 'static`, with a `Send + 'static` future and an error \
            that is `Into<BoxError>`, and answer with a `Service<Message, Response = ()>`"
)]
pub trait MakeSession:
    Service<Open, Response: SessionService, Error: Into<BoxError>, Future: Send + 'static>
    + Clone
    + Send
    + 'static
{
}

impl<M> MakeSession for M where
    M: Service<Open, Response: SessionService, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + 'static
{
}
