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
        ("/brisk/", config(|config| {
            config.ping_interval = Duration::from_millis(100);
            config.ping_timeout = Duration::from_secs(1);
        })),
        // Takes little at once.
        ("/small/", config(|config| config.max_payload = 10_000)),
        ("/polling-only/", config(|config| config.transports = vec![Transport::Polling])),
        ("/websocket-only/", config(|config| config.transports = vec![Transport::WebSocket])),
    ];
    engines
        .into_iter()
        .fold(Router::new(), |routes, (path, config)| routes.route_service(path, engine(log, config)))
}

fn config(change: impl FnOnce(&mut EngineConfig)) -> EngineConfig {
    let mut config = EngineConfig::default();
    change(&mut config);
    config
}
