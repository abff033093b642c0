//! Categories and products: parts of what is common around them.

use serde::{Deserialize, Serialize};

use super::{
    record::Scope,
    share::{HourlyShare, Share},
    tuning::{self, CATEGORY, Design, PRODUCT},
    waiting::Remembered,
    watch::{Rule, Sample, Turn, Watch},
};

/// A category under watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Category {
    /// Empty for the products without a category, which are no category that could be raised.
    pub(super) name: String,
    #[serde(rename = "s")]
    pub(super) share: HourlyShare,
    #[serde(rename = "w")]
    pub(super) watch: Watch,
    /// What its place is measured by. Documents from before it was counted say nothing of it.
    #[serde(rename = "v", default)]
    pub(super) views: Remembered,
}

/// A product under watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Product {
    /// Place of its category.
    #[serde(rename = "c")]
    pub(super) category: usize,
    #[serde(rename = "s")]
    pub(super) share: Share,
    #[serde(rename = "w")]
    pub(super) watch: Watch,
    /// Another place that it was named at, and in how many minutes in a row of those that named a place.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(super) moving: Option<(usize, u32)>,
}

impl Category {
    pub(super) fn new(name: String) -> Self {
        Self { name, share: HourlyShare::default(), watch: Watch::default(), views: Remembered::default() }
    }

    /// Takes in a minute in which the category had `observed` views where what is common to all had `around`.
    pub(super) fn observe(&mut self, minute: i64, observed: f64, around: f64, judge: Option<f64>) -> Turn {
        let Some(share) = self.share.value(minute) else {
            self.share.learn(minute, observed, around);
            return Turn::None;
        };
        let sample = Sample { minute, observed, expected: around * share };
        let is_judged = !self.name.is_empty() && self.share.overall.minutes >= tuning::WARM_CHILD_MINUTES;
        let name = &self.name;
        let scope = || Scope::Category(name.clone());
        let turn = judged(&mut self.watch, scope, sample, CATEGORY, judge.filter(|_| is_judged));
        if let Turn::Accepted(_, ratio) = &turn {
            self.share.scale(*ratio);
        }
        if self.watch.open.is_none() {
            let observed = winsorized(&self.watch, sample);
            self.share.learn(minute, observed, around);
            self.watch.learn(sample);
        }
        turn
    }
}

impl Product {
    pub(super) fn new(category: usize) -> Self {
        Self { category, share: Share::default(), watch: Watch::default(), moving: None }
    }

    /// Hears where a minute's last click listed it, and moves there in the end.
    ///
    /// A move is a new beginning, for its part of another category is another one. So it needs more than some clicks, which anybody can
    /// send, or a product that is listed twice would never be judged. Only who has no category yet takes the first one.
    pub(super) fn listed(&mut self, place: usize) {
        if place == self.category {
            self.moving = None;
        } else if self.watch.open.is_none() {
            let before = self.moving.filter(|(to, _)| *to == place).map_or(0, |(_, minutes)| minutes);
            if self.category == 0 || before + 1 >= tuning::MOVED_MINUTES {
                *self = Self::new(place);
            } else {
                self.moving = Some((place, before + 1));
            }
        }
    }

    /// Takes in a minute in which the product had `observed` views where what is common to its category had `around`.
    pub(super) fn observe(&mut self, id: &str, minute: i64, observed: f64, around: f64, judge: Option<f64>) -> Turn {
        let Some(share) = self.share.value() else {
            self.share.learn(observed, around, tuning::SHARE);
            return Turn::None;
        };
        let sample = Sample { minute, observed, expected: around * share };
        let is_judged = self.share.minutes >= tuning::WARM_CHILD_MINUTES;
        let scope = || Scope::Product(id.to_owned());
        let turn = judged(&mut self.watch, scope, sample, PRODUCT, judge.filter(|_| is_judged));
        if let Turn::Accepted(_, ratio) = &turn {
            self.share.scale(*ratio);
        }
        if self.watch.open.is_none() {
            self.share.learn(winsorized(&self.watch, sample), around, tuning::SHARE);
            self.watch.learn(sample);
        }
        turn
    }
}

/// Judges a child if `needed`, the evidence that raises, is given.
fn judged(
    watch: &mut Watch,
    scope: impl FnOnce() -> Scope,
    sample: Sample,
    design: Design,
    needed: Option<f64>,
) -> Turn {
    let Some(needed) = needed else { return Turn::None };
    let rule = Rule { design, needed, new_normal: tuning::NEW_NORMAL, least_rise: tuning::LEAST_RISE };
    watch.observe(scope, sample, &rule)
}

/// The views that a share learns from: surprises count for less than they are. The few views of small products are none.
fn winsorized(watch: &Watch, sample: Sample) -> f64 {
    let limit = tuning::WINSOR * (watch.dispersion.factor() * sample.expected).sqrt() + 5.0;
    sample.observed.min(sample.expected + limit)
}
