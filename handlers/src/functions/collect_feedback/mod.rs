//! `CollectFeedback`: takes feedback from partners, ratings and texts about products and customers.
//!
//! Triggered by HTTP, without a key of the host: the partner's own key is the only one. `POST /api/partners/{partner}/feedback` takes items,
//! `{"items": [{"id", "about": "product" | "customer", "productId"?, "customerRef"?, "rating", "text"?, "at"}]}`; `DELETE
//! …/feedback/items/{id}` withdraws one, `POST …/feedback/erasures` all that are about or from a customer.
//!
//! Promises: 202 says that the hub has every item that is called taken. Each item is judged alone: taken, repeated, or refused with the
//! reason. A correction has the same id and a later `at`. What is withdrawn stays so. How a text sounds is scored here, so that every reader
//! reads the same. The partner's reference to a customer goes no further than this function, which makes a hash of it.
//!
//! A second delivery of an item is `repeated` and has no effect; after a fault it is the same event once more, with the same id and content.
//! An `Idempotency-Key` gives the whole answer again, as everywhere in the partners' API.

mod erase;
mod give;
mod sending;

use axum::{
    Router,
    http::StatusCode,
    middleware,
    routing::{delete, post},
};

use self::sending::Collector;
use super::partners::{
    gate::{self, Gate},
    repeats,
};
use crate::{
    app::App,
    function::{Function, Trigger},
    http::cors_with_changes,
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("CollectFeedback", Trigger::Http { router });

fn router(app: App) -> Router {
    let gate = Gate::new(app.clone(), give::MAX_BODY);
    // Preflights have no key, so they are answered before the gate.
    let cors = cors_with_changes(&app.settings().site.origins, &[gate::SUPERSEDED, repeats::REPLAYED]);
    Router::new()
        .route("/api/partners/{partner}/feedback", post(give::give))
        .route("/api/partners/{partner}/feedback/items/{item}", delete(erase::item))
        .route("/api/partners/{partner}/feedback/erasures", post(erase::customer))
        .route_layer(middleware::from_fn_with_state(gate, gate::pass))
        // Which methods a path has is no secret, and is answered without a key.
        .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .layer(cors)
        .with_state(Collector::new(app))
}
