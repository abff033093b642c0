//! Handles on everything that levers work on.

use std::sync::Arc;

use crate::{
    clock::Clock, event_grid::EventGrid, functions_host::Services, identity::Identity, schema_registry::SchemaRegistry,
    stack::App,
};

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
