//! What the detector is compared with: each series against the mean and standard deviation of its last hour, three of them away.

use std::collections::{BTreeMap, VecDeque};

use contoso_handlers::domain::anomaly::{Kind, Minute, Scope};

use super::Alarm;

/// Minutes of the rolling window.
const WINDOW: usize = 60;
/// Standard deviations from the mean that alarm.
const SIGMAS: f64 = 3.0;
/// Views a minute below which a standard deviation is not believed.
const LEAST_DEVIATION: f64 = 1.0;
/// An alarm within so many minutes of one in the same direction is the same.
const SAME: i64 = 5;

#[derive(Default)]
pub(super) struct ZScore {
    total: Series,
    categories: BTreeMap<String, Series>,
    products: BTreeMap<String, Series>,
}

#[derive(Default)]
struct Series {
    window: VecDeque<f64>,
    sum: f64,
    squares: f64,
    /// The last minutes above and below.
    last: [Option<i64>; 2],
}

impl ZScore {
    /// Takes in a minute, and returns the alarms that begin with it.
    pub(super) fn step(&mut self, minute: &Minute) -> Vec<Alarm> {
        let at = minute.minute;
        let mut alarms = Vec::new();
        let mut look = |series: &mut Series, views: u64, scope: &dyn Fn() -> Scope| {
            let kind = series.step(at, views as f64);
            alarms.extend(kind.map(|kind| Alarm { scope: scope(), kind, minute: at }));
        };
        look(&mut self.total, minute.views, &|| Scope::Total);
        for name in minute.categories.keys().filter(|name| !self.categories.contains_key(*name)).collect::<Vec<_>>() {
            self.categories.insert(name.clone(), Series::default());
        }
        for (name, series) in &mut self.categories {
            let views = minute.categories.get(name).map_or(0, |counted| counted.views);
            look(series, views, &|| Scope::Category(name.clone()));
        }
        for id in minute.products.keys().filter(|id| !self.products.contains_key(*id)).collect::<Vec<_>>() {
            self.products.insert(id.clone(), Series::default());
        }
        for (id, series) in &mut self.products {
            let views = minute.products.get(id).map_or(0, |counted| counted.views);
            look(series, views, &|| Scope::Product(id.clone()));
        }
        alarms
    }
}

impl Series {
    fn step(&mut self, minute: i64, views: f64) -> Option<Kind> {
        let mut alarm = None;
        if self.window.len() == WINDOW {
            let size = WINDOW as f64;
            let mean = self.sum / size;
            let deviation = (self.squares / size - mean * mean).max(0.0).sqrt().max(LEAST_DEVIATION);
            if (views - mean).abs() > SIGMAS * deviation {
                let (place, kind) = if views > mean { (0, Kind::Spike) } else { (1, Kind::Drop) };
                if self.last[place].is_none_or(|last| minute - last > SAME) {
                    alarm = Some(kind);
                }
                self.last[place] = Some(minute);
            }
            if let Some(oldest) = self.window.pop_front() {
                self.sum -= oldest;
                self.squares -= oldest * oldest;
            }
        }
        self.window.push_back(views);
        self.sum += views;
        self.squares += views * views;
        alarm
    }
}
