//! Alarms against labels.

use std::{collections::BTreeMap, fmt};

use contoso_handlers::domain::anomaly::{Kind, Scope};
use serde::Serialize;

use super::{Alarm, inject::Label};

/// Minutes after the end of an anomaly in which its alarm still counts.
const GRACE: i64 = 5;

/// How a detector did. An alarm is right if its scope is the label's and it is up or down as the label is, between the label's begin and
/// five minutes after its end; further right alarms for the same label count as neither right nor false. Every other is false.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// Anomalies injected.
    pub labels: usize,
    /// Of them, those found.
    pub found: usize,
    /// Of those found, how many were called what they were (spike, drop or outage).
    pub named: usize,
    /// False alarms.
    pub false_alarms: usize,
    /// Of them, those while something else was injected.
    pub echoes: usize,
    /// Days scored.
    pub days: i64,
    /// Right alarms of all alarms, one for each label.
    pub precision: f64,
    /// Found of injected.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
    /// Minutes from an anomaly's begin to the end of the minute that raised it: half of them within this.
    pub delay_median: i64,
    /// Nine tenths of them within this.
    pub delay_p90: i64,
    /// False alarms a day.
    pub false_per_day: f64,
    /// Found and injected, by level and kind.
    by_part: BTreeMap<String, (usize, usize)>,
    #[serde(skip)]
    delays: Vec<i64>,
}

impl Score {
    /// Adds one run.
    pub(super) fn add(&mut self, labels: &[Label], alarms: &[Alarm], days: i64) {
        self.days += days;
        let mut is_told = vec![false; labels.len()];
        for alarm in alarms {
            let is_up = alarm.kind == Kind::Spike;
            let right = labels.iter().position(|label| {
                label.scope == alarm.scope
                    && (label.kind == Kind::Spike) == is_up
                    && (label.minutes.start..label.minutes.end + GRACE).contains(&alarm.minute)
            });
            if let Some(place) = right {
                if !is_told[place] {
                    is_told[place] = true;
                    self.delays.push(alarm.minute + 1 - labels[place].minutes.start);
                    self.named += usize::from(labels[place].kind == alarm.kind);
                }
                continue;
            }
            self.false_alarms += 1;
            let around = |label: &Label| (label.minutes.start..label.minutes.end + 60).contains(&alarm.minute);
            self.echoes += usize::from(labels.iter().any(around));
        }
        for (label, is_told) in labels.iter().zip(is_told) {
            let level = match label.scope {
                Scope::Total => "total",
                Scope::Category(_) => "category",
                Scope::Product(_) => "product",
            };
            let (found, injected) = self.by_part.entry(format!("{level} {}", label.kind)).or_default();
            *found += usize::from(is_told);
            *injected += 1;
            self.found += usize::from(is_told);
            self.labels += 1;
        }
    }

    /// Computes what is derived.
    pub(super) fn finish(&mut self) {
        self.delays.sort_unstable();
        let at = |part: f64| {
            let place = (self.delays.len() as f64 * part) as usize;
            self.delays.get(place.min(self.delays.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        (self.delay_median, self.delay_p90) = (at(0.5), at(0.9));
        self.precision = ratio(self.found, self.found + self.false_alarms);
        self.recall = ratio(self.found, self.labels);
        let sum = self.precision + self.recall;
        self.f1 = if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 };
        self.false_per_day = ratio(self.false_alarms, usize::try_from(self.days).unwrap_or_default());
    }

    /// Found of injected, by level and kind.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, String)> {
        self.by_part.iter().map(|(what, (found, injected))| (what.as_str(), format!("{found} of {injected}")))
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            precision, recall, f1, delay_median, delay_p90, false_per_day, labels, named, found, echoes, ..
        } = self;
        write!(
            f,
            "{precision:9.3} {recall:7.3} {f1:6.3} {delay_median:8} min {delay_p90:4} {false_per_day:11.2} {labels:11}  ({named} of {found} named right, {echoes} false during another)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_right_repeated_or_false() {
        let label = |scope, kind, minutes| Label { scope, kind, minutes, factor: 0.0 };
        let labels = [label(Scope::Total, Kind::Outage, 100..150), label(Scope::Total, Kind::Spike, 900..950)];
        let alarm = |scope, kind, minute| Alarm { scope, kind, minute };
        let alarms = [
            alarm(Scope::Total, Kind::Drop, 99),
            alarm(Scope::Total, Kind::Drop, 101),
            alarm(Scope::Total, Kind::Outage, 154),
            alarm(Scope::Total, Kind::Spike, 120),
            alarm(Scope::Product("a".to_owned()), Kind::Outage, 120),
            alarm(Scope::Total, Kind::Drop, 500),
        ];
        let mut score = Score::default();
        score.add(&labels, &alarms, 2);
        score.finish();
        assert_eq!((score.labels, score.found, score.named, score.false_alarms, score.echoes), (2, 1, 0, 4, 2));
        assert_eq!((score.precision, score.recall, score.false_per_day), (0.2, 0.5, 2.0));
        assert_eq!((score.delay_median, score.delay_p90), (2, 2));
    }
}
