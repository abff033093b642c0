//! Idle timeouts: how long an HTTP connection may be silent. Its client owes whole heads of requests in time, and
//! nothing between them.
//!
//! The server's own timer for heads runs between requests too, where clients keep connections for minutes.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{HeaderMap, Request, Version, header};
use hyper::body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    heads::{Head, Heads},
    slots::Slot,
};

/// How long a client may take nothing of an answer.
const STALLED: Duration = Duration::from_secs(60);

/// What is known of a connection, by what its client has sent and by what it is being answered.
pub(super) struct Watch {
    state: Mutex<State>,
}

struct State {
    slot: Slot,
    /// How long a head may take.
    patience: Duration,
    /// When the head that is awaited or under way must be whole.
    deadline: Option<Instant>,
    heads: Heads,
    /// Requests that are being answered.
    open: usize,
    /// Whether there was any request.
    served: bool,
    /// Bytes of the body of the request that is being answered; `None` where no header says it.
    body: Option<u64>,
    /// Whether what the server has in hand of the next request is not known: then that is owed at once.
    blurred: bool,
}

impl Watch {
    /// Of a connection from which the first head is awaited.
    pub(super) fn new(slot: Slot, patience: Duration) -> Arc<Self> {
        let state = State {
            slot,
            patience,
            deadline: Some(Instant::now() + patience),
            heads: Heads::default(),
            open: 0,
            served: false,
            body: None,
            blurred: false,
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Cancelled when the connection has to make room for others.
    pub(super) fn evicted(&self) -> CancellationToken {
        self.state().slot.evicted()
    }

    /// The head of a request is whole; it is being answered until what this returns is dropped.
    pub(super) fn begin<B>(self: &Arc<Self>, request: &Request<B>) -> Exchange {
        let mut state = self.state();
        state.open += 1;
        state.served = true;
        state.body = length(request);
        state.deadline = None;
        if request.version() == Version::HTTP_2 {
            state.judge_frames();
        }
        state.slot.busy();
        drop(state);
        Exchange { watch: Arc::clone(self) }
    }

    fn deadline(&self) -> Option<Instant> {
        self.state().deadline
    }

    fn read(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.heads.read(bytes);
        match state.heads {
            // The first head is awaited from the start.
            Heads::Preface(_) => {}
            Heads::One(_) if state.open == 0 && state.deadline.is_none() => state.owe(),
            Heads::One(_) => {}
            Heads::Two(_) => state.judge_frames(),
        }
    }

    fn end(&self) {
        let mut state = self.state();
        state.open -= 1;
        if state.open > 0 {
            return;
        }
        if let Heads::One(head) = &state.heads {
            state.blurred |= state.body.is_none_or(|body| head.is_followed(body));
            state.heads = Heads::One(Head::default());
            if state.blurred {
                return state.owe();
            }
        }
        match state.deadline {
            None => state.slot.idle(),
            Some(_) => state.slot.silent(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// From now on a head is owed.
    fn owe(&mut self) {
        self.deadline = Some(Instant::now() + self.patience);
        self.slot.silent();
    }

    /// On HTTP/2 a head may be under way while others are answered.
    fn judge_frames(&mut self) {
        let Heads::Two(frames) = &self.heads else { return };
        match (frames.is_under_way(), self.deadline) {
            (true, None) if self.open == 0 => self.owe(),
            (true, None) => self.deadline = Some(Instant::now() + self.patience),
            // Before the first request the first deadline stands, whatever other frames come.
            (false, Some(_)) if self.served => {
                self.deadline = None;
                if self.open == 0 {
                    self.slot.idle();
                }
            }
            _ => {}
        }
    }
}

/// Bytes of the body by the head; `None` where only the body itself tells.
fn length<B>(request: &Request<B>) -> Option<u64> {
    let headers: &HeaderMap = request.headers();
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    match headers.get(header::CONTENT_LENGTH) {
        None => Some(0),
        Some(length) => length.to_str().ok()?.trim().parse().ok(),
    }
}

/// A request that is being answered.
pub(super) struct Exchange {
    watch: Arc<Watch>,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.watch.end();
    }
}

/// The body of an answer; the exchange ends with it.
pub(super) struct WatchedBody<B> {
    body: B,
    _exchange: Exchange,
}

impl<B> WatchedBody<B> {
    pub(super) fn new(body: B, exchange: Exchange) -> Self {
        Self { body, _exchange: exchange }
    }
}

impl<B: Body + Unpin> Body for WatchedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The stream of a connection, which breaks when its client is late.
pub(super) struct Watched<S> {
    stream: S,
    watch: Arc<Watch>,
    late: Pin<Box<Sleep>>,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, watch: Arc<Watch>) -> Self {
        let late = Box::pin(tokio::time::sleep_until(Instant::now()));
        Self { stream, watch, late, stalled: None }
    }

    /// What a write came to, unless the client has taken nothing for too long.
    fn in_time<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(crate::clock::pause(STALLED)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            self.watch.read(&buffer.filled()[before..]);
            return Poll::Ready(read);
        }
        let Some(deadline) = self.watch.deadline() else { return Poll::Pending };
        if self.late.deadline() != deadline {
            self.late.as_mut().reset(deadline);
        }
        ready!(self.late.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.in_time(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.in_time(cx, shut)
    }
}
