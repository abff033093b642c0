//! Acceptor: the stream of accepted connections of one port.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_util::either::Either;

use super::{
    Connection, PATIENCE, Tls,
    slots::{Slot, Slots},
};

/// Connections that are ready before somebody serves them.
const READY: usize = 256;

/// How long accepting rests where the process has no file left and nobody to send away.
const REST: Duration = Duration::from_millis(100);

/// Accepts connections of a port. One that is slow to speak holds up no other.
pub(crate) struct AcceptedConnections {
    address: SocketAddr,
    ready: mpsc::Receiver<Accepted>,
    acceptor: JoinHandle<()>,
}

/// A connection whose handshake is done.
pub(crate) struct Accepted {
    /// What is said on it.
    pub(crate) stream: Connection,
    /// Where it comes from.
    pub(crate) peer: SocketAddr,
    /// Held until it ends; silent still, since nothing was asked for yet.
    pub(crate) slot: Slot,
}

impl AcceptedConnections {
    /// Starts accepting, in plain text only where there is no `tls`. `service` is for the log.
    ///
    /// # Errors
    /// When the listener has no address.
    pub(crate) fn new<'a>(
        service: &'static str,
        listener: TcpListener,
        tls: impl Into<Option<&'a Tls>>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(READY);
        let acceptor = Acceptor { service, tls: tls.into().cloned(), slots: Slots::new(), ready: sender };
        let acceptor = tokio::spawn(acceptor.run(listener));
        Ok(Self { address, ready, acceptor })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection; never, once accepting has ended.
    pub(crate) async fn next(&mut self) -> Accepted {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }
}

impl Drop for AcceptedConnections {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

struct Acceptor {
    service: &'static str,
    tls: Option<Tls>,
    slots: Arc<Slots>,
    ready: mpsc::Sender<Accepted>,
}

impl Acceptor {
    async fn run(self, listener: TcpListener) {
        let service = self.service;
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Most often there are too many open files. Who is sent away closes its own in a moment.
                    tracing::warn!(service, %error, "cannot accept a connection");
                    match self.slots.make_room() {
                        true => tokio::task::yield_now().await,
                        false => crate::clock::pause(REST).await,
                    }
                    continue;
                }
            };
            // Without it, answers of more than one segment wait for the client's delayed acknowledgement.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(service, %peer, %error, "a connection keeps Nagle's delay");
            }
            let slot = self.slots.take().await;
            let (tls, ready) = (self.tls.clone(), self.ready.clone());
            tokio::spawn(async move {
                if let Err(error) = shake_hands(tls, stream, peer, slot, ready).await {
                    tracing::debug!(service, %peer, %error, "a connection broke before its first request");
                }
            });
        }
    }
}

async fn shake_hands(
    tls: Option<Tls>,
    stream: TcpStream,
    peer: SocketAddr,
    mut slot: Slot,
    ready: mpsc::Sender<Accepted>,
) -> io::Result<()> {
    let stream = match tls {
        None => Either::Left(stream),
        Some(tls) => {
            let evicted = slot.evicted();
            let shaken = evicted.run_until_cancelled(tokio::time::timeout(PATIENCE, tls.accept(stream))).await;
            let Some(in_time) = shaken else { return Err(io::Error::other("others needed its slot")) };
            in_time.map_err(|_| io::ErrorKind::TimedOut)??
        }
    };
    slot.silent();
    // The receiver is gone when the service has stopped.
    drop(ready.send(Accepted { stream, peer, slot }).await);
    Ok(())
}
