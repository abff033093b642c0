//! The whole stack: every service on its port, one data directory, one app, one way to stop.

mod app;
mod endpoints;
mod error;
mod ports;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use url::Url;

pub use app::AppOptions;
pub use endpoints::{
    BlobEndpoints, CosmosEndpoints, Endpoints, EventGridEndpoints, EventHubsEndpoints, QueueEndpoints,
};
pub use error::StackError;
pub use ports::{PortError, Ports};

use crate::blobs::Blobs;
use crate::clock::Clock;
use crate::control::{self, Handles};
use crate::cosmos::{self, Cosmos, Replay};
use crate::event_grid::{self, EventGrid};
use crate::event_hubs::{self, EventHubs, SHARED_ACCESS_KEY};
use crate::files;
use crate::functions_host::{FunctionsHost, Services};
use crate::identity::{self, Identity};
use crate::queues::Queues;
use crate::schema_registry::SchemaRegistry;
use crate::storage::{Storage, Sync as SyncMode};
use crate::topology::Topology;
use crate::transport::{Hosts, HttpServer};
pub(crate) use app::App;
use app::HostStarter;
use ports::{
    BLOB, CONTROL, COSMOS, COSMOS_REGION, EVENT_GRID, EVENT_HUBS, FUNCTIONS, IDENTITY, QUEUE, SCHEMA_REGISTRY, SITE,
    bind, listen, port_of, regions, unbound,
};

/// The storage account of the local stack, the name that every Azure tool knows.
const ACCOUNT: &str = "devstoreaccount1";
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
    functions: StdListener,
    app: Arc<App>,
    control: HttpServer,
}

