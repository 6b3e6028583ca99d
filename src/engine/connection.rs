//! The connection of a request that asks to leave HTTP.

use http::{Request, request::Parts};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::{
    codec::engine::Form,
    exchange::{UpgradeHook, Upgrading, is_upgrade},
    transport::websocket::{self, Accepting, Limits},
};

/// How the connection can be had.
pub(super) enum Connection {
    /// From hyper.
    Hyper(OnUpgrade),
    /// From someone who put a hook into the request's extensions.
    Hook(Upgrading),
    /// Not at all: something between hyper and the engine keeps it.
    Hidden,
}

/// Takes the connection out of a request, if it asks to leave HTTP.
pub(super) fn take(parts: Parts) -> (Parts, Option<Connection>) {
    if !is_upgrade(&parts) {
        return (parts, None);
    }
    if let Some(upgrading) = parts.extensions.get::<UpgradeHook>().and_then(UpgradeHook::take) {
        return (parts, Some(Connection::Hook(upgrading)));
    }
    if parts.extensions.get::<OnUpgrade>().is_none() {
        return (parts, Some(Connection::Hidden));
    }
    let mut request = Request::from_parts(parts, ());
    let on_upgrade = hyper::upgrade::on(&mut request);
    (request.into_parts().0, Some(Connection::Hyper(on_upgrade)))
}

impl Connection {
    /// The websocket that comes of it.
    pub(super) fn accept(self, limits: Limits, form: Form) -> Result<Accepting, &'static str> {
        match self {
            Self::Hyper(on_upgrade) => {
                let io = async move { on_upgrade.await.map(TokioIo::new) };
                Ok(websocket::accept(io, limits, form))
            }
            Self::Hook(upgrading) => Ok(websocket::accept(upgrading, limits, form)),
            Self::Hidden => {
                Err("the framework keeps hyper's upgrade to itself: give the engine an `UpgradeHook`")
            }
        }
    }
}
