//! Categories and products: parts of what is common around them.

use serde::{Deserialize, Serialize};

use super::{
    record::Scope,
    share::{HourlyShare, Share},
    tuning::{self, CATEGORY, Design, PRODUCT},
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
}

impl Category {
    pub(super) fn new(name: String) -> Self {
        Self { name, share: HourlyShare::default(), watch: Watch::default() }
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
        Self { category, share: Share::default(), watch: Watch::default() }
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
