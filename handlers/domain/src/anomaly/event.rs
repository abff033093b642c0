//! What hubs and operators hear about an anomaly: `schemas/analytics/anomaly-detected.v1.avsc` as a type, and its form in JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{OffsetDateTime, UtcOffset};

use super::{
    super::{
        product::{Category, ProductId},
        product_events::millis,
    },
    record::{Anomaly, Kind, Scope},
};

/// Type of the event that announces an anomaly.
pub const DETECTED: &str = "com.contoso.analytics.anomaly-detected.v1";
/// Its `source`.
pub const SOURCE: &str = "/contoso/analytics";

/// Data of [`DETECTED`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnomalyDetected {
    /// What it is about.
    pub scope: Scope,
    /// How it differs, as the text of a [`Kind`].
    #[serde(with = "kind_text")]
    pub kind: Kind,
    /// Begin of the first minute that differed.
    #[serde(with = "millis")]
    pub started_at: OffsetDateTime,
    /// End of the minute that confirmed it.
    #[serde(with = "millis")]
    pub detected_at: OffsetDateTime,
    /// See [`Anomaly::observed`].
    pub observed: f64,
    /// See [`Anomaly::expected_low`].
    pub expected_low: f64,
    /// See [`Anomaly::expected`].
    pub expected: f64,
    /// See [`Anomaly::expected_high`].
    pub expected_high: f64,
    /// See [`Anomaly::score`].
    pub score: f64,
}

impl From<&Anomaly> for AnomalyDetected {
    fn from(anomaly: &Anomaly) -> Self {
        Self {
            scope: anomaly.scope.clone(),
            kind: anomaly.kind,
            started_at: anomaly.started_at,
            detected_at: anomaly.detected_at,
            observed: anomaly.observed,
            expected_low: anomaly.expected_low,
            expected: anomaly.expected,
            expected_high: anomaly.expected_high,
            score: anomaly.score,
        }
    }
}

/// The event's data as JSON, to be read; see [`AnomalyDetected`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnomalyDetectedJson {
    scope: Scope,
    #[serde(with = "kind_text")]
    kind: Kind,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    detected_at: OffsetDateTime,
    observed: f64,
    expected_low: f64,
    expected: f64,
    expected_high: f64,
    score: f64,
}

impl From<AnomalyDetectedJson> for AnomalyDetected {
    fn from(data: AnomalyDetectedJson) -> Self {
        let AnomalyDetectedJson {
            scope,
            kind,
            started_at,
            detected_at,
            observed,
            expected_low,
            expected,
            expected_high,
            score,
        } = data;
        Self { scope, kind, started_at, detected_at, observed, expected_low, expected, expected_high, score }
    }
}

/// Why an announcement of an anomaly cannot be, although each of its fields is well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct AnomalyError {
    field: &'static str,
    reason: &'static str,
}

impl AnomalyDetected {
    /// The announcement, if it is one that could have been made.
    ///
    /// # Errors
    /// What it breaks.
    pub fn checked(self) -> Result<Self, AnomalyError> {
        let wrong = |field, reason| Err(AnomalyError { field, reason });
        let is_named = match &self.scope {
            Scope::Total => true,
            Scope::Category(name) => Category::try_from(name.clone()).is_ok(),
            Scope::Product(id) => ProductId::try_from(id.clone()).is_ok(),
        };
        if !is_named {
            return wrong("scope", "names no category or product");
        }
        for (field, time) in [("startedAt", self.started_at), ("detectedAt", self.detected_at)] {
            if !time.checked_to_offset(UtcOffset::UTC).is_some_and(|time| (0..=9999).contains(&time.year())) {
                return wrong(field, "must lie in the years 0 to 9999, UTC");
            }
        }
        if self.detected_at <= self.started_at {
            return wrong("detectedAt", "must be later than startedAt");
        }
        let views = [
            ("observed", self.observed),
            ("expectedLow", self.expected_low),
            ("expected", self.expected),
            ("expectedHigh", self.expected_high),
        ];
        if let Some((field, _)) = views.into_iter().find(|(_, views)| !(views.is_finite() && *views >= 0.0)) {
            return wrong(field, "must be a number of views, zero or more");
        }
        if !self.score.is_finite() {
            return wrong("score", "must be a number");
        }
        Ok(self)
    }
}

/// The event's data as JSON readers see it: the same fields, times in RFC 3339.
///
/// # Errors
/// If a time cannot be written, which a year beyond 9999 cannot.
pub fn to_json(anomaly: &Anomaly) -> Result<Value, serde_json::Error> {
    let whole = serde_json::to_value(anomaly)?;
    Ok(json!({
        "scope": whole["scope"], "kind": whole["kind"],
        "startedAt": whole["startedAt"], "detectedAt": whole["detectedAt"],
        "observed": whole["observed"], "expectedLow": whole["expectedLow"], "expected": whole["expected"],
        "expectedHigh": whole["expectedHigh"], "score": whole["score"],
    }))
}

/// The schema has text, since a reader must survive a kind it does not know; an enum of Avro would not let it.
mod kind_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Kind;

    pub(super) fn serialize<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(kind)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "spike" => Ok(Kind::Spike),
            "drop" => Ok(Kind::Drop),
            "outage" => Ok(Kind::Outage),
            _ => Err(D::Error::custom(format!("{text} is neither spike nor drop nor outage"))),
        }
    }
}
