//! Metrics: the newest point of each series, and by how much counters and histograms grew in the last minutes.
//!
//! A series is what one process tells under one name with one set of attributes ("OpenTelemetry Metrics Data Model").
//! Whether it tells totals or what came since last time, totals are kept.

mod growth;
mod message;
mod reading;
mod series;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, time::Duration};

use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use time::OffsetDateTime;
use xxhash_rust::xxh3::xxh3_128;

use self::message::{Point, Update};
pub use self::{
    growth::Growth,
    reading::{Histogram, Reading, Summary},
    series::{Series, WINDOW},
};

/// How long a series counts as present of which nobody tells again. A process tells of all its series each time.
pub(super) const FRESH: Duration = WINDOW;

/// Most series, and most bytes of them.
const SERIES: usize = 10_000;
const BYTES: usize = 16 << 20;

/// All series.
#[derive(Default)]
pub(super) struct AllSeries {
    /// By the hash of what makes them different. An honest one is met twice in 2¹²⁸.
    series: HashMap<u128, Series>,
    bytes: usize,
}

impl AllSeries {
    /// Takes the points of a message; how many are none.
    pub(super) fn add(&mut self, metrics: ResourceMetrics, now: OffsetDateTime) -> usize {
        let (points, rejected) = Point::read_all(metrics);
        for point in points {
            self.take(point, now);
        }
        if self.series.len() > SERIES || self.bytes > BYTES {
            self.make_room();
        }
        rejected
    }

    fn take(&mut self, point: Point, now: OffsetDateTime) {
        let key = key(&point);
        let Point { series: told, update, temporality, started, .. } = point;
        let Update::Reading(reading) = update else {
            if let Some(gone) = self.series.remove(&key) {
                self.bytes -= gone.size();
            }
            return;
        };
        match self.series.get_mut(&key) {
            Some(series) => {
                self.bytes -= series.size();
                series.update(reading, temporality, started, now);
                self.bytes += series.size();
            }
            None => {
                let series = Series::new(told, reading, temporality, started, now);
                self.bytes += series.size();
                self.series.insert(key, series);
            }
        }
    }

    /// Removes series that nobody has told of since.
    pub(super) fn expire(&mut self, since: OffsetDateTime) {
        let bytes = &mut self.bytes;
        self.series.retain(|_, series| {
            let kept = series.received >= since;
            if !kept {
                *bytes -= series.size();
            }
            kept
        });
    }

    /// Removes those of which nobody has told for longest: a tenth at a time, so that a flood is no work for each.
    fn make_room(&mut self) {
        while self.series.len() > SERIES || self.bytes > BYTES {
            let mut oldest: Vec<_> = self.series.iter().map(|(key, series)| (series.received, *key)).collect();
            oldest.sort_unstable();
            for (_, key) in &oldest[..oldest.len().div_ceil(10)] {
                if let Some(gone) = self.series.remove(key) {
                    self.bytes -= gone.size();
                }
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Series> {
        self.series.values()
    }

    /// By how much the series of a name grew, by the values of some attributes.
    pub(super) fn growth(&self, metric: &str, by: &[&str], now: OffsetDateTime) -> Vec<Growth> {
        let mut groups = std::collections::BTreeMap::new();
        for series in self.iter().filter(|series| series.name == metric) {
            let Some((grown, over)) = series.growth(now) else { continue };
            let values: Vec<_> = by.iter().map(|name| series.written(name)).collect();
            groups.entry(values.clone()).or_insert_with(|| Growth::none(values)).add(&grown, over);
        }
        groups.into_values().collect()
    }
}

/// What makes a series different from others, hashed.
fn key(point: &Point) -> u128 {
    let series = &point.series;
    let mut text = String::new();
    for part in [&series.name, &series.unit, &series.scope] {
        text.push_str(part);
        text.push('\0');
    }
    text.push_str(point.kind);
    for attributes in [series.resource.as_ref(), &series.attributes] {
        for (name, value) in attributes.iter() {
            text.push('\0');
            text.push_str(name);
            text.push('\0');
            text.push_str(&value.to_string());
        }
        text.push('\n');
    }
    xxh3_128(text.as_bytes())
}
