//! The whole stack: every service on its port, one data directory, one app, one way to stop.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use crate::blobs::Blobs;
use crate::clock::Clock;
use crate::cosmos::{Cosmos, Replay};
use crate::event_grid::EventGrid;
use crate::event_hubs::EventHubs;
use crate::functions_host::{FunctionsHost, HostOptions, Services};
use crate::schema_registry::SchemaRegistry;
use crate::storage::{Storage, StorageError, Sync as SyncMode};
use crate::topology::Topology;
use crate::{blobs, cosmos, event_grid, event_hubs, functions_host, schema_registry};

/// The storage account of the local stack, the name that every Azure tool knows.
const ACCOUNT: &str = "devstoreaccount1";
/// The key that official emulators use for shared access; it opens nothing outside this machine.
const SHARED_ACCESS_KEY: &str = "SAS_KEY_VALUE";
const FUNCTIONS: &str = "the functions host";
/// Pause before the host starts again after it gave up, as a platform would make.
const HOST_RESTART_PAUSE: Duration = Duration::from_secs(1);

/// The port of each service; 0 takes any free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Functions host.
    pub functions: u16,
    /// Pages of the app.
    pub site: u16,
    /// Cosmos DB.
    pub cosmos: u16,
    /// Blob Storage.
    pub blob: u16,
    /// Event Hubs, AMQP.
    pub event_hubs: u16,
    /// Schema registry.
    pub schema_registry: u16,
    /// Event Grid and Resource Manager.
    pub event_grid: u16,
}

impl Ports {
    /// The ports of the official local tools.
    #[must_use]
    pub fn defaults() -> Self {
        Self {
            functions: 7071,
            site: 7070,
            cosmos: 8081,
            blob: 10000,
            event_hubs: 5672,
            schema_registry: 5300,
            event_grid: 6501,
        }
    }

    /// Any free ports, so that stacks run side by side.
    #[must_use]
    pub fn auto() -> Self {
        Self { functions: 0, site: 0, cosmos: 0, blob: 0, event_hubs: 0, schema_registry: 0, event_grid: 0 }
    }
}

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
}

/// The app to run.
#[derive(Clone)]
pub struct AppOptions {
    /// The packaged app: `host.json` and one folder a function.
    pub dir: PathBuf,
    /// App settings; they win over `local.settings.json`.
    pub settings: BTreeMap<String, String>,
    /// Function keys are asked for, as in Azure.
    pub enforce_keys: bool,
}

/// Where everything is, for people, tests and other tools.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// Functions host.
    pub functions: String,
    /// Pages.
    pub site: String,
    /// Event Hubs and its schema registry.
    pub event_hubs: EventHubsEndpoints,
    /// Cosmos DB.
    pub cosmos: CosmosEndpoints,
    /// Blob Storage.
    pub blob: BlobEndpoints,
    /// Event Grid.
    pub event_grid: EventGridEndpoints,
    /// The certificate authority of the stack's https endpoints, once it has them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ca_certificate: Option<PathBuf>,
}

/// Event Hubs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventHubsEndpoints {
    /// For every official client.
    pub connection_string: String,
    /// Base address of the schema registry.
    pub schema_registry: String,
}

/// Cosmos DB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CosmosEndpoints {
    /// Account endpoint.
    pub endpoint: String,
    /// Account key, the emulator's well-known one.
    pub key: String,
}

/// Blob Storage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlobEndpoints {
    /// For every official client.
    pub connection_string: String,
}

/// Event Grid: the first topic, and Resource Manager.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventGridEndpoints {
    /// Where events are published.
    pub topic_endpoint: String,
    /// Key of the topic.
    pub topic_key: String,
    /// Base address of the Resource Manager calls.
    pub resource_manager: String,
    /// Resource id of the topic.
    pub topic_id: String,
}

