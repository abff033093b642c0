//! Anomalies: minutes whose views are far from what the shop's own past leads one to expect. Method and figures: `docs/anomalies.md`.
//!
//! Every minute's views are split into what is common to all of the shop, to a category, and to one product, as in a median polish:
//! `common` estimates what is common to a node's children without those that fall out of line, so that one cause is one anomaly at the
//! place where it happened. The total is compared with its `season`, categories and products with their `share` of what is
//! common around them; which of these are watched is a matter of `admission`. `evidence` adds up, minute by minute, how much better a
//! drop or a rise explains the counts than the expectation does. [`detector`] is all of it for one shop; [`record`] is an anomaly,
//! [`memory`] what is stored, [`event`] what is sent.

mod admission;
mod child;
mod common;
pub mod detector;
mod dispersion;
pub mod event;
mod evidence;
pub mod memory;
mod minute;
pub mod record;
mod season;
mod share;
mod total;
pub mod tuning;
mod waiting;
mod watch;

pub use self::{
    detector::{Change, Detector},
    minute::Minute,
    record::{Anomaly, Kind, Scope},
};

/// Serializes a float with the digits of an `f32`: statistics are not worth more of a document.
fn short<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f32(*value as f32)
}

#[cfg(test)]
mod tests;
