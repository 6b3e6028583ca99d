//! Servers with connection state recovery, one for each parser.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tower_socketio::{codec::parser::MsgPackParser, prelude::*, socketio::RecoveryConfig};

pub fn servers() -> [SocketIo; 2] {
    let server = |path: &str| {
        SocketIo::builder()
            .path(path)
            .connection_state_recovery(
                RecoveryConfig::new().max_disconnection_duration(Duration::from_secs(20)),
            )
            .namespace("/", namespace())
            .namespace("/second", namespace())
    };
    [server("/recovery").build(), server("/recovery-msgpack").parser(MsgPackParser::new()).build()]
}

fn namespace() -> Namespace {
    Namespace::new()
        .on_connect(async |socket: Socket| {
            if !socket.recovered() {
                socket.join("room");
                socket.data().set("visits", 0).ok();
            }
            let visits = socket.data().read::<u32>("visits").ok().flatten().unwrap_or_default() + 1;
            socket.data().set("visits", visits).ok();
            socket.emit("visits", visits).ok();
        })
        .on("join", async |socket: Socket, Data(room): Data<String>| {
            socket.join(room);
            Ack(())
        })
        .on("recovered", async |socket: Socket| Ack(socket.recovered()))
        .on("here", async |io: Io, socket: Socket, Data(id): Data<String>| {
            Ack(io.of(socket.namespace()).sockets().ids().iter().any(|there| there.as_str() == id))
        })
        .on("tell", async |io: Io, socket: Socket, Data((room, values)): Data<(String, Vec<Value>)>| {
            for value in values {
                io.of(socket.namespace())
                    .to(&room)
                    .emit("told", (value, Bytes::from_static(b"\x01\x02")))
                    .ok();
            }
            io.of(socket.namespace()).to(&room).volatile().emit("volatile", 1).ok();
            Ack(())
        })
}
