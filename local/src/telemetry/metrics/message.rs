//! Points of the wire.

use std::sync::Arc;

use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint,
    ResourceMetrics, SummaryDataPoint, metric::Data, number_data_point,
};
use time::OffsetDateTime;

use super::reading::{Histogram, Reading, Summary};
use crate::telemetry::{
    attributes::{Attributes, Resource},
    span::instant,
};

/// Most buckets of a histogram; exporters make 160 at most.
const BUCKETS: usize = 1024;

/// A point, and the series it is of.
pub(super) struct Point {
    pub(super) series: Told,
    /// Kind of its reading: under one name two kinds are two series.
    pub(super) kind: &'static str,
    pub(super) update: Update,
    pub(super) temporality: Temporality,
    pub(super) started: Option<OffsetDateTime>,
}

/// What the wire says of a series.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) resource: Arc<Resource>,
    pub(super) scope: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) unit: String,
    pub(super) attributes: Attributes,
}

pub(super) enum Update {
    Reading(Reading),
    /// The sender has nothing more to tell of it.
    Gone,
}

/// What the readings of a series add up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Temporality {
    /// All there has been.
    Cumulative,
    /// What has been since the reading before.
    Delta,
}

/// A point of any kind, without its value.
struct Frame {
    attributes: Vec<opentelemetry_proto::tonic::common::v1::KeyValue>,
    started: u64,
    flags: u32,
}

macro_rules! frame {
    ($point:ident) => {
        Frame {
            attributes: std::mem::take(&mut $point.attributes),
            started: $point.start_time_unix_nano,
            flags: $point.flags,
        }
    };
}

impl Point {
    /// The points of a message, and how many are none.
    pub(super) fn read_all(message: ResourceMetrics) -> (Vec<Self>, usize) {
        let resource = Arc::new(Attributes::of_resource(message.resource));
        let (mut points, mut rejected) = (Vec::new(), 0);
        for scope in message.scope_metrics {
            let name = scope.scope.map(|scope| scope.name).unwrap_or_default();
            for mut metric in scope.metrics {
                let Some((kind, framed, temporality)) = metric.data.take().map(readings) else { continue };
                let told = Told {
                    resource: Arc::clone(&resource),
                    scope: name.clone(),
                    name: metric.name,
                    description: metric.description,
                    unit: metric.unit,
                    attributes: Attributes::default(),
                };
                for (frame, reading) in framed {
                    let gone = frame.flags & DataPointFlags::NoRecordedValueMask as u32 != 0;
                    let update = match reading {
                        _ if gone => Update::Gone,
                        Some(reading) => Update::Reading(reading),
                        None => {
                            rejected += 1;
                            continue;
                        }
                    };
                    let series = Told { attributes: Attributes::read(frame.attributes), ..told.clone() };
                    let started = (frame.started > 0).then(|| instant(frame.started));
                    points.push(Self { series, kind, update, temporality, started });
                }
            }
        }
        (points, rejected)
    }
}

/// The points of a metric; one without a reading makes no sense.
fn readings(data: Data) -> (&'static str, Vec<(Frame, Option<Reading>)>, Temporality) {
    let temporality = |value| match AggregationTemporality::try_from(value) {
        Ok(AggregationTemporality::Delta) => Temporality::Delta,
        _ => Temporality::Cumulative,
    };
    match data {
        Data::Gauge(gauge) => ("gauge", numbers(gauge.data_points, Reading::Gauge), Temporality::Cumulative),
        Data::Sum(sum) => {
            let (kind, reading): (_, fn(f64) -> Reading) =
                if sum.is_monotonic { ("counter", Reading::Counter) } else { ("gauge", Reading::Gauge) };
            (kind, numbers(sum.data_points, reading), temporality(sum.aggregation_temporality))
        }
        Data::Histogram(histogram) => {
            let points = histogram.data_points.into_iter().map(|mut point| (frame!(point), buckets(point)));
            ("histogram", points.collect(), temporality(histogram.aggregation_temporality))
        }
        Data::ExponentialHistogram(histogram) => {
            let points = histogram.data_points.into_iter().map(|mut point| (frame!(point), exponential(&point)));
            ("histogram", points.collect(), temporality(histogram.aggregation_temporality))
        }
        Data::Summary(summary) => {
            let points = summary.data_points.into_iter().map(|mut point| (frame!(point), Some(quantiles(&point))));
            ("summary", points.collect(), Temporality::Cumulative)
        }
    }
}

fn numbers(points: Vec<NumberDataPoint>, reading: fn(f64) -> Reading) -> Vec<(Frame, Option<Reading>)> {
    let read = |mut point: NumberDataPoint| {
        let value = point.value.map(|value| match value {
            number_data_point::Value::AsDouble(value) => value,
            #[expect(clippy::cast_precision_loss, reason = "as every tool that reads metrics does")]
            number_data_point::Value::AsInt(value) => value as f64,
        });
        (frame!(point), value.map(reading))
    };
    points.into_iter().map(read).collect()
}

fn buckets(point: HistogramDataPoint) -> Option<Reading> {
    let HistogramDataPoint { count, sum, bucket_counts: counts, explicit_bounds: bounds, .. } = point;
    let fits = (counts.is_empty() && bounds.is_empty()) || counts.len() == bounds.len() + 1;
    let ascends = bounds.iter().all(|bound| bound.is_finite()) && bounds.is_sorted_by(|one, next| one < next);
    // Buckets must hold what is counted; sums that overflow are no honest ones.
    let held = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count))?;
    let counted = counts.is_empty() || held == count;
    (fits && ascends && counted && counts.len() <= BUCKETS).then_some(Reading::Histogram(Histogram {
        count,
        sum,
        bounds,
        counts,
    }))
}

/// Buckets whose bounds are powers of `2^(2^-scale)`, with their bounds written out. Their bounds belong to the buckets above
/// them where these here belong to those below, which only matters for values that are bounds.
fn exponential(point: &ExponentialHistogramDataPoint) -> Option<Reading> {
    let base = (-f64::from(point.scale)).exp2().exp2();
    let bound = |index: i64| {
        #[expect(clippy::cast_precision_loss, reason = "an index of 32 bits and a number of buckets")]
        let exponent = index as f64;
        base.powf(exponent)
    };
    let mut bounded = Vec::new();
    if let Some(negative) = &point.negative {
        let buckets: Vec<_> = (i64::from(negative.offset)..).zip(&negative.bucket_counts).collect();
        bounded.extend(buckets.into_iter().rev().map(|(index, count)| (-bound(index), *count)));
    }
    let nothing = point.zero_threshold.max(0.0);
    bounded.push((nothing, point.zero_count));
    if let Some(positive) = &point.positive {
        let first = bound(positive.offset.into());
        if first > nothing {
            bounded.push((first, 0));
        }
        for (index, count) in (i64::from(positive.offset)..).zip(&positive.bucket_counts) {
            bounded.push((bound(index + 1), *count));
        }
    }
    let (bounds, mut counts): (Vec<_>, Vec<_>) = bounded.into_iter().unzip();
    counts.push(0);
    buckets(HistogramDataPoint {
        count: point.count,
        sum: point.sum,
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..HistogramDataPoint::default()
    })
}

fn quantiles(point: &SummaryDataPoint) -> Reading {
    let quantiles = point.quantile_values.iter().map(|value| (value.quantile, value.value)).collect();
    Reading::Summary(Summary { count: point.count, sum: point.sum, quantiles })
}
