//! Assesses subscriptions by what Azure Monitor counts and logs of their deliveries.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{pass::pass, tell};
use crate::{
    app::App,
    azure::{
        cosmos::Stored,
        monitor::{Asked, MonitorError, Points},
    },
    domain::partner::{
        event_grid_name,
        health::{Question, Seen},
        subscription::Subscription,
    },
    functions::partners::provision,
    outcome::Cause,
};

/// How long a run asks. What it does not come to has its next turn in a quarter of an hour.
const RUN: Duration = Duration::from_secs(40);

/// Assesses those whose turn it is.
pub(super) async fn assess_some(app: &App) -> Result<(), Cause> {
    let Some(topic) = app.settings().partners.topic_id.as_deref() else { return Ok(()) };
    let found = app.stores().partners.subscriptions.delivering_in_turn(app.now().minute()).await;
    let found = found.map_err(|error| Cause::from_error("find the subscriptions to assess", error))?;
    // Azure Monitor is out of reach for all of them if it is for one.
    let is_away = &AtomicBool::new(false);
    let assess_one = |subscription: Subscription| async move {
        if is_away.load(Ordering::Relaxed) {
            return;
        }
        if let Err(failure) = assess(app, topic, &subscription).await {
            let Subscription { partner, name, .. } = &subscription;
            let (cause, away) = match failure {
                Failure::Monitor(error) => (Cause::from_error("ask about deliveries", error), true),
                Failure::Other(cause) => (cause, false),
            };
            is_away.fetch_or(away, Ordering::Relaxed);
            tracing::warn!(%partner, subscription = %name, cause = cause.chain(), "assessed again in a quarter of an hour");
        }
    };
    pass(found, RUN, assess_one).await;
    Ok(())
}

enum Failure {
    Monitor(MonitorError),
    Other(Cause),
}

impl From<MonitorError> for Failure {
    fn from(error: MonitorError) -> Self {
        Self::Monitor(error)
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self::Other(cause)
    }
}

async fn assess(app: &App, topic: &str, subscription: &Subscription) -> Result<(), Failure> {
    let pause_after = app.settings().partners.pause_after;
    let Some(question) = subscription.health_question(pause_after, app.now()) else { return Ok(()) };
    let seen = see(app, topic, subscription, &question).await?;
    if subscription.assessed(seen, pause_after, app.now()).is_none() {
        return Ok(());
    }
    let store = &app.stores().partners.subscriptions;
    let read = store.read(&subscription.partner, &subscription.name).await;
    let read = read.map_err(|error| Cause::from_error("read the subscription", error))?;
    // What was asked is no answer about what it has become.
    let is_same = |now: &Subscription| {
        now.health == subscription.health && now.gaps == subscription.gaps && now.created == subscription.created
    };
    let Some(Stored { value, etag }) = read.filter(|stored| is_same(&stored.value)) else { return Ok(()) };
    let Some(next) = value.assessed(seen, pause_after, app.now()) else { return Ok(()) };
    let etag = match store.write(&next, Some(&etag)).await {
        Ok(etag) => etag,
        Err(error) if error.is_lost_race() => return Ok(()),
        Err(error) => return Err(Cause::from_error("store the subscription", error).into()),
    };
    for notice in next.health.untold() {
        let Subscription { partner, name, .. } = &next;
        let (health, since) = (notice.kind.as_str(), notice.since.format(&Rfc3339).unwrap_or_default());
        tracing::warn!(%partner, subscription = %name, health, since, "an endpoint of a partner's");
    }
    // From here on the next run completes what does not succeed.
    let mut stored = Stored { value: next, etag };
    if stored.value.withdraw {
        let Some(left) = provision::withdraw(app, stored).await? else { return Ok(()) };
        stored = left;
    }
    tell::tell(app, stored).await?;
    Ok(())
}

/// What Azure Monitor says to a question.
async fn see(app: &App, topic: &str, subscription: &Subscription, question: &Question) -> Result<Seen, Failure> {
    let name = event_grid_name(&subscription.partner, &subscription.name);
    let to = app.now() + Duration::from_secs(1);
    let Question { counts_from, by_hour, failures_from } = *question;
    let asked = Asked { topic, subscription: &name, from: counts_from, to };
    let counts = app.monitor().metrics(&asked, by_hour).await?;
    let [_, delivered, failed, ..] = counts.as_slice() else { return Err(MonitorError::Form.into()) };
    if subscription.health.is_plain() && count(failed) == 0 {
        return Ok(Seen::default());
    }
    let deliveries = count(delivered);
    if deliveries > 0 && deliveries > tests(app, subscription, counts_from, deliveries).await? {
        // A failure behind the last delivery is of the next count.
        let interval = if by_hour { time::Duration::HOUR } else { time::Duration::MINUTE };
        let from = last(delivered)?.map(|last| last + interval);
        let failed = match (subscription.health.is_failing(), from) {
            (false, Some(from)) if from < to && count_from(failed, from)? > 0 => {
                failures(app, topic, &name, from, to).await?
            }
            _ => None,
        };
        return Ok(Seen { delivered: true, failed });
    }
    let failed = match failures_from {
        Some(from) if count(failed) > 0 => failures(app, topic, &name, from, to).await?,
        _ => None,
    };
    Ok(Seen { delivered: false, failed })
}

/// The first and the last attempt that failed in this time, the partner's own tests aside.
async fn failures(
    app: &App,
    topic: &str,
    name: &str,
    from: OffsetDateTime,
    to: OffsetDateTime,
) -> Result<Option<(OffsetDateTime, OffsetDateTime)>, Failure> {
    let asked = Asked { topic, subscription: name, from, to };
    let rows = app.monitor().failures(&asked, None).await?;
    let counted = rows.iter().filter(|row| !row.is_test() && !row.is_held()).map(|row| row.at);
    let times: Vec<_> = counted.collect();
    Ok(times.iter().min().copied().zip(times.iter().max().copied()))
}

/// How many tests the partner sent since `from`, as far as there are no more than `most`.
async fn tests(app: &App, subscription: &Subscription, from: OffsetDateTime, most: u64) -> Result<u64, Failure> {
    let Subscription { partner, name, .. } = subscription;
    let action = format!("POST /subscriptions/{name}/test");
    let counted = app.stores().partners.audit.count_since(partner, &action, 202, from, most).await;
    counted.map_err(|error| Cause::from_error("count the tests of a subscription", error).into())
}

fn count(points: &Points) -> u64 {
    points.iter().map(|(_, count)| count).sum()
}

fn count_from(points: &Points, from: OffsetDateTime) -> Result<u64, MonitorError> {
    let counts = points.iter().map(|(at, count)| Ok(if time(at)? >= from { *count } else { 0 }));
    counts.sum()
}

/// Begin of the last interval in which something was counted.
fn last(points: &Points) -> Result<Option<OffsetDateTime>, MonitorError> {
    points.iter().rfind(|(_, count)| *count > 0).map(|(at, _)| time(at)).transpose()
}

fn time(text: &str) -> Result<OffsetDateTime, MonitorError> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| MonitorError::Form)
}
