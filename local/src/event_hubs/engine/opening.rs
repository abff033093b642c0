//! Opening of a connection: how much a peer may send before it has opened it.
//!
//! Whoever has not opened a connection has shown nothing that would make its bytes worth keeping: a header, the exchange of
//! the security layer and `open` are some hundred bytes, the request for a WebSocket before them a few thousand.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes after which a peer that has not opened the connection is heard no more, and so the most of a message of a WebSocket.
const MOST: usize = 64 << 10;

/// Whether a connection is open; clones share it.
#[derive(Clone, Default)]
pub(in crate::event_hubs) struct Opening(Arc<AtomicBool>);

impl Opening {
    /// From now on the peer may send what it likes.
    pub(super) fn done(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// A stream that ends with an error where the peer sends too much before.
    pub(super) fn bound<S>(&self, stream: S) -> Bounded<S> {
        Bounded { stream, left: MOST, opening: self.clone() }
    }
}

/// The stream of a connection, counted until it is open.
pub(super) struct Bounded<S> {
    stream: S,
    left: usize,
    opening: Opening,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if self.opening.0.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let read = buffer.filled().len() - before;
        if self.left == 0 && read > 0 {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "too much came before open")));
        }
        self.left = self.left.saturating_sub(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
