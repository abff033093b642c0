//! Event Grid: custom topics, the system topics of storage and Event Hubs, subscriptions, delivery, and the Resource
//! Manager calls that manage subscriptions, on one port.
//!
//! An event is acknowledged once a pending delivery is stored for every subscription that wants it. What is pending
//! lives in the store, not in memory, and goes on after a restart.
//!
//! Different from Azure, on purpose:
//! - webhooks on loopback may be http;
//! - a subscription of the topology file asks its endpoint until it agrees, and keeps events meanwhile;
//! - the query endpoint of Log Analytics answers on the same port;
//! - deliveries carry an `Accept: */*` header;
//! - a queue or hub that is missing is found out by a delivery, not when its subscription is made.

mod attempts;
mod auth;
mod body;
mod dead_letter;
mod delivery;
mod error;
mod event;
mod filter;
mod handshake;
mod names;
mod options;
mod provisioning;
mod publish;
mod queue;
mod registry;
mod resource_manager;
mod schedule;
mod service;
mod subscription;
mod system_topics;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use url::Url;
use uuid::Uuid;

pub use self::{attempts::Attempt, error::Error, options::Options};
use self::{names::Source, service::Service};
use crate::{
    blobs::BlobCreated, clock::Clock, event_hubs::CapturedFile, faults::Faults, identity::Identity, monitor,
    storage::Storage, topology, transport::HttpServer,
};

/// The running service; clones share it.
#[derive(Clone)]
pub struct EventGrid {
    service: Arc<Service>,
    server: Arc<HttpServer>,
    publish_faults: Faults,
    resource_manager_faults: Faults,
    log_analytics_faults: Faults,
}

impl EventGrid {
    /// Serves topics and Resource Manager on `listener`, and goes on with the deliveries that are pending in `storage`.
    ///
    /// # Errors
    /// When the topology has a topic or subscription that this service cannot be, or the store fails.
    pub async fn start(
        topology: &topology::EventGrid,
        options: Options,
        identity: &Identity,
        listener: TcpListener,
        storage: &Storage,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let address = listener.local_addr().map_err(|source| Error::Network {
            operation: "read the address of its listener",
            source: source.into(),
        })?;
        let monitor = options.monitor.clone();
        let service = Arc::new(Service::open(topology, options, identity, address, storage, clock)?);
        service.deploy(topology)?;
        let (publish_faults, resource_manager_faults) = (error::faults(), error::faults());
        let log_analytics_faults = monitor::faults();
        let router = publish_faults
            .guard(publishing(service.clone()))
            .merge(log_analytics_faults.guard(monitor.log_analytics(identity)))
            .merge(resource_manager_faults.guard(managing(service.clone())));
        let server = HttpServer::start("event grid", listener, router, identity.tls());
        let server = server.map_err(|source| Error::Network { operation: "listen", source: source.into() })?;
        let server = Arc::new(server);
        Ok(Self { service, server, publish_faults, resource_manager_faults, log_analytics_faults })
    }

    /// Where the service listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.service.address
    }

    /// Faults that strike requests that publish events.
    #[must_use]
    pub fn publish_faults(&self) -> &Faults {
        &self.publish_faults
    }

    /// Faults that strike Resource Manager calls.
    #[must_use]
    pub fn resource_manager_faults(&self) -> &Faults {
        &self.resource_manager_faults
    }

    /// Faults that strike queries of the log of failed deliveries.
    #[must_use]
    pub fn log_analytics_faults(&self) -> &Faults {
        &self.log_analytics_faults
    }

    /// The URL that official clients take as the endpoint of `topic`.
    #[must_use]
    pub fn topic_endpoint(&self, topic: &str) -> Option<String> {
        self.service.topic(topic).map(|topic| self.service.endpoint(topic))
    }

    /// The first of the two keys of `topic`.
    #[must_use]
    pub fn topic_key(&self, topic: &str) -> Option<String> {
        self.service.topic(topic).map(|topic| topic.keys.key1.clone())
    }

    /// Resource id of `topic`, the scope of its event subscriptions.
    #[must_use]
    pub fn topic_id(&self, topic: &str) -> Option<String> {
        let topic = self.service.topic(topic)?;
        Some(self.service.names.source(&Source::Topic(topic.name.clone())))
    }

    /// Base URL of the Resource Manager calls, which take tokens only.
    #[must_use]
    pub fn resource_manager(&self) -> String {
        format!("https://{}", self.service.address)
    }

    /// Tells where the functions host listens; deliveries to functions wait for that. A `code` in the query of `base`,
    /// the system key `eventgrid_extension`, is sent along.
    pub fn set_function_app(&self, base: Url) {
        self.service.delivery().function_app.send_replace(Some(base));
    }

    /// Publishes `Microsoft.Storage.BlobCreated` on the storage account's system topic; its deliveries are stored when
    /// this returns.
    ///
    /// # Errors
    /// When the store fails; then nothing was stored and repeating is safe.
    pub fn blob_created(&self, blob: &BlobCreated) -> Result<(), Error> {
        self.service.blob_created(blob)
    }

    /// Publishes `Microsoft.EventHub.CaptureFileCreated` on the system topic of the Event Hubs namespace; its deliveries
    /// are stored when this returns.
    ///
    /// # Errors
    /// When the store fails; then nothing was stored and repeating is safe.
    pub fn capture_file_created(&self, file: &CapturedFile) -> Result<(), Error> {
        self.service.capture_file_created(file)
    }

    /// The last attempts to deliver to the subscription of this name, oldest first; empty for an unknown one.
    #[must_use]
    pub fn attempts(&self, subscription: &str) -> Vec<Attempt> {
        self.service
            .provisioning
            .registry
            .all()
            .iter()
            .find(|known| known.name.eq_ignore_ascii_case(subscription))
            .map(|known| known.attempts.all())
            .unwrap_or_default()
    }

    /// Stops listening, validating and delivering. What is pending stays stored.
    pub async fn stop(&self) {
        self.server.stop().await;
        self.service.provisioning.stop().await;
        self.service.provisioning.workers.stop().await;
    }
}

/// The data plane.
fn publishing(service: Arc<Service>) -> Router {
    Router::new()
        .route("/topics/{topic}/api/events", post(publish::publish).fallback(publish::wrong_method))
        .with_state(service)
}

/// Everything else.
fn managing(service: Arc<Service>) -> Router {
    Router::new()
        .route("/eventsubscriptions/{name}/validate", get(consent).post(consent).fallback(resource_manager::handle))
        .fallback(resource_manager::handle)
        .with_state(service)
}

#[derive(Deserialize)]
struct ConsentQuery {
    id: Uuid,
}

/// The validation URL of the manual handshake, called with GET or POST.
async fn consent(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    Query(query): Query<ConsentQuery>,
) -> Response {
    if service.provisioning.consent(query.id) {
        return StatusCode::OK.into_response();
    }
    error::Refusal::bad_request(format!(
        "No handshake of `{name}` waits for this: it is over, or the answer to its request is still outstanding."
    ))
    .into_response()
}

#[cfg(test)]
mod tests;
