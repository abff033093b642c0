//! Alarm state of one series: from evidence to an open anomaly and back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    dispersion::Dispersion,
    evidence::{self, Run},
    record::{Anomaly, Kind, Scope, id_of, time_of},
    short,
    tuning::{self, Design},
};

/// What is known of one series: its dispersion, the evidence of the last minutes, and its anomaly while it has one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    #[serde(rename = "d")]
    pub(super) dispersion: Dispersion,
    /// Evidence for each factor of the design.
    #[serde(rename = "e", default, skip_serializing_if = "BTreeMap::is_empty")]
    runs: BTreeMap<usize, Run>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(super) open: Option<Box<Open>>,
}

/// An anomaly that lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) anomaly: Anomaly,
    /// Whether it was raised; one that was found in minutes long past is not, until it is seen to last.
    pub(super) is_raised: bool,
    /// The minute that confirmed it.
    since: i64,
    /// Evidence that all is normal again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recovery: Option<Run>,
    /// Averages of the last hour or so, for the new normal.
    #[serde(serialize_with = "short")]
    observed: f64,
    #[serde(serialize_with = "short")]
    expected: f64,
}

/// One minute of one series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) minute: i64,
    pub(super) observed: f64,
    pub(super) expected: f64,
}

/// How a series is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) design: Design,
    /// Evidence that raises.
    pub(super) needed: f64,
    /// Minutes after which an anomaly is the new normal.
    pub(super) new_normal: i64,
    /// Excess below which a rise is none.
    pub(super) least_rise: f64,
}

/// What a minute changed.
#[derive(Debug)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// An anomaly begins; its strength ranks it among others.
    Opened(f64),
    /// The anomaly has ended.
    Cleared(Box<Open>),
    /// The anomaly has lasted so long that it is normal: what is expected must be multiplied by this.
    Accepted(Box<Open>, f64),
}

impl Watch {
    /// Takes in one minute.
    pub(super) fn observe(&mut self, scope: impl FnOnce() -> Scope, sample: Sample, rule: &Rule) -> Turn {
        if self.open.is_some() { self.follow(sample, rule) } else { self.look(scope, sample, rule) }
    }

    /// Forgets the evidence: something else explains it.
    pub(super) fn forget(&mut self) {
        self.runs.clear();
    }

    /// Ends an anomaly that a minute confirmed which has not come yet, at `minute`, and forgets what later minutes said of others.
    pub(super) fn go_back(&mut self, minute: i64) -> Option<Box<Open>> {
        if let Some(open) = &mut self.open {
            open.recovery = None;
        }
        let mut ended = self.open.take_if(|open| open.since >= minute)?;
        ended.anomaly.ended_at = Some(time_of(minute).max(ended.anomaly.started_at));
        Some(ended)
    }

    /// Learns how the counts spread. Not called during anomalies.
    pub(super) fn learn(&mut self, sample: Sample) {
        self.dispersion.learn(sample.observed, sample.expected);
    }

    fn look(&mut self, scope: impl FnOnce() -> Scope, sample: Sample, rule: &Rule) -> Turn {
        let Sample { minute, observed, expected } = sample;
        let dispersion = self.dispersion.factor();
        for (place, factor) in rule.design.0.into_iter().enumerate() {
            let gain = evidence::gain(observed, expected, factor, dispersion);
            let run = self.runs.remove(&place);
            if let Some(run) = evidence::add(run, gain, rule.needed, minute, observed, expected) {
                self.runs.insert(place, run);
            }
        }
        let decides = |(place, run): &(&usize, &Run)| {
            let is_worth_it = !Design::is_rise(**place) || run.observed - run.expected >= rule.least_rise;
            run.evidence >= rule.needed && is_worth_it
        };
        let strongest =
            self.runs.iter().filter(decides).max_by(|one, other| one.1.evidence.total_cmp(&other.1.evidence));
        let Some((&place, run)) = strongest else { return Turn::None };
        let kind = if Design::is_rise(place) {
            Kind::Spike
        } else if run.observed <= tuning::OUTAGE * run.expected {
            Kind::Outage
        } else {
            Kind::Drop
        };
        let anomaly = anomaly(scope(), kind, run, sample, dispersion, rule.design);
        let strength = anomaly.score;
        self.open =
            Some(Box::new(Open { anomaly, is_raised: false, since: minute, recovery: None, observed, expected }));
        self.forget();
        self.dispersion.pause();
        Turn::Opened(strength)
    }

