//! What a partner asks for: which time, which of its events, how fast.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::range::Range;
use crate::{
    mismatch::{mismatch, whole},
    partner::subscription::Gap,
    product_body::FieldError,
};

/// Events per second, if nothing is said.
pub const PER_SECOND: u16 = 50;
/// The most events per second: a topic takes 5,000 from all who publish, and an endpoint gets the live ones at the same time.
pub const MOST_PER_SECOND: u16 = 300;

/// The longest time that one job covers.
pub const LONGEST: Duration = Duration::days(366);

/// How long the way from the hub to the topic may take without an event being missed.
const BEFORE_A_GAP: Duration = Duration::minutes(5);

/// So much may a caller's clock be ahead of ours.
const AHEAD: Duration = Duration::minutes(5);

/// What a job is to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Events that the hub stored from then on …
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// … and before.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
    /// Which of them.
    pub only: Only,
    /// Events per second, at most.
    pub rate: u16,
    /// What becomes of the time that is not captured.
    pub open_window: OpenWindow,
}

/// Which events of a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Only {
    /// All that the subscription selects.
    All,
    /// Those of the times in which the subscription was paused or could not be reached by Event Grid at all: it has a record of them.
    Missing,
    /// Those whose delivery failed, by the topic's log.
    Failed,
    /// The one of this id.
    Event(String),
}

/// What a job does where the time it covers ends behind the last capture window that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OpenWindow {
    /// It ends there, and tells until when nothing is missing.
    Stop,
    /// It waits for the window to be closed.
    Wait,
}

impl Request {
    /// The members of a request's body.
    pub const FIELDS: [&str; 5] = ["from", "until", "only", "rate", "openWindow"];

    /// Reads a request's body. For `missing` the time may be left out: then it is `recorded`, the first gap's beginning, or as
    /// long ago as a job may reach, and now.
    ///
    /// # Errors
    /// Each field with what is wrong with it. Null is absent, other members are passed over.
    pub fn parse(
        object: &Map<String, Value>,
        recorded: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut field = |name: &str, read: Result<Option<Field>, String>| {
            read.map_err(|message| errors.push(FieldError::new(name, message))).ok().flatten()
        };
        let only = match field("only", word(object, "only", &["all", "missing", "failed"])) {
            Some(Field::Word("missing")) => Only::Missing,
            Some(Field::Word("failed")) => Only::Failed,
            _ => Only::All,
        };
        let open_window = match field("openWindow", word(object, "openWindow", &["stop", "wait"])) {
            Some(Field::Word("wait")) => OpenWindow::Wait,
            _ => OpenWindow::Stop,
        };
        let rate = match field("rate", rate(object)) {
            Some(Field::Rate(rate)) => rate,
            _ => PER_SECOND,
        };
        let until = match field("until", time(object, "until")) {
            Some(Field::Time(until)) => until,
            _ => now,
        };
        let from = match field("from", time(object, "from")) {
            Some(Field::Time(from)) => Some(from),
            // A gap may be older than a job may reach back.
            _ => recorded.filter(|_| only == Only::Missing).map(|from| from.max(until.saturating_sub(LONGEST))),
        };
        let Some(from) = from else {
            if errors.iter().all(|error| error.field != "from") {
                errors.push(FieldError::new("from", "is required: RFC 3339, as 2026-03-04T10:00:00Z"));
            }
            return Err(errors);
        };
        if until > now.saturating_add(AHEAD) {
            errors.push(FieldError::new("until", "must not be after now"));
        } else if from >= until {
            errors.push(FieldError::new("from", "must be before until"));
        } else if until - from > LONGEST {
            errors.push(FieldError::new("from", "must not be more than 366 days before until"));
        }
        if errors.is_empty() { Ok(Self { from, until, only, rate, open_window }) } else { Err(errors) }
    }

    /// The times that count: all that is asked for, or what is in one of the subscription's `gaps`. What the hub stored shortly before a gap
    /// may have been published in it, so that belongs to it; only a time that begins within a gap cuts it off.
    pub fn ranges(&self, gaps: &[Gap]) -> Vec<Range> {
        if self.only != Only::Missing {
            return vec![Range { from: self.from, until: self.until }];
        }
        let of = |gap: &Gap| Range {
            from: if gap.from >= self.from { gap.from.saturating_sub(BEFORE_A_GAP) } else { self.from },
            until: gap.until.map_or(self.until, |until| until.min(self.until)),
        };
        gaps.iter().map(of).filter(|range| range.from < range.until).collect()
    }

    /// Before which time nothing that is asked for is missing, where events are captured until `captured` and failures known until
    /// `log`. Behind the last of its `ranges` there is nothing to miss.
    pub fn complete_until(
        &self,
        ranges: &[Range],
        captured: OffsetDateTime,
        log: Option<OffsetDateTime>,
    ) -> OffsetDateTime {
        let ends = ranges.iter().map(|range| range.until).max().unwrap_or(self.until);
        let captured = if captured >= ends { self.until } else { captured };
        log.map_or(captured, |log| captured.min(log))
    }
}