impl Stack {
    /// Starts every service but the functions host. What the data directory holds is recovered; `progress` hears of a
    /// long replay.
    ///
    /// # Errors
    /// When a port is taken, or a service cannot recover its state.
    pub fn start<'a>(
        options: StackOptions,
        progress: &'a (dyn Fn(Replay) + Send + Sync),
    ) -> BoxFuture<'a, Result<Self, StackError>> {
        Self::assemble(options, progress).boxed()
    }

    async fn assemble(options: StackOptions, progress: &(dyn Fn(Replay) + Send + Sync)) -> Result<Self, StackError> {
        let StackOptions { topology, data_dir, ports: wanted, sync, hosts } = options;
        files::allow_many()?;
        let created = DirBuilder::new().recursive(true).mode(0o700).create(&data_dir);
        created.map_err(|source| StackError::DataDir { path: data_dir.clone(), source })?;
        // Every port before any work, so that a conflict costs nothing.
        let mut ports = wanted;
        let functions = bind(FUNCTIONS, ports.functions)?;
        ports.functions = port_of(&functions).map_err(|source| unbound(FUNCTIONS, ports.functions, source))?;
        let site = listen(SITE, &mut ports.site)?;
        let cosmos_ports = cosmos::Listeners::new(
            listen(COSMOS, &mut ports.cosmos)?,
            regions(&topology)
                .map(|region| listen(COSMOS_REGION, &mut wanted.cosmos_region(region)))
                .collect::<Result<_, _>>()?,
        );
        let blob_port = listen(BLOB, &mut ports.blob)?;
        let queue_port = listen(QUEUE, &mut ports.queue)?;
        let hubs_port = listen(EVENT_HUBS, &mut ports.event_hubs)?;
        let registry_port = listen(SCHEMA_REGISTRY, &mut ports.schema_registry)?;
        let grid_port = listen(EVENT_GRID, &mut ports.event_grid)?;
        let control_port = listen(CONTROL, &mut ports.control)?;
        let identity_port = listen(IDENTITY, &mut ports.identity)?;

        let clock = Clock::default();
        let storage = Storage::open(&data_dir.join("store"), sync)?;
        let identity = Identity::start(&topology.identities, &data_dir.join("identity"), identity_port, &hosts)?;
        let blobs = Blobs::start(&topology.storage, ACCOUNT, &identity, blob_port, &storage, &clock).await?;
        let queues = Queues::start(&topology.storage, ACCOUNT, &identity, queue_port, &storage, &clock).await?;
        let event_hubs = EventHubs::start(&topology.event_hubs, &identity, hubs_port, &storage, &clock).await?;
        let schema_registry = SchemaRegistry::start(
            &topology.event_hubs.schema_groups,
            event_hubs.namespace(),
            &identity,
            registry_port,
            &storage,
        )
        .await?;
        let event_grid = EventGrid::start(
            &topology.event_grid,
            event_grid::Options::new(blobs.clone(), queues.clone(), event_hubs.clone()),
            &identity,
            grid_port,
            &storage,
            &clock,
        )
        .await?;
        let observer = event_grid.clone();
        blobs.observe(Arc::new(move |created| Ok(observer.blob_created(created)?)))?;
        let observer = event_grid.clone();
        event_hubs::capture::start(
            &event_hubs,
            &blobs,
            &storage,
            &clock,
            Arc::new(move |file| Ok(observer.capture_file_created(file)?)),
        )
        .map_err(StackError::Capture)?;
        let cosmos = Cosmos::start(&topology.cosmos, &identity, cosmos_ports, &storage, &clock, progress).await?;

        let services = Services {
            event_hubs: event_hubs.clone(),
            cosmos: cosmos.clone(),
            blobs: blobs.clone(),
            queues: queues.clone(),
        };
        let app = Arc::new(App::default());
        let handles = Handles {
            clock: clock.clone(),
            services: services.clone(),
            event_grid: event_grid.clone(),
            schema_registry: schema_registry.clone(),
            identity: identity.clone(),
            app: Arc::clone(&app),
        };
        let control =
            control::start(control_port, handles).map_err(|source| unbound(CONTROL, ports.control, source))?;
        let topic = topology.event_grid.topics.first().map(|topic| topic.name.as_str()).ok_or(StackError::NoTopic)?;
        let functions_url =
            format!("http://{}", functions.local_addr().map_err(|source| unbound(FUNCTIONS, ports.functions, source))?);
        let endpoints = Endpoints {
            functions: functions_url.clone(),
            site: format!("http://{}", site.local_addr().map_err(|source| unbound(SITE, ports.site, source))?),
            event_hubs: EventHubsEndpoints {
                connection_string: format!(
                    "Endpoint=sb://{};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={SHARED_ACCESS_KEY};\
                     UseDevelopmentEmulator=true;",
                    event_hubs.address()
                ),
                schema_registry: format!("https://{}", schema_registry.address()),
                schema_registry_namespace: format!("localhost:{}", ports.schema_registry),
                hubs: topology.event_hubs.hubs.iter().map(|hub| hub.name.clone()).collect(),
            },
            cosmos: CosmosEndpoints { endpoint: cosmos.endpoint(), key: cosmos.key().to_owned() },
            blob: BlobEndpoints { connection_string: storage_connection_string(&blobs, &queues) },
            queue: QueueEndpoints { connection_string: storage_connection_string(&blobs, &queues) },
            event_grid: EventGridEndpoints {
                topic_endpoint: event_grid.topic_endpoint(topic).ok_or(StackError::NoTopic)?,
                topic_key: event_grid.topic_key(topic).ok_or(StackError::NoTopic)?,
                resource_manager: event_grid.resource_manager(),
                topic_id: event_grid.topic_id(topic).ok_or(StackError::NoTopic)?,
            },
            control: format!("http://{}", control.address()),
            identities: identity
                .names()
                .filter_map(|name| Some((name.to_owned(), identity.credentials(name)?)))
                .collect(),
            ca_certificate: identity.ca_certificate().to_owned(),
        };
        Ok(Self {
            endpoints,
            ports,
            clock,
            storage,
            identity,
            services,
            event_grid,
            schema_registry,
            schema_group: topology.event_hubs.schema_groups.first().map(|group| group.name.clone()).unwrap_or_default(),
            site: Mutex::new(Some(site)),
            functions,
            app,
            control,
        })
    }

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

    /// The listener of the pages' port; the stack serves none itself. `None` the second time.
    #[must_use]
    pub fn take_site_listener(&self) -> Option<TcpListener> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The settings that lead an app with the identity `identity` to this stack's services.
    ///
    /// # Errors
    /// When the topology has no such identity.
    pub fn app_settings(&self, identity: &str) -> Result<BTreeMap<String, String>, StackError> {
        let unknown = || identity::Error::Unknown(identity.to_owned());
        let credentials = self.identity.credentials(identity).ok_or_else(unknown)?;
        let Services { event_hubs, cosmos, blobs, queues } = &self.services;
        let secure = |address: SocketAddr| format!("https://{address}");
        let blob_service = format!("{}/{}", secure(blobs.address()), blobs.account());
        let queue_service = queues.endpoint().replacen("http:", "https:", 1);
        let topic = self.endpoints.event_grid.topic_endpoint.replacen("http:", "https:", 1);
        let settings = [
            // A connection string in local.settings.json is for other hosts. Here it would beat the identity-based settings;
            // empty, it counts as absent.
            ("AzureWebJobsStorage", String::new()),
            ("AzureWebJobsStorage__blobServiceUri", blob_service.clone()),
            ("AzureWebJobsStorage__queueServiceUri", queue_service.clone()),
            ("AzureWebJobsStorage__credential", "managedidentity".to_owned()),
            ("EventHubs", String::new()),
            ("EventHubs__fullyQualifiedNamespace", format!("{}.servicebus.windows.net", event_hubs.namespace())),
            // A name: the AMQP client does not check certificates of addresses.
            ("EventHubs__customEndpoint", format!("amqps://localhost:{}", event_hubs.address().port())),
            ("Cosmos", String::new()),
            ("Cosmos__accountEndpoint", secure(cosmos.address())),
            ("Storage__blobServiceUri", blob_service),
            ("Storage__queueServiceUri", queue_service),
            ("EventGrid__topicEndpointUri", topic),
            ("SchemaRegistry__endpoint", self.endpoints.event_hubs.schema_registry.clone()),
            ("SchemaRegistry__group", self.schema_group.clone()),
            ("IDENTITY_ENDPOINT", credentials.endpoint),
            ("IDENTITY_HEADER", credentials.header),
            // Read by OpenSSL, so by every client of the app.
            ("SSL_CERT_FILE", self.endpoints.ca_certificate.display().to_string()),
        ];
        Ok(settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// From now on Event Grid delivers to the functions of this host; where it asks for keys, with its system key.
    fn lead_event_grid_to(&self, host: &FunctionsHost) {
        let Ok(mut base) = Url::parse(&self.endpoints.functions) else { return };
        if let Some(key) = host.event_grid_key() {
            base.query_pairs_mut().append_pair("code", &key);
        }
        self.event_grid.set_function_app(base);
    }

    /// Starts `app` in place of none. Where its host gives up, it is started again.
    ///
    /// # Errors
    /// When the app is not valid or its handler does not start; the message names the file.
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
        // What the settings let the app prove to the identity endpoint is what its triggers may do.
        let identity = app.settings.get("IDENTITY_HEADER").and_then(|secret| self.identity.caller_with(secret));
        for instance in 0..instances {
            let starter = HostStarter {
                app: app.clone(),
                services: self.services.clone(),
                clock: self.clock.clone(),
                listener: self.functions.try_clone().map_err(|source| unbound(FUNCTIONS, 0, source))?,
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
        };
        stopping.boxed()
    }
}

/// What clients of the whole storage account take.
fn storage_connection_string(blobs: &Blobs, queues: &Queues) -> String {
    format!("{}QueueEndpoint={};", blobs.connection_string(), queues.endpoint())
}
