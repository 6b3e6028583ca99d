//! The connection of a request that asks to leave HTTP.

mod io;

use futures_util::FutureExt;
use http::{Request, request::Parts};
use hyper::upgrade::OnUpgrade;

use crate::{
    codec::engine::Form,
    exchange::{UpgradeHook, Upgrading, is_upgrade},
    guard::guarded_future,
    transport::websocket::{self, Accepting, Agreement, Limits},
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

/// Takes the connection out of a request, if it asks to leave HTTP. Neither a hook nor hyper's upgrade stays
/// with the request, whose extensions live as long as its session.
pub(super) fn take(mut parts: Parts) -> (Parts, Option<Connection>) {
    let hook = parts.extensions.remove::<UpgradeHook>();
    if !is_upgrade(&parts) {
        parts.extensions.remove::<OnUpgrade>();
        return (parts, None);
    }
    if let Some(upgrading) = hook.and_then(|hook| hook.take()) {
        parts.extensions.remove::<OnUpgrade>();
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
    pub(super) fn accept(
        self,
        limits: Limits,
        agreement: Option<Agreement>,
        form: Form,
    ) -> Result<Accepting, &'static str> {
        match self {
            Self::Hyper(on_upgrade) => {
                let io = on_upgrade.map(|upgraded| upgraded.map(io::bare));
                Ok(websocket::accept(io, limits, agreement, form))
            }
            Self::Hook(upgrading) => {
                let upgrading = guarded_future("an upgrade hook", upgrading);
                let io = upgrading.map(|io| io.unwrap_or_else(|| Err("the upgrade hook panicked".into())));
                let io = io.map(|io| io.map(|io| (io, Vec::new())));
                Ok(websocket::accept(io, limits, agreement, form))
            }
            Self::Hidden => {
                Err("the framework keeps hyper's upgrade to itself: give the engine an `UpgradeHook`")
            }
        }
    }
}
