//! Contoso's event-driven functions, as an Azure Functions custom handler.
//!
//! A tour, in the order an event takes: [`host`] speaks the Functions invocation protocol and turns what arrives into records;
//! [`registry`] lists the functions and [`function`] says what one is; [`functions`] has one file per function; [`domain`] takes the
//! decisions and knows no service; [`stores`] has one file per container, [`azure`] one adapter per service. [`events`] is the form of
//! events on the hubs, [`captured`] reads them again from files, [`outcome`] what becomes of a record, [`dead_letters`] where bad ones go, [`app`] what a function may reach.

pub mod app;
pub mod azure;
mod by_key;
pub mod captured;
mod clock;
pub mod dead_letters;
pub mod events;
pub mod function;
pub mod functions;
pub mod host;
mod http;
pub mod outcome;
pub mod registry;
mod sales_files;
pub mod settings;
pub mod stores;
pub mod telemetry;

#[cfg(test)]
mod tests;

pub use contoso_domain as domain;
