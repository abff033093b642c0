//! The worker of one subscription.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use time::OffsetDateTime;
use tokio::task::{self, JoinError, JoinSet};
use url::Url;

use super::{
    attempt::{address, handle},
    context::Delivery,
    diagnostics::FailedAttempt,
    outcome::{DeliveryResult, Verdict},
    route::Route,
};
use crate::event_grid::{
    error::Error,
    queue::{Limits, Next, Pending, Position},
    registry::Subscription,
    subscription::Settings,
};

/// Requests of one subscription under way at once.
const CONCURRENCY: usize = 16;
/// Failures in a row after which the endpoint is left alone for a while.
const FAILURES_BEFORE_PROBATION: u32 = 10;
/// How much of what waits with such an endpoint is read at once, and how often in a row.
const HELD: Limits = Limits { events: 100, bytes: 4 << 20 };
const HELD_AT_ONCE: usize = 10;
/// Wait before more of it is read.
const HELD_PAUSE: Duration = Duration::from_millis(1);
/// How long requests under way may take to finish when the service stops.
const GRACE: Duration = Duration::from_secs(2);
/// Wait before the queue is looked at again after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What a finished request leaves to its worker.
struct Finished {
    /// `None` when no attempt was made.
    outcome: Option<DeliveryResult>,
    /// Where the events are now, if they stay in the queue.
    moved_to: Option<Position>,
    failed: bool,
}

impl Finished {
    /// The store failed, or the code did.
    const FAILED: Self = Self { outcome: None, moved_to: None, failed: true };
}

struct Worker {
    delivery: Arc<Delivery>,
    subscription: Arc<Subscription>,
    /// Everything before is done or in `busy`.
    cursor: Position,
    /// What the requests under way carry.
    busy: HashSet<Position>,
    carried: HashMap<task::Id, Vec<Position>>,
    requests: JoinSet<Finished>,
    failures_in_a_row: u32,
    probation_until: Option<OffsetDateTime>,
    /// What is due before was attempted, or is in the log as waiting.
    held: Position,
    paused_until: Option<OffsetDateTime>,
}

pub(super) async fn run(delivery: Arc<Delivery>, subscription: Arc<Subscription>) {
    let mut worker = Worker {
        cursor: Position::start_of(subscription.id),
        held: Position::start_of(subscription.id),
        delivery,
        subscription,
        busy: HashSet::new(),
        carried: HashMap::new(),
        requests: JoinSet::new(),
        failures_in_a_row: 0,
        probation_until: None,
        paused_until: None,
    };
    worker.work().await;
    if !worker.subscription.gone.is_cancelled() {
        let finishing = async { while worker.requests.join_next().await.is_some() {} };
        // What does not finish in time stays in the queue.
        if tokio::time::timeout(GRACE, finishing).await.is_err() {
            tracing::debug!(subscription = %worker.subscription.name, "requests under way were cut off");
        }
    }
}

impl Worker {
    async fn work(&mut self) {
        let (subscription, delivery) = (self.subscription.clone(), self.delivery.clone());
        let mut function_app = delivery.function_app.subscribe();
        loop {
            let base = function_app.borrow_and_update().clone();
            let look_again_at = self.send_what_is_due(base.as_ref());
            tokio::select! {
                () = subscription.gone.cancelled() => return,
                () = delivery.stopping.cancelled() => return,
                Some(finished) = self.requests.join_next_with_id() => self.finish(finished),
                () = subscription.news() => {}
                // The sender lives in `delivery`, so an error cannot happen here.
                _ = function_app.changed() => {}
                () = wait_until(&delivery, look_again_at) => {}
            }
        }
    }

