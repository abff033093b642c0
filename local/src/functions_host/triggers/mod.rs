//! Triggers, which start functions: one module for each.

mod blob;
mod blob_properties;
mod blob_scan;
mod blob_webhook;
mod checkpoints;
mod cosmos_db;
mod event_grid;
mod event_hub;
mod event_hub_payload;
mod host_lock;
mod message_pump;
mod queue;
mod schedule;
mod timer;
mod timer_status;
mod zone;

pub(crate) use blob::{NewBlobs, payload as blob_payload};
pub(crate) use blob_scan::Scan as BlobScan;
pub(crate) use blob_webhook::BlobWebhook;
pub(crate) use checkpoints::CONTAINER as CHECKPOINTS;
pub(crate) use cosmos_db::{Feed, payload_by_hand as cosmos_db_payload_by_hand};
pub(crate) use event_grid::{answer as answer_event_grid, payload as event_grid_payload, split as split_events};
pub(crate) use event_hub::Listener as EventHubListener;
pub(crate) use event_hub_payload::{Context as EventHubContext, Event as HubEvent, payload as event_hub_payload};
pub(crate) use host_lock::HostLock;
pub(crate) use queue::{payload_by_hand as queue_payload_by_hand, run as run_queue};
pub(crate) use schedule::Schedule;
pub(crate) use timer::{Timer, TimerHandle, payload as timer_payload};
pub(crate) use timer_status::CONTAINER as HOSTS;
pub(crate) use zone::Zone;

#[cfg(test)]
pub(crate) use {
    cosmos_db::payload as cosmos_db_payload, queue::payload as queue_payload, timer_status::Status as TimerStatus,
};
