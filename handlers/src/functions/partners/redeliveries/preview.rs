//! `POST …/redeliveries:preview`: what a job would send, counted and not sent.

use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use cloudevents::AttributesReader as _;
use serde::Serialize;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::plan::{Plan, unread};
use crate::{
    app::App,
    captured::CapturedEvents,
    domain::{
        capture::Cursor,
        partner::redelivery::{FailureLog, Request},
    },
    events::hubs,
    functions::partners::{body, caller::Caller, found::find},
    http::{Path, Problem},
};

/// How long events are counted before the answer must be given.
const WITHIN: Duration = Duration::from_secs(20);

/// What would be sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    /// Events.
    count: u64,
    /// Bytes of their JSON.
    bytes: u64,
    /// Captured events that were looked at.
    read: u64,
    /// Whether all were: there may be more than can be counted in time.
    is_whole: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Seen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Seen>,
    #[serde(flatten)]
    request: Request,
    /// Until when nothing is missing; absent if not all were looked at.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    complete_until: Option<OffsetDateTime>,
    /// Of failed events, how far the log of failures can be relied on.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_log: Option<FailureLog>,
    /// What may surprise.
    note: &'static str,
}

/// The first or last event, by its time.
#[derive(Serialize)]
struct Seen {
    id: String,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    time: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
}

pub(super) async fn preview(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let ends = Instant::now() + WITHIN;
    let subscription = find(&app, &caller.partner, name).await?.value;
    let plan = Plan::of(&app, subscription, &headers, body).await?;
    let mut preview = Preview {
        count: 0,
        bytes: 0,
        read: 0,
        is_whole: true,
        first: None,
        last: None,
        request: plan.request.clone(),
        complete_until: None,
        failure_log: plan.log,
        note: "Events are judged by what the subscription selects today.",
    };
    if !plan.is_empty() {
        count(&app, &plan, &mut preview, ends).await?;
    }
    Ok(body::answer(StatusCode::OK, &preview))
}

async fn count(app: &App, plan: &Plan, preview: &mut Preview, ends: Instant) -> Result<(), Problem> {
    let choice = plan.choice();
    let from = plan.ranges.iter().map(|range| range.from).min().unwrap_or(plan.request.from);
    let until = plan.ranges.iter().map(|range| range.until).max().unwrap_or(plan.request.until);
    let captured = CapturedEvents::of(app, hubs::PRODUCTS, Cursor::starting(from), until).await;
    let mut captured = captured.map_err(|cause| unread(&cause))?;
    while let Some(event) = captured.next().await.map_err(|cause| unread(&cause))? {
        if Instant::now() >= ends {
            preview.is_whole = false;
            return Ok(());
        }
        preview.read += 1;
        let time = event.event.time;
        let Some(event) = choice.pick(event, None) else { continue };
        preview.count += 1;
        preview.bytes += serde_json::to_vec(&event).map_or(0, |json| json.len() as u64);
        let seen = || Seen { id: event.id().to_owned(), time, subject: event.subject().map(str::to_owned) };
        if preview.first.as_ref().is_none_or(|first| time < first.time) {
            preview.first = Some(seen());
        }
        if preview.last.as_ref().is_none_or(|last| time >= last.time) {
            preview.last = Some(seen());
        }
    }
    let complete_until =
        plan.request.complete_until(&plan.ranges, captured.complete_until(), plan.log.as_ref().map(|log| log.until));
    preview.complete_until = Some(complete_until);
    Ok(())
}
