//! An event whose delivery failed: its attempts together, and what becomes of it.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use super::delivery::{ATTEMPTS, FailedDelivery, Fate, LONGEST_ATTEMPT};
use crate::partner::subscription::Subscription;

/// How long Event Grid tries to deliver an event (`eventTimeToLiveInMinutes`, as our subscriptions have it).
const TIME_TO_LIVE: Duration = Duration::days(1);
/// How long a failure may take to be in the log: Azure says minutes, and promises nothing.
pub const LOG_DELAY: Duration = Duration::minutes(10);

/// An event whose delivery failed, with its attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedEvent {
    /// The newest attempt, or that none is made.
    pub last: FailedDelivery,
    /// When the oldest of those read was.
    pub first_at: OffsetDateTime,
    /// When it was published last, as far as the attempts tell: what is delivered again has a day and attempts of its own.
    pub published: OffsetDateTime,
    /// How many attempts were read; 0 if it only waited.
    pub failures: usize,
    /// How many attempts there were, of all times that it was published, if the log told any.
    pub attempts: Option<u32>,
}

/// What was counted of a subscription's deliveries since a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Events that the endpoint took.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
}

impl FailedEvent {
    /// Its attempts, oldest first and at least one.
    fn of(attempts: Vec<FailedDelivery>) -> Option<Self> {
        let (first, last) = (attempts.first()?, attempts.last()?.clone());
        let first_at = first.at;
        // A first attempt after others is of an event that was published again. One that was held back before it was made began when it waited.
        let mut known: u32 = 0;
        let mut of_this_one = 0;
        let mut begun: Option<OffsetDateTime> = None;
        let mut first_waits = false;
        for attempt in &attempts {
            let Some(number) = attempt.attempt else { continue };
            let is_same = first_waits && begun.is_some_and(|begun| attempt.at - begun <= TIME_TO_LIVE);
            if number == 1 && !is_same {
                known = known.saturating_add(of_this_one);
                of_this_one = 0;
                begun = Some(attempt.at);
            }
            first_waits = number == 1 && attempt.is_held();
            if !attempt.is_held() {
                of_this_one = number.max(of_this_one);
            }
        }
        let known = known.saturating_add(of_this_one);
        let waited = || {
            let before = (1..last.attempt.unwrap_or(1).min(ATTEMPTS)).map(|attempt| last.pause(attempt));
            last.at.checked_sub(before.sum()).unwrap_or(first_at).min(first_at)
        };
        let failures = attempts.iter().filter(|attempt| !attempt.is_held()).count();
        let attempts = (known > 0).then(|| known.max(u32::try_from(failures).unwrap_or(u32::MAX)));
        Some(Self { published: begun.unwrap_or_else(waited), last, first_at, failures, attempts })
    }

    /// What becomes of it by the log, where its event subscription may have been removed meanwhile.
    fn logged_fate(&self, subscription: &Subscription) -> Fate {
        let due = match self.last.fate() {
            Fate::Expected(at) => Some(at),
            Fate::HeldBack => None,
            fate => return fate,
        };
        match subscription.forgot(self.last.at, due) {
            true => Fate::NotRetried,
            false => self.last.fate(),
        }
    }

    /// When its next attempt was due, if that is over.
    pub fn was_due(&self, subscription: &Subscription, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.due(self.logged_fate(subscription)).filter(|at| *at <= now)
    }

    /// When an attempt is due: where it is held back, one was when that was logged.
    fn due(&self, fate: Fate) -> Option<OffsetDateTime> {
        match fate {
            Fate::Expected(at) => Some(at),
            Fate::HeldBack => Some(self.last.at),
            Fate::NotRetried | Fate::ProbablyDelivered | Fate::Unknown => None,
        }
    }

    /// What becomes of it, or became of it meanwhile, by what was counted since its next attempt was due, if that is known.
    pub fn fate(&self, subscription: &Subscription, counted: Option<Counted>, now: OffsetDateTime) -> Fate {
        let fate = self.logged_fate(subscription);
        let Some(at) = self.due(fate) else { return fate };
        let ends = self.published.saturating_add(TIME_TO_LIVE);
        if at > now {
            // An attempt that is due behind an event's last day is not made.
            return if at > ends { Fate::NotRetried } else { fate };
        }
        let is_delivered = |counted: Counted| counted.delivered > 0 && (counted.failed == 0 || is_overdue(at, now));
        match counted {
            Some(counted) if is_delivered(counted) => Fate::ProbablyDelivered,
            Some(_) if at > ends || now > ends.saturating_add(LOG_DELAY) => Fate::NotRetried,
            None if now > ends.saturating_add(LOG_DELAY) => Fate::Unknown,
            _ => fate,
        }
    }
}

/// Whether an attempt that was due at a time would be in the log by now, had it been made and failed.
pub fn is_overdue(at: OffsetDateTime, now: OffsetDateTime) -> bool {
    now > at.saturating_add(LONGEST_ATTEMPT + LOG_DELAY)
}

/// Failures by event, the one that failed last first, each attempt once though the log may have it twice. Those whose event is unknown stand
/// each for itself.
pub fn by_event(mut failures: Vec<FailedDelivery>) -> Vec<FailedEvent> {
    failures.sort_by_key(|failure| (failure.at, failure.attempt));
    let mut events: BTreeMap<(Option<String>, usize), Vec<FailedDelivery>> = BTreeMap::new();
    for (index, failure) in failures.into_iter().enumerate() {
        let key = (failure.event.clone(), if failure.event.is_some() { 0 } else { index });
        let attempts = events.entry(key).or_default();
        if attempts.last().is_none_or(|last| (last.at, last.attempt) != (failure.at, failure.attempt)) {
            attempts.push(failure);
        }
    }
    let mut events: Vec<_> = events.into_values().filter_map(FailedEvent::of).collect();
    events.sort_by(|a, b| (b.last.at, &b.last.event).cmp(&(a.last.at, &a.last.event)));
    events
}
