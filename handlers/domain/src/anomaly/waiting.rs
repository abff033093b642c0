//! Categories that are not watched because all places are taken, and how much they are viewed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{short, tuning};

/// Views of the last day or so: those of a minute count for less the older they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Remembered(#[serde(serialize_with = "short")] pub(super) f64);

impl Remembered {
    /// Takes in a minute.
    pub(super) fn learn(&mut self, views: f64) {
        self.0 += views - tuning::SHARE * self.0;
    }

    /// Takes away what is counted elsewhere now.
    pub(super) fn forget(&mut self, others: Self) {
        self.0 = (self.0 - others.0).max(0.0);
    }

    /// Whether these are so many more than those of a `least` one that its place is theirs.
    pub(super) fn are_clearly_more(self, least: Self) -> bool {
        let (times, beyond) = tuning::CLEARLY_MORE;
        self.0 > times * least.0 + beyond
    }
}

/// The most viewed of those who wait, by name. Never more than [`tuning::WAITING`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Waiting(BTreeMap<String, Remembered>);

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in a minute of the categories without a place.
    pub(super) fn learn<'a>(&mut self, minute: impl Iterator<Item = (&'a String, f64)>) {
        self.0.values_mut().for_each(|views| views.learn(0.0));
        self.0.retain(|_, views| views.0 >= tuning::FORGOTTEN);
        let mut new: Vec<(&String, f64)> = Vec::new();
        for (name, views) in minute {
            match self.0.get_mut(name) {
                Some(remembered) => remembered.0 += views,
                None => new.push((name, views)),
            }
        }
        new.sort_by(|one, other| other.1.total_cmp(&one.1));
        for (name, views) in new {
            if self.0.len() >= tuning::WAITING {
                let least = self.0.iter().min_by(|one, other| one.1.0.total_cmp(&other.1.0));
                let Some((least, _)) = least.filter(|(_, least)| least.0 < views) else { return };
                let least = least.clone();
                self.0.remove(&least);
            }
            self.0.insert(name.clone(), Remembered(views));
        }
    }

    /// The views of the most viewed one.
    pub(super) fn most(&self) -> Option<Remembered> {
        self.0.values().copied().max_by(|one, other| one.0.total_cmp(&other.0))
    }

    /// Lets the most viewed ones go, so many at most; in the order of their names.
    pub(super) fn take(&mut self, most: usize) -> Vec<(String, Remembered)> {
        let mut waiting: Vec<_> = std::mem::take(&mut self.0).into_iter().collect();
        waiting.sort_by(|one, other| other.1.0.total_cmp(&one.1.0));
        self.0 = waiting.split_off(most.min(waiting.len())).into_iter().collect();
        waiting.sort_by(|one, other| one.0.cmp(&other.0));
        waiting
    }

    /// Has one wait who lost its place to one who waited.
    pub(super) fn put(&mut self, name: String, views: Remembered) {
        self.0.insert(name, views);
    }
}
