//! Failed deliveries, read from the log `DeliveryFailures` of Azure Monitor.
//!
//! The log's `Message` is words, without a schema: `outcome=Busy, latencyInMs=12, id=…, deliveryCount=0, …, url=…, deliveryResponse=…`
//! ("Enable diagnostic logs for Event Grid resources"; older samples lack `id`). It is read leniently, and what cannot be read is unknown
//! and not wrong. Its `url` is the partner's whole endpoint, path and query included, so of the message nothing is handed on but what is
//! read here.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};
use url::Url;

/// The longest word or id that is taken over.
const LONGEST: usize = 200;
/// Attempts that Event Grid makes at most (`maxDeliveryAttempts`, as our subscriptions have it).
const ATTEMPTS: u32 = 30;

/// Minutes and seconds until the next attempt, after the first failure, the second and so on; the last one repeats ("Event Grid message
/// delivery and retry"). The service adds a little, and skips steps for endpoints that fail often.
const SCHEDULE: [Duration; 10] = [
    Duration::seconds(10),
    Duration::seconds(30),
    Duration::minutes(1),
    Duration::minutes(5),
    Duration::minutes(10),
    Duration::minutes(30),
    Duration::hours(1),
    Duration::hours(3),
    Duration::hours(6),
    Duration::hours(12),
];

/// How long Event Grid tries to deliver an event (`eventTimeToLiveInMinutes`, as our subscriptions have it).
const TIME_TO_LIVE: Duration = Duration::days(1);
/// How long an attempt may last: an endpoint has so long to answer.
const LONGEST_ATTEMPT: Duration = Duration::seconds(30);
/// How long a failure may take to be in the log: Azure says minutes, and promises nothing.
pub const LOG_DELAY: Duration = Duration::minutes(10);

/// Words for answers, as the log has them, and their status.
const WORDS: [(&str, u16); 17] = [
    ("BadRequest", 400),
    ("Unauthorized", 401),
    ("Forbidden", 403),
    ("NotFound", 404),
    ("MethodNotAllowed", 405),
    ("RequestTimeout", 408),
    ("Conflict", 409),
    ("Gone", 410),
    ("PayloadTooLarge", 413),
    ("RequestEntityTooLarge", 413),
    ("UnsupportedMediaType", 415),
    ("TooManyRequests", 429),
    ("InternalServerError", 500),
    ("NotImplemented", 501),
    ("BadGateway", 502),
    ("ServiceUnavailable", 503),
    ("GatewayTimeout", 504),
];

/// An id of an event that may stand in a query: letters, digits and `. _ : / + @ ~ -`, at most 200 of them. No quotes, so it ends no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId(String);

