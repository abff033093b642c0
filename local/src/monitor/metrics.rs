//! Metrics call of Resource Manager: `GET <topic>/providers/Microsoft.Insights/metrics`, in the one form that the app asks.
//!
//! Source: "Metrics - List", version 2024-02-01.

use serde_json::{Value, json};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::counts::{Counts, Metric};

const API_VERSION: &str = "2024-02-01";
const MAX_POINTS: i64 = 1_500;

/// Why a call is not answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MetricsRefusal {
    /// Azure would answer it; what of it is not ours.
    Unsupported(String),
    /// Nobody would; a sentence for the caller.
    Invalid(String),
}

pub(super) fn answer(counts: &Counts, topic: &str, query: &[(String, String)]) -> Result<Value, MetricsRefusal> {
    let unsupported = |what: String| MetricsRefusal::Unsupported(format!("metrics with {what}"));
    let mut wanted = Wanted::default();
    for (name, value) in query {
        let value = value.as_str();
        match name.to_ascii_lowercase().as_str() {
            "api-version" if value == API_VERSION => {}
            "aggregation" if value.eq_ignore_ascii_case("total") => {}
            "metricnames" => wanted.names = value,
            "$filter" => wanted.filter = value,
            "timespan" => wanted.timespan = value,
            "interval" => wanted.interval = value,
            _ => return Err(unsupported(format!("{name}={value}"))),
        }
    }
    let metrics = wanted
        .names
        .split(',')
        .map(str::trim)
        .map(|name| Metric::named(name).ok_or_else(|| unsupported(format!("metricnames={name}"))));
    let metrics: Vec<Metric> = metrics.collect::<Result<_, _>>()?;
    let subscription = wanted
        .filter
        .strip_prefix("EventSubscriptionName eq '")
        .and_then(|rest| rest.strip_suffix('\''))
        .filter(|name| !name.contains('\''))
        .ok_or_else(|| unsupported(format!("$filter={}", wanted.filter)))?;
    let step = match wanted.interval {
        "PT1M" => 60,
        "PT1H" => 3600,
        other => return Err(unsupported(format!("interval={other}"))),
    };
    let (from, to) = range(wanted.timespan).filter(|(from, to)| from < to).ok_or_else(|| {
        MetricsRefusal::Invalid(format!("The timespan `{}` is not two times in order.", wanted.timespan))
    })?;
    let first = from.unix_timestamp().div_euclid(step) * step;
    if (to.unix_timestamp() - first) / step > MAX_POINTS {
        return Err(unsupported(format!("more than {MAX_POINTS} points")));
    }
    let starts: Vec<i64> = (first..to.unix_timestamp()).step_by(usize::try_from(step).unwrap_or(60)).collect();
    let series = |metric: Metric| -> Vec<Value> {
        let point = |start: &i64| {
            let events = counts.sum(topic, subscription, metric, (*start, start + step));
            json!({ "timeStamp": moment(*start), "total": events })
        };
        starts.iter().map(point).collect()
    };
    let value = metrics.iter().map(|metric| {
        let (name, words) = metric.names();
        json!({
            "id": format!("{topic}/providers/Microsoft.Insights/metrics/{name}"),
            "type": "Microsoft.Insights/metrics",
            "name": { "value": name, "localizedValue": words },
            "unit": "Count",
            "timeseries": [{
                "metadatavalues": [{
                    "name": { "value": "eventsubscriptionname", "localizedValue": "eventsubscriptionname" },
                    "value": subscription,
                }],
                "data": series(*metric),
            }],
            "errorCode": "Success",
        })
    });
    Ok(json!({
        "cost": 0,
        "timespan": wanted.timespan,
        "interval": wanted.interval,
        "namespace": "Microsoft.EventGrid/topics",
        "resourceregion": "local",
        "value": value.collect::<Vec<_>>(),
    }))
}

#[derive(Default)]
struct Wanted<'q> {
    names: &'q str,
    filter: &'q str,
    timespan: &'q str,
    interval: &'q str,
}

fn range(text: &str) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let (from, to) = text.split_once('/')?;
    let time = |text| OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC);
    Some((time(from)?, time(to)?))
}

fn moment(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}
