use std::time::Duration;

use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point::Value,
};
use proptest::prelude::*;
use time::OffsetDateTime;

use super::{AllSeries, BYTES, Histogram, Reading, SERIES, WINDOW};

fn counted(name: &str, value: f64, temporality: i32, started: OffsetDateTime) -> ResourceMetrics {
    let started = u64::try_from(started.unix_timestamp_nanos()).expect("after 1970");
    let point = NumberDataPoint {
        value: Some(Value::AsDouble(value)),
        start_time_unix_nano: started,
        ..NumberDataPoint::default()
    };
    let sum = Sum { data_points: vec![point], aggregation_temporality: temporality, is_monotonic: true };
    let metrics = vec![Metric { name: name.to_owned(), data: Some(Data::Sum(sum)), ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }
}

fn start() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

#[test]
fn a_counter_that_begins_anew_has_not_fallen() {
    let (mut all, mut now) = (AllSeries::default(), start());
    let second = Duration::from_secs(1);
    for (value, began, expected) in [(5.0, 0, 5.0), (7.0, 0, 7.0), (2.0, 8, 2.0), (3.0, 8, 3.0)] {
        now += 10 * second;
        all.add(counted("a", value, 2, start() + began * second), now);
        let growth = all.growth("a", &[], now);
        assert_eq!(growth[0].count, expected, "{value}");
    }
    let Reading::Counter(total) = all.iter().next().expect("one").reading else { panic!("a counter") };
    assert_eq!(total, 3.0);
}

#[test]
fn what_comes_in_pieces_is_added_up() {
    let (mut all, mut now) = (AllSeries::default(), start());
    for _ in 0..10 {
        let began = now;
        now += Duration::from_secs(10);
        all.add(counted("a", 2.0, 1, began), now);
    }
    let growth = all.growth("a", &[], now);
    assert_eq!((growth[0].count, growth[0].over), (20.0, Duration::from_secs(100)));
    assert!((growth[0].rate() - 0.2).abs() < 1e-9);
    assert_eq!(all.iter().next().expect("one").reading, Reading::Counter(20.0));
}

#[test]
fn a_flood_of_series_drops_the_oldest() {
    let (mut all, now) = (AllSeries::default(), start());
    for number in 0..SERIES + 10 {
        let second = Duration::from_secs(number as u64);
        all.add(counted(&format!("a{number}"), 1.0, 2, now), now + second);
    }
    assert!(all.series.len() <= SERIES && all.series.len() > SERIES / 2 && all.bytes() <= BYTES);
    let has = |name: &str| all.iter().any(|series| series.name == name);
    assert!(!has("a0") && has(&format!("a{}", SERIES + 9)));
    all.expire(now + Duration::from_secs(1 << 20));
    assert_eq!((all.series.len(), all.bytes()), (0, 0));
}

#[test]
fn a_second_is_enough_for_an_exporter_and_history_stays_small() {
    let (mut all, mut now) = (AllSeries::default(), start());
    let mut sizes = Vec::new();
    for second in 0..3600_u32 {
        now += Duration::from_secs(1);
        all.add(counted("a", f64::from(second), 2, start()), now);
        sizes.push(all.bytes());
    }
    assert_eq!(sizes[1000], sizes[3599], "as much as a window needs");
    let growth = all.growth("a", &[], now);
    assert!((growth[0].count - WINDOW.as_secs_f64()).abs() <= 5.0, "{}", growth[0].count);
}

proptest! {
    /// A quantile is within the bucket that holds the value of its rank.
    #[test]
    fn quantiles_are_where_values_are(mut values in proptest::collection::vec(0.0..9.9_f64, 1..60), quantile in 0.01..1.0_f64) {
        let bounds: Vec<f64> = (1..=10).map(f64::from).collect();
        let mut counts = vec![0; bounds.len() + 1];
        for value in &values {
            counts[bounds.partition_point(|bound| bound < value)] += 1;
        }
        let histogram = Histogram { count: values.len() as u64, sum: None, bounds, counts };
        values.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "few values")]
        let rank = (quantile * values.len() as f64).ceil() as usize;
        let found = histogram.quantile(quantile).expect("values");
        prop_assert!((found - values[rank.max(1) - 1]).abs() <= 1.0, "{found}, {values:?}");
    }
}
