//! What is asked for, frozen: which times of which subscription, and which events, until it is counted or becomes a job.

use std::{collections::BTreeSet, num::NonZeroU32};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};

use super::{failed, shown::Shown};
use crate::{
    app::App,
    domain::partner::{
        redelivery::{Job, Only, Range, Request},
        subscription::{State as Standing, Subscription},
    },
    functions::{partner_redelivery::Choice, partners::body},
    http::Problem,
    outcome::Cause,
};

/// Jobs of a subscription that may be unfinished at a time, and among how many of the youngest they are counted.
const MOST: usize = 20;
const AMONG: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// What is to be sent, frozen.
pub(super) struct Plan {
    pub(super) subscription: Subscription,
    pub(super) request: Request,
    pub(super) ranges: Vec<Range>,
    pub(super) events: Option<BTreeSet<String>>,
}

impl Plan {
    /// Reads a request about a subscription.
    pub(super) async fn of(
        app: &App,
        subscription: Subscription,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, Problem> {
        let object = body::object(headers, body, &Request::FIELDS).await?;
        let recorded = subscription.gaps.iter().map(|gap| gap.from).min();
        let request = Request::parse(&object, recorded, app.now()).map_err(Problem::unprocessable)?;
        Self::about(app, subscription, request).await
    }

    /// For a request that was read.
    pub(super) async fn about(app: &App, subscription: Subscription, request: Request) -> Result<Self, Problem> {
        check_delivers(&subscription)?;
        let ranges = request.ranges(&subscription.gaps);
        let events = match &request.only {
            Only::All | Only::Missing => None,
            Only::Failed => Some(failed::events(app, &subscription, request.from).await?),
            Only::Event(id) => Some([id.clone()].into()),
        };
        Ok(Self { subscription, request, ranges, events })
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty() || self.events.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Which events those are.
    pub(super) fn choice(&self) -> Choice {
        let Subscription { partner, name, settings, .. } = &self.subscription;
        Choice::new(partner, name, settings.selection.clone(), self.ranges.clone(), self.events.clone())
    }

    /// Stores it as a job.
    pub(super) async fn store(self, app: &App) -> Result<Job, Problem> {
        let store = &app.stores().partners.redeliveries;
        let Self { subscription: Subscription { partner, name, .. }, request, ranges, events } = self;
        let newest = store.of(&partner, &name, None, AMONG).await?;
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
pub(super) fn check_delivers(subscription: &Subscription) -> Result<(), Problem> {
    let conflict = |detail: &str, kind| Err(Problem::new(StatusCode::CONFLICT, detail).of_kind(kind));
    match subscription.state {
        Standing::Active | Standing::Updating | Standing::Creating | Standing::AwaitingManualAction => Ok(()),
        Standing::Paused { .. } => conflict("The subscription is paused; resume it first.", "subscription-paused"),
        Standing::Failed { .. } | Standing::Stuck { .. } => {
            conflict("The subscription does not deliver; mend it first.", "subscription-failed")
        }
        Standing::Deleting => Err(Problem::new(StatusCode::NOT_FOUND, "The subscription is being deleted.")),
    }
}

/// Starts a job for what a new subscription missed since the time that its partner named.
pub(in crate::functions::partners) async fn begin_missing(
    app: &App,
    subscription: &Subscription,
) -> Result<Option<Job>, Problem> {
    let Some(from) = subscription.gaps.iter().map(|gap| gap.from).min() else { return Ok(None) };
    if check_delivers(subscription).is_err() {
        return Ok(None);
    }
    let request = Request { from, ..Request::missing_until(app.now()) };
    let plan = Plan::about(app, subscription.clone(), request).await?;
    if plan.is_empty() { Ok(None) } else { plan.store(app).await.map(Some) }
}

/// 202, and where to watch it.
pub(super) fn accepted(job: &Job) -> Response {
    body::made(StatusCode::ACCEPTED, &location(job), &Shown::of(job))
}

fn location(job: &Job) -> String {
    format!("/api/partners/{}/subscriptions/{}/redeliveries/{}", job.partner, job.subscription, job.id)
}

/// What a partner hears when captured events cannot be read.
pub(in crate::functions::partners) fn unread(cause: &Cause) -> Problem {
    tracing::warn!(cause = cause.chain(), "captured events cannot be read");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The captured events cannot be read just now; try again later.")
        .with_header(RETRY_AFTER, HeaderValue::from_static("5"))
}
