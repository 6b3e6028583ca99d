//! One socket: its own listeners, what is known of it, its connection, its end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tower_socketio::{
    Value as Any, codec::parser::Args, outbox::ConnEvent, prelude::*, socketio::ListenerId,
};

use crate::{
    handlers::{self, Label},
    log::Log,
};

/// What a socket keeps for a test.
#[derive(Clone, Default)]
struct Notebook(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    /// What listeners have heard.
    heard: Vec<String>,
    /// The listeners by what they are called.
    listeners: HashMap<String, ListenerId>,
    /// What a client left here.
    kept: Option<Value>,
}

impl Notebook {
    fn write<T>(&self, write: impl FnOnce(&mut Pages) -> T) -> T {
        write(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Events that tests watch have names that begin with `x`.
    fn hear(&self, who: &str, event: &str) {
        if event.starts_with('x') {
            self.write(|pages| pages.heard.push(format!("{who}: {event}")));
        }
    }

    fn keep(&self, who: String, listener: ListenerId) {
        self.write(|pages| pages.listeners.insert(who, listener));
    }

    fn listener(&self, who: &str) -> Option<ListenerId> {
        self.write(|pages| pages.listeners.get(who).copied())
    }
}

type Notes = Extension<Notebook>;

pub fn namespace() -> Namespace {
    let namespace = handlers::main()
        .on_connect(async |socket: Socket, label: Label, State(log): State<Log>| {
            socket.data().insert(Notebook::default());
            let label = label.0.label;
            socket.conn().on(move |event| {
                if let ConnEvent::Upgrade(transport) = event {
                    log.note(&label, format!("upgrade to {}", transport.as_str()));
                }
            });
        })
        .on_disconnecting(
            async |socket: Socket, reason: DisconnectReason, label: Label, State(log): State<Log>| {
                let room = format!("room of {}", label.0.label);
                if socket.rooms().iter().any(|there| **there == *room) {
                    log.note(&label.0.label, format!("disconnecting {}", reason.as_str()));
                    socket.to(room).emit("leaves", socket.id()).ok();
                }
            },
        );
    knowing(ending(listening(namespace)))
}

fn listening(namespace: Namespace) -> Namespace {
    namespace
        .on("listen", async |socket: Socket, Extension(notes): Notes, Data((event, how, who)): Data<(String, String, String)>| {
            let (book, name) = (notes.clone(), who.clone());
            let hear = async move |event: Event| book.hear(&name, &event.name);
            let id = match &*how {
                "once" => socket.once(&event, hear),
                "prepend" => socket.prepend(&event, hear),
                "prepend once" => socket.prepend_once(&event, hear),
                _ => socket.on(&event, hear),
            };
            notes.keep(who, id);
        })
        .on("listen for all", async |socket: Socket, Extension(notes): Notes, Data((how, who)): Data<(String, String)>| {
            let (book, name) = (notes.clone(), who.clone());
            let id = match &*how {
                "any" => socket.on_any(async move |event: Event| book.hear(&name, &event.name)),
                "prepend any" => socket.prepend_any(async move |event: Event| book.hear(&name, &event.name)),
                "outgoing" => socket.on_any_outgoing(move |event| book.hear(&name, event.event())),
                _ => socket.prepend_any_outgoing(move |event| book.hear(&name, event.event())),
            };
            notes.keep(who, id);
        })
        .on("answer to", async |socket: Socket, Data((event, answer)): Data<(String, String)>| {
            socket.on(&event, async move || Ack(answer));
        })
        .on("off", async |socket: Socket, Extension(notes): Notes, Data((event, who)): Data<(String, String)>| {
            Ack(notes.listener(&who).is_some_and(|id| socket.off(&event, id)))
        })
        .on("off any", async |socket: Socket, Extension(notes): Notes, Data(who): Data<Option<String>>| {
            Ack(socket.off_any(who.and_then(|who| notes.listener(&who))))
        })
        .on("off any outgoing", async |socket: Socket, Extension(notes): Notes, Data(who): Data<Option<String>>| {
            Ack(socket.off_any_outgoing(who.and_then(|who| notes.listener(&who))))
        })
        .on("remove all", async |socket: Socket, Data(event): Data<Option<String>>| {
            socket.remove_all_listeners(event.as_deref());
        })
        .on("listeners", async |socket: Socket| {
            let counts: HashMap<_, _> =
                socket.event_names().into_iter().map(|name| (name.clone(), socket.listener_count(&name))).collect();
            Ack(json!({
                "events": counts, "any": socket.listeners_any().len(), "outgoing": socket.listeners_any_outgoing().len(),
            }))
        })
        .on("heard", async |Extension(notes): Notes| Ack(notes.write(|pages| std::mem::take(&mut pages.heard))))
        .on("say", async |socket: Socket, Data((how, event, data)): Data<(String, String, Any)>| match &*how {
            "volatile" => socket.volatile().emit(&event, data),
            "not compressed" => socket.compress(false).emit(&event, data),
            "compressed" => socket.compress(true).emit(&event, data),
            "broadcast" => socket.broadcast().emit(&event, data),
            "all" => socket.broadcast().emit(&event, &data).and_then(|()| socket.emit(&event, data)),
            _ => socket.emit(&event, data),
        })
}

fn knowing(namespace: Namespace) -> Namespace {
    namespace
        .on("rooms", async |socket: Socket| {
            let mut rooms: Vec<_> = socket.rooms().iter().map(ToString::to_string).collect();
            rooms.sort();
            Ack(rooms)
        })
        .on("keep", async |Extension(notes): Notes, Data(value): Data<Value>| {
            notes.write(|pages| pages.kept = Some(value));
        })
        .on("kept", async |Extension(notes): Notes| Ack(notes.write(|pages| pages.kept.clone())))
        .on("handshake", async |socket: Socket, Auth(auth): Auth<Value>| {
            let it = socket.handshake();
            let headers: HashMap<_, _> = it
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect();
            Ack(json!({
                "headers": headers, "query": it.query(), "auth": auth, "time": it.time(), "issued": it.issued(),
                "url": it.url(), "address": it.address().map(|address| address.ip().to_string()),
                "xdomain": it.xdomain(), "secure": it.secure(),
            }))
        })
        .on("connection", async |socket: Socket| {
            let conn = socket.conn();
            Ack(json!({
                "transport": conn.transport().map(|transport| transport.as_str()),
                "first": conn.request().query_value("transport"),
                "session": conn.session_id().as_str(),
                "connected": socket.is_connected(),
            }))
        })
        .on("message", async |socket: Socket, args: Args| socket.send(args))
}

fn ending(namespace: Namespace) -> Namespace {
    namespace
        .on("note", async |label: Label, State(log): State<Log>, Data(text): Data<String>| {
            log.note(&label.0.label, text);
        })
        .on("end me and join", async |socket: Socket, Data(room): Data<String>| {
            socket.disconnect(false);
            socket.join(&room);
        })
        .on("tell me when I end", async |socket: Socket, label: Label, State(log): State<Log>| {
            let label = label.0.label;
            let (going, gone) = ((log.clone(), label.clone()), (log, label));
            socket.on_disconnecting(async move |reason: DisconnectReason| {
                going.0.note(&going.1, format!("own: disconnecting {}", reason.as_str()))
            });
            socket.on_disconnect(async move |reason: DisconnectReason| {
                gone.0.note(&gone.1, format!("own: disconnect {}", reason.as_str()))
            });
        })
}
