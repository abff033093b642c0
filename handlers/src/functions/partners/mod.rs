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
mod events;
mod failures;
mod gate;
mod keys;
mod monitored;
mod notices;
mod preview;
pub(super) mod provision;
mod redeliveries;
mod repeats;
mod subscriptions;

use axum::{
    Router,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    middleware,
};

use crate::{
    app::App,
    domain::partner::{
        PartnerName,
        api_key::{KeyId, Scope},
    },
    function::{Function, Trigger},
    http::Problem,
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("Partners", Trigger::Http { router });

/// The largest body of a request.
const MAX_BODY: usize = 64 * 1024;

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

/// Who calls: known since the gate, which no request passes without a key that counts.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The partner whose key it is, which is the one that the path names.
    pub(super) partner: PartnerName,
    /// The key.
    pub(super) key: KeyId,
    /// What the key may be used for.
    pub(super) scope: Scope,
}

impl Caller {
    /// Refuses a key that may only look. The gate asks for every request that is neither `GET` nor a preview.
    pub(super) fn require_write(&self) -> Result<(), Problem> {
        match self.scope {
            Scope::Write => Ok(()),
            Scope::Read => {
                Err(Problem::new(StatusCode::FORBIDDEN, "This key may only read.").of_kind("key-may-only-read"))
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let passed = parts.extensions.get::<Self>().cloned();
        passed.ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "The request has no key."))
    }
}