impl EventId {
    /// The id; `None` if it has other characters.
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/+@~-".contains(&byte);
        ((1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One attempt that failed. What the log did not tell is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedDelivery {
    /// When.
    pub at: OffsetDateTime,
    /// `id` of the event.
    pub event: Option<String>,
    /// `type` of the event.
    pub event_type: Option<String>,
    /// The service's word for what happened: `Busy`, `TimedOut`, `Unauthorized` …
    pub outcome: Option<String>,
    /// Status of the endpoint's answer.
    pub status: Option<u16>,
    /// Which attempt it was, counted from 1; the log counts from 0.
    pub attempt: Option<u32>,
    /// How long the attempt took: the log's time may be its begin, and the next pause begins at its end.
    pub latency: Duration,
    /// Scheme and host of the endpoint.
    pub host: Option<String>,
}

/// What becomes of an event whose delivery failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The endpoint failed so often that Event Grid lets it rest; when it tries again is not known.
    HeldBack,
    /// The answer was final, or it was the last attempt.
    NotRetried,
    /// It is tried again, not before this time if the schedule is kept.
    Expected(OffsetDateTime),
    /// Its next attempt was due, no failure of it came into the log since, and deliveries are counted. The log tells of failures alone.
    ProbablyDelivered,
    /// The log does not say enough.
    Unknown,
}

impl Fate {
    /// How it is told to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::HeldBack => "held back by Event Grid",
            Self::NotRetried => "will not be retried",
            Self::Expected(_) => "expected by schedule",
            Self::ProbablyDelivered => "probably delivered",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether Event Grid tries again after an answer with this status. To a webhook that says 400, 401, 403 or 413 it does not.
pub fn will_be_retried(status: u16) -> bool {
    !matches!(status, 200..=204 | 400 | 401 | 403 | 413)
}

impl FailedDelivery {
    /// Reads a row of the log.
    pub fn parse(at: OffsetDateTime, message: &str) -> Self {
        let (parts, response) = match message.split_once("deliveryResponse=") {
            Some((parts, response)) => (parts, Some(response)),
            None => (message, None),
        };
        let of = |key: &str| member(parts, key);
        let outcome = of("outcome").filter(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let status = response.and_then(status_in).or_else(|| outcome.and_then(status_of));
        Self {
            at,
            event: of("id").map(str::to_owned),
            event_type: of("eventType").map(str::to_owned),
            outcome: outcome.map(str::to_owned),
            status,
            attempt: of("deliveryCount").and_then(|count| count.parse::<u32>().ok()?.checked_add(1)),
            latency: of("latencyInMs").and_then(|millis| millis.parse().ok()).map_or(Duration::ZERO, latency),
            host: of("url").and_then(host),
        }
    }

    /// What becomes of the event, if this was the last that was heard of it.
    pub fn fate(&self) -> Fate {
        let word = self.outcome.as_deref().unwrap_or_default();
        let Some(attempt) = self.attempt else {
            return match self.status {
                _ if word == "Probation" => Fate::HeldBack,
                Some(status) if !will_be_retried(status) => Fate::NotRetried,
                _ => Fate::Unknown,
            };
        };
        match self.status {
            _ if word == "Probation" => Fate::HeldBack,
            Some(status) if !will_be_retried(status) => Fate::NotRetried,
            _ if attempt >= ATTEMPTS => Fate::NotRetried,
            _ => Fate::Expected(self.at + self.latency + self.pause(attempt)),
        }
    }

    fn pause(&self, attempt: u32) -> Duration {
        let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let step = SCHEDULE.get(step).or(SCHEDULE.last()).copied().unwrap_or_default();
        let least = match self.status {
            Some(408) => Duration::minutes(2),
            Some(503) => Duration::seconds(30),
            _ => Duration::seconds(10),
        };
        step.max(least)
    }
}

fn latency(millis: u32) -> Duration {
    Duration::milliseconds(millis.into()).min(LONGEST_ATTEMPT)
}

/// Value of `key=`, up to the next comma. A key begins where a word does: `id` is not the end of `systemId`.
fn member<'m>(text: &'m str, key: &str) -> Option<&'m str> {
    let begins = |at: usize| text[..at].chars().next_back().is_none_or(|before| matches!(before, ' ' | ',' | ':'));
    let found = text.match_indices(key).find_map(|(at, _)| {
        let rest = text[at + key.len()..].strip_prefix('=')?;
        begins(at).then_some(rest)
    })?;
    let value = found.split(", ").next().unwrap_or(found).trim().trim_end_matches(',');
    ((1..=LONGEST * 10).contains(&value.len()) && !value.chars().any(char::is_control)).then_some(value)
}

fn status_of(word: &str) -> Option<u16> {
    WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, status)| *status)
}

/// The status in an answer's text: its first word, else the number behind the word `status`.
fn status_in(response: &str) -> Option<u16> {
    let word = |text: &str| text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let first = response.trim_start();
    let first = &first[..word(first)];
    let number = |text: &str| text.parse::<u16>().ok().filter(|status| (100..=599).contains(status));
    status_of(first).or_else(|| number(first)).or_else(|| {
        let lower = response.to_ascii_lowercase();
        let behind = &lower[lower.find("status")? + "status".len()..];
        let behind = behind.trim_start_matches(|c: char| !c.is_ascii_digit());
        number(&behind[..word(behind)])
    })
}

fn host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Some(format!("{}://{}", url.scheme(), url.host_str()?))
}

/// An event whose delivery failed, with its attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedEvent {
    /// The newest attempt.
    pub last: FailedDelivery,
    /// When the oldest of those read was.
    pub first_at: OffsetDateTime,
    /// How many were read.
    pub failures: usize,
}

/// What was counted of a subscription's deliveries since a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Events that the endpoint took.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
}

impl FailedEvent {
    /// When its next attempt was due, if that is over.
    pub fn was_due(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        match self.last.fate() {
            Fate::Expected(at) if at <= now => Some(at),
            _ => None,
        }
    }

