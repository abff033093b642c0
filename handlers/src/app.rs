//! Dependencies of functions: everything a function may reach.

use std::sync::{Arc, OnceLock};

use time::OffsetDateTime;

use crate::{
    azure::{
        blobs::Blobs, cosmos::Cosmos, credentials::Credentials, event_grid::Topic, event_hubs::EventHubs,
        key_vault::MasterKeySource, monitor::Monitor, queues::Queues, resource_manager::ResourceManager,
    },
    clock,
    dead_letters::shelf::Opened,
    domain::dead_letter::{LetterId, batch::Replayed},
    events::Codec,
    settings::Settings,
    stores::Stores,
    telemetry::Telemetry,
};

/// The clients and settings of this process; cloning shares them.
///
/// Making one is cheap and opens nothing: each client connects at its first use, and callers wait for it there, so that the process
/// can answer its host before any service does.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    cosmos: Cosmos,
    hubs: EventHubs,
    event_grid: Topic,
    monitor: Monitor,
    resource_manager: ResourceManager,
    master_keys: MasterKeySource,
    blobs: Blobs,
    host_blobs: Blobs,
    queues: Queues,
    events: Codec,
    stores: Stores,
    served: Vec<Served>,
    settings: Settings,
    telemetry: Telemetry,
    replay: OnceLock<Replay>,
}

/// Gives the record of a letter to the function that parked it. The host knows how, which stands above this.
pub(crate) type Replay =
    Arc<dyn Fn(App, LetterId, Opened) -> futures::future::BoxFuture<'static, Replayed> + Send + Sync>;

impl App {
    /// Prepares the clients that `settings` describe, for a process that serves no function.
    pub fn new(settings: Settings) -> Self {
        Self::serving(settings, Vec::new(), Telemetry::off())
    }

    /// Prepares the clients that `settings` describe, for an app that serves these functions and tells of them by `telemetry`.
    pub fn serving(settings: Settings, served: Vec<Served>, telemetry: Telemetry) -> Self {
        let credentials = Credentials::over(telemetry.http(), settings.client_id.clone());
        let cosmos = Cosmos::new(&settings.cosmos, &credentials, telemetry.clone());
        let blobs = Blobs::new(&settings.storage, &credentials);
        Self(Arc::new(Parts {
            hubs: EventHubs::new(&settings.event_hubs, &credentials),
            event_grid: Topic::new(&settings.event_grid, &credentials),
            monitor: Monitor::new(&settings.partners, &credentials),
            resource_manager: ResourceManager::new(&settings.partners.resource_manager, &credentials),
            master_keys: MasterKeySource::new(&settings.partners, &credentials),
            host_blobs: Blobs::new(&settings.host_storage, &credentials),
            queues: Queues::new(settings.partners.queues.as_ref(), &credentials),
            events: Codec::new(&settings.schema_registry, &credentials),
            stores: Stores::new(&cosmos, &blobs, settings.host.app.as_deref()),
            cosmos,
            blobs,
            served,
            settings,
            telemetry,
            replay: OnceLock::new(),
        }))
    }

    /// The account of Cosmos DB. Functions use [`App::stores`].
    pub fn cosmos(&self) -> &Cosmos {
        &self.0.cosmos
    }

    /// Sending to event hubs.
    pub fn hubs(&self) -> &EventHubs {
        &self.0.hubs
    }

    /// The partners' Event Grid topic.
    pub fn event_grid(&self) -> &Topic {
        &self.0.event_grid
    }

    /// What is told of their deliveries.
    pub(crate) fn monitor(&self) -> &Monitor {
        &self.0.monitor
    }

    /// Event subscriptions on that topic.
    pub fn resource_manager(&self) -> &ResourceManager {
        &self.0.resource_manager
    }

    /// What secrets of partners' subscriptions are derived from.
    pub fn master_keys(&self) -> &MasterKeySource {
        &self.0.master_keys
    }

    /// Files in blob storage.
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// Files of the Functions host: its triggers' checkpoints.
    pub fn host_blobs(&self) -> &Blobs {
        &self.0.host_blobs
    }

    /// Queues of partners' listeners.
    pub(crate) fn queues(&self) -> &Queues {
        &self.0.queues
    }

    /// Events to and from their form on the hubs.
    pub fn events(&self) -> &Codec {
        &self.0.events
    }

    /// What the app stores in Cosmos DB, and what is cached of it.
    pub fn stores(&self) -> &Stores {
        &self.0.stores
    }

    /// The functions that this app serves: those staged with it.
    pub fn served(&self) -> &[Served] {
        &self.0.served
    }

    /// Says how parked records are given to their functions; the first word counts.
    pub(crate) fn replays_by(&self, replay: Replay) {
        // A router that is made twice for one app has the same functions.
        drop(self.0.replay.set(replay));
    }

    /// Gives the record of a letter to the function of this app that parked it.
    pub(crate) async fn replay(&self, id: LetterId, opened: Opened) -> Replayed {
        match self.0.replay.get() {
            Some(replay) => replay(self.clone(), id, opened).await,
            None => Replayed::Refused("this program serves no functions".to_owned()),
        }
    }

    /// The settings this process was started with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What this process tells of itself.
    pub fn telemetry(&self) -> &Telemetry {
        &self.0.telemetry
    }

    /// The time, UTC. Functions ask here and hand it to domain code, which has no clock.
    pub fn now(&self) -> OffsetDateTime {
        clock::now()
    }
}

/// A function that an app serves, as far as its other functions ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Its name.
    pub function: &'static str,
    /// What it reads.
    pub reads: Reads,
}

/// What a function reads at its own pace, and may be behind with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// A hub, as a consumer group.
    Hub {
        /// The hub.
        hub: &'static str,
        /// The group.
        consumer_group: &'static str,
    },
    /// The change feed of the catalogue.
    ChangeFeed,
    /// Nothing: it is called.
    Nothing,
}
