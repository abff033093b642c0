//! A wire-compatible local stack of Azure services for event-driven apps, in one process.

pub mod blobs;
mod causes;
pub mod clock;
mod control;
pub mod cosmos;
pub mod event_grid;
pub mod event_hubs;
pub mod faults;
pub mod files;
pub mod functions_host;
pub mod identity;
pub mod monitor;
#[cfg(test)]
mod parity;
pub mod queues;
pub mod schema_registry;
pub mod stack;
pub mod storage;
pub mod storage_account;
pub mod telemetry;
pub mod topology;
pub mod transport;
