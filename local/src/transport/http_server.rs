//! HTTP server of the stack: HTTP/1.1 and HTTP/2, in plain text and over TLS on one port.
//!
//! Not `axum::serve`, which lets a client take as long as it likes for the head of a request.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use tokio_util::{either::Either, sync::CancellationToken};

use super::{
    AcceptedConnections, Tls,
    connection::{self, Terms},
    incoming::Accepted,
    peer::Peer,
};

/// How long [`HttpServer::stop`] waits for requests under way.
const GRACE: Duration = Duration::from_secs(5);

/// A running HTTP service. Dropping it ends it without any farewell.
pub struct HttpServer {
    address: SocketAddr,
    stopping: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl HttpServer {
    /// Serves `router` on `listener`, to the hosts of `tls` and to no page from elsewhere. Where there is no `tls`, in plain
    /// text only, and whom it serves is the router's affair. `service` is for the log.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start<'a>(
        service: &'static str,
        listener: TcpListener,
        router: Router,
        tls: impl Into<Option<&'a Tls>>,
    ) -> io::Result<Self> {
        Self::start_on(Terms::WHOLE_BODIES, service, listener, router, tls)
    }

    /// As [`start`](Self::start), on terms that are not those of most services.
    pub(crate) fn start_on<'a>(
        terms: Terms,
        service: &'static str,
        listener: TcpListener,
        router: Router,
        tls: impl Into<Option<&'a Tls>>,
    ) -> io::Result<Self> {
        let tls = tls.into();
        let incoming = AcceptedConnections::new(service, listener, tls)?;
        let address = incoming.address();
        let stopping = CancellationToken::new();
        let router = match tls {
            Some(tls) => tls.hosts().guard(tls.hosts().guard_from_pages(router)),
            None => router,
        };
        let task = tokio::spawn(serve(incoming, router, terms, stopping.clone()));
        Ok(Self { address, stopping, task: Mutex::new(Some(task)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and waits a moment for requests under way.
    pub async fn stop(&self) {
        self.stopping.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        if tokio::time::timeout(GRACE, &mut task).await.is_err() {
            task.abort();
        }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

/// Serves `router` to who comes in until `stopping` is cancelled; open connections end with what they carry. Dropped, it
/// ends them at once.
pub(crate) async fn serve(
    mut incoming: AcceptedConnections,
    router: Router,
    terms: Terms,
    stopping: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Accepted { stream, peer, slot } = incoming.next() => {
                let peer = Peer { address: peer, secure: matches!(stream, Either::Right(_)) };
                connections.spawn(connection::serve(stream, peer, slot, router.clone(), terms, stopping.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = stopping.cancelled() => break,
        }
    }
    drop(incoming);
    while connections.join_next().await.is_some() {}
}
