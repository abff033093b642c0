//! `…/subscriptions/{subscription}/redeliveries`: events once more, as jobs that `PartnerRedelivery` works on; and one event alone.

mod failed;
mod preview;
mod resend;
mod shown;

use std::{collections::BTreeSet, num::NonZeroU32};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::shown::Shown;
use super::{Caller, body, subscriptions::find};
use crate::{
    app::App,
    domain::{
        partner::{
            PartnerName,
            redelivery::{Job, Only, Range, Request},
            subscription::{State as Standing, Subscription},
        },
        product_body::FieldError,
    },
    functions::partner_redelivery::Choice,
    http::{Path, Problem, Query},
    outcome::Cause,
};

/// Jobs of a subscription that may be unfinished at a time.
const MOST: usize = 20;
/// Jobs in an answer, if nothing is said, and at most.
const PAGE: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const MOST_IN_PAGE: u32 = 100;

pub(super) fn routes() -> Router<App> {
    const ONE: &str = "/api/partners/{partner}/subscriptions/{subscription}";
    Router::new()
        .route(&format!("{ONE}/redeliveries"), get(list).post(create))
        .route(&format!("{ONE}/redeliveries:preview"), post(preview::preview))
        .route(&format!("{ONE}/redeliveries/{{job}}"), get(read).delete(cancel))
        .route(&format!("{ONE}/events/{{event}}/resend"), post(resend::resend))
}

/// What is to be sent, frozen.
struct Plan {
    subscription: Subscription,
    request: Request,
    ranges: Vec<Range>,
    events: Option<BTreeSet<String>>,
}

impl Plan {
    /// Reads a request about the subscription that the path names.
    async fn of(app: &App, caller: &Caller, name: String, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let subscription = find(app, &caller.partner, name).await?.value;
        let object = object(headers, body, &Request::FIELDS).await?;
        let recorded = subscription.gaps.iter().map(|gap| gap.from).min();
        let request = Request::parse(&object, recorded, app.now()).map_err(Problem::unprocessable)?;
        Self::about(app, subscription, request).await
    }

    async fn about(app: &App, subscription: Subscription, request: Request) -> Result<Self, Problem> {
        check_delivers(&subscription)?;
        let ranges = request.ranges(&subscription.gaps);
        let events = match &request.only {
            Only::All | Only::Missing => None,
            Only::Failed => Some(failed::events(app, &subscription, request.from, request.until).await?),
            Only::Event(id) => Some([id.clone()].into()),
        };
        Ok(Self { subscription, request, ranges, events })
    }

    fn is_empty(&self) -> bool {
        self.ranges.is_empty() || self.events.as_ref().is_some_and(BTreeSet::is_empty)
    }

    fn choice(&self) -> Choice {
        let Subscription { partner, name, settings, .. } = &self.subscription;
        Choice::new(partner, name, settings.selection.clone(), self.ranges.clone(), self.events.clone())
    }

    /// Stores it as a job.
    async fn store(self, app: &App) -> Result<Job, Problem> {
        let store = &app.stores().partners.redeliveries;
        let Self { subscription: Subscription { partner, name, .. }, request, ranges, events } = self;
        let newest = store.of(&partner, &name, None, NonZeroU32::MIN.saturating_add(MOST_IN_PAGE - 1)).await?;
        if newest.iter().filter(|job| !job.has_ended()).count() >= MOST {
            let detail = format!("{MOST} redeliveries of this subscription are unfinished; wait, or cancel some.");
            return Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("too-many-redeliveries"));
        }
        let now = app.now();
        // In the order of time, so that the younger has the greater id.
        let millis = now.unix_timestamp_nanos() / 1_000_000;
        let id = format!("rd-{millis:013}-{:08x}", rand::random::<u32>());
        let events = events.filter(|_| request.only == Only::Failed);
        let job = Job::new(id, partner, name, request, ranges, now);
        store.create(&job, events).await?;
        Ok(job)
    }
}

/// Refuses a subscription to which nothing can be delivered, before anything is made.
fn check_delivers(subscription: &Subscription) -> Result<(), Problem> {
    let conflict = |detail: &str, kind| Err(Problem::new(StatusCode::CONFLICT, detail).of_kind(kind));
    match subscription.state {
        Standing::Active | Standing::Updating | Standing::Creating | Standing::AwaitingManualAction => Ok(()),
        Standing::Paused { .. } => conflict("The subscription is paused; resume it first.", "subscription-paused"),
        Standing::Failed { .. } | Standing::Stuck => {
            conflict("The subscription does not deliver; mend it first.", "subscription-failed")
        }
        Standing::Deleting => Err(Problem::new(StatusCode::NOT_FOUND, "The subscription is being deleted.")),
    }
}

