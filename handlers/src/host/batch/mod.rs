//! Runs a function over the records of one invocation, so that a bad record parks alone and no good one is lost.
//!
//! All good records go to the function in one call. If that call panics or runs out of time, the records are given one by one, which
//! finds the culprit; from the third redelivery on they always are. Records that answer Retry are tried again here a few times, since
//! a redelivery repeats the whole batch; with such a record go the later ones of its key, so that a key's events stay in order, or all
//! later ones, if the function wants the order of the partition. What is still at Retry then fails the invocation, after everything
//! else is stored.

mod end;
mod records;
mod watched;

use std::{
    any::Any,
    collections::HashSet,
    future::Future,
    hash::{BuildHasher, RandomState},
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::{FutureExt, StreamExt, stream};
use time::OffsetDateTime;

pub(super) use self::records::{About, Records};
use self::{end::End, watched::Watched};
use super::{http::panic_text, report::Report, summary::Summary};
use crate::{
    app::App,
    clock,
    dead_letters::DeadLetter,
    events::DecodeError,
    function::{BoxFuture, Order},
    outcome::{Cause, Outcome},
};

/// Redeliveries after which records are no longer tried together.
const ONE_BY_ONE_FROM: u32 = 3;

/// Dead letters written at a time.
const PARKING_AT_ONCE: usize = 8;

/// Where bad records go.
pub(super) trait Parking: Sync {
    fn park(&self, letter: DeadLetter) -> impl Future<Output = Result<(), Cause>> + Send;
}

impl Parking for App {
    async fn park(&self, letter: DeadLetter) -> Result<(), Cause> {
        letter.store(self.blobs()).await
    }
}

/// Time limits of a run.
pub(super) struct Limits {
    /// For one call of the function. Well above what the adapters' own deadlines add up to, so that a service that hangs ends as Retry
    /// there, and only a record that hangs by itself ends here.
    pub(super) call: Duration,
    /// After which no record is started any more: the rest is Retry.
    pub(super) run: Duration,
    /// The first pause before trying again; later ones are three times as long each.
    pub(super) pause: Duration,
    /// How often records at Retry are tried again.
    pub(super) retries: usize,
}

impl Limits {
    pub(super) const USUAL: Self = Self {
        call: Duration::from_secs(180),
        run: Duration::from_secs(240),
        pause: Duration::from_millis(150),
        retries: 3,
    };

    /// For a record that is replayed: a claim on letters lasts two minutes, and what hangs must end well within.
    pub(super) const REPLAY: Self = Self {
        call: Duration::from_secs(30),
        run: Duration::from_secs(30),
        pause: Duration::from_millis(150),
        retries: 1,
    };
}

/// Runs `handle` over `records` and parks what is bad. `summary` is told of each record.
pub(super) async fn run<R, P, H>(
    records: &R,
    handle: H,
    parking: &P,
    summary: &Summary<'_>,
    retry_count: u32,
    limits: &Limits,
) -> Report
where
    R: Records,
    P: Parking,
    H: Fn(Vec<R::Item>) -> BoxFuture<Vec<Outcome>> + Sync,
{
    settled(records, handle, parking, summary, retry_count, limits).await.report()
}

/// The same of a single record, with how it ended.
pub(super) async fn run_alone<R, P, H>(
    records: &R,
    handle: H,
    parking: &P,
    summary: &Summary<'_>,
    limits: &Limits,
) -> (Outcome, Report)
where
    R: Records,
    P: Parking,
    H: Fn(Vec<R::Item>) -> BoxFuture<Vec<Outcome>> + Sync,
{
    let run = settled(records, handle, parking, summary, 0, limits).await;
    let outcome = run.states.first().map(|state| state.end.outcome());
    (outcome.unwrap_or(Outcome::Skip("there is no record")), run.report())
}

async fn settled<'a, R, P, H>(
    records: &'a R,
    handle: H,
    parking: &'a P,
    summary: &'a Summary<'a>,
    retry_count: u32,
    limits: &'a Limits,
) -> Run<'a, R, P, H>
where
    R: Records,
    P: Parking,
    H: Fn(Vec<R::Item>) -> BoxFuture<Vec<Outcome>> + Sync,
{
    // In the order of the partition all records wait for each other, as if they had one key.
    let key = (records.order() == Order::Partition).then_some(0);
    let states = (0..records.len()).map(|_| State { key, end: End::Untried, watched: Watched::default() }).collect();
    let (started, hasher) = (Instant::now(), RandomState::new());
    let mut run = Run { records, handle, parking, summary, limits, started, states, hasher, tried_again: 0 };
    let mut indices: Vec<usize> = (0..records.len()).collect();
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(limits.pause)
        .with_factor(3.0)
        .with_max_times(limits.retries)
        .with_jitter()
        .build();
    loop {
        if retry_count < ONE_BY_ONE_FROM {
            run.together(&indices).await;
        } else {
            run.one_by_one(&indices).await;
        }
        run.park().await;
        indices = run.to_repeat();
        match pauses.next() {
            Some(pause) if !indices.is_empty() && run.has_time() => {
                run.tried_again += indices.len() as u64;
                clock::pause(pause).await;
            }
            _ => return run,
        }
    }
}

