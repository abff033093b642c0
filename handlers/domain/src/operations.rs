//! What operators see: the answer of `GET /api/ops/overview`.
//!
//! Every part says when it was measured, or is null or empty where that which makes it has not run yet.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{
    lag::{Health, PartitionLag},
    rates::{Recent, flow},
    trends::board::LeftOut,
};

/// Everything at a glance.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// When logs and flows were measured; `None` before the first time.
    #[serde(with = "time::serde::rfc3339::option")]
    pub measured_at: Option<OffsetDateTime>,
    /// The functions that are served: by this app, and by every other that measures.
    pub functions: BTreeSet<String>,
    /// Hubs and change feeds that functions read.
    pub logs: Vec<Log>,
    /// Who reads them, and how far.
    pub flows: Vec<Flow>,
    /// Bad records that functions parked; `None` where blob storage did not answer.
    pub dead_letters: Option<Letters>,
    /// What the partners get.
    pub partners: Partners,
    /// Clicks by minute of event time, oldest first; minutes without any are left out.
    pub clicks: Vec<Minute>,
    /// What departs from the usual; `None` before the first look.
    pub anomalies: Option<Anomalies>,
    /// What visitors look at; `None` before it was first counted.
    pub trending: Option<Trending>,
    /// Names of the products that are mentioned, by id, as far as they are known.
    pub names: BTreeMap<String, String>,
}

/// A hub or a change feed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// The hub, or the container as `database/container`.
    pub name: String,
    /// What it is.
    pub kind: LogKind,
    /// Events per second over about the last minute; of a feed an upper bound. `None` if it is not known.
    pub stored_per_second: Option<f64>,
    /// When the newest event was stored; `None` for feeds, and for hubs without events.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_stored: Option<OffsetDateTime>,
}

/// See [`Log`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LogKind {
    /// An event hub.
    Hub,
    /// The change feed of a container.
    Feed,
}

/// One reader of a log.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    /// The [`Log`] it reads.
    pub log: String,
    /// The function that reads it.
    pub function: String,
    /// As which consumer group; `None` for feeds.
    pub consumer_group: Option<String>,
    /// Events not handled, of a feed an upper bound; `None` if it is not known.
    pub lag: Option<i64>,
    /// Events handled per second over about the last minute; `None` if it is not known.
    pub handled_per_second: Option<f64>,
    /// The lag at the last measurements, oldest first.
    pub lags: Vec<i64>,
}

/// Bad records, or events that were given up.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Letters {
    /// How many there are, at least.
    pub count: usize,
    /// How many records they are of: what three functions parked is one; of what Event Grid gave up, each event of the letters that were read.
    pub records: usize,
    /// Whether there are more than were counted.
    pub is_more: bool,
    /// The same by the first part of their names: the function, or the subscription in upper case.
    pub by_owner: BTreeMap<String, usize>,
    /// The newest of those counted, newest first.
    pub newest: Vec<Letter>,
}

/// One of [`Letters`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Letter {
    /// The blob.
    pub name: String,
    /// Function or subscription.
    pub owner: String,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
    /// Why; `None` if it could not be read.
    pub cause: Option<String>,
}

/// What is known of deliveries to partners without asking Azure Resource Manager: what was published to their topic, what waits, and
/// what Event Grid gave up. How many deliveries succeeded only Event Grid's own metrics know.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Partners {
    /// Product events published per second over about the last minute; `None` if it is not known.
    pub published_per_second: Option<f64>,
    /// Product events not published yet; `None` if it is not known.
    pub waiting: Option<i64>,
    /// Events that Event Grid gave up delivering, one letter for one attempt's events; `None` where blob storage did not answer.
    pub given_up: Option<Letters>,
}

/// Clicks of one minute: what is read of an item of `analytics/minutes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Minute {
    /// Minutes since 1970-01-01T00:00Z.
    pub minute: i64,
    /// Clicks.
    pub views: i64,
    /// Different visitors, about.
    pub visitors: i64,
}

/// Document `current` of `analytics/anomalies`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomalies {
    /// When it was looked last, RFC 3339.
    pub at: String,
    /// What goes on.
    pub open: Vec<Anomaly>,
    /// What is over.
    pub recent: Vec<Anomaly>,
}

