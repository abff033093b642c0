//! The service through its public interface: HTTP in, HTTP out, the clock stepped by hand.

mod captured;
mod delivery;
mod fuzz;
mod monitor;
mod publishing;
mod samples;
mod services;
mod subscriptions;
mod support;