enum Field {
    Word(&'static str),
    Time(OffsetDateTime),
    Rate(u16),
}

fn word(object: &Map<String, Value>, name: &str, words: &[&'static str]) -> Result<Option<Field>, String> {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let found = words.iter().find(|word| value.as_str() == Some(word));
    found
        .map(|word| Some(Field::Word(word)))
        .ok_or_else(|| mismatch(&format!("must be one of {}", words.join(", ")), value))
}

fn time(object: &Map<String, Value>, name: &str) -> Result<Option<Field>, String> {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let time = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    // In UTC, so that its year is one that can be written again.
    let time = time.and_then(|time| time.checked_to_offset(time::UtcOffset::UTC)).filter(|time| time.year() > 0);
    time.map(|time| Some(Field::Time(time)))
        .ok_or_else(|| mismatch("must be a time, RFC 3339, as 2026-03-04T10:00:00Z", value))
}

fn rate(object: &Map<String, Value>) -> Result<Option<Field>, String> {
    let Some(value) = object.get("rate").filter(|value| !value.is_null()) else { return Ok(None) };
    let rate = whole(value).and_then(|rate| u16::try_from(rate).ok());
    let rate = rate.filter(|rate| (1..=MOST_PER_SECOND).contains(rate));
    let wanted = || format!("must be a whole number of events per second, 1 to {MOST_PER_SECOND}");
    rate.map(|rate| Some(Field::Rate(rate))).ok_or_else(|| mismatch(&wanted(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-04 10:15:30 UTC);

    fn parse(body: Value) -> Result<Request, Vec<String>> {
        let recorded = Some(NOW - Duration::hours(3));
        let parsed = Request::parse(body.as_object().expect("an object"), recorded, NOW);
        parsed.map_err(|errors| errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn a_request_says_the_time_and_the_rest_has_defaults() {
        let request = parse(json!({"from": "2026-03-04T11:00:00+02:00"})).expect("a request");
        assert_eq!((request.from, request.until), (datetime!(2026-03-04 09:00 UTC), NOW));
        assert_eq!((request.only, request.rate, request.open_window), (Only::All, 50, OpenWindow::Stop));
        let request =
            parse(json!({"only": "missing", "from": null, "rate": 300.0, "openWindow": "wait"})).expect("a request");
        assert_eq!(
            (request.from, request.rate, request.open_window),
            (NOW - Duration::hours(3), 300, OpenWindow::Wait)
        );
    }

    #[test]
    fn what_is_missing_is_what_is_in_a_gap() {
        let minutes = |minutes: i64| NOW - Duration::minutes(minutes);
        let gap = |from, until: Option<i64>| Gap {
            from: minutes(from),
            until: until.map(minutes),
            reason: "paused".to_owned(),
        };
        let gaps = [gap(500, Some(400)), gap(130, Some(120)), gap(90, Some(80)), gap(10, None)];
        let range = |from, until| Range { from: minutes(from), until: minutes(until) };
        let missing = parse(json!({"only": "missing", "from": "2026-03-04T08:10:30Z"})).expect("a request");
        assert_eq!(missing.ranges(&gaps), [range(125, 120), range(95, 80), range(15, 0)]);
        // From a gap's own beginning, as the subscription shows it.
        let missed = parse(json!({"only": "missing", "from": "2026-03-04T08:45:30Z"})).expect("a request");
        assert_eq!(missed.ranges(&gaps), [range(95, 80), range(15, 0)]);
        let all = parse(json!({"from": "2026-03-04T08:10:30Z"})).expect("a request");
        assert_eq!(all.ranges(&gaps), [range(125, 0)]);
    }

    #[test]
    fn nothing_is_missing_behind_the_last_gap() {
        let minutes = |minutes: i64| NOW - Duration::minutes(minutes);
        let closed = Gap { from: minutes(80), until: Some(minutes(60)), reason: "paused".to_owned() };
        let missing = parse(json!({"only": "missing"})).expect("a request");
        let ranges = missing.ranges(&[closed]);
        // Capture is asked about the ranges, and says no later time.
        assert_eq!(missing.complete_until(&ranges, minutes(60), None), NOW);
        assert_eq!(missing.complete_until(&ranges, minutes(70), None), minutes(70));
        assert_eq!(missing.complete_until(&[], minutes(70), None), minutes(70));
        let failed = parse(json!({"only": "failed", "from": "2026-03-04T08:10:30Z"})).expect("a request");
        let ranges = failed.ranges(&[]);
        assert_eq!(failed.complete_until(&ranges, NOW, Some(minutes(10))), minutes(10));
        assert_eq!(failed.complete_until(&ranges, minutes(12), Some(minutes(10))), minutes(12));
        assert_eq!(failed.complete_until(&ranges, NOW, None), NOW);
    }

    #[test]
    fn a_gap_that_is_older_than_a_job_may_reach_is_no_reason_to_refuse_one() {
        let object = json!({"only": "missing"});
        let object = object.as_object().expect("an object");
        let request = Request::parse(object, Some(NOW - Duration::days(400)), NOW).expect("a request");
        assert_eq!(request.from, NOW - LONGEST);
    }

    #[test]
    fn each_field_is_refused_by_its_name() {
        let from = "2026-03-04T09:00:00Z";
        for (body, fields) in [
            (json!({}), vec!["from"]),
            (json!({"from": 5}), vec!["from"]),
            (json!({"from": "2026-03-04"}), vec!["from"]),
            (json!({"from": from, "until": from}), vec!["from"]),
            (json!({"from": "2024-03-04T09:00:00Z"}), vec!["from"]),
            (json!({"from": "0000-01-01T00:00:00+01:00"}), vec!["from"]),
            (json!({"from": "9999-12-31T23:59:59-23:59"}), vec!["from"]),
            (json!({"from": from, "until": "2026-03-05T09:00:00Z"}), vec!["until"]),
            (json!({"from": from, "only": "event", "rate": 0, "openWindow": true}), vec!["only", "openWindow", "rate"]),
            (json!({"from": from, "rate": 301}), vec!["rate"]),
            (json!({"from": from, "rate": 1.5}), vec!["rate"]),
            (json!({"from": from, "rate": "50"}), vec!["rate"]),
            (json!({"only": "failed"}), vec!["from"]),
        ] {
            assert_eq!(parse(body.clone()).expect_err("refused"), fields, "{body}");
        }
    }
}
