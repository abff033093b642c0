//! `GET|POST /api/partners/{partner}/subscriptions`, `GET|PATCH|DELETE …/{subscription}`: webhooks.
//!
//! The stored document is the truth, and Event Grid's event subscription is made of it ([`provision`]). Each write is stored first and told
//! to Event Grid then, so that a process that dies in between leaves what the next call, or the next look, completes.

mod actions;
mod create;
mod members;
mod secret;
mod shown;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use serde_json::json;

use self::{
    members::{known, refused},
    shown::Shown,
};
use super::{
    body,
    caller::Caller,
    found::{conflict, find, missing},
    provision,
};
use crate::{
    app::App,
    domain::partner::subscription::State as Standing,
    http::{Path, Problem},
};

pub(super) fn routes() -> Router<App> {
    const ONE: &str = "/api/partners/{partner}/subscriptions/{subscription}";
    let one = |action: &str| format!("{ONE}/{action}");
    Router::new()
        .route("/api/partners/{partner}/subscriptions", get(list).post(create::create))
        .route(ONE, get(read).patch(change).delete(delete))
        .route(&one("pause"), post(actions::pause))
        .route(&one("resume"), post(actions::resume))
        .route(&one("handshake"), post(actions::handshake))
        .route(&one("test"), post(actions::test))
        .route(&one("secret"), get(secret::read).post(secret::rotate))
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let found = app.stores().partners.subscriptions.of(&caller.partner).await?;
    let items: Vec<_> = found.iter().map(Shown::of).collect();
    Ok(body::answer(StatusCode::OK, &json!({ "items": items })))
}

async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let stored = find(&app, &caller.partner, name).await?;
    // How far it is, only Event Grid knows. If that does not answer, what was known last is not wrong.
    match provision::look(&app, stored.clone()).await {
        Ok(Some(stored)) => Ok(shown::answer(&stored.value)),
        Ok(None) => Err(missing()),
        Err(error) => {
            tracing::warn!(cause = error.chain(), "Event Grid could not be asked about a subscription");
            Ok(shown::answer(&stored.value))
        }
    }
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let patch = body::patch(&headers, body).await?;
    known(&patch, &[])?;
    let stored = find(&app, &caller.partner, name).await?;
    let stored = provision::looked(&app, stored).await?;
    let rules = provision::rules(&app)?;
    let settings = stored.value.settings.merge(&patch, &rules).map_err(refused)?;
    if settings == stored.value.settings {
        return Ok(shown::answer(&stored.value));
    }
    let changed = stored.value.update(settings, app.now()).map_err(conflict)?;
    if changed.settings.endpoint != stored.value.settings.endpoint {
        provision::check_public(&app, &changed.settings).await?;
    }
    if changed.state.is_on_its_way() {
        provision::consents(&app, &changed.settings).await?;
    }
    let wanted = changed.settings.clone();
    let stored = provision::begin(&app, changed, Some(stored.etag)).await?;
    let stored = provision::watched(&app, stored).await?;
    if stored.value.state == Standing::Active && stored.value.settings != wanted {
        return Err(provision::unmade(&stored.value));
    }
    Ok(shown::answer(&stored.value))
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let stored = find(&app, &caller.partner, name).await?;
    let stored = match stored.value.state {
        ref state if state.is_leaving() => stored,
        _ => provision::begin(&app, stored.value.delete(app.now()), Some(stored.etag)).await?,
    };
    provision::removed(&app, stored).await?;
    Ok(StatusCode::NO_CONTENT)
}
