//! Adapters: one per Azure service, each over the official client where there is one.
//!
//! Every call has a deadline and a bounded retry, and every error says whether repeating the call may help. Clients connect at first
//! use. Missing roles count as transient: they are a fault of the deployment, not of the record that met them, and a
//! record must not be parked for it.

pub mod blobs;
pub mod cosmos;
pub mod credentials;
pub mod event_grid;
pub mod event_hubs;
pub(crate) mod http;
pub mod hub_reader;
pub mod joined_sends;
pub mod key_vault;
pub mod monitor;
pub mod preflight;
pub mod queues;
pub mod resource_manager;
pub mod schema_registry;
