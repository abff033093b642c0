//! Handles on everything that levers work on.

use std::sync::Arc;

use crate::clock::Clock;
use crate::event_grid::EventGrid;
use crate::functions_host::Services;
use crate::identity::Identity;
use crate::schema_registry::SchemaRegistry;
use crate::stack::App;

/// What the levers work on.
#[derive(Clone)]
pub(crate) struct Handles {
    pub(crate) clock: Clock,
    pub(crate) services: Services,
    pub(crate) event_grid: EventGrid,
    pub(crate) schema_registry: SchemaRegistry,
    pub(crate) identity: Identity,
    pub(crate) app: Arc<App>,
}
