//! The port, and how its connections end.

use std::{
    future::Future as _,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::Sleep,
};

use crate::clock;

/// How long a peer that goes on sending is listened to after the last answer.
const LINGER: Duration = Duration::from_secs(2);

/// How much it may send meanwhile (bytes).
const MOST: usize = 64 << 20;

/// Accepts connections that end as RFC 9112 §9.6 wants it: first the sending side is closed, then what still comes is read and
/// dropped for a moment. A connection that is closed with something unread is reset, and a reset may overtake the answer.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Accepts from `listener`.
    pub fn new(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        // A small answer must not wait for the acknowledgement of the last one. That it cannot be set costs only time.
        _ = stream.set_nodelay(true);
        (Connection { stream, ending: None }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection of a [`Listener`].
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    ending: Option<Ending>,
}

/// Our side is closed; the peer's is not yet.
#[derive(Debug)]
struct Ending {
    until: Pin<Box<Sleep>>,
    left: usize,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, ending } = &mut *self;
        if ending.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        let ending = ending.get_or_insert_with(|| Ending { until: Box::pin(clock::pause(LINGER)), left: MOST });
        let mut dropped = [0; 16 << 10];
        while ending.left > 0 && ending.until.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut dropped);
            match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    ending.left = ending.left.saturating_sub(buffer.filled().len())
                }
                // The peer has closed its side, or is gone.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