    /// Starts requests for everything that is due and fits; returns when to look again, if time alone decides that.
    fn send_what_is_due(&mut self, function_app: Option<&Url>) -> Option<OffsetDateTime> {
        let settings = self.subscription.open_settings()?;
        let route = Route::to(&settings.target.destination, function_app)?;
        if let Some(news) = self.subscription.take_earliest_news() {
            self.cursor = self.cursor.min(news);
        }
        let now = self.delivery.clock.now();
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Some(until);
        }
        if let Some(until) = self.probation_until.filter(|until| *until > now) {
            return self.log_held(&route).into_iter().chain([until]).min();
        }
        let limits = settings.target.batching.map_or(Limits { events: 1, bytes: 0 }, |batching| Limits {
            events: batching.max_events,
            bytes: batching.preferred_bytes,
        });
        while self.requests.len() < CONCURRENCY {
            let (id, now) = (self.subscription.id, self.delivery.clock.now_millis());
            let next = self.delivery.queue.next(id, self.cursor, now, limits, |position| self.busy.contains(position));
            match next {
                Ok(Next::Due(events)) => self.send(route.clone(), settings.clone(), events),
                Ok(Next::At(millis)) => return moment(millis),
                Ok(Next::Empty) => return None,
                Err(error) => return self.pause(&error),
            }
        }
        None
    }

    /// Logs what is due while the endpoint is left alone, once for each time that it is due; returns when more will be.
    fn log_held(&mut self, route: &Route) -> Option<OffsetDateTime> {
        let url = address(&self.delivery, route);
        for _ in 0..HELD_AT_ONCE {
            let (id, at) = (self.subscription.id, self.delivery.clock.now());
            let now = self.delivery.clock.now_millis();
            let next = self.delivery.queue.next(id, self.held, now, HELD, |position| self.busy.contains(position));
            let events = match next {
                Ok(Next::Due(events)) => events,
                Ok(Next::At(millis)) => return moment(millis),
                Ok(Next::Empty) => return None,
                Err(error) => return self.pause(&error),
            };
            let is_dead = events.first().is_some_and(|event| event.header.dead.is_some());
            if let Some(done) = if is_dead { events.first() } else { events.last() } {
                self.held = done.position.after();
            }
            if !is_dead {
                let (result, latency) = (&DeliveryResult::HELD, Duration::ZERO);
                let held = FailedAttempt { url: &url, events: &events, result, at, latency };
                self.delivery.log(&self.subscription, &held);
            }
        }
        // More may be due: at once, but others have their turn.
        Some(self.delivery.clock.now() + HELD_PAUSE)
    }

    fn send(&mut self, route: Route, settings: Arc<Settings>, events: Vec<Pending>) {
        let positions: Vec<_> = events.iter().map(|event| event.position).collect();
        // Between dead letters may lie what is still to be delivered.
        let is_dead = events.first().is_some_and(|event| event.header.dead.is_some());
        if let Some(done) = if is_dead { positions.first() } else { positions.last() } {
            self.cursor = done.after();
        }
        self.busy.extend(&positions);
        let (delivery, subscription) = (self.delivery.clone(), self.subscription.clone());
        let request = self.requests.spawn(async move {
            match handle(&delivery, &subscription, route, &settings, events).await {
                Ok((outcome, moved_to)) => Finished { outcome, moved_to, failed: false },
                Err(error) => {
                    report(&subscription, &error);
                    Finished::FAILED
                }
            }
        });
        self.carried.insert(request.id(), positions);
    }

    fn finish(&mut self, joined: Result<(task::Id, Finished), JoinError>) {
        let (id, finished) = joined.unwrap_or_else(|error| {
            tracing::error!(subscription = %self.subscription.name, %error, "a delivery broke off");
            (error.id(), Finished::FAILED)
        });
        let positions = self.carried.remove(&id).unwrap_or_default();
        for position in &positions {
            self.busy.remove(position);
        }
        if let Some(position) = finished.moved_to {
            self.cursor = self.cursor.min(position);
        }
        if finished.failed {
            // What the request carried is still in the queue.
            self.cursor = positions.iter().copied().fold(self.cursor, Position::min);
            self.paused_until = Some(self.delivery.clock.now() + STORE_PAUSE);
        }
        match finished.outcome {
            None => {}
            Some(outcome) if outcome.verdict == Verdict::Delivered => {
                self.failures_in_a_row = 0;
                self.probation_until = None;
            }
            Some(outcome) => {
                self.failures_in_a_row += 1;
                if self.failures_in_a_row >= FAILURES_BEFORE_PROBATION {
                    self.probation_until = Some(self.delivery.clock.now() + outcome.probation());
                }
            }
        }
    }

    fn pause(&mut self, error: &Error) -> Option<OffsetDateTime> {
        report(&self.subscription, error);
        self.paused_until = Some(self.delivery.clock.now() + STORE_PAUSE);
        self.paused_until
    }
}

fn report(subscription: &Subscription, error: &Error) {
    tracing::error!(subscription = %subscription.name, error = error as &dyn std::error::Error, "deliveries are held up");
}

async fn wait_until(delivery: &Delivery, moment: Option<OffsetDateTime>) {
    match moment {
        Some(moment) => delivery.clock.sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn moment(millis: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
}
