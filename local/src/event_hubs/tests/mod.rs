//! The event hubs through their public interfaces.

mod access;
mod capture;
mod clients;
mod fuzz;
mod hub;
mod levers;
mod limits;
mod log;
mod peer;
mod soak;
mod websocket;
mod wire;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{
    EventHubs, Hub,
    amqp::{Value, message::compose, section::Kind},
};
use crate::{
    clock::Clock,
    identity::Identity,
    storage::{Storage, Sync},
    topology,
    transport::Hosts,
};

/// A namespace with hub `products` of four partitions, on a data directory of its own.
struct Stand {
    directory: TempDir,
    clock: Clock,
    storage: Storage,
    identity: Identity,
    hubs: EventHubs,
}

fn topology() -> topology::EventHubs {
    serde_json::from_value(serde_json::json!({
        "namespace": "contoso",
        "hubs": [{
            "name": "products", "partitions": 4, "retentionHours": 24, "consumerGroups": ["site"],
            "capture": { "container": "capture", "intervalSeconds": 60, "skipEmpty": true }
        }]
    }))
    .unwrap()
}

/// `owner` may do everything, `site` receive as that group, `stranger` nothing.
fn identities() -> Vec<topology::Identity> {
    serde_json::from_value(serde_json::json!([
        { "name": "owner", "roles": [{ "role": "Azure Event Hubs Data Owner", "scope": "eventHubs" }] },
        { "name": "site", "roles": [
            { "role": "Azure Event Hubs Data Receiver", "scope": "eventHubs/products/consumerGroups/site" }
        ] },
        { "name": "stranger" }
    ]))
    .unwrap()
}

impl Stand {
    async fn new() -> Self {
        Self::with(topology()).await
    }

    async fn with(topology: topology::EventHubs) -> Self {
        Self::open(TempDir::new().unwrap(), Clock::default(), topology).await
    }

    async fn open(directory: TempDir, clock: Clock, topology: topology::EventHubs) -> Self {
        let storage = Storage::open(directory.path(), Sync::Process).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let identity =
            Identity::start(&identities(), &directory.path().join("identity"), port, &Hosts::default()).unwrap();
        let hubs = EventHubs::start(&topology, &identity, listener, &storage, &clock).await.unwrap();
        Self { directory, clock, storage, identity, hubs }
    }

    /// Stops everything and starts it on the same directory.
    async fn restart(self) -> Self {
        let Self { directory, clock, storage, hubs, .. } = self;
        hubs.stop().await;
        drop((hubs, storage));
        Self::open(directory, clock, topology()).await
    }

    fn hub(&self) -> &Hub {
        self.hubs.hub("Products").unwrap()
    }
}

fn message(body: &str) -> Bytes {
    compose([(Kind::Data, Value::Binary(body.as_bytes().to_vec()))])
}
