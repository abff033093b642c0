//! All views of the shop: season, trend, and a plain level while there is no season yet.

use serde::{Deserialize, Serialize};

use super::{
    record::Scope,
    season::Season,
    short,
    tuning::{self, CATEGORY, TOTAL},
    watch::{Rule, Sample, Turn, Watch},
};

/// The total under watch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Total {
    pub(super) watch: Watch,
    season: Season,
    /// Average of the last minutes.
    #[serde(serialize_with = "short")]
    level: f64,
    minutes: u32,
    #[serde(serialize_with = "short")]
    views: f64,
}

impl Total {
    /// Whether enough was seen to judge.
    pub(super) fn is_warm(&self) -> bool {
        self.minutes >= tuning::WARM_MINUTES && self.views >= tuning::WARM_VIEWS
    }

    /// See [`Season::go_back`].
    pub(super) fn go_back(&mut self, minute: i64) {
        self.season.go_back(minute);
    }

    /// Takes in a minute with so many views common to all.
    pub(super) fn observe(&mut self, minute: i64, observed: f64) -> Turn {
        let seasonal = self.season.expected(minute);
        let sample = Sample { minute, observed, expected: seasonal.unwrap_or(self.level) };
        let turn = if self.is_warm() {
            let rule = match seasonal {
                Some(_) if self.season.knows(minute) => Rule { design: TOTAL, new_normal: tuning::NEW_NORMAL, ..RULE },
                _ => RULE,
            };
            self.watch.observe(|| Scope::Total, sample, &rule)
        } else {
            Turn::None
        };
        if let Turn::Accepted(_, ratio) = &turn {
            self.season.scale(*ratio);
            self.level *= ratio;
        }
        if self.watch.open.is_none() {
            self.learn(sample);
        }
        turn
    }

    fn learn(&mut self, sample: Sample) {
        let Sample { minute, observed, expected } = sample;
        if self.minutes > 0 {
            self.watch.learn(sample);
        }
        self.season.learn(minute, observed);
        self.minutes = self.minutes.saturating_add(1);
        self.views += observed;
        let rate = (1.0 / f64::from(self.minutes)).max(tuning::LEVEL);
        let most = if self.minutes > 1 { expected * 2.0 + 10.0 } else { f64::MAX };
        self.level += rate * (observed.min(most) - self.level);
    }
}

/// Without a season that knows the weekday.
const RULE: Rule = Rule {
    design: CATEGORY,
    needed: tuning::EVIDENCE,
    new_normal: tuning::NEW_NORMAL_WITHOUT_SEASON,
    least_rise: tuning::LEAST_RISE,
};
