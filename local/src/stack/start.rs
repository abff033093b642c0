//! Start of a stack: every port is bound first, then services start in the order in which they need each other.

use std::{
    fs::DirBuilder,
    net::Ipv4Addr,
    os::unix::fs::DirBuilderExt,
    sync::{Arc, Mutex},
};

use futures::{FutureExt, future::BoxFuture};

use super::{
    BlobEndpoints, CosmosEndpoints, Endpoints, EventGridEndpoints, EventHubsEndpoints, ExternalHost, MonitorEndpoints,
    QueueEndpoints, Stack, StackError, StackOptions,
    app::App,
    ports::{
        BLOB, CONTROL, COSMOS, COSMOS_REGION, EVENT_GRID, EVENT_HUBS, FUNCTIONS, IDENTITY, OTLP, QUEUE,
        SCHEMA_REGISTRY, SITE, bind, listen, port_of, regions, unbound,
    },
};
use crate::{
    blobs::Blobs,
    clock::Clock,
    control::{self, Handles},
    cosmos::{self, Cosmos, Replay},
    event_grid::{self, EventGrid},
    event_hubs::{self, EventHubs, SHARED_ACCESS_KEY},
    files,
    functions_host::Services,
    identity::Identity,
    monitor::Monitor,
    queues::Queues,
    schema_registry::SchemaRegistry,
    storage::Storage,
    telemetry::Telemetry,
};

/// The storage account of the local stack, the name that every Azure tool knows.
const ACCOUNT: &str = "devstoreaccount1";
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
        Self::assemble(options, None, progress).boxed()
    }

    /// Starts every service for a functions host beside the stack, whose port is left alone. Event Grid asks each function that the
    /// topology subscribes until it agrees, and delivers to it from then on.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_services_only<'a>(
        options: StackOptions,
        host: ExternalHost,
        progress: &'a (dyn Fn(Replay) + Send + Sync),
    ) -> BoxFuture<'a, Result<Self, StackError>> {
        Self::assemble(options, Some(host), progress).boxed()
    }

    async fn assemble(
        options: StackOptions,
        external: Option<ExternalHost>,
        progress: &(dyn Fn(Replay) + Send + Sync),
    ) -> Result<Self, StackError> {
        let StackOptions { topology, data_dir, ports: wanted, sync, hosts } = options;
        files::allow_many()?;
        let created = DirBuilder::new().recursive(true).mode(0o700).create(&data_dir);
        created.map_err(|source| StackError::DataDir { path: data_dir.clone(), source })?;
        // Every port before any work, so that a conflict costs nothing.
        let mut ports = wanted;
        let functions = match &external {
            Some(_) => None,
            None => {
                let functions = bind(FUNCTIONS, ports.functions)?;
                ports.functions = port_of(&functions).map_err(|source| unbound(FUNCTIONS, ports.functions, source))?;
                Some(functions)
            }
        };
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
        let otlp_port = listen(OTLP, &mut ports.otlp)?;

        let storage = Storage::open(&data_dir.join("store"), sync)?;
        let clock = Clock::of(&storage)?;
        if !clock.ahead().is_zero() {
            let ahead = clock.ahead();
            tracing::info!(
                ?ahead,
                "the clock was stepped in an earlier run; a fresh data directory has this machine's time"
            );
        }
        let identity = Identity::start(&topology.every_identity(), &data_dir.join("identity"), identity_port, &hosts)?;
        let telemetry = Telemetry::start(identity.tls(), otlp_port, &clock).map_err(StackError::Telemetry)?;
        let blobs = Blobs::start(&topology.storage, ACCOUNT, &identity, blob_port, &storage, &clock).await?;
        let queues = Queues::start(&topology.storage, ACCOUNT, &identity, queue_port, &storage, &clock).await?;
        let event_hubs = EventHubs::start(&topology.event_hubs, &identity, hubs_port, &storage, &clock).await?;
        let schema_registry = SchemaRegistry::start(
            &topology.event_hubs.schema_groups,
            event_hubs.namespace(),
            &identity,
            registry_port,
            &storage,
            &clock,
        )
        .await?;
        let monitor = Monitor::open(&storage)?;
        let event_grid = EventGrid::start(
            &topology.event_grid,
            event_grid::Options {
                external_functions: external.as_ref().map(ExternalHost::with_key),
                ..event_grid::Options::new(blobs.clone(), queues.clone(), event_hubs.clone(), monitor)
            },
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
        let app = Arc::new(App::on(external.as_ref()));
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
        let own = || format!("http://{}:{}", Ipv4Addr::LOCALHOST, ports.functions);
        let endpoints = Endpoints {
            functions: external.as_ref().map_or_else(own, |host| host.address().to_owned()),
            site: format!("http://{}", site.local_addr().map_err(|source| unbound(SITE, ports.site, source))?),
            event_hubs: EventHubsEndpoints {
                connection_string: format!(
                    "Endpoint=sb://{};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={SHARED_ACCESS_KEY};\
                     UseDevelopmentEmulator=true;",
                    event_hubs.address()
                ),
                web_sockets: format!("ws://{}/$servicebus/websocket", event_hubs.address()),
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
            monitor: MonitorEndpoints {
                log_analytics: event_grid.resource_manager(),
                workspace_id: Monitor::workspace_id().to_string(),
            },
            control: format!("http://{}", control.address()),
            otlp: telemetry.endpoint(),
            identities: identity
                .names()
                .filter_map(|name| Some((name.to_owned(), identity.credentials(name)?)))
                .collect(),
            ca_certificate: identity.ca_certificate().to_owned(),
            external: Endpoints::external_functions(external.is_some()),
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
            telemetry,
        })
    }
}

/// What clients of the whole storage account take.
fn storage_connection_string(blobs: &Blobs, queues: &Queues) -> String {
    format!("{}QueueEndpoint={};", blobs.connection_string(), queues.endpoint())
}