    fn follow(&mut self, sample: Sample, rule: &Rule) -> Turn {
        let Sample { minute, observed, expected } = sample;
        let dispersion = self.dispersion.factor();
        let Some(mut open) = self.open.take() else { return Turn::None };
        let (factor, peak) = match open.anomaly.kind {
            Kind::Spike => (rule.design.rise(), open.anomaly.peak.max(observed)),
            Kind::Drop | Kind::Outage => (rule.design.drop(), open.anomaly.peak.min(observed)),
        };
        let mut gain = -evidence::gain(observed, expected, factor, dispersion);
        if gain >= 0.0 {
            // In line: then it is compared with the anomaly as it was too. Where little is expected, the mildest change explains the
            // silence after a spike for long, but the spike itself does not.
            gain = gain.max(open.against(sample) / dispersion);
        }
        // The minute's part of it is capped like that of the evidence before: two minutes at least.
        open.recovery = evidence::add(open.recovery, gain, tuning::CLEARING, minute, observed, expected);
        open.observed += tuning::LEVEL / 4.0 * (observed - open.observed);
        open.expected += tuning::LEVEL / 4.0 * (expected - open.expected);
        if let Some(recovery) = open.recovery.as_ref().filter(|run| run.evidence >= tuning::CLEARING) {
            open.anomaly.ended_at = Some(time_of(recovery.first));
            return Turn::Cleared(open);
        }
        if open.recovery.is_none() {
            open.anomaly.peak = rounded(peak);
        }
        if minute - open.since >= rule.new_normal {
            open.anomaly.ended_at = Some(time_of(minute));
            let ratio = if open.expected > 0.0 { open.observed / open.expected } else { 1.0 };
            return Turn::Accepted(open, ratio);
        }
        self.open = Some(open);
        Turn::None
    }
}

impl Open {
    /// How much better (nats, were it Poisson) the expectation explains a minute than the anomaly as it was, grown and shrunk with what
    /// is expected. A minute without a view is none of a spike of so many views either, however little is expected now.
    fn against(&self, Sample { observed, expected, .. }: Sample) -> f64 {
        let then = self.anomaly.observed / self.anomaly.expected.max(LEAST_EXPECTED);
        if observed == 0.0 && self.anomaly.kind == Kind::Spike {
            return (then * expected).max(self.anomaly.observed) - expected;
        }
        -evidence::gain(observed, expected, then.max(LEAST_EXPECTED), 1.0)
    }
}

/// What is expected of a series at least, as what is observed of an outage: the logarithm needs something.
const LEAST_EXPECTED: f64 = 0.01;

fn anomaly(scope: Scope, kind: Kind, run: &Run, sample: Sample, dispersion: f64, design: Design) -> Anomaly {
    let minutes = (sample.minute - run.first).max(1) as f64;
    let (observed, expected) = (run.observed / minutes, run.expected / minutes);
    // Out of line is what adds evidence, and beyond chance.
    let chance = 3.0 * (dispersion * expected).sqrt();
    let no_drop = expected * (design.drop() - 1.0) / design.drop().ln();
    let no_rise = expected * (design.rise() - 1.0) / design.rise().ln();
    let deviation = (dispersion * run.expected).sqrt().max(1.0);
    Anomaly {
        id: id_of(&scope, kind, run.first),
        scope,
        kind,
        started_at: time_of(run.first),
        detected_at: time_of(sample.minute + 1),
        ended_at: None,
        observed: rounded(observed),
        expected_low: rounded((expected - chance).min(no_drop).max(0.0)),
        expected: rounded(expected),
        expected_high: rounded((expected + chance).max(no_rise)),
        score: rounded((run.observed - run.expected).abs() / deviation),
        peak: rounded(sample.observed),
    }
}

/// Two decimals: people read these.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
