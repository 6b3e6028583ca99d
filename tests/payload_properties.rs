//! Polling payloads of both revisions: whatever messages there are, and however their bytes arrive.
#![allow(clippy::unwrap_used)]

mod common;

use std::convert::Infallible;

use bytes::Bytes;
use common::{Server, config, recorder};
use http::Request;
use http_body::Frame as BodyFrame;
use http_body_util::StreamBody;
use proptest::{collection::vec, prelude::*, sample::Index};
use tower_socketio::codec::engine::{Form, Frame, Message, Packet, Revision, Written};

const V3: Form = Form { revision: Revision::V3, base64: false };
const V3_TEXT: Form = Form { revision: Revision::V3, base64: true };
const FORMS: [Form; 3] = [Form::V4, V3, V3_TEXT];

/// Any message that can stand in a payload: in revision 4 a text without its separator.
fn message() -> impl Strategy<Value = Message> {
    let text = any::<String>().prop_map(|text| Message::from(text.replace('\x1e', "")));
    prop_oneof![text, vec(any::<u8>(), 0..40).prop_map(Message::from)]
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    vec(message(), 1..12)
}

fn written(form: Form, messages: &[Message]) -> Written {
    let frames: Vec<_> = messages.iter().cloned().map(Frame::message).collect();
    form.encode_payload(&frames)
}

proptest! {
    #[test]
    fn what_was_written_is_read(messages in messages()) {
        for form in FORMS {
            let payload = written(form, &messages);
            let is_binary = matches!(payload, Written::Binary(_));
            let read: Vec<_> = form.decode_payload(payload.bytes().to_vec(), is_binary, 100).collect();
            let expected: Vec<_> = messages.iter().cloned().map(|message| Ok(Packet::Message(message))).collect();
            prop_assert_eq!(read, expected, "{:?}", form);
        }
    }

    #[test]
    fn a_payload_that_is_cut_gives_the_messages_before_the_cut_at_most(messages in messages(), cut: Index) {
        for form in FORMS {
            let payload = written(form, &messages);
            let is_binary = matches!(payload, Written::Binary(_));
            let bytes = payload.bytes();
            let cut = cut.index(bytes.len());
            let read = form.decode_payload(bytes[..cut].to_vec(), is_binary, 100);
            let whole = read.filter_map(Result::ok).zip(&messages).take_while(|(packet, message)| {
                *packet == Packet::Message((*message).clone())
            });
            let count = whole.count();
            let rest = form.decode_payload(bytes[..cut].to_vec(), is_binary, 100).skip(count).count();
            // The one that was cut may be an error, or (in revision 4) a shorter message.
            prop_assert!(rest <= 1, "{:?}: {} messages after {} whole ones", form, rest, count);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Over a real connection, in pieces of any size, without a declared length.
    #[test]
    fn a_body_in_any_pieces_is_the_same_payload(messages in messages(), cuts in vec(any::<Index>(), 0..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        for form in FORMS {
            let received = runtime.block_on(post_in_pieces(form, &messages, &cuts));
            prop_assert_eq!(&received, &messages, "{:?}", form);
        }
    }
}

async fn post_in_pieces(form: Form, messages: &[Message], cuts: &[Index]) -> Vec<Message> {
    let (make, mut sessions) = recorder();
    let server = Server::new(make, config(|config| config.allow_eio3 = true));
    let query = format!("EIO={}&transport=polling", form.revision);
    let open = common::send(server.connect(), common::request("GET", &query, &[], "")).await.unwrap();
    let handshake = &open.text()[open.text().find('{').unwrap()..];
    let handshake: serde_json::Value = serde_json::from_str(handshake).unwrap();
    let mut session = sessions.next().await;

    let payload = written(form, messages);
    let content_type = match payload {
        Written::Text(_) => "text/plain;charset=UTF-8",
        Written::Binary(_) => "application/octet-stream",
    };
    let bytes = payload.bytes();
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).chain([0, bytes.len()]).collect();
    ends.sort_unstable();
    let pieces = ends.windows(2).map(|ends| bytes.slice(ends[0]..ends[1])).collect::<Vec<_>>();
    let frames = pieces.into_iter().map(|piece: Bytes| Ok::<_, Infallible>(BodyFrame::data(piece)));
    let request = Request::post(format!("/engine.io/?{query}&sid={}", handshake["sid"].as_str().unwrap()))
        .header("host", "localhost")
        .header("content-type", content_type)
        .body(StreamBody::new(futures_util::stream::iter(frames)))
        .unwrap();
    let reply = common::send(server.connect(), request).await.unwrap();
    assert_eq!(reply.parts(), (200, "ok"));
    session.all()
}