    /// What becomes of it, or became of it meanwhile, by what was counted since its next attempt was due, if that is known.
    pub fn fate(&self, counted: Option<Counted>, now: OffsetDateTime) -> Fate {
        let Fate::Expected(at) = self.last.fate() else { return self.last.fate() };
        let ends = self.first_at.saturating_add(TIME_TO_LIVE);
        if at > now {
            // An attempt that is due behind an event's last day is not made.
            return if at > ends { Fate::NotRetried } else { Fate::Expected(at) };
        }
        let is_delivered = |counted: Counted| counted.delivered > 0 && (counted.failed == 0 || is_overdue(at, now));
        match counted {
            Some(counted) if is_delivered(counted) => Fate::ProbablyDelivered,
            Some(_) if at > ends || now > ends.saturating_add(LOG_DELAY) => Fate::NotRetried,
            None if now > ends.saturating_add(LOG_DELAY) => Fate::Unknown,
            _ => Fate::Expected(at),
        }
    }
}

/// Whether an attempt that was due at a time would be in the log by now, had it been made and failed.
pub fn is_overdue(at: OffsetDateTime, now: OffsetDateTime) -> bool {
    now > at.saturating_add(LONGEST_ATTEMPT + LOG_DELAY)
}

/// Failures by event, the one that failed last first. Those whose event is unknown stand each for itself.
pub fn by_event(failures: Vec<FailedDelivery>) -> Vec<FailedEvent> {
    let mut events: BTreeMap<(Option<String>, usize), FailedEvent> = BTreeMap::new();
    for (index, failure) in failures.into_iter().enumerate() {
        let key = (failure.event.clone(), if failure.event.is_some() { 0 } else { index });
        let order = |failure: &FailedDelivery| (failure.at, failure.attempt);
        match events.get_mut(&key) {
            None => {
                events.insert(key, FailedEvent { first_at: failure.at, last: failure, failures: 1 });
            }
            Some(event) => {
                event.failures += 1;
                event.first_at = event.first_at.min(failure.at);
                if order(&failure) > order(&event.last) {
                    event.last = failure;
                }
            }
        }
    }
    let mut events: Vec<_> = events.into_values().collect();
    events.sort_by(|a, b| (b.last.at, &b.last.event).cmp(&(a.last.at, &a.last.event)));
    events
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const AT: OffsetDateTime = datetime!(2026-03-04 12:00 UTC);

    fn message(id: &str, count: u32, response: &str) -> String {
        format!(
            "Message:outcome=Busy, latencyInMs=12, {id}systemId=17284f7c-0044-46fb-84b7-59fda5776017, state=FilteredFailingDelivery, \
             deliveryTime=11/1/2019 12:17:10 AM, deliveryCount={count}, probationCount=0, fields=InputEvent, Id, fieldCount=, \
             delivered=False publishTime=11/1/2019 12:17:10 AM, eventType=com.contoso.product.changed.v1, fields=Id, EventType, \
             fieldCount=15, url=https://ok.example/s3cr3t/x?k=s3cr3t, deliveryResponse={response}"
        )
    }

    #[test]
    fn a_row_is_read_as_far_as_it_goes() {
        let read = FailedDelivery::parse(AT, &message("id=p-1.v3, ", 0, "InternalServerError: status=200, id=x"));
        let expected = FailedDelivery {
            at: AT,
            event: Some("p-1.v3".to_owned()),
            event_type: Some("com.contoso.product.changed.v1".to_owned()),
            outcome: Some("Busy".to_owned()),
            status: Some(500),
            attempt: Some(1),
            latency: Duration::milliseconds(12),
            host: Some("https://ok.example".to_owned()),
        };
        assert_eq!(read, expected);
        assert_eq!(read.fate(), Fate::Expected(AT + Duration::milliseconds(10_012)));
        assert!(!format!("{read:?}").contains("s3cr3t"), "of the endpoint nothing but its host");
        assert_eq!(FailedDelivery::parse(AT, &message("", 0, "")).event, None, "older rows have no id");
        for (response, status) in [
            ("Unauthorized: no", Some(401)),
            ("Found: The endpoint answered with the status 302.", Some(302)),
            ("418", Some(418)),
            ("TimedOut: The endpoint gave no answer.", None),
            ("", None),
        ] {
            assert_eq!(FailedDelivery::parse(AT, &message("", 0, response)).status, status, "{response}");
        }
        for text in ["", "outcome", "outcome=", "=,=,", "deliveryCount=4294967295", "url=:, id=\u{7}", "\u{e4}id=x"] {
            let read = FailedDelivery::parse(AT, text);
            assert_eq!((read.event.clone(), read.attempt, read.host.clone()), (None, None, None), "{text}");
            assert_eq!(read.fate(), Fate::Unknown);
        }
    }

    #[test]
    fn what_becomes_of_an_event_has_four_words() {
        let fate = |count, response| FailedDelivery::parse(AT, &message("id=1, ", count, response)).fate();
        for final_answer in ["BadRequest: x", "Unauthorized: x", "Forbidden: x", "PayloadTooLarge: x"] {
            assert_eq!(fate(0, final_answer).words(), "will not be retried", "{final_answer}");
        }
        assert_eq!(fate(29, "ServiceUnavailable: x"), Fate::NotRetried, "thirty attempts are all");
        let after = |seconds| Fate::Expected(AT + Duration::milliseconds(12) + Duration::seconds(seconds));
        assert_eq!(fate(0, "ServiceUnavailable: x"), after(30));
        assert_eq!(fate(3, "TooManyRequests: x"), after(300));
        let slow = message("id=1, ", 0, "").replace("latencyInMs=12", "latencyInMs=30000");
        let slow = FailedDelivery::parse(AT, &slow).fate();
        assert_eq!(slow, Fate::Expected(AT + Duration::seconds(40)), "the pause begins behind the attempt");
        assert_eq!(fate(12, "").words(), "expected by schedule");
        let probation = message("id=1, ", 2, "").replace("outcome=Busy", "outcome=Probation");
        assert_eq!(FailedDelivery::parse(AT, &probation).fate().words(), "held back by Event Grid");
        assert!(will_be_retried(404) && will_be_retried(302) && !will_be_retried(200));
    }

    #[test]
    fn what_was_mended_is_expected_no_more() {
        let event =
            |count| by_event(vec![FailedDelivery::parse(AT, &message("id=1, ", count, "NotFound: x"))]).remove(0);
        let due = AT + Duration::milliseconds(10_012);
        let counted = |delivered, failed| Some(Counted { delivered, failed });
        let fate = |counted, after: Duration| event(0).fate(counted, due + after);
        assert_eq!((event(0).was_due(AT), event(0).was_due(due)), (None, Some(due)));
        let (moment, hour, days) = (Duration::SECOND, Duration::HOUR, Duration::days(2));
        assert_eq!(fate(counted(3, 0), -moment), Fate::Expected(due), "not due yet");
        assert_eq!(fate(counted(1, 0), moment), Fate::ProbablyDelivered);
        assert_eq!(fate(counted(1, 1), moment), Fate::Expected(due), "its failure may not be in the log yet");
        assert_eq!(fate(counted(1, 1), hour), Fate::ProbablyDelivered);
        for (counted, after) in [(counted(0, 0), hour), (counted(0, 3), hour), (None, hour)] {
            assert_eq!(fate(counted, after), Fate::Expected(due), "{counted:?}");
        }
        assert!(is_overdue(due, due + hour) && !is_overdue(due, due + Duration::minutes(10)));
        assert_eq!(fate(counted(0, 3), days), Fate::NotRetried, "its day is over");
        assert_eq!(fate(counted(1, 3), days), Fate::ProbablyDelivered);
        assert_eq!(fate(None, days), Fate::Unknown);
        // The twelve hours behind the tenth failure end behind the day.
        let tenth = FailedEvent { first_at: AT - Duration::hours(23), ..event(9) };
        assert_eq!(tenth.fate(None, AT), Fate::NotRetried);
        assert_eq!(event(9).fate(None, AT).words(), "expected by schedule");
    }

    #[test]
    fn attempts_of_an_event_stand_together_with_the_last_first() {
        let failure = |minute, id: &str, count| {
            FailedDelivery::parse(AT + Duration::minutes(minute), &message(id, count, "NotFound: x"))
        };
        let rows = vec![
            failure(0, "id=a, ", 0),
            failure(1, "id=b, ", 0),
            failure(1, "", 0),
            failure(2, "id=a, ", 2),
            failure(2, "id=a, ", 1),
            failure(0, "", 0),
        ];
        let events = by_event(rows);
        let told: Vec<_> = events
            .iter()
            .map(|event| (event.last.event.as_deref().unwrap_or("?"), event.failures, event.last.attempt))
            .collect();
        assert_eq!(told, [("a", 3, Some(3)), ("b", 1, Some(1)), ("?", 1, Some(1)), ("?", 1, Some(1))]);
        assert_eq!(events[0].first_at, AT);
    }

    #[test]
    fn an_id_that_could_end_a_text_of_a_query_is_none() {
        assert!(EventId::new("tent-1/3:product+a@b~c_d.e").is_some());
        for text in ["", "a'b", "a\\b", "a b", "a\nb", "a|b", "\u{e4}", &"x".repeat(201)] {
            assert!(EventId::new(text).is_none(), "{text}");
        }
    }
}
