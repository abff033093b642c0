//! Counts of events, by minute: the metrics of a topic that are split by subscription.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use time::OffsetDateTime;

/// Minutes with counts that are kept of a subscription, the newest.
const MINUTES: usize = 3_000;
/// Subscriptions that are kept, deleted ones too: those that were counted last.
const SUBSCRIPTIONS: usize = 1_000;

/// A metric of Event Grid that has the dimension `EventSubscriptionName`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    Matched,
    Delivered,
    DeliveryFailed,
    Dropped,
    DeadLettered,
}

impl Metric {
    pub(super) const ALL: [Self; 5] =
        [Self::Matched, Self::Delivered, Self::DeliveryFailed, Self::Dropped, Self::DeadLettered];

    /// Its name, and how people read it ("Supported metrics for Microsoft.EventGrid/topics").
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Matched => ("MatchedEventCount", "Matched Events"),
            Self::Delivered => ("DeliverySuccessCount", "Delivered Events"),
            Self::DeliveryFailed => ("DeliveryAttemptFailCount", "Delivery Failed Events"),
            Self::Dropped => ("DroppedEventCount", "Dropped Events"),
            Self::DeadLettered => ("DeadLetteredCount", "Dead Lettered Events"),
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.names().0.eq_ignore_ascii_case(name))
    }
}

/// Topic and subscription, in lower case.
type Key = (String, String);

/// By minute since 1970, a number for each metric.
type Minutes = BTreeMap<i64, [u64; Metric::ALL.len()]>;

#[derive(Default)]
pub(super) struct Counts(Mutex<BTreeMap<Key, Minutes>>);

impl Counts {
    pub(super) fn add(&self, topic: &str, subscription: &str, metric: Metric, at: OffsetDateTime, events: usize) {
        let mut all = self.all();
        let minutes = all.entry(key(topic, subscription)).or_default();
        minutes.entry(at.unix_timestamp().div_euclid(60)).or_default()[metric as usize] +=
            u64::try_from(events).unwrap_or(u64::MAX);
        while minutes.len() > MINUTES {
            minutes.pop_first();
        }
        if all.len() > SUBSCRIPTIONS {
            let last = |minutes: &Minutes| minutes.last_key_value().map(|(minute, _)| *minute);
            let oldest = all.iter().min_by_key(|(_, minutes)| last(minutes)).map(|(key, _)| key.clone());
            oldest.map(|key| all.remove(&key));
        }
    }

    /// The events of a metric in the seconds from `from` to before `to`, which are whole minutes.
    pub(super) fn sum(&self, topic: &str, subscription: &str, metric: Metric, (from, to): (i64, i64)) -> u64 {
        let all = self.all();
        let minutes = all.get(&key(topic, subscription));
        let in_range = minutes.into_iter().flat_map(|minutes| minutes.range(from.div_euclid(60)..to.div_euclid(60)));
        in_range.map(|(_, counts)| counts[metric as usize]).sum()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Key, Minutes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(topic: &str, subscription: &str) -> Key {
    (topic.to_lowercase(), subscription.to_lowercase())
}