/// A departure from the usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Anomaly {
    /// Unique.
    pub id: String,
    /// `total`, `category:<name>` or `product:<id>`.
    pub scope: String,
    /// `spike`, `drop` or `outage`.
    pub kind: String,
    /// The minute it began, RFC 3339.
    pub started_at: String,
    /// The minute it ended; `None` while it goes on.
    pub ended_at: Option<String>,
    /// Clicks per minute that were seen.
    pub observed: f64,
    /// Least clicks per minute that would be usual.
    pub expected_low: f64,
    /// Clicks per minute that were expected.
    pub expected: f64,
    /// Most clicks per minute that would be usual.
    pub expected_high: f64,
    /// How unusual, in deviations.
    pub score: f64,
}

/// Document `all` of `site/trending`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trending {
    /// When it was counted, RFC 3339.
    pub at: String,
    /// Over how many minutes.
    pub window_minutes: i64,
    /// What most look at.
    pub top: Vec<Trend>,
    /// What is looked at much more than usual.
    pub rising: Vec<Trend>,
    /// What is looked at and not on the site.
    #[serde(default)]
    pub left_out: LeftOut,
}

/// A line of [`Trending`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trend {
    /// Which product.
    pub product_id: String,
    /// Where it is listed.
    #[serde(default)]
    pub category: Option<String>,
    /// Clicks.
    pub views: i64,
    /// Different visitors, about; of rising products not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitors: Option<i64>,
    /// Clicks that its past made expect; of rising products only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<f64>,
}

/// Logs and flows of a measurement and those before it.
pub fn flows(health: &Health, recent: &Recent) -> (Vec<Log>, Vec<Flow>) {
    let mut logs: Vec<Log> = Vec::new();
    let mut flows = Vec::new();
    for feed in &health.feeds {
        let name = &feed.container;
        let stored_per_second = recent.stored_per_second(name);
        logs.push(Log { name: name.clone(), kind: LogKind::Feed, stored_per_second, last_stored: None });
        let key = flow(name, "");
        flows.push(Flow {
            log: name.clone(),
            function: "ProductChanges".to_owned(),
            consumer_group: None,
            lag: feed.lag,
            handled_per_second: recent.handled_per_second(&key),
            lags: recent.lags(name, &key),
        });
    }
    for hub in &health.hubs {
        let name = &hub.hub;
        if !logs.iter().any(|log| log.name == *name) {
            logs.push(Log {
                name: name.clone(),
                kind: LogKind::Hub,
                stored_per_second: recent.stored_per_second(name),
                last_stored: hub.partitions.iter().filter_map(PartitionLag::last_stored).max(),
            });
        }
        let key = flow(name, &hub.consumer_group);
        flows.push(Flow {
            log: name.clone(),
            function: hub.function.clone(),
            consumer_group: Some(hub.consumer_group.clone()),
            lag: Some(hub.lag),
            handled_per_second: recent.handled_per_second(&key),
            lags: recent.lags(name, &key),
        });
    }
    (logs, flows)
}

/// Why a record was parked, or why Event Grid gave events up, as their letter says.
pub fn cause(letter: &Value) -> Option<String> {
    // Event Grid writes the events of an attempt as a list, with what became of each.
    let Some(events) = letter.as_array() else {
        return letter.get("cause").and_then(Value::as_str).map(str::to_owned);
    };
    let causes: BTreeSet<String> = events.iter().filter_map(given_up).collect();
    (!causes.is_empty()).then(|| causes.into_iter().collect::<Vec<_>>().join("; "))
}

/// Why Event Grid gave an event up.
fn given_up(event: &Value) -> Option<String> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let reason = text("deadletterreason").or_else(|| text("deadLetterReason"))?;
    let outcome = text("lastdeliveryoutcome").or_else(|| text("lastDeliveryOutcome"));
    Some(outcome.map_or_else(|| reason.to_owned(), |outcome| format!("{reason}: {outcome}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_letter_says_why() {
        assert_eq!(
            cause(&json!({ "cause": "read the click: no productId" })).as_deref(),
            Some("read the click: no productId")
        );
        let given_up = json!([{ "id": "1", "deadletterreason": "MaxDeliveryAttemptsExceeded", "lastdeliveryoutcome": "NotFound" }]);
        assert_eq!(cause(&given_up).as_deref(), Some("MaxDeliveryAttemptsExceeded: NotFound"));
        let two = json!([{ "deadLetterReason": "B" }, { "deadLetterReason": "A" }, { "deadLetterReason": "B" }]);
        assert_eq!(cause(&two).as_deref(), Some("A; B"));
        assert_eq!(cause(&json!({})), None);
        assert_eq!(cause(&json!([])), None);
    }
}
