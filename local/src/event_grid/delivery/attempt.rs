//! One delivery attempt and what follows from it.

use std::{sync::Arc, time::Instant};

use http::Method;
use url::Url;

use super::{
    client::{NoAnswer, Recipient},
    context::Delivery,
    diagnostics::FailedAttempt,
    in_process,
    outcome::{DeliveryResult, Verdict},
    request,
    route::Route,
};
use crate::{
    event_grid::{
        attempts::Attempt,
        dead_letter,
        error::Error,
        queue::{LastAttempt, Pending, Position},
        registry::Subscription,
        subscription::Settings,
    },
    monitor::Metric,
};

/// Delivers `events` or writes their dead letters, and brings the queue up to date.
pub(super) async fn handle(
    delivery: &Arc<Delivery>,
    subscription: &Subscription,
    route: Route,
    settings: &Settings,
    events: Vec<Pending>,
) -> Result<(Option<DeliveryResult>, Option<Position>), Error> {
    if events.iter().any(|event| event.header.dead.is_some()) {
        let retry_at = dead_letter::write(delivery, subscription, settings, &events).await?;
        return Ok((None, retry_at));
    }
    let now = delivery.clock.now_millis();
    // The age of an event is only looked at when its next attempt is due, as in Azure.
    let limit = i64::try_from(settings.time_to_live.as_millis()).unwrap_or(i64::MAX);
    let (expired, mut alive): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| now.saturating_sub(event.header.published_millis) >= limit);
    let dead_from = dead_letter::give_up(delivery, subscription, settings, expired, "TimeToLiveExceeded")?;
    if alive.is_empty() {
        return Ok((None, dead_from));
    }
    let outcome = attempt(delivery, subscription, route, settings, &alive).await;
    for event in &mut alive {
        event.header.attempts += 1;
        event.header.last =
            Some(LastAttempt { at_millis: now, outcome: outcome.name.to_owned(), status: outcome.status });
    }
    let attempts = alive.first().map_or(0, |event| event.header.attempts);
    let moved_to = match outcome.verdict {
        Verdict::Delivered => {
            let done: Vec<_> = alive.iter().map(|event| event.position).collect();
            delivery.queue.complete(&done)?;
            delivery.count(subscription, Metric::Delivered, done.len());
            None
        }
        Verdict::GiveUp { reason } => dead_letter::give_up(delivery, subscription, settings, alive, reason)?,
        Verdict::Retry { .. } if attempts >= settings.max_attempts => {
            dead_letter::give_up(delivery, subscription, settings, alive, "MaxDeliveryAttemptsExceeded")?
        }
        Verdict::Retry { floor } => {
            let delay = delivery.schedule.delay(attempts, floor);
            let due = delivery.clock.now_millis() + i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            delivery.queue.reschedule(&alive, due)?
        }
    };
    Ok((Some(outcome), dead_from.into_iter().chain(moved_to).min()))
}

/// One delivery, noted in the attempt log.
async fn attempt(
    delivery: &Delivery,
    subscription: &Subscription,
    route: Route,
    settings: &Settings,
    events: &[Pending],
) -> DeliveryResult {
    let started = Instant::now();
    let at = delivery.clock.now();
    let url = address(delivery, &route);
    let outcome = match route {
        Route::Http(url, recipient) => post(delivery, (url, recipient), &subscription.name, settings, events).await,
        Route::Queue { name, life } => in_process::to_queue(delivery, settings, &name, life, events),
        Route::EventHub(name) => in_process::to_event_hub(delivery, &subscription.name, settings, &name, events),
    };
    let number = events.first().map_or(0, |event| event.header.attempts) + 1;
    if outcome.verdict != Verdict::Delivered {
        tracing::info!(subscription = %subscription.name, number, outcome = outcome.name, status = outcome.status, "delivery failed");
        let result = &outcome;
        delivery.log(subscription, &FailedAttempt { url: &url, events, result, at, latency: started.elapsed() });
        delivery.count(subscription, Metric::DeliveryFailed, events.len());
    }
    subscription.attempts.record(Attempt {
        at,
        number,
        events: events.len(),
        status: outcome.status,
        outcome: outcome.name,
        duration: started.elapsed(),
    });
    outcome
}

/// Where a route leads, as the service names it.
pub(super) fn address(delivery: &Delivery, route: &Route) -> String {
    match route {
        Route::Http(url, _) => url.to_string(),
        Route::Queue { name, .. } => format!("{}/{name}", delivery.queues.endpoint()),
        Route::EventHub(_) => format!("sb://{}.servicebus.windows.net/", delivery.event_hubs.namespace()),
    }
}

async fn post(
    delivery: &Delivery,
    (url, recipient): (Url, Recipient),
    subscription: &str,
    settings: &Settings,
    events: &[Pending],
) -> DeliveryResult {
    let (headers, body) = request::delivery(subscription, settings, events);
    match delivery.http.send(recipient, Method::POST, &url, headers, body).await {
        Ok(answer) => {
            let result = DeliveryResult::of_status(answer.status.as_u16(), &settings.target.destination);
            result.not_before(&answer.headers, delivery.clock.now())
        }
        Err(error) => {
            if let NoAnswer::Refused(refused) = &error {
                tracing::warn!(subscription, host = url.host_str(), "nothing was sent: {refused}");
            }
            DeliveryResult::of_failure(&error)
        }
    }
}
