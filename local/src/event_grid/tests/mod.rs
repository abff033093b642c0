//! The service through its public doors: HTTP in, HTTP out, the clock stepped by hand.

mod delivery;
mod fuzz;
mod publishing;
mod services;
mod subscriptions;
mod support;
