//! Queue Storage: queues and messages over the real protocol, on the account of the blobs.
//!
//! What a client was told is stored is in the durable store. Times are those of the stack's clock. Operations that are
//! not served answer `501 NotImplemented` with their name: access policies, statistics, setting service properties.
//!
//! Different from Azure: the name of a deleted queue can be used again at once, and the number of messages is exact.
//!
//! - [`Queues`] is the handle: it starts the service and is the in-process API for the other rooms of the stack.
//! - `http` takes requests apart and words answers.
//! - `store` holds queues and messages; in memory is only where each message stands.

mod api;
mod error;
mod http;
mod message;
mod names;
mod store;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

pub use self::{
    error::{Error, Failure},
    message::{Message, Receipt},
};
use self::{http::Service, store::Store};
pub use crate::storage_account::Code;
use crate::{
    clock::Clock,
    faults::Faults,
    identity::Identity,
    storage::Storage,
    storage_account::{
        self,
        auth::{Account, WELL_KNOWN_KEY},
    },
    topology,
    transport::{HttpServer, Terms},
};

/// The running service; clones share it.
#[derive(Clone)]
pub struct Queues {
    inner: Arc<Inner>,
}

struct Inner {
    service: Arc<Service>,
    faults: Faults,
    server: HttpServer,
}

impl Queues {
    /// Serves the account `account` on `listener`, with the queues of `topology` and whatever `storage` holds.
    ///
    /// # Errors
    /// When the store fails, the listener has no address, or a queue of the topology has an impossible name.
    pub async fn start(
        topology: &topology::StorageAccount,
        account: &str,
        identity: &Identity,
        listener: TcpListener,
        storage: &Storage,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let failed = |cause: Failure| Error::new("start the queue service for", account, cause);
        let unusable = |source: std::io::Error| {
            failed(Failure::Corrupt { what: "listener's address".to_owned(), source: source.into() })
        };
        let address = listener.local_addr().map_err(unusable)?;
        let service = Arc::new(Service {
            store: Arc::new(Store::open(storage, clock).map_err(failed)?),
            account: Account::new(account, "queue", identity),
            base: format!("http://{address}/{account}"),
        });
        let faults = storage_account::faults(clock);
        let router = faults.guard(http::router(Arc::clone(&service)));
        let server = HttpServer::start_on(Terms::WHOLE_BODIES_AND_SPELLING, "queue", listener, router, identity.tls())
            .map_err(unusable)?;
        let queues = Self { inner: Arc::new(Inner { service, faults, server }) };
        for queue in &topology.queues {
            queues.create(queue)?;
        }
        Ok(queues)
    }

    /// Where the service listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.inner.server.address()
    }

    /// Faults that strike requests to the service.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
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
        self.inner.server.stop().await;
    }
}
