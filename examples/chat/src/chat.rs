//! The talk itself: namespace `/` for the rooms, `/stats` for who is online.

use serde_json::{Value, json};
use tower::filter::FilterLayer;
use tower_socketio::prelude::*;

use crate::people::{self, People, Wish};

pub fn server() -> SocketIo {
    let people = People::default();
    let door = people.clone();
    SocketIo::builder()
        .state(people)
        .namespace(
            "/",
            Namespace::new()
                .connect_layer(FilterLayer::new(move |connect| admit(connect, &door))) // in Node: io.use(…)
                .on_connect(enter)
                .on("say", say)
                .on("typing", typing)
                .on("switch", switch)
                .on_disconnect(leave),
        )
        .namespace("/stats", Namespace::new().on_connect(greet))
        .build()
}

/// At the door: a proper name that nobody else has, or a refusal, whose text the page shows.
fn admit(connect: Connect, people: &People) -> Result<Connect, Refusal> {
    let wish: Wish = connect.auth().map_err(|_| Refusal::new("Say a name and a room, please."))?;
    let wish = wish.checked().map_err(Refusal::new)?;
    people.may_enter(&wish).map_err(Refusal::new)?;
    connect.socket.data().insert(wish);
    Ok(connect)
}

async fn enter(socket: Socket, io: Io, Extension(wish): Extension<Wish>, State(people): State<People>) {
    let Wish { nick, room, .. } = wish.clone();
    if people.may_enter(&wish).is_err() {
        return socket.disconnect(false); // two came with one name at the same instant
    }
    let earlier = people.enter(socket.clone(), wish);
    socket.join(&room);
    socket.emit("welcome", json!({ "nick": nick, "room": room })).ok();
    match earlier {
        Some(earlier) => earlier.disconnect(false), // the same page: it is back before its loss was noticed
        None => drop(socket.to(&room).emit("joined", &nick)),
    }
    tell_presence(&io, &people, &[&room]);
}

/// What a handler returns is the acknowledgement: only then does the page show a message as sent.
async fn say(socket: Socket, Data(text): Data<String>, State(people): State<People>) -> Result<(), BoxError> {
    let text = people::message(&text)?;
    let me = people.get(&socket)?;
    socket.to(&me.room).emit("message", json!({ "nick": me.nick, "text": text }))?;
    Ok(())
}

async fn typing(socket: Socket, Data(on): Data<bool>, State(people): State<People>) -> Result<(), BoxError> {
    let me = people.get(&socket)?;
    Ok(socket.to(&me.room).emit("typing", (me.nick, on))?)
}

async fn switch(
    socket: Socket,
    io: Io,
    Data(wish): Data<String>,
    State(people): State<People>,
) -> Result<Ack<Value>, BoxError> {
    let room = people::room(&wish)?;
    let Wish { nick, room: before, .. } = people.go(&socket, &room)?;
    if before != room {
        socket.leave(&before);
        socket.join(&room);
        socket.to(&before).emit("left", &nick)?;
        socket.to(&room).emit("joined", &nick)?;
        tell_presence(&io, &people, &[&before, &room]);
    }
    Ok(Ack(json!({ "room": room, "people": people.in_room(&room) })))
}

async fn leave(socket: Socket, io: Io, State(people): State<People>) {
    let Some(Wish { nick, room, .. }) = people.leave(&socket) else { return }; // another socket took its place
    io.to(&room).emit("left", nick).ok();
    tell_presence(&io, &people, &[&room]);
}

async fn greet(socket: Socket, State(people): State<People>) {
    socket.emit("stats", people.stats()).ok();
}

/// Tells these rooms who is in them now, and everybody how many are online.
fn tell_presence(io: &Io, people: &People, rooms: &[&String]) {
    for room in rooms {
        io.to(*room).emit("people", json!({ "room": room, "people": people.in_room(room) })).ok();
    }
    io.of("/stats").emit("stats", people.stats()).ok();
}
