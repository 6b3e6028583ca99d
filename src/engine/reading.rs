//! The body of a request, read to its end within limits.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError};
use tokio::time::Sleep;

use crate::error::BoxError;

/// Why there is no body.
pub(super) enum Unread {
    TooLarge,
    TooSlow,
    /// The connection failed in the middle.
    Broken,
}

/// Reads a body of at most so many bytes, which may take so long.
pub(super) async fn whole<B>(body: Pin<&mut B>, limit: usize, time: Duration) -> Result<Bytes, Unread>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let mut reading = pin!(collect(body, limit));
    let mut clock = pin!(None);
    let mut has_looked = false;
    poll_fn(|cx| {
        if let Poll::Ready(result) = reading.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        // hyper hands over a body when it is asked for, so most are there at the second look: without a timer.
        if !std::mem::replace(&mut has_looked, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        poll_clock(clock.as_mut(), time, cx).map(|()| Err(Unread::TooSlow))
    })
    .await
}

fn poll_clock(mut clock: Pin<&mut Option<Sleep>>, time: Duration, cx: &mut Context<'_>) -> Poll<()> {
    if clock.is_none() {
        clock.set(Some(tokio::time::sleep(time)));
    }
    clock.as_pin_mut().map_or(Poll::Pending, |clock| clock.poll(cx))
}

/// A body in one piece is not copied.
async fn collect<B>(mut body: Pin<&mut B>, limit: usize) -> Result<Bytes, Unread>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        // Trailers say nothing.
        let Ok(mut data) = frame.map_err(why)?.into_data() else { continue };
        let length = data.remaining();
        if length > limit - first.len().max(all.len()) {
            return Err(Unread::TooLarge);
        }
        if first.is_empty() && all.is_empty() {
            first = data.copy_to_bytes(length);
            continue;
        }
        all.extend_from_slice(&std::mem::take(&mut first));
        while data.has_remaining() {
            let length = data.chunk().len();
            all.extend_from_slice(data.chunk());
            data.advance(length);
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

/// A layer above may have a limit of its own, and its body says so in the middle.
fn why(error: impl Into<BoxError>) -> Unread {
    if error.into().is::<LengthLimitError>() { Unread::TooLarge } else { Unread::Broken }
}
