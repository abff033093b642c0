//! Queue Storage: queues and messages over the real protocol, on the account of the blobs.
//!
//! What a client was told is stored is in the durable store. Times are those of the stack's clock. Operations that are
//! not served answer `501 NotImplemented` with their name: access policies, statistics, setting service properties.
//!
//! Different from Azure: the name of a deleted queue can be used again at once, and the number of messages is exact.
//!
//! - [`Queues`] is the handle: it starts the service and is the door for the other rooms of the stack.
//! - `http` takes requests apart and words answers.
//! - `store` holds queues and messages; in memory is only where each message stands.

mod door;
mod error;
mod http;
mod message;
mod names;
mod store;
#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::serve::ListenerExt;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    storage::Storage,
    storage_account::auth::{Account, WELL_KNOWN_KEY},
    topology,
};

pub use self::{
    error::{Error, Failure},
    message::{Message, Receipt},
};
use self::{http::Service, store::Store};
pub use crate::storage_account::Code;

/// How long [`Queues::stop`] waits for requests under way.
const GRACE: Duration = Duration::from_secs(5);

/// The running service; clones share it.
#[derive(Clone)]
pub struct Queues {
    inner: Arc<Inner>,
}

struct Inner {
    service: Arc<Service>,
    address: SocketAddr,
    stop: CancellationToken,
    server: Mutex<Option<JoinHandle<()>>>,
}

impl Queues {
    /// Serves the account `account` on `listener`, with the queues of `topology` and whatever `storage` holds.
    ///
    /// # Errors
    /// When the store fails, the listener has no address, or a queue of the topology has an impossible name.
    pub async fn start(
        topology: &topology::StorageAccount,
        account: &str,
        listener: TcpListener,
        storage: &Storage,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let failed = |cause: Failure| Error::new("start the queue service for", account, cause);
        let address = listener.local_addr().map_err(|source| {
            failed(Failure::Corrupt { what: "listener's address".to_owned(), source: source.into() })
        })?;
        let service = Arc::new(Service {
            store: Arc::new(Store::open(storage, clock).map_err(failed)?),
            account: Account::new(account),
            base: format!("http://{address}/{account}"),
        });
        let stop = CancellationToken::new();
        let server = axum::serve(
            listener.tap_io(|connection| {
                if let Err(error) = connection.set_nodelay(true) {
                    tracing::debug!(%error, "a queue connection keeps Nagle's delay");
                }
            }),
            http::router(Arc::clone(&service)),
        )
        .with_graceful_shutdown(stop.clone().cancelled_owned());
        let server = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the queue service stopped serving");
            }
        });
        let queues = Self { inner: Arc::new(Inner { service, address, stop, server: Mutex::new(Some(server)) }) };
        for queue in &topology.queues {
            queues.create(queue)?;
        }
        Ok(queues)
    }

    /// Where the service listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.inner.address
    }

    /// Name of the account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.inner.service.account.name
    }

    /// `http://127.0.0.1:PORT/ACCOUNT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.inner.service.base.clone()
    }

    /// What storage clients take.
    #[must_use]
    pub fn connection_string(&self) -> String {
        format!(
            "DefaultEndpointsProtocol=http;AccountName={};AccountKey={WELL_KNOWN_KEY};QueueEndpoint={};",
            self.account(),
            self.endpoint()
        )
    }

    /// Stops listening and waits a moment for requests under way.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        let server = self.inner.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut server) = server else { return };
        if tokio::time::timeout(GRACE, &mut server).await.is_err() {
            server.abort();
        }
    }
}
