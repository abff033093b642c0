//! The whole stack: every service on its port, one data directory, one app, one way to stop.

mod app;
mod endpoints;
mod error;
mod external;
mod ports;
mod settings;
mod start;
#[cfg(test)]
mod tests;

use std::{
    net::TcpListener as StdListener,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{FutureExt, future::BoxFuture};
use tokio::net::TcpListener;
use url::Url;

use self::{
    app::HostStarter,
    ports::{FUNCTIONS, unbound},
};
use crate::{
    blobs::Blobs,
    clock::Clock,
    cosmos::Cosmos,
    event_grid::EventGrid,
    event_hubs::EventHubs,
    functions_host::{FunctionsHost, Services},
    identity::Identity,
    queues::Queues,
    schema_registry::SchemaRegistry,
    storage::{Storage, Sync as SyncMode},
    telemetry::Telemetry,
    topology::Topology,
    transport::{Hosts, HttpServer},
};
pub(crate) use app::App;
pub use app::AppOptions;
pub use endpoints::{
    BlobEndpoints, CosmosEndpoints, Endpoints, EventGridEndpoints, EventHubsEndpoints, MonitorEndpoints, QueueEndpoints,
};
pub use error::StackError;
pub use external::{ExternalHost, ExternalHostError};
pub use ports::{PortError, Ports};

/// What a stack is made of.
pub struct StackOptions {
    /// Hubs, containers, topics.
    pub topology: Topology,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where services listen, on loopback.
    pub ports: Ports,
    /// How far a write reaches before it is acknowledged.
    pub sync: SyncMode,
    /// What its HTTP ports answer to.
    pub hosts: Hosts,
}

/// A running stack. Dropping it without [`Stack::stop`] is what a crash looks like: nothing acknowledged is lost.
///
/// What starts and stops services gives boxed futures: an `async fn` would be compiled with each crate that calls it, and
/// every service with it.
pub struct Stack {
    endpoints: Endpoints,
    ports: Ports,
    clock: Clock,
    storage: Storage,
    identity: Identity,
    services: Services,
    event_grid: EventGrid,
    schema_registry: SchemaRegistry,
    schema_group: String,
    site: Mutex<Option<TcpListener>>,
    /// `None` where the functions host is an external one.
    functions: Option<StdListener>,
    app: Arc<App>,
    control: HttpServer,
    telemetry: Telemetry,
}

impl Stack {
    /// Where everything is.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Where each service listens, those included that took any free port.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The stack's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Resolves with the reason when a failed write has stopped the store: nothing is stored any more, and only another
    /// start recovers what was acknowledged.
    pub async fn store_stopped(&self) -> String {
        self.storage.stopped().await
    }

    /// The authority, in process.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Event Hubs, in process.
    #[must_use]
    pub fn event_hubs(&self) -> &EventHubs {
        &self.services.event_hubs
    }

    /// Blob Storage, in process.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.services.blobs
    }

    /// Queue Storage, in process.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.services.queues
    }

    /// Cosmos DB, in process.
    #[must_use]
    pub fn cosmos(&self) -> &Cosmos {
        &self.services.cosmos
    }

    /// Event Grid, in process.
    #[must_use]
    pub fn event_grid(&self) -> &EventGrid {
        &self.event_grid
    }

    /// What apps told of themselves by OpenTelemetry, in process.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The listener of the pages' port; the stack serves none itself. `None` the second time.
    #[must_use]
    pub fn take_site_listener(&self) -> Option<TcpListener> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// From now on Event Grid delivers to the functions of this host; where it asks for keys, with its system keys.
    fn lead_event_grid_to(&self, host: &FunctionsHost) {
        let Ok(mut base) = Url::parse(&self.endpoints.functions) else { return };
        for extension in ["eventgrid", "blobs"] {
            if let Some(key) = host.extension_key(extension) {
                base.query_pairs_mut().append_pair(&format!("{extension}_extension"), &key);
            }
        }
        self.event_grid.set_function_app(base);
    }

    /// Starts `app` in place of none. Where its host gives up, it is started again.
    ///
    /// # Errors
    /// When the app is not valid or its handler does not start; the message names the file. When the functions host is an
    /// external one.
    pub async fn run_app(&self, app: AppOptions) -> Result<(), StackError> {
        self.run_app_scaled(app, 1).await
    }

    /// As [`run_app`](Self::run_app), scaled out: hosts that share partitions, leases, timers and the port as instances of
    /// one app do.
    ///
    /// # Errors
    /// As there; the instances before the one that does not start go on.
    pub fn run_app_scaled(&self, app: AppOptions, instances: u16) -> BoxFuture<'_, Result<(), StackError>> {
        self.run_instances(app, instances).boxed()
    }

    async fn run_instances(&self, app: AppOptions, instances: u16) -> Result<(), StackError> {
        let functions = self.functions.as_ref().ok_or(StackError::ExternalHost)?;
        // What the settings let the app prove to the identity endpoint is what its triggers may do.
        let identity = app.settings.get("IDENTITY_HEADER").and_then(|secret| self.identity.caller_with(secret));
        for instance in 0..instances {
            let starter = HostStarter {
                app: app.clone(),
                services: self.services.clone(),
                clock: self.clock.clone(),
                listener: functions.try_clone().map_err(|source| unbound(FUNCTIONS, 0, source))?,
                tls: self.identity.tls().clone(),
                instance,
                identity: identity.clone(),
            };
            let host = self.app.run(starter).await?;
            self.lead_event_grid_to(&host);
        }
        Ok(())
    }

    /// Process id of the handler that runs now.
    #[must_use]
    pub fn handler_pid(&self) -> Option<u32> {
        self.host()?.handler_pid()
    }

    /// The functions host that runs now; the first where there are several.
    #[must_use]
    pub fn host(&self) -> Option<Arc<FunctionsHost>> {
        self.hosts().into_iter().next()
    }

    /// The functions hosts that run now.
    #[must_use]
    pub fn hosts(&self) -> Vec<Arc<FunctionsHost>> {
        self.app.hosts()
    }

    /// Stops the app; the services stay. Nothing is acknowledged for it, so another app goes on where it was.
    pub fn stop_app(&self) -> BoxFuture<'_, ()> {
        self.app.stop().boxed()
    }

    /// Stops the app and every service, and waits until nothing of them is left.
    pub fn stop(self) -> BoxFuture<'static, ()> {
        let stopping = async move {
            self.control.stop().await;
            self.stop_app().await;
            self.event_grid.stop().await;
            self.schema_registry.stop().await;
            self.services.event_hubs.stop().await;
            self.services.cosmos.stop().await;
            self.services.blobs.stop().await;
            self.services.queues.stop().await;
            self.identity.stop().await;
            self.telemetry.stop().await;
        };
        stopping.boxed()
    }
}
