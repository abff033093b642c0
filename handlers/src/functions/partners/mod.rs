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
pub(super) mod body;
pub(super) mod caller;
mod events;
mod examples;
mod failures;
mod found;
pub(super) mod gate;
mod keys;
pub(super) mod listeners;
pub(super) mod members;
mod monitored;
mod notices;
mod preview;
pub(super) mod provision;
pub(super) mod query;
mod readers;
mod redeliveries;
pub(super) mod repeats;
mod spellings;
mod subscriptions;
mod told;

use axum::{Router, http::StatusCode, middleware};

use crate::{
    app::App,
    function::{Function, Trigger},
    http::cors_with_changes,
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("Partners", Trigger::Http { router });

fn router(app: App) -> Router {
    let gate = gate::Gate::new(app.clone(), body::MAX_BODY);
    // Preflights have no key, so they are answered before the gate.
    let cors = cors_with_changes(
        &app.settings().site.origins,
        &[gate::SUPERSEDED, gate::EXPIRES, keys::WRITE_UNTIL, repeats::REPLAYED],
    );
    let readers = readers::Readers::default();
    Router::new()
        .merge(account::routes())
        .merge(failures::routes())
        .merge(keys::routes())
        .merge(listeners::routes())
        .merge(readers.bound(events::routes()))
        .merge(readers.bound(preview::routes()))
        .merge(redeliveries::routes())
        .merge(readers.bound(redeliveries::reading_routes()))
        .merge(subscriptions::routes())
        .merge(told::routes())
        .route_layer(middleware::from_fn_with_state(gate, gate::pass))
        // Which methods a path has is no secret, and is answered without a key.
        .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .layer(cors)
        .with_state(app)
}
