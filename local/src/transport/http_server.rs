//! An HTTP service of the stack: HTTP/1.1 and HTTP/2, in plain text and over TLS on one port.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use http::Extensions;
use http::uri::Scheme;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use super::{Incoming, Tls};

/// How long [`HttpServer::stop`] waits for requests under way.
const GRACE: Duration = Duration::from_secs(5);

/// How a request came in; handlers take it as `ConnectInfo<Peer>`.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Where it came from.
    pub address: SocketAddr,
    /// Whether it came over TLS.
    pub secure: bool,
}

impl Peer {
    /// Of a request that [`HttpServer`] handed on. One that came another way counts as plain text.
    #[must_use]
    pub fn is_secure(extensions: &Extensions) -> bool {
        extensions.get::<ConnectInfo<Self>>().is_some_and(|peer| peer.secure)
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        if self.secure { Scheme::HTTPS } else { Scheme::HTTP }
    }
}

impl Connected<IncomingStream<'_, Incoming>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Incoming>) -> Self {
        Self { address: *stream.remote_addr(), secure: matches!(stream.io(), Either::Right(_)) }
    }
}

/// A running HTTP service. Dropping it ends it without any farewell.
pub struct HttpServer {
    address: SocketAddr,
    stopping: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl HttpServer {
    /// Serves `router` on `listener`, to the hosts of `tls` and to no page from elsewhere. `service` is for the log.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(service: &'static str, listener: TcpListener, router: Router, tls: &Tls) -> io::Result<Self> {
        let incoming = Incoming::new(service, listener, tls)?;
        let address = incoming.address();
        let stopping = CancellationToken::new();
        let router = tls.hosts().guard(tls.hosts().guard_from_pages(router));
        let serving = axum::serve(incoming, router.into_make_service_with_connect_info::<Peer>())
            .with_graceful_shutdown(stopping.clone().cancelled_owned());
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(service, %error, "the service stopped serving");
            }
        });
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
