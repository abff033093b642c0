//! Health: what is known of deliveries to a subscription's endpoint, what its partner was told of that, and what is to be asked next.
//!
//! The rule, on what Azure Monitor counts and logs:
//!
//! - An endpoint fails since the first failed attempt after the last delivery.
//! - If an attempt fails [`FAILING_AFTER`] later or more, with no delivery between, the partner is told that it is failing.
//! - If one fails `pause_after` later or more, still with no delivery, and [`TOLD_BEFORE`] after that was told, the subscription is paused. The
//!   gap begins with the first failure.
//! - A delivery after either was told is told, too, as the recovery.
//!
//! Only attempts count: time in which there is none says nothing. Tests that a partner sends itself count neither as failures nor as deliveries.
//! What cannot be read leads to nothing.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{FAILING, PAUSED, RECOVERED};

/// From the first failure to one of which the partner is told.
pub const FAILING_AFTER: Duration = Duration::hours(1);

/// Nobody's subscription is paused sooner than so long after it was told.
pub const TOLD_BEFORE: Duration = Duration::hours(24);

/// From the first failure to the pause, unless a setting says otherwise; the least and the most that it may say.
pub const PAUSE_AFTER: Duration = Duration::hours(120);
/// See [`PAUSE_AFTER`].
pub const SHORTEST_PAUSE_AFTER: Duration = Duration::hours(24);
/// See [`PAUSE_AFTER`]. The log of failures is kept for longer.
pub const LONGEST_PAUSE_AFTER: Duration = Duration::hours(480);

/// How far back a look goes where nothing fails yet. Looks are more often than that, and what is told late is in the next.
pub(super) const LOOKED_BACK: Duration = Duration::hours(1);

/// So long after the first failure, with nothing concluded, the count begins anew: logs and counts do not reach further back.
pub(super) const FORGOTTEN_AFTER: Duration = Duration::days(30);

/// Counts of so long are read by minute, of longer by hour.
pub(super) const BY_MINUTE: Duration = Duration::hours(24);

/// What is known of deliveries to a subscription, part of its document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// The first failed attempt since the last delivery.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub(super) failing: Option<OffsetDateTime>,
    /// What the partner heard last, until it recovers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<HealthNotice>,
    /// What the partner is to hear, oldest first. It is stored before it is published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) untold: Vec<HealthNotice>,
}

/// Something that a partner is told about an endpoint of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthNotice {
    /// What.
    pub kind: HealthKind,
    /// The first failed attempt.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// When this was found out.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// When the subscription is paused, if attempts go on failing.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub pauses_at: Option<OffsetDateTime>,
}

/// What a partner is told about an endpoint of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HealthKind {
    /// Every attempt fails.
    Failing,
    /// The subscription was paused for it.
    Paused,
    /// Something was delivered again.
    Recovered,
}

impl HealthKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Paused => "paused",
            Self::Recovered => "recovered",
        }
    }

    /// Type of the event that tells it.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Failing => FAILING,
            Self::Paused => PAUSED,
            Self::Recovered => RECOVERED,
        }
    }
}

/// What is to be asked about deliveries, so that [`Subscription::assessed`](super::subscription::Subscription::assessed) can say what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Counts from then on …
    pub counts_from: OffsetDateTime,
    /// … by hour, not by minute.
    pub by_hour: bool,
    /// Failed attempts of this time or later are of interest, if nothing was delivered. `None` if none is, yet.
    pub failures_from: Option<OffsetDateTime>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether more was delivered in that time than the partner's own tests.
    pub delivered: bool,
    /// The first and the last failed attempt of interest, behind the last delivery, tests aside.
    pub failed: Option<(OffsetDateTime, OffsetDateTime)>,
}

/// Health as partners see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownHealth {
    /// `healthy`, `failing`, `paused` for it, or `resumed`, where nothing was delivered since.
    pub name: &'static str,
    /// The first failed attempt, unless it is healthy.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub since: Option<OffsetDateTime>,
    /// When it is paused, if attempts go on failing.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub pauses_at: Option<OffsetDateTime>,
}

impl Health {
    /// Whether nothing is to be kept.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an attempt failed since the last delivery.
    pub fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// What the partner is yet to be told, oldest first.
    pub fn untold(&self) -> &[HealthNotice] {
        &self.untold
    }

    /// Counts anew: deliveries begin, or go elsewhere from now on.
    pub(super) fn begin_anew(&mut self) {
        self.failing = None;
    }

    pub(super) fn tell(&mut self, notice: HealthNotice) {
        self.told = (notice.kind != HealthKind::Recovered).then(|| notice.clone());
        self.untold.push(notice);
    }

    /// What the partner was told of the failures that go on now.
    pub(super) fn told_of(&self, since: OffsetDateTime) -> Option<&HealthNotice> {
        self.told.as_ref().filter(|told| told.kind == HealthKind::Failing && told.since == since)
    }

    /// From when on an attempt that fails leads to something.
    pub(super) fn due(&self, since: OffsetDateTime, pause_after: Option<Duration>) -> Option<OffsetDateTime> {
        match self.told_of(since) {
            None => Some(since.saturating_add(FAILING_AFTER)),
            Some(told) => pause_after.map(|after| pauses_at(since, told.at, after)),
        }
    }
}

pub(super) fn pauses_at(since: OffsetDateTime, told: OffsetDateTime, pause_after: Duration) -> OffsetDateTime {
    since.saturating_add(pause_after).max(told.saturating_add(TOLD_BEFORE))
}
