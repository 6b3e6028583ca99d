//! The way of an event: layers, catch-alls, what nobody handles, what fails.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use tower::{filter::Filter, layer::layer_fn, util::MapRequestLayer};
use tower_socketio::{
    codec::parser::Args,
    prelude::*,
    socketio::{Failed, IntoConnectService},
};

use crate::{
    handlers::{self, Label},
    log::Log,
};

pub fn namespace() -> impl IntoConnectService {
    handlers::main()
        .on("square", async |Data(number): Data<u32>| Ack(number * number))
        .on("mutated", async |Data(text): Data<String>| Ack(text))
        .on("limited", async || Ack("let through"))
        .on("forbidden", async || Ack("never"))
        .on("panic", async |Data(()): Data<()>| -> () { panic!("as it was told") })
        .on_any(async |event: Event, label: Label, State(log): State<Log>| {
            log.note(&label.0.label, format!("any {}", &*event.name));
        })
        .on_fallback(async |event: Event| Ack(json!({ "unknown": &*event.name })))
        .on_error(async |failed: Failed, label: Label, State(log): State<Log>| {
            let event = failed.event().map_or("a hook", |name| name);
            log.note(&label.0.label, format!("error in {event}: {}", failed.error()));
        })
        // The inner of the two: it sees what the outer one lets through.
        .layer(MapRequestLayer::new(|mut event: Event| {
            if &*event.name == "mutated" {
                event.args = Args::encode("something else").unwrap_or_default();
            }
            event
        }))
        .layer(layer_fn(|inner| {
            Filter::new(inner, |event: Event| match &*event.name {
                "forbidden" => Err(EventError::with_data("forbidden", json!({ "code": 403 }))),
                _ => Ok(event),
            })
        }))
        // Each socket has its own count.
        .layer_per_socket(layer_fn(|inner| {
            let count = AtomicU32::new(0);
            Filter::new(inner, move |event: Event| {
                if &*event.name == "limited" && count.fetch_add(1, Ordering::Relaxed) >= 2 {
                    return Err(EventError::new("too many"));
                }
                Ok(event)
            })
        }))
}