/// Starts a job for what a new subscription missed since the time that its partner named.
pub(super) async fn begin_missing(app: &App, subscription: &Subscription) -> Result<Option<Job>, Problem> {
    let Some(from) = subscription.gaps.iter().map(|gap| gap.from).min() else { return Ok(None) };
    if check_delivers(subscription).is_err() {
        return Ok(None);
    }
    let request = Request { from, ..Request::missing_until(app.now()) };
    let plan = Plan::about(app, subscription.clone(), request).await?;
    if plan.is_empty() { Ok(None) } else { plan.store(app).await.map(Some) }
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let plan = Plan::of(&app, &caller, name, &headers, body).await?;
    if plan.is_empty() {
        let detail = match plan.request.only {
            Only::Failed => "The log has no failed deliveries of that time.",
            _ => "The subscription has no gap in that time.",
        };
        return Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("nothing-to-redeliver"));
    }
    accepted(plan.store(&app).await?)
}

/// 202, and where to watch it.
fn accepted(job: Job) -> Result<Response, Problem> {
    Ok(body::made(StatusCode::ACCEPTED, &location(&job), &Shown::of(&job)))
}

fn location(job: &Job) -> String {
    format!("/api/partners/{}/subscriptions/{}/redeliveries/{}", job.partner, job.subscription, job.id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paging {
    before: Option<String>,
    limit: Option<NonZeroU32>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    Query(Paging { before, limit }): Query<Paging>,
) -> Result<Response, Problem> {
    let limit = limit.unwrap_or(PAGE);
    if limit.get() > MOST_IN_PAGE {
        return Err(Problem::field("limit", format!("must be 1 to {MOST_IN_PAGE}")));
    }
    let subscription = find(&app, &caller.partner, name).await?.value;
    let store = &app.stores().partners.redeliveries;
    let jobs = store.of(&caller.partner, &subscription.name, before.as_deref(), limit).await?;
    let next = jobs.last().filter(|_| jobs.len() == limit.get() as usize).map(|job| job.id.clone());
    let items: Vec<_> = jobs.iter().map(Shown::of).collect();
    let mut answer = json!({ "items": items });
    if let Some(next) = next {
        answer["next"] = json!(next);
    }
    Ok(body::answer(StatusCode::OK, &answer))
}

async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((_, name, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let job = job(&app, &caller.partner, &name, &id).await?;
    Ok(body::answer(StatusCode::OK, &Shown::of(&job)))
}

async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path((_, name, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let found = job(&app, &caller.partner, &name, &id).await?;
    let now = app.now();
    let store = &app.stores().partners.redeliveries;
    let changed = store.change(&caller.partner, &found.id, |job| job.cancel(now)).await?;
    let Some(cancelled) = changed else {
        let detail = "The redelivery has ended; there is nothing to cancel.";
        return Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("redelivery-ended"));
    };
    Ok(body::answer(StatusCode::OK, &Shown::of(&cancelled)))
}

/// A job of one of the caller's subscriptions.
async fn job(app: &App, partner: &PartnerName, subscription: &str, id: &str) -> Result<Job, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "There is no such redelivery of yours.");
    // What is beside the jobs has other ids.
    if !id.starts_with("rd-") || id.contains('.') || id.len() > 100 {
        return Err(missing());
    }
    let stored = app.stores().partners.redeliveries.read(partner, id).await?;
    stored.map(|stored| stored.value).filter(|job| job.subscription.as_str() == subscription).ok_or_else(missing)
}

/// The body of a `POST`: an object that has no other members than these.
pub(super) async fn object(headers: &HeaderMap, body: Body, known: &[&str]) -> Result<Map<String, Value>, Problem> {
    let object: Map<String, Value> = body::read(headers, body).await?;
    let unknown: Vec<_> = object
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| FieldError::new(name.as_str(), format!("is unknown; known are {}", known.join(", "))))
        .collect();
    if unknown.is_empty() { Ok(object) } else { Err(Problem::fields(unknown)) }
}

/// What a partner hears when captured events cannot be read.
pub(super) fn unread(cause: &Cause) -> Problem {
    tracing::warn!(cause = cause.chain(), "captured events cannot be read");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The captured events cannot be read just now; try again later.")
        .with_header(axum::http::header::RETRY_AFTER, axum::http::HeaderValue::from_static("5"))
}