struct Run<'a, R, P, H> {
    records: &'a R,
    handle: H,
    parking: &'a P,
    summary: &'a Summary<'a>,
    limits: &'a Limits,
    started: Instant,
    states: Vec<State>,
    hasher: RandomState,
    tried_again: u64,
}

struct State {
    /// A hash of the record's key: two keys that collide only wait for each other.
    key: Option<u64>,
    end: End,
    watched: Watched,
}

/// Why a call gave no outcomes.
enum Failure {
    Panic(String),
    Deadline(Duration),
    Count(usize),
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Panic(text) => Cause::of("the function panicked", format!("the function panicked on it: {text}")),
            Failure::Deadline(deadline) => Cause::of(
                "the function did not finish in time",
                format!("the function did not finish it within {deadline:?}"),
            ),
            Failure::Count(count) => Cause::of(
                "the function returned another number of outcomes",
                format!("the function returned {count} outcomes for one record"),
            ),
        }
    }
}

impl<R, P, H> Run<'_, R, P, H>
where
    R: Records,
    P: Parking,
    H: Fn(Vec<R::Item>) -> BoxFuture<Vec<Outcome>> + Sync,
{
    async fn together(&mut self, indices: &[usize]) {
        let (mut taken, mut items) = (Vec::with_capacity(indices.len()), Vec::with_capacity(indices.len()));
        for (place, &index) in indices.iter().enumerate() {
            match self.decode(index).await {
                Some(item) => {
                    taken.push(index);
                    items.push(item);
                }
                None if self.is_retry(index) => {
                    // Whose event this is cannot be known, so none behind it may pass.
                    self.hold_back(&indices[place + 1..]);
                    break;
                }
                None => {}
            }
        }
        if let Some(place) = self.first_unparked(indices).await {
            let passed = taken.iter().take_while(|index| **index < indices[place]).count();
            taken.truncate(passed);
            items.truncate(passed);
            self.hold_back(&indices[place + 1..]);
        }
        if items.is_empty() {
            return;
        }
        match self.call(items).await {
            Ok(outcomes) if outcomes.len() == taken.len() => {
                let now = self.watched_now();
                for (index, outcome) in taken.into_iter().zip(outcomes) {
                    self.settle_at(now, index, outcome);
                }
            }
            // Alone already: running it again would tell nothing new.
            Err(failure) if taken.len() == 1 => self.settle(taken[0], Outcome::Park(failure.into())),
            _ => self.one_by_one(&taken).await,
        }
    }

    async fn one_by_one(&mut self, indices: &[usize]) {
        let mut waiting = HashSet::new();
        for (place, &index) in indices.iter().enumerate() {
            if !self.has_time() {
                self.hold_back(&indices[place..]);
                return;
            }
            let Some(item) = self.decode(index).await else {
                if self.is_retry(index) || self.first_unparked(&[index]).await.is_some() {
                    self.hold_back(&indices[place + 1..]);
                    return;
                }
                continue;
            };
            let key = self.states[index].key;
            if key.is_some_and(|key| waiting.contains(&key)) {
                self.hold_back(&[index]);
                continue;
            }
            let outcome = match self.call(vec![item]).await {
                Ok(mut outcomes) => match outcomes.pop() {
                    Some(outcome) if outcomes.is_empty() => outcome,
                    rest => Outcome::Park(Failure::Count(outcomes.len() + usize::from(rest.is_some())).into()),
                },
                Err(failure) => Outcome::Park(failure.into()),
            };
            self.settle(index, outcome);
            if self.is_retry(index) || self.first_unparked(&[index]).await.is_some() {
                waiting.extend(key);
            }
        }
    }

    async fn call(&self, items: Vec<R::Item>) -> Result<Vec<Outcome>, Failure> {
        // The call that makes the future may panic too.
        let whole = AssertUnwindSafe(async { (self.handle)(items).await }).catch_unwind();
        match tokio::time::timeout(self.limits.call, whole).await {
            Ok(Ok(outcomes)) => Ok(outcomes),
            Ok(Err(panic)) => Err(Failure::Panic(short(&*panic))),
            Err(_) => Err(Failure::Deadline(self.limits.call)),
        }
    }

    /// The decoded record; without one, the record's end is known.
    async fn decode(&mut self, index: usize) -> Option<R::Item> {
        let decoding = AssertUnwindSafe(self.records.decode(index)).catch_unwind();
        // Decoding asks the schema registry for what it does not know.
        let decoded = tokio::time::timeout(self.limits.call, decoding).await;
        let outcome = match decoded {
            Ok(Ok(Ok(mut item))) => {
                let watched = &mut self.states[index].watched;
                watched.decoded(self.records, &mut item, self.summary);
                if self.records.order() == Order::Key {
                    self.states[index].key = self.records.key(&item).map(|key| self.hasher.hash_one(key));
                }
                return Some(item);
            }
            Ok(Ok(Err(DecodeError::Park(cause)))) => Outcome::Park(cause),
            Ok(Ok(Err(DecodeError::Retry(cause)))) => Outcome::Retry(cause),
            Err(_) => Outcome::Retry(Cause::new("decoding it did not end in time")),
            Ok(Err(panic)) => {
                Outcome::Park(Cause::of("decoding panicked", format!("decoding it panicked: {}", short(&*panic))))
            }
        };
        self.states[index].watched.undecodable(self.records, index, self.summary);
        self.settle(index, outcome);
        None
    }

    /// In the order of the partition, bad records are parked before a later one is handled, since only then they count as handled: what
    /// is bad once may be good when it comes again. Returns the first of `indices` that could not be parked, as a place in them.
    async fn first_unparked(&mut self, indices: &[usize]) -> Option<usize> {
        if self.records.order() == Order::Key {
            return None;
        }
        let bad: Vec<usize> =
            (0..indices.len()).filter(|place| matches!(self.states[indices[*place]].end, End::Bad(_))).collect();
        if bad.is_empty() {
            return None;
        }
        self.park().await;
        bad.into_iter().find(|place| self.is_retry(indices[*place]))
    }

    fn settle(&mut self, index: usize, outcome: Outcome) {
        self.settle_at(self.watched_now(), index, outcome);
    }

    /// The time, where telemetry is told of it. One look at the clock does for all records of a call.
    fn watched_now(&self) -> Option<OffsetDateTime> {
        self.summary.instruments.is_some().then(clock::now)
    }

    fn settle_at(&mut self, now: Option<OffsetDateTime>, index: usize, outcome: Outcome) {
        self.states[index].watched.settled = now;
        self.states[index].end = match outcome {
            Outcome::Done => End::Done,
            Outcome::Skip(reason) => End::Skipped(reason),
            Outcome::Park(cause) => End::Bad(cause),
            Outcome::Retry(cause) => End::Retry(cause),
        };
    }

    fn hold_back(&mut self, indices: &[usize]) {
        for &index in indices {
            let end = &mut self.states[index].end;
            if !matches!(end, End::Parked(_)) {
                *end = End::Retry(Cause::new("an earlier record must come first"));
            }
        }
    }

    /// Writes the dead letters; a record whose letter cannot be written must come again.
    async fn park(&mut self) {
        let letters: Vec<_> = self
            .states
            .iter()
            .enumerate()
            .filter_map(|(index, state)| match &state.end {
                End::Bad(cause) => Some((index, cause.clone(), self.records.dead_letter(index, cause))),
                _ => None,
            })
            .collect();
        let parking = self.parking;
        let written: Vec<_> = stream::iter(letters)
            .map(|(index, cause, letter)| async move {
                let end = match parking.park(letter).await {
                    Ok(()) => End::Parked(cause),
                    Err(error) => End::Retry(error),
                };
                (index, end)
            })
            .buffer_unordered(PARKING_AT_ONCE)
            .collect()
            .await;
        for (index, end) in written {
            self.states[index].end = end;
        }
    }

    /// Records at Retry, and later ones of their keys that are not parked.
    fn to_repeat(&self) -> Vec<usize> {
        let mut waiting = HashSet::new();
        let again = self.states.iter().enumerate().filter(|(_, state)| match &state.end {
            End::Retry(_) | End::Untried => {
                waiting.extend(state.key);
                true
            }
            End::Done | End::Skipped(_) => state.key.is_some_and(|key| waiting.contains(&key)),
            End::Bad(_) | End::Parked(_) => false,
        });
        // Without a single record at Retry nothing waits, and nothing is repeated.
        again.map(|(index, _)| index).collect()
    }

    fn is_retry(&self, index: usize) -> bool {
        matches!(self.states[index].end, End::Retry(_))
    }

    fn has_time(&self) -> bool {
        self.started.elapsed() < self.limits.run
    }

    fn report(self) -> Report {
        let mut report = Report { tried_again: self.tried_again, ..Report::default() };
        for state in self.states {
            if let Some(instruments) = &self.summary.instruments {
                state.watched.close(&state.end, instruments, &mut report);
            }
            match state.end {
                End::Done => report.done += 1,
                End::Skipped(_) => report.skipped += 1,
                End::Parked(cause) => {
                    report.parked += 1;
                    report.parked_cause.get_or_insert_with(|| cause.chain());
                }
                End::Retry(cause) | End::Bad(cause) => {
                    report.retried += 1;
                    report.retry_cause.get_or_insert_with(|| cause.chain());
                }
                End::Untried => report.retried += 1,
            }
        }
        report
    }
}

/// The start of what a panic said: the rest may be the record itself.
fn short(panic: &(dyn Any + Send)) -> String {
    panic_text(panic).chars().take(200).collect()
}

#[cfg(test)]
mod tests;
