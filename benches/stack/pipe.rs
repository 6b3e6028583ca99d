//! A connection in memory whose own cost is next to nothing: two buffers that keep their room, and no task.

use std::{
    future::poll_fn,
    io,
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Default)]
struct State {
    to_server: Vec<u8>,
    /// How much of it the server has read.
    read: usize,
    to_client: Vec<u8>,
    server: Option<Waker>,
    client: Option<Waker>,
    /// The client is woken when there are so many bytes for it.
    wanted: usize,
    client_is_gone: bool,
    server_is_gone: bool,
    traces: Traces,
}

/// Addresses: where bytes were read to, and where they were written from, the last time.
#[derive(Debug, Default, Clone)]
pub(crate) struct Traces {
    pub(crate) read: Range<usize>,
    pub(crate) written: Range<usize>,
}

/// The addresses of these bytes.
pub(crate) fn place(bytes: &[u8]) -> Range<usize> {
    let start = bytes.as_ptr().addr();
    start..start + bytes.len()
}

type Shared = Arc<Mutex<State>>;

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps this waker, unless it is there already.
fn keep(place: &mut Option<Waker>, cx: &Context<'_>) {
    if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *place = Some(cx.waker().clone());
    }
}

/// The client's end. The connection is cut when it is dropped.
pub(crate) struct Near(Shared);

/// The server's end.
pub(crate) struct Far(Shared);

pub(crate) fn pipe() -> (Near, Far) {
    let state = State {
        to_server: Vec::with_capacity(1024),
        to_client: Vec::with_capacity(1024),
        ..State::default()
    };
    let state = Arc::new(Mutex::new(state));
    (Near(state.clone()), Far(state))
}

impl Near {
    pub(crate) fn send(&self, bytes: &[u8]) {
        let waker = {
            let mut state = lock(&self.0);
            state.to_server.extend_from_slice(bytes);
            state.server.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Waits until there are so many bytes, and lets `look` take what it wants of them, until it returns something.
    pub(crate) async fn receive<T>(
        &self,
        wanted: usize,
        mut look: impl FnMut(&mut Vec<u8>) -> Option<T>,
    ) -> T {
        let mut wanted = wanted;
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if state.to_client.len() >= wanted
                && let Some(found) = look(&mut state.to_client)
            {
                return Poll::Ready(found);
            }
            assert!(!state.server_is_gone, "the server has cut the connection");
            wanted = wanted.max(state.to_client.len() + 1);
            state.wanted = wanted;
            keep(&mut state.client, cx);
            Poll::Pending
        })
        .await
    }

    /// Waits until the server has let go of the connection.
    pub(crate) async fn is_over(&self) {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if state.server_is_gone {
                return Poll::Ready(());
            }
            state.wanted = usize::MAX;
            keep(&mut state.client, cx);
            Poll::Pending
        })
        .await;
    }

    pub(crate) fn traces(&self) -> Traces {
        lock(&self.0).traces.clone()
    }

    pub(crate) fn cut(&self) {
        let waker = {
            let mut state = lock(&self.0);
            state.client_is_gone = true;
            state.server.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Near {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let waker = {
            let mut state = lock(&self.0);
            state.server_is_gone = true;
            state.client.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl AsyncRead for Far {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0);
        let State { to_server, read, server, client_is_gone, traces, .. } = &mut *state;
        let unread = &to_server[*read..];
        let length = unread.len().min(buffer.remaining());
        if length == 0 && !*client_is_gone {
            keep(server, cx);
            return Poll::Pending;
        }
        buffer.put_slice(&unread[..length]);
        let filled = buffer.filled();
        traces.read = place(&filled[filled.len() - length..]);
        *read += length;
        if *read == to_server.len() {
            to_server.clear();
            *read = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Far {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (written, waker) = {
            let mut state = lock(&self.0);
            if state.client_is_gone {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            slices.iter().for_each(|slice| state.to_client.extend_from_slice(slice));
            state.traces.written = slices.last().map(|slice| place(slice)).unwrap_or_default();
            let is_enough = state.to_client.len() >= state.wanted;
            (slices.iter().map(|slice| slice.len()).sum(), if is_enough { state.client.take() } else { None })
        };
        waker.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
