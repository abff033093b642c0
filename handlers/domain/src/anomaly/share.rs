//! Proportions: a child's part of its parent.

use serde::{Deserialize, Serialize};

use super::{short, tuning};

/// A ratio of two averages that forget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Share {
    #[serde(rename = "o", serialize_with = "short")]
    own: f64,
    #[serde(rename = "w", serialize_with = "short")]
    whole: f64,
    #[serde(rename = "n")]
    pub(super) minutes: u32,
}

impl Share {
    /// The part; `None` if nothing is known yet.
    pub(super) fn value(&self) -> Option<f64> {
        (self.whole > 0.0).then(|| self.own / self.whole)
    }

    /// Views a minute, on average.
    pub(super) fn views(&self) -> f64 {
        self.own
    }

    /// Takes in a minute. The first ones count alike, later ones as much as `rate` says.
    pub(super) fn learn(&mut self, own: f64, whole: f64, rate: f64) {
        self.minutes = self.minutes.saturating_add(1);
        let rate = (1.0 / f64::from(self.minutes)).max(rate);
        self.own += rate * (own - self.own);
        self.whole += rate * (whole - self.whole);
    }

    /// From now on the part is `ratio` times what it was.
    pub(super) fn scale(&mut self, ratio: f64) {
        self.own *= ratio;
    }
}

const HOURS: usize = 24;

/// A part that differs by the hour of the day (UTC).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct HourlyShare {
    #[serde(rename = "s")]
    pub(super) overall: Share,
    /// By hour; hours that were never seen are empty.
    #[serde(rename = "h")]
    hours: Vec<Share>,
}

/// Minutes from which an hour's own part is better than that of all hours.
const WARM_HOUR: u32 = 45;

impl HourlyShare {
    /// The part in this minute, interpolated between the middles of two hours; `None` if nothing is known yet.
    pub(super) fn value(&self, minute: i64) -> Option<f64> {
        let overall = self.overall.value()?;
        let (hour, place) = hour_of(minute);
        let other = if place < 0.5 { (hour + HOURS - 1) % HOURS } else { (hour + 1) % HOURS };
        let of = |hour: usize| {
            self.hours.get(hour).filter(|share| share.minutes >= WARM_HOUR).and_then(Share::value).unwrap_or(overall)
        };
        let weight = (place - 0.5).abs();
        Some(of(hour) * (1.0 - weight) + of(other) * weight)
    }

    /// Takes in a minute.
    pub(super) fn learn(&mut self, minute: i64, own: f64, whole: f64) {
        self.overall.learn(own, whole, tuning::SHARE);
        self.hours.resize_with(HOURS, Share::default);
        if let Some(share) = self.hours.get_mut(hour_of(minute).0) {
            share.learn(own, whole, tuning::HOUR_SHARE);
        }
    }

    /// From now on the part is `ratio` times what it was.
    pub(super) fn scale(&mut self, ratio: f64) {
        self.overall.scale(ratio);
        self.hours.iter_mut().for_each(|share| share.scale(ratio));
    }

    /// What is left of this when `ratio` of it becomes another's and `more` of the whole is added, and what the other one has.
    ///
    /// Both are known as if from one minute, and at all hours alike: the minutes to come soon correct the guess.
    pub(super) fn split(&self, ratio: f64, more: f64) -> (Self, Self) {
        let Share { own, whole, .. } = self.overall;
        if whole <= 0.0 {
            return (self.clone(), Self::default());
        }
        let part = |own: f64| Self { overall: Share { own, whole, minutes: 1 }, hours: Vec::new() };
        let rest = part(own * (1.0 - ratio) + more * whole);
        // Who had nothing that was known is new.
        let other = if own * ratio > 0.0 { part(own * ratio) } else { Self::default() };
        (rest, other)
    }
}

/// The hour of the day, and where in it the middle of the minute lies (0 to 1).
fn hour_of(minute: i64) -> (usize, f64) {
    let of_day = minute.rem_euclid(24 * 60);
    let place = (of_day % 60) as f64 / 60.0 + 1.0 / 120.0;
    (usize::try_from(of_day / 60).unwrap_or(0), place)
}
