//! Seasonality: what the shop's past says of a minute of the week.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{
    short,
    tuning::{DAY_WEIGHTS, DAYS, SLOT_MINUTES, SLOTS, TREND},
};

const DAY_MINUTES: i64 = 24 * 60;

/// The last weeks in slots, and how the last hours compare with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    /// Oldest first.
    days: VecDeque<Day>,
    /// The slot that is being filled: its number since 1970, the views of its undisturbed minutes, and how many those are.
    slot: i64,
    #[serde(serialize_with = "short")]
    views: f64,
    minutes: u32,
    /// Averages of observed and seasonal views over the last hours.
    #[serde(serialize_with = "short")]
    observed: f64,
    #[serde(serialize_with = "short")]
    seasonal: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Day {
    /// Days since 1970.
    day: i64,
    /// Views a minute by slot; `None` where a slot was disturbed or not seen.
    slots: Vec<Option<f32>>,
}

impl Default for Season {
    fn default() -> Self {
        Self { days: VecDeque::new(), slot: i64::MIN, views: 0.0, minutes: 0, observed: 0.0, seasonal: 0.0 }
    }
}

impl Season {
    /// Views expected in this minute; `None` where no earlier day knows this time of day.
    pub(super) fn expected(&self, minute: i64) -> Option<f64> {
        self.seasonal(minute).map(|seasonal| seasonal * self.trend())
    }

    /// Whether this weekday was seen at this time of day; else other days speak for it.
    pub(super) fn knows(&self, minute: i64) -> bool {
        let (day, slot) = (minute.div_euclid(DAY_MINUTES), minute.rem_euclid(DAY_MINUTES) / SLOT_MINUTES);
        let seen = |past: &&Day| usize::try_from(slot).ok().and_then(|slot| *past.slots.get(slot)?).is_some();
        self.days.iter().filter(seen).any(|past| past.day < day && (day - past.day) % 7 == 0)
    }

    /// How the last hours compare with the season.
    fn trend(&self) -> f64 {
        if self.seasonal > 0.0 { self.observed / self.seasonal } else { 1.0 }
    }

    /// Takes in an undisturbed minute.
    pub(super) fn learn(&mut self, minute: i64, observed: f64) {
        let slot = minute.div_euclid(SLOT_MINUTES);
        if slot != self.slot {
            self.close_slot();
            (self.slot, self.views, self.minutes) = (slot, 0.0, 0);
        }
        self.views += observed;
        self.minutes += 1;
        if let Some(seasonal) = self.seasonal(minute) {
            // A surprise moves the trend by no more than a factor of two would.
            let expected = seasonal * self.trend();
            let observed = observed.clamp(expected / 2.0, expected * 2.0 + 1.0);
            if self.seasonal <= 0.0 {
                // The season's word is worth something from its first minute on.
                (self.observed, self.seasonal) = (seasonal, seasonal);
            }
            self.observed += TREND * (observed - self.observed);
            self.seasonal += TREND * (seasonal - self.seasonal);
        }
    }

    /// Forgets what it holds of days after that of `minute`, and of the slot that is being filled.
    pub(super) fn go_back(&mut self, minute: i64) {
        self.days.retain(|past| past.day <= minute.div_euclid(DAY_MINUTES));
        (self.slot, self.views, self.minutes) = (minute.div_euclid(SLOT_MINUTES), 0.0, 0);
    }

    /// From now on the views are `ratio` times what they were.
    pub(super) fn scale(&mut self, ratio: f64) {
        if self.seasonal > 0.0 {
            self.observed *= ratio;
        }
    }

    fn close_slot(&mut self) {
        // A slot of which more than a third was disturbed or not seen says nothing.
        if i64::from(self.minutes) * 3 < SLOT_MINUTES * 2 {
            return;
        }
        let (day, slot) = (self.slot.div_euclid(48), self.slot.rem_euclid(48));
        if self.days.back().is_none_or(|last| last.day < day) {
            self.days.push_back(Day { day, slots: vec![None; SLOTS] });
        }
        while self.days.len() > DAYS {
            self.days.pop_front();
        }
        let slot = usize::try_from(slot).ok();
        if let Some(place) = slot.and_then(|slot| self.days.back_mut()?.slots.get_mut(slot)) {
            let mean = (self.views / f64::from(self.minutes)) as f32;
            *place = Some(mean);
        }
    }

    /// The season without trend, interpolated between the middles of two slots.
    fn seasonal(&self, minute: i64) -> Option<f64> {
        let (day, of_day) = (minute.div_euclid(DAY_MINUTES), minute.rem_euclid(DAY_MINUTES));
        let (slot, place) = (of_day / SLOT_MINUTES, ((of_day % SLOT_MINUTES) as f64 + 0.5) / SLOT_MINUTES as f64);
        let other = if place < 0.5 { slot - 1 } else { slot + 1 };
        let weight = (place - 0.5).abs();
        match (self.median(day, slot), self.median(day, other)) {
            (Some(this), Some(other)) => Some(this * (1.0 - weight) + other * weight),
            (one, other) => one.or(other),
        }
    }

    /// The weighted median of this slot over the days before; slots -1 and 48 are those of the neighbouring days.
    fn median(&self, day: i64, slot: i64) -> Option<f64> {
        let slots = SLOTS as i64;
        let (day, slot) = (day + slot.div_euclid(slots), usize::try_from(slot.rem_euclid(slots)).ok()?);
        let mut values: [(f32, f64); DAYS] = [(0.0, 0.0); DAYS];
        let mut count = 0;
        let mut weight = 0.0;
        for past in self.days.iter().filter(|past| past.day < day) {
            if let (Some(value), Some(place)) = (past.slots.get(slot).copied().flatten(), values.get_mut(count)) {
                *place = (value, weight_of(past.day, day));
                weight += place.1;
                count += 1;
            }
        }
        let values = values.get_mut(..count)?;
        values.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut below = 0.0;
        let middle = values.iter().find(|(_, weight_of_one)| {
            below += weight_of_one;
            below >= weight / 2.0
        });
        middle.map(|(value, _)| f64::from(*value))
    }
}

/// What a past day says about `day`.
fn weight_of(past: i64, day: i64) -> f64 {
    // 1970-01-01 was a Thursday; Monday is 0.
    let weekday = |day: i64| (day + 3).rem_euclid(7);
    let kind = if weekday(past) == weekday(day) {
        0
    } else if (weekday(past) >= 5) == (weekday(day) >= 5) {
        1
    } else {
        2
    };
    DAY_WEIGHTS[kind]
}
