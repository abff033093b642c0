//! How good our predictions are, measured on real data with the very code that makes them.

pub mod recommendations;
