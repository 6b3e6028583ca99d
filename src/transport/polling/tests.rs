use std::sync::Arc;

use super::{Refused, pair, shared::Waiting};
use crate::{
    codec::engine::{Form, Frame},
    outbox::{Line, OutboxLimits},
};

/// Between finding and taking it, the poll is there: another one overlaps with it, and what it has found stays.
#[tokio::test]
async fn a_poll_that_has_found_something_is_still_there() {
    let line = Arc::new(Line::new(OutboxLimits::default(), Arc::default()));
    let (polling, _wire) = pair(&line, Form::V4);
    let found = Form::V4.encode_payload([&Frame::NOOP]);
    {
        let mut shared = polling.shared.lock();
        shared.poll = Waiting::Looking;
        shared.answer(found).expect("it looks");
    }
    assert_eq!(polling.wait().await.err(), Some(Refused::Overlap));
    let answer = polling.shared.lock().found.take().expect("what the first one has found");
    assert_eq!(answer.payload.bytes(), &b"6"[..]);
}
