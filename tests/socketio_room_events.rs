//! Rooms that come and go, and who joins and leaves them, as hooks.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/socketio.rs"]
mod socketio;

use std::sync::{Arc, Mutex};

use common::settle;
use socketio::{Client, Log, Stack, built};
use tower_socketio::{
    SocketIoBuilder,
    prelude::*,
    socketio::{RoomChange, RoomEvent},
};

type Sockets = Arc<Mutex<Vec<Socket>>>;

fn line(event: &RoomEvent) -> String {
    let who = match &event.change {
        RoomChange::Joined(id) | RoomChange::Left(id) => {
            format!(" {}", if *event.room == **id { "itself" } else { "it" })
        }
        _ => String::new(),
    };
    let room = if event.room.len() == 20 { "own" } else { &event.room };
    format!("{} {} {room}{who}", event.namespace, event.change.name())
}

#[derive(serde::Deserialize)]
struct Token {
    #[serde(rename = "token")]
    _token: u8,
}

struct Hall {
    stack: Stack,
    io: SocketIo,
    sockets: Sockets,
    log: Log,
}

fn hall(change: impl FnOnce(SocketIoBuilder) -> SocketIoBuilder) -> Hall {
    let (sockets, log) = (Sockets::default(), Log::default());
    let (keep, note) = (sockets.clone(), log.clone());
    let namespace = Namespace::new()
        .on_connect(async move |socket: Socket| keep.lock().unwrap().push(socket))
        .on_disconnecting(async |socket: Socket| {
            assert!(socket.rooms().len() > 1, "it is in its rooms until then")
        });
    let builder = SocketIo::builder().namespace("/", namespace).namespace("/side", Namespace::new());
    let (stack, io) = built(change(builder.on_room_event(move |event| note.add(line(event)))));
    Hall { stack, io, sockets, log }
}

impl Hall {
    async fn enter(&self) -> (Client, Socket) {
        let client = self.stack.client().await;
        settle().await;
        (client, self.sockets.lock().unwrap().pop().unwrap())
    }

    fn expect(&self, lines: &[&str]) {
        assert_eq!(self.log.all(), lines);
    }
}

const CAME: [&str; 2] = ["/ create-room own", "/ join-room own itself"];

#[tokio::test(start_paused = true)]
async fn rooms_come_before_the_first_joins_and_go_after_the_last_leaves() {
    let hall = hall(|builder| builder);
    let (_one, first) = hall.enter().await;
    hall.expect(&CAME);
    first.join(["a", "a"]);
    first.join("a");
    hall.expect(&["/ create-room a", "/ join-room a it"]);
    let (_two, second) = hall.enter().await;
    hall.expect(&CAME);
    second.join("a");
    first.leave(["a", "a", "nowhere"]);
    second.leave("a");
    hall.expect(&["/ join-room a it", "/ leave-room a it", "/ leave-room a it", "/ delete-room a"]);
    hall.io.sockets_join("b");
    hall.io.in_(first.id()).sockets_leave("b");
    hall.expect(&["/ create-room b", "/ join-room b it", "/ join-room b it", "/ leave-room b it"]);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_leaves_all_rooms() {
    let hall = hall(|builder| builder);
    let (client, socket) = hall.enter().await;
    socket.join("a");
    hall.log.all();
    drop(client);
    settle().await;
    let mut lines = hall.log.all();
    for pair in lines.chunks(2) {
        assert_eq!(pair[0].replace("leave", "delete").split(" it").next(), Some(&*pair[1]));
    }
    lines.sort();
    let all = ["/ delete-room a", "/ delete-room own", "/ leave-room a it", "/ leave-room own itself"];
    assert_eq!(lines, all);
    socket.join("a");
    hall.expect(&[]);
}

#[tokio::test(start_paused = true)]
async fn rooms_joined_while_connecting_come_with_the_socket_or_not_at_all() {
    let admit = async |connect: Connect| {
        connect.socket.join("early");
        if connect.auth::<Token>().is_ok() { Err(Refusal::new("no")) } else { Ok(connect) }
    };
    let hall = hall(|builder| builder.namespace("/door", Namespace::new().middleware(admit)));
    let mut client = hall.stack.session().await;
    assert!(client.ask("0/door,{}").await.starts_with("0/door,{"));
    settle().await;
    let came = [
        "/door create-room own",
        "/door join-room own itself",
        "/door create-room early",
        "/door join-room early it",
    ];
    hall.expect(&came);
    let mut refused = hall.stack.session().await;
    assert_eq!(refused.ask(r#"0/door,{"token":1}"#).await, r#"4/door,{"message":"no"}"#);
    hall.expect(&[]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_use_rooms_and_panic() {
    let sockets = Sockets::default();
    let (log, others) = (Log::default(), sockets.clone());
    let note = log.clone();
    let hook = move |event: &RoomEvent| {
        note.add(line(event));
        let socket = others.lock().unwrap().first().cloned();
        match (socket, &*event.room, &event.change) {
            (Some(socket), "a", RoomChange::Joined(_)) => {
                socket.join("b");
                assert!(socket.rooms().contains(&"b".into()));
            }
            (_, "b", RoomChange::Created) => panic!("a hook panics"),
            _ => {}
        }
    };
    let keep = sockets.clone();
    let namespace =
        Namespace::new().on_connect(async move |socket: Socket| keep.lock().unwrap().push(socket));
    let (stack, _io) = built(SocketIo::builder().namespace("/", namespace).on_room_event(hook));
    let _client = stack.client().await;
    settle().await;
    log.all();
    let socket = sockets.lock().unwrap()[0].clone();
    socket.join(["a", "c"]);
    let lines = [
        "/ create-room a",
        "/ join-room a it",
        "/ create-room c",
        "/ join-room c it",
        "/ create-room b",
        "/ join-room b it",
    ];
    assert_eq!(log.all(), lines);
}

#[test]
fn events_of_a_room_stay_in_order_whoever_brings_them_about() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let hall = hall(|builder| builder);
        let mut guests = Vec::new();
        for _ in 0..4 {
            let client = hall.stack.client().await;
            common::until("it is in", || !hall.sockets.lock().unwrap().is_empty()).await;
            guests.push((client, hall.sockets.lock().unwrap().pop().unwrap()));
        }
        hall.log.all();
        std::thread::scope(|scope| {
            for (_, socket) in &guests {
                scope.spawn(|| {
                    for _ in 0..500 {
                        socket.join("a");
                        socket.leave("a");
                    }
                });
            }
        });
        let (mut is_there, mut within, lines) = (false, 0, hall.log.all());
        assert!(lines.len() >= 4 * 500 * 2);
        for line in lines {
            match &*line {
                "/ create-room a" => assert!(!std::mem::replace(&mut is_there, true)),
                "/ join-room a it" => within += i32::from(is_there),
                "/ leave-room a it" => within -= 1,
                _ => assert!(std::mem::replace(&mut is_there, false) && within == 0, "{line}"),
            }
        }
        assert!(!is_there && within == 0);
    });
}