/// The stack cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A port is taken.
    #[error("port {port} for {service} is not free; stop what uses it, or take any free ports")]
    Port {
        /// Who wanted it.
        service: &'static str,
        /// The port.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data directory cannot be created.
    #[error("cannot create the data directory {path}")]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The topology has no Event Grid topic, which the endpoints name.
    #[error("the topology names no Event Grid topic")]
    NoTopic,
    /// The store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Event Hubs.
    #[error("Event Hubs cannot start")]
    EventHubs(#[from] event_hubs::Error),
    /// Capture.
    #[error("Event Hubs Capture cannot start")]
    Capture(#[source] event_hubs::CaptureError),
    /// Blob Storage.
    #[error("Blob Storage cannot start")]
    Blobs(#[from] blobs::Error),
    /// Cosmos DB.
    #[error("Cosmos DB cannot start")]
    Cosmos(#[from] cosmos::Error),
    /// Event Grid.
    #[error("Event Grid cannot start")]
    EventGrid(#[from] event_grid::Error),
    /// Schema registry.
    #[error("the schema registry cannot start")]
    SchemaRegistry(#[from] schema_registry::Error),
    /// The app; the message names the file.
    #[error(transparent)]
    Host(#[from] functions_host::Error),
}

/// A running stack. Dropping it without [`Stack::stop`] is what a crash looks like: nothing acknowledged is lost.
pub struct Stack {
    endpoints: Endpoints,
    clock: Clock,
    services: Services,
    event_grid: EventGrid,
    schema_registry: SchemaRegistry,
    schema_group: String,
    site: Mutex<Option<TcpListener>>,
    functions: StdListener,
    host: Arc<Mutex<Option<Arc<FunctionsHost>>>>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Stack {
    /// Starts every service but the functions host. What the data directory holds is recovered; `progress` hears of a
    /// long replay.
    ///
    /// # Errors
    /// When a port is taken, or a service cannot recover its state.
    pub async fn start(options: StackOptions, progress: &(dyn Fn(Replay) + Send + Sync)) -> Result<Self, StackError> {
        let StackOptions { topology, data_dir, ports, sync } = options;
        std::fs::create_dir_all(&data_dir).map_err(|source| StackError::DataDir { path: data_dir.clone(), source })?;
        // Every port before any work, so that a conflict costs nothing.
        let functions = bind(FUNCTIONS, ports.functions)?;
        let site = listen("the pages", ports.site)?;
        let cosmos_port = listen("Cosmos DB", ports.cosmos)?;
        let blob_port = listen("Blob Storage", ports.blob)?;
        let hubs_port = listen("Event Hubs", ports.event_hubs)?;
        let registry_port = listen("the schema registry", ports.schema_registry)?;
        let grid_port = listen("Event Grid", ports.event_grid)?;

        let clock = Clock::default();
        let storage = Storage::open(&data_dir.join("store"), sync)?;
        let blobs = Blobs::start(&topology.storage, ACCOUNT, blob_port, &storage, &clock).await?;
        let event_hubs = EventHubs::start(&topology.event_hubs, hubs_port, &storage, &clock).await?;
        let schema_registry = SchemaRegistry::start(
            &topology.event_hubs.schema_groups,
            event_hubs.namespace(),
            registry_port,
            &storage,
            &clock,
        )
        .await?;
        let event_grid = EventGrid::start(
            &topology.event_grid,
            event_grid::Options::new(blobs.clone(), event_hubs.namespace()),
            grid_port,
            &storage,
            &clock,
        )
        .await?;
        let observer = event_grid.clone();
        blobs.observe(Arc::new(move |created| Ok(observer.blob_created(created)?)))?;
        event_hubs::capture::start(&event_hubs, &blobs, &storage, &clock).map_err(StackError::Capture)?;
        let cosmos = Cosmos::start(&topology.cosmos, cosmos_port, &storage, &clock, progress).await?;

        let topic = topology.event_grid.topics.first().map(|topic| topic.name.as_str()).ok_or(StackError::NoTopic)?;
        let functions_url =
            format!("http://{}", functions.local_addr().map_err(|source| unbound(FUNCTIONS, ports.functions, source))?);
        let endpoints = Endpoints {
            functions: functions_url.clone(),
            site: format!("http://{}", site.local_addr().map_err(|source| unbound("the pages", ports.site, source))?),
            event_hubs: EventHubsEndpoints {
                connection_string: format!(
                    "Endpoint=sb://{};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={SHARED_ACCESS_KEY};\
                     UseDevelopmentEmulator=true;",
                    event_hubs.address()
                ),
                schema_registry: format!("http://{}", schema_registry.address()),
            },
            cosmos: CosmosEndpoints { endpoint: cosmos.endpoint(), key: cosmos.key().to_owned() },
            blob: BlobEndpoints { connection_string: blobs.connection_string() },
            event_grid: EventGridEndpoints {
                topic_endpoint: event_grid.topic_endpoint(topic).ok_or(StackError::NoTopic)?,
                topic_key: event_grid.topic_key(topic).ok_or(StackError::NoTopic)?,
                resource_manager: event_grid.resource_manager(),
                topic_id: event_grid.topic_id(topic).ok_or(StackError::NoTopic)?,
            },
            ca_certificate: None,
        };
        Ok(Self {
            endpoints,
            clock,
            services: Services { event_hubs, cosmos, blobs },
            event_grid,
            schema_registry,
            schema_group: topology.event_hubs.schema_groups.first().map(|group| group.name.clone()).unwrap_or_default(),
            site: Mutex::new(Some(site)),
            functions,
            host: Arc::default(),
            supervisor: Mutex::default(),
        })
    }

    /// Where everything is.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The stack's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
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

    /// The settings that lead an app to this stack's services. Keys stand only here; in Azure the app has an identity.
    #[must_use]
    pub fn app_settings(&self) -> BTreeMap<String, String> {
        let Services { event_hubs, cosmos, blobs } = &self.services;
        let endpoints = &self.endpoints;
        [
            ("AzureWebJobsStorage", blobs.connection_string()),
            // A connection string in local.settings.json is for other hosts, which take no other local address. Here it
            // would beat the identity-based settings; empty, it counts as absent.
            ("EventHubs", String::new()),
            ("EventHubs__fullyQualifiedNamespace", format!("{}.servicebus.windows.net", event_hubs.namespace())),
            ("EventHubs__customEndpoint", format!("amqp://{}", event_hubs.address())),
            ("Cosmos__accountEndpoint", endpoints.cosmos.endpoint.clone()),
            ("Cosmos__accountKey", cosmos.key().to_owned()),
            ("Storage__blobServiceUri", format!("http://{}/{}", blobs.address(), blobs.account())),
            ("Storage__accountKey", blobs.key().to_owned()),
            ("EventGrid__topicEndpointUri", endpoints.event_grid.topic_endpoint.clone()),
            ("EventGrid__topicKey", endpoints.event_grid.topic_key.clone()),
            ("SchemaRegistry__endpoint", endpoints.event_hubs.schema_registry.clone()),
            ("SchemaRegistry__group", self.schema_group.clone()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Starts the functions host on `app` and watches over it: where the host gives up, as Azure's does after the third
    /// death of the handler, it is started again, loudly, as the platform would.
    ///
    /// # Errors
    /// When the app is not valid or its handler does not start; the message names the file.
    pub async fn run_app(&self, app: AppOptions) -> Result<(), StackError> {
        let starter = HostStarter {
            app,
            services: self.services.clone(),
            clock: self.clock.clone(),
            listener: self.functions.try_clone().map_err(|source| unbound(FUNCTIONS, 0, source))?,
        };
        let first = Arc::new(starter.start().await?);
        self.lead_event_grid_to(&first);
        set(&self.host, Some(Arc::clone(&first)));
        let current = Arc::clone(&self.host);
        let supervisor = tokio::spawn(async move {
            let mut host = first;
            loop {
                let stopped = host.stopped().await;
                tracing::error!("THE FUNCTIONS HOST STOPPED: {stopped}. It starts again, as the platform would.");
                set(&current, None);
                host.stop().await;
                host = loop {
                    tokio::time::sleep(HOST_RESTART_PAUSE).await;
                    match starter.start().await {
                        Ok(next) => break Arc::new(next),
                        Err(error) => tracing::error!("the functions host does not start: {error}"),
                    }
                };
                set(&current, Some(Arc::clone(&host)));
            }
        });
        *self.supervisor.lock().unwrap_or_else(PoisonError::into_inner) = Some(supervisor);
        Ok(())
    }

    /// From now on Event Grid delivers to the functions of this host; where it asks for keys, with its system key.
    fn lead_event_grid_to(&self, host: &FunctionsHost) {
        let Ok(mut base) = Url::parse(&self.endpoints.functions) else { return };
        if let Some(key) = host.event_grid_key() {
            base.query_pairs_mut().append_pair("code", key);
        }
        self.event_grid.set_function_app(base);
    }

    /// Process id of the handler that runs now.
    #[must_use]
    pub fn handler_pid(&self) -> Option<u32> {
        self.host()?.handler_pid()
    }

    /// The functions host that runs now.
    #[must_use]
    pub fn host(&self) -> Option<Arc<FunctionsHost>> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the app; the services stay. Nothing is acknowledged for it, so another app goes on where it was.
    pub async fn stop_app(&self) {
        let supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor {
            supervisor.abort();
        }
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(host) = host {
            host.stop().await;
        }
    }

    /// Stops the app and every service, and waits until nothing of them is left.
    pub async fn stop(self) {
        self.stop_app().await;
        self.event_grid.stop().await;
        self.schema_registry.stop().await;
        self.services.event_hubs.stop().await;
        self.services.cosmos.stop().await;
        self.services.blobs.stop().await;
    }
}

/// Starts the functions host, again and again, on the one listener that stays bound between two hosts.
struct HostStarter {
    app: AppOptions,
    services: Services,
    clock: Clock,
    listener: StdListener,
}

impl HostStarter {
    async fn start(&self) -> Result<FunctionsHost, StackError> {
        let listener = self.listener.try_clone().map_err(|source| unbound(FUNCTIONS, 0, source))?;
        let options = HostOptions {
            app: self.app.dir.clone(),
            settings: self.app.settings.clone(),
            listener,
            enforce_keys: self.app.enforce_keys,
            chunked_bodies: true,
        };
        Ok(FunctionsHost::start(options, self.services.clone(), &self.clock).await?)
    }
}

fn set(slot: &Mutex<Option<Arc<FunctionsHost>>>, host: Option<Arc<FunctionsHost>>) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = host;
}

fn unbound(service: &'static str, port: u16, source: std::io::Error) -> StackError {
    StackError::Port { service, port, source }
}

fn bind(service: &'static str, port: u16) -> Result<StdListener, StackError> {
    let listener = StdListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .map_err(|source| unbound(service, port, source))?;
    listener.set_nonblocking(true).map_err(|source| unbound(service, port, source))?;
    Ok(listener)
}

fn listen(service: &'static str, port: u16) -> Result<TcpListener, StackError> {
    TcpListener::from_std(bind(service, port)?).map_err(|source| unbound(service, port, source))
}
