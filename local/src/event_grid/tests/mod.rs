//! The service through its public doors: HTTP in, HTTP out, the clock stepped by hand.

mod captured;
mod delivery;
mod publishing;
mod subscriptions;
mod support;
