//! Blob Storage: the block-blob calls that event-driven apps make, over the real protocol.
//!
//! What a client was told is stored is in the durable store; bodies are kept and sent in chunks. Signatures are checked
//! as the service checks them. Operations that are not served answer `501 NotImplemented` with their name: copies
//! from other accounts, append and page blobs, snapshots, versions, tags, tiers, user delegation keys and access policies.
//! Staged blocks that are never committed stay until the blob is put or its container deleted; the service drops them after
//! a week.
//!
//! - [`Blobs`] is the handle: it starts the service and is the in-process API for the other rooms of the stack.
//! - `http` takes requests apart and words answers; who is calling is checked by the storage account.
//! - `store` holds containers, blobs and blocks; `bodies` their bytes; `lease` and `conditions` decide who may write.
//! - `outbox` hands on the news of new blobs.

mod api;
mod bodies;
mod conditions;
mod error;
mod etag;
mod http;
mod lease;
mod lease_api;
mod names;
mod outbox;
mod paging;
mod record;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::{net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

pub use self::{
    api::{Blob, Condition, Properties, PutOptions},
    error::{Code, Error, Failure},
    lease_api::LeaseAction,
    outbox::{Api, BlobCreated, Observer},
    paging::BlobPage,
    writer::BlobWriter,
};
use self::{http::Service, store::Store};
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
pub struct Blobs {
    inner: Arc<Inner>,
}

struct Inner {
    service: Arc<Service>,
    faults: Faults,
    server: HttpServer,
}

impl Blobs {
    /// Serves the account `account` on `listener`, with the containers of `topology` and whatever `storage` holds.
    ///
    /// # Errors
    /// When the store fails, the listener has no address, or a container of the topology has an impossible name.
    pub async fn start(
        topology: &topology::StorageAccount,
        account: &str,
        identity: &Identity,
        listener: TcpListener,
        storage: &Storage,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let failed = |cause: Failure| Error::new("start the blob service for", account, cause);
        let unusable = |source: std::io::Error| {
            failed(Failure::Corrupt { what: "listener's address".to_owned(), source: source.into() })
        };
        let address = listener.local_addr().map_err(unusable)?;
        let store = Store::open(storage, clock).map_err(|error| failed(error.into()))?;
        let service = Arc::new(Service {
            store: Arc::new(store),
            account: Account::new(account, "blob", identity),
            base: format!("http://{address}/{account}"),
        });
        let faults = storage_account::faults(clock);
        let router = faults.guard(http::router(Arc::clone(&service)));
        let server =
            HttpServer::start_on(Terms::STREAMED_BODIES_AND_SPELLING, "blob", listener, router, identity.tls())
                .map_err(unusable)?;
        let blobs = Self { inner: Arc::new(Inner { service, faults, server }) };
        for container in &topology.containers {
            blobs.create_container(container)?;
        }
        Ok(blobs)
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

    /// Key of the account, Base64: the one that every local storage account has.
    #[must_use]
    pub fn key(&self) -> &str {
        WELL_KNOWN_KEY
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
            "DefaultEndpointsProtocol=http;AccountName={};AccountKey={};BlobEndpoint={};",
            self.account(),
            self.key(),
            self.endpoint()
        )
    }

    /// Sets who hears of every new blob, before the write that made it is acknowledged. It first hears of those that an
    /// earlier run could not hand on. Blobs that are written before there is an observer are news to nobody.
    ///
    /// # Errors
    /// When the store fails, or the observer does not take earlier news.
    pub fn observe(&self, observer: Observer) -> Result<(), Error> {
        let outbox = self.inner.service.store.outbox();
        outbox.observe(observer).map_err(|cause| Error::new("hand on new blobs of", self.account(), cause))
    }

    /// Stops listening and waits a moment for requests under way. What is written from now on is news to nobody.
    pub async fn stop(&self) {
        self.inner.server.stop().await;
        // The observer may hold these blobs, which would then keep the store open for ever.
        self.inner.service.store.outbox().forget_observer();
    }
}
