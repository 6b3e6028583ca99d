//! Engines without Socket.IO, each on a path of its own, with limits of its own.

use std::time::Duration;

use axum::Router;
use tower_socketio::{Transport, engine::EngineConfig};

use crate::{log::Log, session::engine};

pub fn routes(log: &Log) -> Router {
    let engines = [
        // The protocol's defaults.
        ("/engine.io/", config(|_| {})),
        // Pings ten times a second. Who does not answer for a second is gone.
        (
            "/brisk/",
            config(|config| {
                config.ping_interval = Duration::from_millis(100);
                config.ping_timeout = Duration::from_secs(1);
            }),
        ),
        // Takes little at once.
        ("/small/", config(|config| config.max_payload = 10_000)),
        ("/polling-only/", config(|config| config.transports = vec![Transport::Polling])),
        ("/websocket-only/", config(|config| config.transports = vec![Transport::WebSocket])),
        // Serves both transports, but no way from one to the other.
        ("/fixed/", config(|config| config.allow_upgrades = false)),
        ("/greeting/", config(|config| config.initial_packet = Some("welcome".into()))),
        ("/revision-4/", config(|config| config.allow_eio3 = false)),
        ("/full/", config(|config| config.max_sessions = 0)),
    ];
    engines
        .into_iter()
        .fold(Router::new(), |routes, (path, config)| routes.route_service(path, engine(log, config)))
}

/// Both revisions of the protocol, and what is changed of the defaults.
fn config(change: impl FnOnce(&mut EngineConfig)) -> EngineConfig {
    let mut config = EngineConfig::default();
    config.allow_eio3 = true;
    change(&mut config);
    config
}
