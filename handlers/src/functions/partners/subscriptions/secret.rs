//! `GET|POST …/subscriptions/{subscription}/secret`: the header by which an endpoint knows our deliveries, and its rotation.

use std::ops::RangeInclusive;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::{
    app::App,
    domain::partner::{subscription::Subscription, webhook_secret::SECRET_HEADER},
    functions::partners::{
        body,
        caller::Caller,
        found::{conflict, find},
        members::Members,
        provision,
        repeats::Kept,
    },
    http::{Path, Problem},
};

/// How long an old secret stays valid, if nobody says otherwise.
const OVERLAP: u32 = 24;
/// How many hours may be said.
const OVERLAPS: RangeInclusive<u32> = 1..=168;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    number: i64,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
    secret: Option<String>,
}

pub(super) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    // Who knows the secret can pretend to be us: that is no mere looking.
    caller.require_write()?;
    let stored = find(&app, &caller.partner, name).await?;
    Ok(body::answer(StatusCode::OK, &shown(&app, &stored.value, true).await?))
}

pub(super) async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut members = Members::of_any(&headers, body, &["overlapHours"]).await?;
    let overlap_hours = members.whole("overlapHours", OVERLAPS);
    members.end()?;
    let overlap = Duration::hours(overlap_hours.unwrap_or(OVERLAP).into());
    let stored = provision::looked(&app, find(&app, &caller.partner, name).await?).await?;
    let master = provision::current_master(&app).await?;
    let rotated = stored.value.rotate(&master, overlap, app.now()).map_err(conflict)?;
    // Event Grid repeats its handshake at every change: an endpoint that is down would lose the subscription.
    if rotated.state.is_on_its_way() {
        provision::consents(&app, &rotated.settings).await?;
    }
    let new = rotated.secret().cloned();
    let stored = provision::begin(&app, rotated, Some(stored.etag)).await?;
    let stored = provision::watched(&app, stored).await?;
    if new.is_some_and(|new| !stored.value.secrets.iter().any(|there| there.number >= new.number)) {
        return Err(provision::unmade(&stored.value));
    }
    let mut response = body::answer(StatusCode::OK, &shown(&app, &stored.value, true).await?);
    response.extensions_mut().insert(Kept::Instead(shown(&app, &stored.value, false).await?));
    Ok(response)
}

/// The versions that deliveries have, newest first, with their secrets or without.
async fn shown(app: &App, subscription: &Subscription, reveal: bool) -> Result<Value, Problem> {
    let now = app.now();
    let Subscription { partner, name, secrets, .. } = subscription;
    let derived = app.master_keys().derive(|keys| {
        let valid = secrets.iter().filter(|version| version.is_valid(now));
        valid
            .map(|version| {
                let secret = keys.secret(partner, name, version)?;
                Ok(Version {
                    number: version.number,
                    since: version.since,
                    until: version.until,
                    secret: reveal.then(|| secret.reveal().to_owned()),
                })
            })
            .collect::<Result<Vec<_>, _>>()
    });
    let versions = derived.await.map_err(|error| provision::unset(&error))?;
    Ok(json!({ "header": SECRET_HEADER, "versions": versions }))
}
