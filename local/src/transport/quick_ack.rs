//! `TCP_QUICKACK`: what came in is acknowledged as soon as it is read.
//!
//! A client that leaves Nagle's algorithm on, as the Rust client of Event Hubs does, holds a small segment back until the one before it
//! is acknowledged, and the kernel delays that by 40 ms where there is nothing to answer. AMQP has many such moments: each link, session and
//! connection is opened and closed in several small frames.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::either::Either;

use super::Connection;

/// A connection whose peer never waits for a delayed acknowledgement.
pub(crate) struct QuickAck(Connection);

impl QuickAck {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(connection)
    }

    /// The kernel takes its delay up again once something is sent, so this is asked for after each read.
    fn acknowledge(&self) {
        let stream = match &self.0 {
            Either::Left(stream) => stream,
            Either::Right(stream) => stream.get_ref(),
        };
        // Without it the peer is slower, and nothing else. Other systems have no such option.
        #[cfg(target_os = "linux")]
        drop(stream.set_quickack(true));
        #[cfg(not(target_os = "linux"))]
        let _ = stream;
    }
}

impl AsyncRead for QuickAck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.0).poll_read(context, buffer))?;
        self.acknowledge();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for QuickAck {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
