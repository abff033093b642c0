//! Everything a function may reach.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::{
    azure::{blobs::Blobs, cosmos::Cosmos, credentials::Credentials, event_grid::Topic, event_hubs::EventHubs},
    events::{Codec, SchemaRegistry},
    functions::{recently_viewed, trend_rollup, trends},
    registry::{self, Function},
    settings::Settings,
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
    blobs: Blobs,
    events: Codec,
    lists: recently_viewed::Known,
    windows: trends::HeldWindows,
    minutes: trend_rollup::HeldMinutes,
    answers: trend_rollup::Answers,
    functions: Vec<Function>,
    settings: Settings,
}

impl App {
    /// Prepares the clients that `settings` describe, for every function of this binary.
    pub fn new(settings: Settings) -> Self {
        Self::serving(settings, registry::functions())
    }

    /// Prepares the clients that `settings` describe, for an app that serves `functions`.
    pub fn serving(settings: Settings, functions: Vec<Function>) -> Self {
        let credentials = Credentials::managed_identity(settings.client_id.clone());
        Self(Arc::new(Parts {
            cosmos: Cosmos::new(&settings.cosmos, &credentials),
            hubs: EventHubs::new(&settings.event_hubs, &credentials),
            event_grid: Topic::new(&settings.event_grid, &credentials),
            blobs: Blobs::new(&settings.storage, &credentials),
            events: Codec::new(SchemaRegistry::new(&settings.schema_registry, &credentials)),
            lists: recently_viewed::Known::default(),
            windows: trends::HeldWindows::default(),
            minutes: trend_rollup::held_minutes(),
            answers: trend_rollup::Answers::default(),
            functions,
            settings,
        }))
    }

    /// Documents in Cosmos DB.
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

    /// Files in blob storage.
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// Events to and from their form on the hubs.
    pub fn events(&self) -> &Codec {
        &self.0.events
    }

    /// What `RecentlyViewed` knows from its last calls.
    pub(crate) fn lists(&self) -> &recently_viewed::Known {
        &self.0.lists
    }

    /// What `Trends` keeps between its calls.
    pub(crate) fn windows(&self) -> &trends::HeldWindows {
        &self.0.windows
    }

    /// What `TrendRollup` keeps between its calls.
    pub(crate) fn minutes(&self) -> &trend_rollup::HeldMinutes {
        &self.0.minutes
    }

    /// What `TrendRollup` knows of the products that are viewed.
    pub(crate) fn answers(&self) -> &trend_rollup::Answers {
        &self.0.answers
    }

    /// The functions that this app serves: those staged with it.
    pub fn functions(&self) -> &[Function] {
        &self.0.functions
    }

    /// The settings this process was started with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The time, UTC. Functions ask here and hand it to domain code, which has no clock.
    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
