//! How well anomalies are found: labelled spikes, drops and outages are injected into simulated and into real traffic, which the
//! detector and a plain z-score then see minute by minute.

mod inject;
mod log;
mod score;
mod simulated;
mod zscore;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use contoso_handlers::domain::anomaly::{Anomaly, Change, Detector, Kind, Minute, Scope};
use rand::{SeedableRng, rngs::StdRng};
use serde::Serialize;

use self::{inject::Label, score::Score, simulated::Size, zscore::ZScore};

/// Days that are seen before anything is injected or scored.
pub const WARM_UP_DAYS: i64 = 14;
/// Days that are scored, of simulated traffic.
pub const SIMULATED_DAYS: i64 = 28;
/// Minutes of a day.
const DAY: i64 = 24 * 60;
/// 2026-01-05, a Monday, where simulated traffic begins.
const FIRST_DAY: i64 = 20_458;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The first seed; the others follow it.
    pub seed: u64,
    /// How many seeds.
    pub seeds: u64,
    /// A log of real clicks.
    pub file: Option<PathBuf>,
}

impl Plan {
    /// Each seed, from the first on; after the largest comes 0.
    fn all_seeds(&self) -> impl Iterator<Item = u64> {
        let first = self.seed;
        (0..self.seeds).map(move |number| first.wrapping_add(number))
    }
}

/// One sort of traffic, all seeds together.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// What it was.
    pub traffic: String,
    /// Views a minute, on average.
    pub views_per_minute: f64,
    /// The detector of the app.
    pub detector: Score,
    /// The z-score it is compared with.
    pub z_score: Score,
}

/// All figures.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// By sort of traffic.
    pub figures: Vec<Figures>,
}

/// An alarm of either detector.
#[derive(Clone, Debug)]
struct Alarm {
    scope: Scope,
    kind: Kind,
    /// The minute whose counts raised it.
    minute: i64,
}

/// Injected anomalies by their effect on one product.
type Factor<'a> = dyn Fn(&str, &str) -> f64 + 'a;

/// Traffic of one seed: minute by minute, with whatever is injected.
trait Traffic {
    /// The views of the next minute; `factor` says by category and product what they are to be multiplied with.
    fn minute(&mut self, minute: i64, factor: &Factor<'_>) -> Minute;
}

/// Measures.
///
/// # Errors
/// When the log cannot be read.
pub fn run(plan: &Plan) -> anyhow::Result<Report> {
    // The log first: simulated traffic takes a minute, after which nobody wants to hear of a file that is not there.
    let mut first = plan.file.as_deref().map(|file| read(file, plan.seed)).transpose()?;
    let mut figures = Vec::new();
    for size in [Size::LARGE, Size::SMALL] {
        let mut both = Both::default();
        for seed in plan.all_seeds() {
            let mut shop = simulated::Shop::new(size, seed);
            let last = FIRST_DAY + WARM_UP_DAYS + SIMULATED_DAYS;
            let labels = inject::simulated(&shop, FIRST_DAY + WARM_UP_DAYS, last, &mut StdRng::seed_from_u64(!seed));
            both.run(&mut shop, &labels, FIRST_DAY..last);
        }
        figures.push(both.figures(format!("simulated, {}", size.name)));
    }
    if let Some(file) = &plan.file {
        let mut both = Both::default();
        for seed in plan.all_seeds() {
            let mut log = first.take().map_or_else(|| read(file, seed), Ok)?;
            let days = log.days();
            let labels = inject::real(&log, days.start + WARM_UP_DAYS, days.end, &mut StdRng::seed_from_u64(!seed));
            both.run(&mut log, &labels, days);
        }
        figures.push(both.figures("a real log, spread over each day".to_owned()));
    }
    Ok(Report { figures })
}

/// Reads a log of enough days.
fn read(file: &Path, seed: u64) -> anyhow::Result<log::Log> {
    let log = log::Log::read(file, seed)?;
    let days = log.days().count();
    anyhow::ensure!(
        log.days().end - log.days().start > WARM_UP_DAYS,
        "{}: the log spans {days} days, of which the first {WARM_UP_DAYS} are only learned from; it must span more",
        file.display()
    );
    Ok(log)
}

/// Both detectors on the same traffic.
#[derive(Default)]
struct Both {
    detector: Score,
    z_score: Score,
    views: u64,
    minutes: u64,
}

impl Both {
    fn run(&mut self, traffic: &mut dyn Traffic, labels: &[Label], days: std::ops::Range<i64>) {
        let (mut detector, mut z_score) = (Detector::default(), ZScore::default());
        let (mut found, mut crossed) = (Vec::new(), Vec::new());
        let scored = (days.start + WARM_UP_DAYS) * DAY;
        for at in days.start * DAY..days.end * DAY {
            let present: Vec<&Label> = labels.iter().filter(|label| label.minutes.contains(&at)).collect();
            let factor = |category: &str, product: &str| -> f64 {
                present.iter().filter(|label| label.covers(category, product)).map(|label| label.factor).product()
            };
            let minute = traffic.minute(at, &factor);
            self.views += minute.views;
            self.minutes += 1;
            let raised = detector.step(&minute, false).into_iter().filter_map(|change| match change {
                Change::Raised(Anomaly { scope, kind, .. }) => Some(Alarm { scope, kind, minute: at }),
                Change::Cleared(_) => None,
            });
            found.extend(raised.filter(|_| at >= scored));
            let alarms = z_score.step(&minute);
            crossed.extend(alarms.into_iter().filter(|_| at >= scored));
        }
        let days = days.end - days.start - WARM_UP_DAYS;
        self.detector.add(labels, &found, days);
        self.z_score.add(labels, &crossed, days);
    }

    fn figures(mut self, traffic: String) -> Figures {
        self.detector.finish();
        self.z_score.finish();
        let views_per_minute = (self.views as f64 / self.minutes.max(1) as f64 * 10.0).round() / 10.0;
        Figures { traffic, views_per_minute, detector: self.detector, z_score: self.z_score }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for figures in &self.figures {
            writeln!(f, "{} ({} views a minute)", figures.traffic, figures.views_per_minute)?;
            writeln!(f, "             precision  recall     F1   delay p50  p90   false/day   anomalies")?;
            writeln!(f, "  detector   {}", figures.detector)?;
            writeln!(f, "  z-score    {}", figures.z_score)?;
            for (what, part) in figures.detector.parts() {
                writeln!(f, "    {what:<18} found {part}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clickstream::HEADER;
    use crate::output;

    #[test]
    fn a_log_that_cannot_be_used_is_refused_before_anything_is_computed() {
        let error = |file: &Path| {
            let plan = Plan { seed: u64::MAX, seeds: 100, file: Some(file.to_owned()) };
            output::chain(run(&plan).expect_err("refused").as_ref())
        };
        let started = std::time::Instant::now();
        let missing = error(Path::new("/nowhere/clicks.csv"));
        assert!(missing.starts_with("cannot read the clicks in /nowhere/clicks.csv: "), "{missing}");
        let short = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(short.path(), format!("{}\n2008;4;1;1;29;1;1;A13;1;5;1;28;2;1\n", HEADER.join(";")))
            .expect("written");
        let short = error(short.path());
        assert!(short.contains(": the log spans 1 days, "), "{short}");
        // A hundred seeds of simulated traffic take half an hour.
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
    }
}
