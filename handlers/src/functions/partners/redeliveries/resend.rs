//! `POST …/events/{event}/resend`: one event once more, as a job of its own.

use std::time::Duration as StdDuration;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::json;
use time::{Duration, format_description::well_known::Rfc3339};
use tokio::time::Instant;

use super::plan::{Plan, accepted, check_delivers, made_before, unread};
use crate::{
    app::App,
    captured::CapturedEvents,
    domain::{
        capture::Cursor,
        partner::redelivery::{Only, OpenWindow, PER_SECOND, Request},
    },
    events::hubs,
    functions::partners::{caller::Caller, found::find, members::Members, repeats::Repeat},
    http::{Path, Problem},
};

/// How long the event is looked for.
const WITHIN: StdDuration = StdDuration::from_secs(20);

/// Where it is looked for without a time: an event that is delivered is not older, since Event Grid tries for a day.
const LATELY: Duration = Duration::days(2);

/// An event reaches the hub about at its time: clocks differ, and some wait to be announced.
const BEFORE: Duration = Duration::minutes(10);
const AFTER: Duration = Duration::hours(6);

pub(super) async fn resend(
    State(app): State<App>,
    caller: Caller,
    Path((_, name, id)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let subscription = find(&app, &caller.partner, name).await?.value;
    let path = format!("/api/partners/{}/subscriptions/{}/events/{id}/resend", caller.partner, subscription.name);
    let repeat = Repeat::of(&headers, &path)?;
    if let Some(job) = made_before(&app, &subscription, repeat.as_ref()).await? {
        return Ok(accepted(&job));
    }
    check_delivers(&subscription)?;
    let mut members = Members::of_any(&headers, body, &["time"]).await?;
    // The event's own time, of an event that is older than two days.
    let time = members.time("time");
    members.end()?;
    let now = app.now();
    let (from, until) = match time {
        Some(time) => (time.saturating_sub(BEFORE), time.saturating_add(AFTER)),
        None => (now.saturating_sub(LATELY), now.saturating_add(BEFORE)),
    };
    let request = Request { from, until, only: Only::Event(id), rate: PER_SECOND, open_window: OpenWindow::Stop };
    let plan = Plan::about(&app, subscription, request).await?;
    Ok(accepted(&found(&app, plan).await?.store(&app, repeat.as_ref()).await?))
}

/// The same plan for the second in which the hub stored the event.
async fn found(app: &App, mut plan: Plan) -> Result<Plan, Problem> {
    let ends = Instant::now() + WITHIN;
    let choice = plan.choice();
    let Request { from, until, .. } = plan.request;
    let captured = CapturedEvents::of(app, hubs::PRODUCTS, Cursor::starting(from), until).await;
    let mut captured = captured.map_err(|cause| unread(&cause))?;
    while let Some(event) = captured.next().await.map_err(|cause| unread(&cause))? {
        if Instant::now() >= ends {
            let detail = "The event was not found in time; say its own time as `time`.";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
        let enqueued = event.enqueued;
        if choice.pick(event, None).is_some() {
            if let Some(second) = enqueued {
                plan.request.from = second;
                plan.request.until = second.saturating_add(Duration::SECOND);
                plan.ranges = plan.request.ranges(&[]);
            }
            return Ok(plan);
        }
    }
    let complete_until = captured.complete_until().format(&Rfc3339).unwrap_or_default();
    let detail = "No captured event of this id is for the subscription. One that is newer than completeUntil is captured within minutes; of one \
                  that is older than two days, say its own time as `time`.";
    Err(Problem::new(StatusCode::NOT_FOUND, detail).with_member("completeUntil", json!(complete_until)))
}
