//! `Partners`: what partners do by themselves.
//!
//! Triggered by HTTP under `/api/partners/{partner}`, without a key of the host: the partner's own key is the only one.
//!
//! Promises: a partner sees and changes what is its own, and hears of nothing else. A refusal names its cause. Writes may come again: a
//! `POST` with an `Idempotency-Key` has one effect and the same answer; the others change nothing the second time. What was done is in
//! the partner's audit log.
//!
//! A second delivery does again what the first did, with the same end.

mod account;
mod body;
mod caller;
mod events;
mod failures;
mod found;
mod gate;
mod keys;
mod monitored;
mod notices;
mod preview;
pub(super) mod provision;
mod redeliveries;
mod repeats;
mod subscriptions;

use axum::{Router, middleware};

use crate::{
    app::App,
    function::{Function, Trigger},
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("Partners", Trigger::Http { router });

fn router(app: App) -> Router {
    let gate = gate::Gate::new(app.clone());
    Router::new()
        .merge(account::routes())
        .merge(failures::routes())
        .merge(keys::routes())
        .merge(events::routes())
        .merge(preview::routes())
        .merge(redeliveries::routes())
        .merge(subscriptions::routes())
        .route_layer(middleware::from_fn_with_state(gate, gate::pass))
        .with_state(app)
}
