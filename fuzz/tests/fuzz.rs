//! Runs the functions on their corpus, and on random bytes for as long as `BOLERO_RANDOM_TEST_TIME_MS` says.

use std::{fs, path::Path};

use tower_socketio_fuzz::{packets, requests, websockets};

fn run(name: &str, target: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let files: Vec<_> = fs::read_dir(&corpus).expect("each function has a corpus").collect();
    assert!(!files.is_empty());
    for file in files {
        let path = file.expect("the corpus can be listed").path();
        target(&fs::read(&path).expect("the corpus can be read"));
    }
}

macro_rules! targets {
    ($($name:ident: $target:path,)*) => {$(
        mod $name {
            #[test]
            fn corpus() {
                super::run(stringify!($name), $target);
            }

            #[test]
            fn random() {
                bolero::check!().with_max_len(4096_usize).for_each($target);
            }
        }
    )*};
}

targets! {
    packet: crate::packets::packet,
    payload_v4: crate::packets::payload_v4,
    payload_v3_text: crate::packets::payload_v3_text,
    payload_v3_binary: crate::packets::payload_v3_binary,
    socketio: crate::packets::socketio,
    msgpack: crate::packets::msgpack,
    query: crate::requests::query,
    frames: crate::websockets::frames,
    deflated: crate::websockets::deflated,
}
