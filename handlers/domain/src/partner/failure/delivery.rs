//! A row of the log `DeliveryFailures`: one attempt that failed, and what Event Grid does after it.
//!
//! The log's `Message` is words, without a schema: `outcome=Busy, latencyInMs=12, id=…, deliveryCount=0, …, url=…, deliveryResponse=…`
//! ("Enable diagnostic logs for Event Grid resources"; older samples lack `id`). It is read leniently, and what cannot be read is unknown
//! and not wrong. Its `url` is the partner's whole endpoint, path and query included, so of the message nothing is handed on but what is
//! read here.

use time::{Duration, OffsetDateTime};
use url::Url;
use uuid::{Uuid, fmt::Hyphenated};

use crate::partner::{TEST, TEST_ID};

/// The longest word or id that is taken over.
const LONGEST: usize = 200;
/// Attempts that Event Grid makes at most (`maxDeliveryAttempts`, as our subscriptions have it).
pub(super) const ATTEMPTS: u32 = 30;

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

/// How long an attempt may last: an endpoint has so long to answer.
pub(super) const LONGEST_ATTEMPT: Duration = Duration::seconds(30);

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

/// The service's word for what waits, without an attempt, with an endpoint that failed often.
const HELD: &str = "Probation";

/// One attempt that failed, or that was not made. What the log did not tell is `None`.
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
    /// The answer was final, it was the last attempt, or what waited for the next one was removed with its event subscription.
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

    /// Whether it was of an event that its partner sent itself: the test, or an example of any other, whose id is `test-` and a UUID. A product
    /// may have an id that begins so, and then its events do.
    pub fn is_test(&self) -> bool {
        let is_example = |id: &str| {
            let uuid = id.strip_prefix(TEST_ID).filter(|uuid| uuid.len() == Hyphenated::LENGTH);
            uuid.is_some_and(|uuid| Uuid::try_parse(uuid).is_ok())
        };
        self.event_type.as_deref() == Some(TEST) || self.event.as_deref().is_some_and(is_example)
    }

    /// Whether the event waited, and no attempt was made.
    pub fn is_held(&self) -> bool {
        self.outcome.as_deref() == Some(HELD)
    }

    /// What becomes of the event, if this was the last that was heard of it.
    pub fn fate(&self) -> Fate {
        let Some(attempt) = self.attempt else {
            return match self.status {
                _ if self.is_held() => Fate::HeldBack,
                Some(status) if !will_be_retried(status) => Fate::NotRetried,
                _ => Fate::Unknown,
            };
        };
        match self.status {
            _ if self.is_held() => Fate::HeldBack,
            Some(status) if !will_be_retried(status) => Fate::NotRetried,
            _ if attempt >= ATTEMPTS => Fate::NotRetried,
            _ => Fate::Expected(self.at + self.latency + self.pause(attempt)),
        }
    }

    /// How long Event Grid waits after this attempt, at least.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
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
