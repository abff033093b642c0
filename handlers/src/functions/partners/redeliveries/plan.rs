//! What is asked for, frozen: which times of which subscription, and which events, until it is counted or becomes a job.

use std::{collections::BTreeSet, num::NonZeroU32};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};

use super::{
    failed::{self, Failed},
    shown::Shown,
};
use crate::{
    app::App,
    domain::partner::{
        redelivery::{FailureLog, Job, Only, Range, Request},
        subscription::{State as Standing, Subscription},
    },
    domain::product_body::FieldError,
    functions::{
        partner_redelivery::Choice,
        partners::{body, members::unknown, repeats::Repeat},
    },
    http::Problem,
    outcome::Cause,
    stores::partners::{
        requests::KEPT,
        room::{self, Room},
    },
};

/// Jobs of a subscription that may be unfinished at a time.
const MOST: usize = 20;
/// Among how many of the youngest jobs that of an earlier try is looked for.
const AMONG: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// What is to be sent, frozen.
pub(super) struct Plan {
    pub(super) subscription: Subscription,
    pub(super) request: Request,
    pub(super) ranges: Vec<Range>,
    pub(super) events: Option<BTreeSet<String>>,
    /// What the log of failures was, of a plan about failed events.
    pub(super) log: Option<FailureLog>,
}

impl Plan {
    /// Reads a request about a subscription.
    pub(super) async fn of(
        app: &App,
        subscription: Subscription,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, Problem> {
        let object = body::object(headers, body).await?;
        let unknown = unknown(&object, &Request::FIELDS);
        if !unknown.is_empty() {
            return Err(Problem::fields(unknown));
        }
        let recorded = subscription.gaps.iter().map(|gap| gap.from).min();
        let request = Request::parse(&object, recorded, app.now()).map_err(Problem::unprocessable)?;
        Self::about(app, subscription, request).await
    }

    /// For a request that was read.
    pub(super) async fn about(app: &App, subscription: Subscription, mut request: Request) -> Result<Self, Problem> {
        check_delivers(&subscription)?;
        let (events, log) = match &request.only {
            Only::All | Only::Missing => (None, None),
            Only::Failed => {
                // What is asked for is shown as it is taken.
                request.from = request.from.max(app.now().saturating_sub(failed::KEPT));
                if request.from >= request.until {
                    let message =
                        format!("is before the {} days for which failures are kept", failed::KEPT.whole_days());
                    return Err(Problem::unprocessable(vec![FieldError::new("until", message)]));
                }
                let Failed { events, log } = failed::read(app, &subscription, request.from).await?;
                (Some(events), Some(log))
            }
            Only::Event(id) => (Some([id.clone()].into()), None),
        };
        let ranges = request.ranges(&subscription.gaps);
        Ok(Self { subscription, request, ranges, events, log })
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

    /// Stores it as a job, named by the request that asks for it if that may come again.
    pub(super) async fn store(self, app: &App, repeat: Option<&Repeat>) -> Result<Job, Problem> {
        let store = &app.stores().partners.redeliveries;
        let Self { subscription, request, ranges, events, log } = self;
        let (partner, name) = (&subscription.partner, &subscription.name);
        if store.unfinished_of(partner, name).await?.len() >= MOST {
            return Err(too_many());
        }
        let now = app.now();
        // In the order of time, so that the younger has the greater id.
        let millis = now.unix_timestamp_nanos() / 1_000_000;
        let end = repeat.map_or_else(|| format!("{:08x}", rand::random::<u32>()), |repeat| repeat.short().to_owned());
        let id = format!("rd-{millis:013}-{end}");
        let events = events.filter(|_| request.only == Only::Failed);
        let mut job = Job::new(id, &subscription, request, ranges, now);
        job.log = log;
        store.create(&job, events).await?;
        let look = || async { Ok(Room::of(store.unfinished_of(partner, name).await?, &job.id, MOST)) };
        if !room::stays(look).await? {
            // A worker that has it already finds it gone.
            store.forget(&job).await?;
            return Err(too_many());
        }
        Ok(job)
    }
}

/// The answer where as many jobs are unfinished as may be.
fn too_many() -> Problem {
    let detail = format!("{MOST} redeliveries of this subscription are unfinished; wait, or cancel some.");
    Problem::new(StatusCode::CONFLICT, detail).of_kind("too-many-redeliveries")
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

/// The job that an earlier try of the same request made before its process died.
pub(super) async fn made_before(
    app: &App,
    subscription: &Subscription,
    repeat: Option<&Repeat>,
) -> Result<Option<Job>, Problem> {
    let Some(repeat) = repeat else { return Ok(None) };
    let store = &app.stores().partners.redeliveries;
    let newest = store.of(&subscription.partner, &subscription.name, None, AMONG).await?;
    let is_it = |job: &Job| job.id.ends_with(&format!("-{}", repeat.short())) && job.is_about(subscription);
    // A key counts for so long.
    let since = app.now().saturating_sub(KEPT);
    Ok(newest.into_iter().find(|job| is_it(job) && job.created > since))
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
