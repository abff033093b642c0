//! Contoso's event-driven functions, as an Azure Functions custom handler.
//!
//! A tour, in the order an event takes: [`host`] speaks the Functions invocation protocol and turns what arrives into records;
//! [`registry`] lists the functions and what triggers them; [`functions`] has one file per function; [`domain`] takes the decisions
//! and knows no service; [`azure`] has one adapter per service. [`events`] is the form of events on the hubs, [`outcome`] what
//! becomes of a record, [`app`] what a function may reach.

pub mod app;
pub mod azure;
pub mod events;
pub mod functions;
mod held;
pub mod host;
pub mod outcome;
pub mod registry;
pub mod settings;
pub mod telemetry;

pub use contoso_domain as domain;
