//! Assesses a subscription by what was seen of its deliveries: the rule of [`health`](crate::partner::health).

use time::{Duration, OffsetDateTime, UtcOffset};

use super::{PausedBy, State, Subscription};
use crate::partner::{
    SubscriptionName,
    health::{
        BY_MINUTE, FORGOTTEN_AFTER, Health, HealthKind, HealthNotice, LOOKED_BACK, Question, Seen, ShownHealth,
        pauses_at,
    },
};

impl Subscription {
    /// What is to be asked about it now; `None` where nothing is delivered. Without `pause_after` it is never paused.
    pub fn health_question(&self, pause_after: Option<Duration>, now: OffsetDateTime) -> Option<Question> {
        // What was counted before it delivered is of an earlier time.
        let delivers_since = self.gaps.last()?.until.filter(|_| self.state.delivers())?;
        let Some(since) = self.health.failing else {
            let from = delivers_since.max(now.saturating_sub(LOOKED_BACK));
            return Some(Question { counts_from: from, by_hour: false, failures_from: Some(from) });
        };
        let by_hour = now - since > BY_MINUTE;
        // The rest of its first hour was looked at by minute.
        let counts_from = if by_hour { next_hour(since) } else { since };
        let failures_from = self.health.due(since, pause_after).filter(|due| *due <= now);
        Some(Question { counts_from, by_hour, failures_from })
    }

    /// The next version of the document, if what was `seen` changes anything.
    pub fn assessed(&self, seen: Seen, pause_after: Option<Duration>, now: OffsetDateTime) -> Option<Self> {
        if !self.state.delivers() {
            return None;
        }
        let mut health = self.health.clone();
        if seen.delivered {
            health.failing = None;
            if let Some(told) = &self.health.told {
                let (kind, since) = (HealthKind::Recovered, told.since);
                health.tell(HealthNotice { kind, since, at: now, pauses_at: None });
            }
        }
        let Some(since) = health.failing else {
            if let (None, Some((first, _))) = (self.health.failing, seen.failed) {
                health.failing = Some(first);
            }
            return self.with_health(health);
        };
        let due = health.due(since, pause_after);
        let is_due = due.is_some_and(|due| seen.failed.is_some_and(|(_, last)| last >= due));
        match health.told_of(since) {
            _ if !is_due && now - since > FORGOTTEN_AFTER => health.begin_anew(),
            _ if !is_due => return None,
            None => {
                let pauses_at = pause_after.map(|after| pauses_at(since, now, after));
                health.tell(HealthNotice { kind: HealthKind::Failing, since, at: now, pauses_at });
            }
            Some(_) => return self.paused_for_health(health, since, now),
        }
        self.with_health(health)
    }

    /// Everything was told.
    #[must_use]
    pub fn told(&self) -> Self {
        Self { health: Health { untold: Vec::new(), ..self.health.clone() }, ..self.clone() }
    }

    /// Id of the event that tells a notice: the same again for the same failures.
    pub fn notice_id(&self, notice: &HealthNotice) -> String {
        let Self { partner, name, created, .. } = self;
        let (created, since) = (created.unix_timestamp(), notice.since.unix_timestamp());
        format!("{}-{partner}-{name}-{created}-{since}", notice.kind.as_str())
    }

    /// Its health, for its partner.
    pub fn shown_health(&self) -> ShownHealth {
        let Some(told) = &self.health.told else {
            return ShownHealth { name: "healthy", since: None, pauses_at: None };
        };
        let is_paused = matches!(self.state, State::Paused { by: PausedBy::Health, .. });
        let name = match told.kind {
            HealthKind::Paused if is_paused => "paused",
            HealthKind::Paused => "resumed",
            HealthKind::Failing | HealthKind::Recovered => "failing",
        };
        ShownHealth { name, since: Some(told.since), pauses_at: told.pauses_at.filter(|_| self.state.delivers()) }
    }

    /// Whether a notice of this kind about `other` is for this one: its second address.
    pub fn hears_of(&self, other: &SubscriptionName, kind: HealthKind) -> bool {
        self.name != *other && self.state.delivers() && self.settings.selection.tells(kind)
    }

    fn with_health(&self, health: Health) -> Option<Self> {
        (health != self.health).then(|| Self { health, ..self.clone() })
    }

    fn paused_for_health(&self, mut health: Health, since: OffsetDateTime, now: OffsetDateTime) -> Option<Self> {
        let reason = format!("every attempt to deliver failed since {}", written(since));
        let mut next = self.pause(PausedBy::Health, Some(reason), now).ok()?;
        if let Some(gap) = next.gaps.last_mut().filter(|gap| gap.until.is_none()) {
            gap.from = gap.from.min(since);
        }
        health.begin_anew();
        health.tell(HealthNotice { kind: HealthKind::Paused, since, at: now, pauses_at: None });
        Some(Self { health, ..next })
    }
}

/// Which of a partner's subscriptions to products have nobody on another host who would hear that they fail.
pub fn without_second_address(all: &[Subscription]) -> Vec<&SubscriptionName> {
    let hears = |one: &Subscription, other: &Subscription| {
        one.hears_of(&other.name, HealthKind::Failing) && one.settings.endpoint.host() != other.settings.endpoint.host()
    };
    let products = all.iter().filter(|one| !one.state.is_leaving() && !one.settings.selection.is_of_notices());
    products.filter(|about| !all.iter().any(|one| hears(one, about))).map(|about| &about.name).collect()
}

fn next_hour(at: OffsetDateTime) -> OffsetDateTime {
    let into = Duration::seconds(at.unix_timestamp().rem_euclid(3600)) + Duration::nanoseconds(at.nanosecond().into());
    if into.is_zero() { at } else { at.saturating_add(Duration::HOUR - into) }
}

fn written(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC).replace_nanosecond(0).unwrap_or(at);
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests;
