//! The schema registry of an Event Hubs namespace: register, find, read and list Avro schemas.
//!
//! Groups come from the topology and hold Avro schemas; JSON schemas and custom formats are refused by their type (415).
//! Texts are returned as they were registered; two texts are one version where they are the same JSON. Every new
//! version is checked against all earlier ones. Callers are not checked yet, and the quotas of the service's tiers are
//! not enforced.
//!
//! - `definition` understands a text, `compatibility` compares two, `store` keeps them, `http` is the wire.

mod compatibility;
mod definition;
mod error;
mod http;
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

use crate::{clock::Clock, faults::Faults, storage::Storage, topology};

pub use self::error::Error;
use self::{http::Service, store::Store};

/// How long [`SchemaRegistry::stop`] waits for requests under way.
const GRACE: Duration = Duration::from_secs(5);

/// The running registry; clones share it.
#[derive(Clone)]
pub struct SchemaRegistry {
    inner: Arc<Inner>,
}

struct Inner {
    address: SocketAddr,
    faults: Faults,
    stop: CancellationToken,
    server: Mutex<Option<JoinHandle<()>>>,
}

impl SchemaRegistry {
    /// Serves the groups of `namespace` and what `storage` holds of them on `listener`.
    ///
    /// # Errors
    /// When the store fails or the listener has no address.
    pub async fn start(
        groups: &[topology::SchemaGroup],
        namespace: &str,
        listener: TcpListener,
        storage: &Storage,
        _clock: &Clock,
    ) -> Result<Self, Error> {
        let address = listener.local_addr().map_err(Error::Listener)?;
        let service = Service { store: Store::open(groups, namespace, storage)?, base: format!("http://{address}") };
        let faults = http::faults();
        let stop = CancellationToken::new();
        let server = axum::serve(
            listener.tap_io(|connection| {
                if let Err(error) = connection.set_nodelay(true) {
                    tracing::debug!(%error, "a registry connection keeps Nagle's delay");
                }
            }),
            faults.guard(http::router(Arc::new(service))),
        )
        .with_graceful_shutdown(stop.clone().cancelled_owned());
        let server = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the schema registry stopped serving");
            }
        });
        Ok(Self { inner: Arc::new(Inner { address, faults, stop, server: Mutex::new(Some(server)) }) })
    }

    /// Where the registry listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.inner.address
    }

    /// Faults that strike requests to the registry.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
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
