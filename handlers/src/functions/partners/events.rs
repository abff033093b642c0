//! `GET /api/partners/{partner}/events`: captured events as a list to reconcile with, from a cursor on.

use std::time::Duration as StdDuration;

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use cloudevents::AttributesReader as _;
use serde::Deserialize;
use serde_json::json;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::Instant;

use super::{body, caller::Caller, found::find, listeners, query, redeliveries::plan::unread};
use crate::{
    app::App,
    captured::CapturedEvents,
    domain::{
        capture::Cursor,
        partner::{Audience, selection::Selection},
        product_events::{CHANGED, DISCONTINUED},
    },
    events::{Contract, hubs},
    functions::partner_notifications::{Notification, notification},
    http::{Problem, Query},
};

/// Events in an answer, if nothing is said, and at most; and about so many bytes.
const PAGE: u32 = 100;
const MOST: u32 = 1_000;
const MOST_BYTES: usize = 4 << 20;

/// How long an answer may take to be collected.
const WITHIN: StdDuration = StdDuration::from_secs(20);

/// Where a list begins without a cursor or a time.
const LATELY: Duration = Duration::DAY;

#[derive(Deserialize)]
struct Asked {
    /// What an answer before had as `next`.
    after: Option<String>,
    /// Where to begin without one.
    since: Option<String>,
    limit: Option<String>,
    /// Event types, with commas between.
    types: Option<String>,
    /// Only what this subscription selects.
    subscription: Option<String>,
    /// Only what this listener selects.
    listener: Option<String>,
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/partners/{partner}/events", get(list))
}

async fn list(State(app): State<App>, caller: Caller, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let ends = Instant::now() + WITHIN;
    let now = app.now();
    let limit = query::limit(asked.limit.as_deref(), PAGE, MOST)?.get() as usize;
    let since = asked.since.as_deref().map(|text| OffsetDateTime::parse(text, &Rfc3339)).transpose();
    let since = since.map_err(|_| Problem::field("since", "must be a time, as in 2027-03-04T10:00:00Z"))?;
    let types: Vec<&str> =
        asked.types.as_deref().map(|types| types.split(',').map(str::trim).collect()).unwrap_or_default();
    if let Some(unknown) = types.iter().find(|one| ![CHANGED, DISCONTINUED].contains(*one)) {
        return Err(Problem::field("types", format!("has {unknown:?}; known are {CHANGED}, {DISCONTINUED}")));
    }
    let selection: Option<Selection> = match (asked.subscription, asked.listener) {
        (Some(_), Some(_)) => return Err(Problem::field("listener", "is only for a list without `subscription`")),
        (Some(name), None) => Some(find(&app, &caller.partner, name).await?.value.settings.selection),
        (None, Some(id)) => Some(listeners::find(&app, &caller.partner, id).await?.value.selection),
        (None, None) => None,
    };
    let cursor = match (asked.after, since) {
        (Some(_), Some(_)) => return Err(Problem::field("since", "is only for a list without `after`")),
        (Some(after), None) => Cursor::from_text(&after).map_err(|error| Problem::field("after", error))?,
        (None, since) => Cursor::starting(since.unwrap_or_else(|| now.saturating_sub(LATELY))),
    };
    let until = now.saturating_add(Duration::DAY);
    let captured = CapturedEvents::of(&app, hubs::PRODUCTS, cursor, until).await;
    let mut captured = captured.map_err(|cause| unread(&cause))?;
    let (mut events, mut bytes, mut more) = (Vec::new(), 0, true);
    while events.len() < limit && bytes < MOST_BYTES && Instant::now() < ends {
        let Some(event) = captured.next().await.map_err(|cause| unread(&cause))? else {
            more = false;
            break;
        };
        if !types.is_empty() && !types.contains(&event.event.r#type.as_str()) {
            continue;
        }
        // One whose data breaks a rule was parked when it was first read.
        let Ok(Some(Notification { event, fields })) = notification(event.event, &Audience::All, None) else {
            continue;
        };
        let subject = event.subject().unwrap_or_default();
        if selection.as_ref().is_none_or(|selection| selection.matches(event.ty(), subject, &fields)) {
            let event = serde_json::value::to_raw_value(&event)
                .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "An event cannot be written."))?;
            bytes += event.get().len();
            events.push(event);
        }
    }
    let mut answer = json!({ "events": events, "next": captured.cursor().to_text(), "more": more });
    if !more {
        // What is newer may be in a window that is not closed; it comes behind `next`.
        answer["completeUntil"] = json!(captured.complete_until().format(&Rfc3339).unwrap_or_default());
    }
    let mut answer = body::answer(StatusCode::OK, &answer);
    let listed = if types.is_empty() { vec![CHANGED, DISCONTINUED] } else { types };
    if let Some(deprecation) = Contract::first_to_end(listed) {
        deprecation.announce(answer.headers_mut());
    }
    Ok(answer)
}
