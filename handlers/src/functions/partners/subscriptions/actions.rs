//! `POST …/subscriptions/{subscription}/pause|resume|handshake|test`.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::shown::Shown;
use crate::{
    app::App,
    azure::cosmos::Stored,
    domain::partner::subscription::{PausedBy, State as Standing, Subscription},
    functions::partners::{
        body,
        caller::Caller,
        examples,
        found::{conflict, find},
        members::Members,
        notices::To,
        provision,
        repeats::Repeat,
    },
    http::{Path, Problem},
};

/// The longest reason, in characters.
const REASON: usize = 200;

/// Only `{}`, or nothing.
async fn check_empty(headers: &HeaderMap, body: Body) -> Result<(), Problem> {
    Members::of_any(headers, body, &[]).await?.end()
}

pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut members = Members::of_any(&headers, body, &["reason"]).await?;
    let reason = members.text("reason");
    let is_reason = |text: &String| text.chars().count() <= REASON && !text.chars().any(char::is_control);
    if !reason.as_ref().is_none_or(is_reason) {
        members.refuse("reason", format!("must have at most {REASON} characters and no control characters"));
    }
    members.end()?;
    let stored = provision::looked(&app, find(&app, &caller.partner, name).await?).await?;
    let paused = stored.value.pause(PausedBy::Partner, reason, app.now()).map_err(conflict)?;
    // The gap begins before deliveries end, so that nothing falls between: what is in both is delivered twice.
    let stored = match paused == stored.value {
        true => stored,
        false => provision::begin(&app, paused, Some(stored.etag)).await?,
    };
    // Also where it was paused before: then the event subscription may have been left.
    let stored = provision::withdrawn(&app, stored).await?;
    Ok(body::answer(StatusCode::OK, &Shown::of(&stored.value)))
}

pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_empty(&headers, body).await?;
    let stored = provision::looked(&app, find(&app, &caller.partner, name).await?).await?;
    let resumed = stored.value.resume(app.now()).map_err(conflict)?;
    Box::pin(made_anew(&app, stored, resumed)).await
}

pub(super) async fn handshake(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_empty(&headers, body).await?;
    let stored = provision::looked(&app, find(&app, &caller.partner, name).await?).await?;
    let tried = stored.value.retry(app.now()).map_err(conflict)?;
    Box::pin(made_anew(&app, stored, tried)).await
}

/// Has Event Grid make `wanted`, unless that is what there is. Its endpoint is asked first: if it does not consent, nothing changes.
async fn made_anew(app: &App, stored: Stored<Subscription>, wanted: Subscription) -> Result<Response, Problem> {
    if wanted == stored.value {
        return Ok(body::answer(StatusCode::OK, &Shown::of(&stored.value)));
    }
    provision::consents(app, &wanted.settings).await?;
    let stored = provision::begin(app, wanted, Some(stored.etag)).await?;
    let stored = provision::watched(app, stored).await?;
    Ok(body::answer(StatusCode::OK, &Shown::of(&stored.value)))
}

pub(super) async fn test(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wish = examples::Wish::read(&headers, body).await?;
    let stored = provision::looked(&app, find(&app, &caller.partner, name).await?).await?;
    if !stored.value.state.delivers() {
        let state = stored.value.state.as_str();
        let kind = if matches!(stored.value.state, Standing::Paused { .. }) {
            "subscription-paused"
        } else {
            "subscription-busy"
        };
        let problem = Problem::new(StatusCode::CONFLICT, format!("Nothing is delivered: the subscription is {state}."));
        return Err(problem.of_kind(kind));
    }
    let Subscription { partner, name, .. } = &stored.value;
    let repeat = Repeat::of(&headers, &format!("/api/partners/{partner}/subscriptions/{name}/test"))?;
    // Published again by the next try of a request whose process died, it is a repeat for who gets it.
    let id = repeat.and_then(|repeat| repeat.uuid());
    let sent = examples::publish(&app, &To::subscription(&stored.value), wish, id).await?;
    Ok(body::answer(StatusCode::ACCEPTED, &sent))
}
