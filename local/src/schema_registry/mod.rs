//! The schema registry of an Event Hubs namespace: register, find, read and list Avro schemas.
//!
//! Groups come from the topology and hold Avro schemas; JSON schemas and custom formats are refused by their type (415).
//! Texts are returned as they were registered; two texts are one version where they are the same JSON. Every new
//! version is checked against all earlier ones. Callers show a token, as keys open nothing here, and need a role on the
//! namespace (`eventHubs`). The quotas of the service's tiers are not enforced.
//!
//! - `definition` understands a text, `compatibility` compares two, `store` keeps them, `uses` counts who asks, `http` is the wire.

mod compatibility;
mod definition;
mod error;
mod http;
#[cfg(test)]
mod interop;
mod store;
#[cfg(test)]
mod tests;
mod uses;

use std::{net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

pub use self::{
    error::Error,
    uses::{Purpose, Use},
};
use self::{http::Service, store::Store, uses::Uses};
use crate::{clock::Clock, faults::Faults, identity::Identity, storage::Storage, topology, transport::HttpServer};

/// The running registry; clones share it.
#[derive(Clone)]
pub struct SchemaRegistry {
    server: Arc<HttpServer>,
    service: Arc<Service>,
    faults: Faults,
}

impl SchemaRegistry {
    /// Serves the groups of `namespace` and what `storage` holds of them on `listener`.
    ///
    /// # Errors
    /// When the store fails or the listener has no address.
    pub async fn start(
        groups: &[topology::SchemaGroup],
        namespace: &str,
        identity: &Identity,
        listener: TcpListener,
        storage: &Storage,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let address = listener.local_addr().map_err(Error::Listener)?;
        let service = Arc::new(Service {
            store: Store::open(groups, namespace, storage)?,
            identity: identity.clone(),
            audiences: audiences(namespace),
            base: format!("https://{address}"),
            uses: Uses::new(clock),
        });
        let faults = http::faults();
        let router = faults.guard(http::router(Arc::clone(&service)));
        let server = HttpServer::start("schema registry", listener, router, identity.tls()).map_err(Error::Listener)?;
        Ok(Self { server: Arc::new(server), service, faults })
    }

    /// Where the registry listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Faults that strike requests to the registry.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Who asked for which schema since the stack started.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        self.service.uses.all()
    }

    /// Stops listening and waits a moment for requests under way.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}

/// What a token for the registry is meant for: Event Hubs, or the namespace.
fn audiences(namespace: &str) -> [String; 2] {
    ["https://eventhubs.azure.net".to_owned(), format!("https://{namespace}.servicebus.windows.net")]
}
