//! Bytes that are not copied: they are where somebody else put them. Addresses prove it.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use tower_socketio::prelude::{Ack, Data, Event, Namespace};

use crate::stack::{Client, Server, World, frames, pipe, place};

const LARGE: usize = 64 * 1024;

type Places = Arc<Mutex<Vec<Range<usize>>>>;

fn noted(places: &Places) -> Vec<Range<usize>> {
    places.lock().expect("nobody panics with it").clone()
}

/// An event of 64 KiB of bytes.
fn upload() -> Vec<u8> {
    let mut upload = frames::text(r#"451-1["upload",{"_placeholder":true,"num":0}]"#);
    upload.extend(frames::binary(&[7; LARGE]));
    upload
}

#[test]
fn an_attachment_is_one_place_for_all_its_handlers() {
    let places = Places::default();
    let note = |places: &Places| {
        let places = places.clone();
        move |bytes: &Bytes| places.lock().expect("nobody panics with it").push(place(bytes))
    };
    let (first, second) = (note(&places), note(&places));
    let namespace = Namespace::new().on("upload", async move |Data(bytes): Data<Bytes>| first(&bytes)).on(
        "upload",
        async move |Data(bytes): Data<Bytes>| {
            second(&bytes);
            Ack(bytes)
        },
    );
    let mut world = World::new(async || Server::new(namespace).join(pipe()).await);
    world.run(async |client| {
        assert_eq!(client.answers(&upload(), 2).await[1], [7; LARGE]);
        let [first, second]: [_; 2] = noted(&places).try_into().expect("two handlers");
        assert_eq!(first, second);
        // It is what goes back, too.
        assert_eq!(client.traces().written, first);
    });
}

#[test]
fn the_arguments_of_an_event_are_where_its_message_is() {
    let places = Places::default();
    let note = {
        let places = places.clone();
        move |event: &Event| {
            let json = event.args.json().expect("JSON").as_bytes();
            let name: &str = &event.name;
            places.lock().expect("nobody panics with it").extend([place(name.as_bytes()), place(json)]);
        }
    };
    let namespace = Namespace::new().on("a long name of an event", async move |event: Event| {
        note(&event);
        Ack(())
    });
    let mut world = World::new(async || Server::new(namespace).join(pipe()).await);
    world.run(async |client| {
        client.answers(&frames::text(r#"421["a long name of an event","and its argument"]"#), 1).await;
        let [name, json]: [_; 2] = noted(&places).try_into().expect("a name and its arguments");
        assert_eq!(json.start - name.end, r#"","#.len(), "{name:?}, {json:?}");
    });
}

/// What all clients of this server get is written from one and the same place.
fn written_to_all(emit: impl FnOnce(&Server), frames: usize) -> Vec<Range<usize>> {
    let mut world = World::new(async || {
        let server = Server::new(Namespace::new());
        (server.clients(100).await, server)
    });
    world.run(async |(clients, server): &mut (Vec<Client>, Server)| {
        emit(server);
        for client in &*clients {
            client.answers(b"", frames).await;
        }
        clients.iter().map(|client| client.traces().written).collect()
    })
}

#[test]
fn a_large_broadcast_is_encoded_once_and_written_from_there() {
    let text = "x".repeat(LARGE);
    let written = written_to_all(|server| server.io.emit("news", &text).expect("an event"), 1);
    assert!(written.iter().all(|place| *place == written[0] && place.len() > LARGE), "{:?}", written[0]);
}

#[test]
fn a_broadcast_of_bytes_is_written_from_one_place() {
    let bytes = Bytes::from(vec![7; LARGE]);
    let written = written_to_all(|server| server.io.emit("news", &bytes).expect("an event"), 2);
    assert!(written.iter().all(|place| *place == written[0] && place.len() >= LARGE), "{:?}", written[0]);
}

#[test]
fn a_small_broadcast_is_one_frame_and_written_from_there() {
    let written = written_to_all(|server| server.io.emit("news", "text").expect("an event"), 1);
    assert!(written.iter().all(|place| *place == written[0] && !place.is_empty()), "{:?}", written[0]);
}
