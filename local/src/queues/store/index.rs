//! Index of the messages of a queue: in the order in which they can be taken, and in that in which they end.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::queues::message::Record;

/// Key of a message in the index. Times are milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IndexKey {
    visible: i64,
    sequence: u64,
    expires: Option<i64>,
}

impl IndexKey {
    pub(super) fn of(record: &Record) -> Self {
        Self { visible: record.visible, sequence: record.sequence, expires: record.expires }
    }
}

#[derive(Default)]
pub(super) struct Index {
    /// By time of visibility and sequence.
    waiting: BTreeMap<(i64, u64), (Uuid, Option<i64>)>,
    ending: BTreeSet<(i64, Uuid)>,
}

impl Index {
    pub(super) fn insert(&mut self, id: Uuid, key: IndexKey) {
        self.waiting.insert((key.visible, key.sequence), (id, key.expires));
        if let Some(expires) = key.expires {
            self.ending.insert((expires, id));
        }
    }

    pub(super) fn remove(&mut self, id: Uuid, key: IndexKey) {
        self.waiting.remove(&(key.visible, key.sequence));
        if let Some(expires) = key.expires {
            self.ending.remove(&(expires, id));
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Messages that have not ended, visible or not.
    pub(super) fn count(&self, now: i64) -> usize {
        self.waiting.len() - self.ended(now).count()
    }

    /// Messages that have ended.
    pub(super) fn ended(&self, now: i64) -> impl Iterator<Item = Uuid> + '_ {
        self.ending.range(..=(now, Uuid::max())).map(|(_, id)| *id)
    }

    /// Messages that can be taken, in order.
    pub(super) fn visible(&self, now: i64) -> impl Iterator<Item = Uuid> + '_ {
        self.waiting
            .range(..=(now, u64::MAX))
            .filter(move |(_, (_, expires))| expires.is_none_or(|end| end > now))
            .map(|(_, (id, _))| *id)
    }

    /// When the next message can be taken, which may be in the past.
    pub(super) fn next_visible(&self, now: i64) -> Option<i64> {
        let live = |expires: Option<i64>, visible: i64| expires.is_none_or(|end| end > now.max(visible));
        self.waiting
            .iter()
            .find(|((visible, _), (_, expires))| live(*expires, *visible))
            .map(|((visible, _), _)| *visible)
    }
}
