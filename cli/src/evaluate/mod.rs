//! How good our predictions are, measured on real and simulated data with the very code that makes them.

pub mod anomalies;
pub mod recommendations;
