//! The stream of accepted connections of one port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::{Connection, Tls};

/// Handshakes under way at once; further peers wait in the system's queue.
const MAX_HANDSHAKES: usize = 256;

/// Accepts connections of a port. One that is slow to speak holds up no other.
pub(crate) struct Incoming {
    address: SocketAddr,
    ready: mpsc::Receiver<(Connection, SocketAddr)>,
    acceptor: JoinHandle<()>,
}

impl Incoming {
    /// Starts accepting. `service` is for the log.
    ///
    /// # Errors
    /// When the listener has no address.
    pub(crate) fn new(service: &'static str, listener: TcpListener, tls: &Tls) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(MAX_HANDSHAKES);
        let acceptor = tokio::spawn(accept(service, listener, tls.clone(), sender));
        Ok(Self { address, ready, acceptor })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection; never, once accepting has ended.
    pub(crate) async fn next(&mut self) -> (Connection, SocketAddr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl axum::serve::Listener for Incoming {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        self.next().await
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

async fn accept(service: &'static str, listener: TcpListener, tls: Tls, ready: mpsc::Sender<(Connection, SocketAddr)>) {
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    while let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most often there are too many open files; the connections that end make room.
                tracing::warn!(service, %error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Without it, answers of more than one segment wait for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(service, %peer, %error, "a connection keeps Nagle's delay");
        }
        let (tls, ready) = (tls.clone(), ready.clone());
        tokio::spawn(async move {
            let accepted = tls.accept(stream).await;
            drop(permit);
            match accepted {
                // The receiver is gone when the service has stopped.
                Ok(connection) => drop(ready.send((connection, peer)).await),
                Err(error) => tracing::debug!(service, %peer, %error, "a connection broke before its first request"),
            }
        });
    }
}
