//! Failed deliveries, read from the log `DeliveryFailures` of Azure Monitor.
//!
//! The log's `Message` is words, without a schema: `outcome=Busy, latencyInMs=12, id=…, deliveryCount=0, …, url=…, deliveryResponse=…`
//! ("Enable diagnostic logs for Event Grid resources"; older samples lack `id`). It is read leniently, and what cannot be read is unknown
//! and not wrong. Its `url` is the partner's whole endpoint, path and query included, so of the message nothing is handed on but what is
//! read here.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};
use url::Url;
use uuid::{Uuid, fmt::Hyphenated};

use super::{TEST, TEST_ID, subscription::Subscription};

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
    /// The newest attempt, or that none is made.
    pub last: FailedDelivery,
    /// When the oldest of those read was.
    pub first_at: OffsetDateTime,
    /// When it was published last, as far as the attempts tell: what is delivered again has a day and attempts of its own.
    pub published: OffsetDateTime,
    /// How many attempts were read; 0 if it only waited.
    pub failures: usize,
    /// How many attempts there were, of all times that it was published, if the log told any.
    pub attempts: Option<u32>,
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
    /// Its attempts, oldest first and at least one.
    fn of(attempts: Vec<FailedDelivery>) -> Option<Self> {
        let (first, last) = (attempts.first()?, attempts.last()?.clone());
        let first_at = first.at;
        // A first attempt after others is of an event that was published again. One that was held back before it was made began when it waited.
        let mut known: u32 = 0;
        let mut of_this_one = 0;
        let mut begun: Option<OffsetDateTime> = None;
        let mut first_waits = false;
        for attempt in &attempts {
            let Some(number) = attempt.attempt else { continue };
            let is_same = first_waits && begun.is_some_and(|begun| attempt.at - begun <= TIME_TO_LIVE);
            if number == 1 && !is_same {
                known = known.saturating_add(of_this_one);
                of_this_one = 0;
                begun = Some(attempt.at);
            }
            first_waits = number == 1 && attempt.is_held();
            if !attempt.is_held() {
                of_this_one = number.max(of_this_one);
            }
        }
        let known = known.saturating_add(of_this_one);
        let waited = || {
            let before = (1..last.attempt.unwrap_or(1).min(ATTEMPTS)).map(|attempt| last.pause(attempt));
            last.at.checked_sub(before.sum()).unwrap_or(first_at).min(first_at)
        };
        let failures = attempts.iter().filter(|attempt| !attempt.is_held()).count();
        let attempts = (known > 0).then(|| known.max(u32::try_from(failures).unwrap_or(u32::MAX)));
        Some(Self { published: begun.unwrap_or_else(waited), last, first_at, failures, attempts })
    }

    /// What becomes of it by the log, where its event subscription may have been removed meanwhile.
    fn logged_fate(&self, subscription: &Subscription) -> Fate {
        let due = match self.last.fate() {
            Fate::Expected(at) => Some(at),
            Fate::HeldBack => None,
            fate => return fate,
        };
        match subscription.forgot(self.last.at, due) {
            true => Fate::NotRetried,
            false => self.last.fate(),
        }
    }

    /// When its next attempt was due, if that is over.
    pub fn was_due(&self, subscription: &Subscription, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.due(self.logged_fate(subscription)).filter(|at| *at <= now)
    }

    /// When an attempt is due: where it is held back, one was when that was logged.
    fn due(&self, fate: Fate) -> Option<OffsetDateTime> {
        match fate {
            Fate::Expected(at) => Some(at),
            Fate::HeldBack => Some(self.last.at),
            Fate::NotRetried | Fate::ProbablyDelivered | Fate::Unknown => None,
        }
    }

    /// What becomes of it, or became of it meanwhile, by what was counted since its next attempt was due, if that is known.
    pub fn fate(&self, subscription: &Subscription, counted: Option<Counted>, now: OffsetDateTime) -> Fate {
        let fate = self.logged_fate(subscription);
        let Some(at) = self.due(fate) else { return fate };
        let ends = self.published.saturating_add(TIME_TO_LIVE);
        if at > now {
            // An attempt that is due behind an event's last day is not made.
            return if at > ends { Fate::NotRetried } else { fate };
        }
        let is_delivered = |counted: Counted| counted.delivered > 0 && (counted.failed == 0 || is_overdue(at, now));
        match counted {
            Some(counted) if is_delivered(counted) => Fate::ProbablyDelivered,
            Some(_) if at > ends || now > ends.saturating_add(LOG_DELAY) => Fate::NotRetried,
            None if now > ends.saturating_add(LOG_DELAY) => Fate::Unknown,
            _ => fate,
        }
    }
}

/// Whether an attempt that was due at a time would be in the log by now, had it been made and failed.
pub fn is_overdue(at: OffsetDateTime, now: OffsetDateTime) -> bool {
    now > at.saturating_add(LONGEST_ATTEMPT + LOG_DELAY)
}

/// Failures by event, the one that failed last first, each attempt once though the log may have it twice. Those whose event is unknown stand
/// each for itself.
pub fn by_event(mut failures: Vec<FailedDelivery>) -> Vec<FailedEvent> {
    failures.sort_by_key(|failure| (failure.at, failure.attempt));
    let mut events: BTreeMap<(Option<String>, usize), Vec<FailedDelivery>> = BTreeMap::new();
    for (index, failure) in failures.into_iter().enumerate() {
        let key = (failure.event.clone(), if failure.event.is_some() { 0 } else { index });
        let attempts = events.entry(key).or_default();
        if attempts.last().is_none_or(|last| (last.at, last.attempt) != (failure.at, failure.attempt)) {
            attempts.push(failure);
        }
    }
    let mut events: Vec<_> = events.into_values().filter_map(FailedEvent::of).collect();
    events.sort_by(|a, b| (b.last.at, &b.last.event).cmp(&(a.last.at, &a.last.event)));
    events
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::{
        super::{endpoint::EndpointRules, settings::Settings, subscription::PausedBy},
        *,
    };

    const AT: OffsetDateTime = datetime!(2026-03-04 12:00 UTC);

    /// One that delivers since the day before.
    fn subscription() -> Subscription {
        let settings = json!({ "endpoint": "https://ok.example/" });
        let settings = Settings::parse(settings.as_object().expect("an object"), &EndpointRules::default());
        let name = |name: &str| name.to_owned();
        let (partner, name) = (name("acme").try_into().expect("a name"), name("prices").try_into().expect("a name"));
        let before = AT - Duration::DAY;
        let made = Subscription::new(partner, name, settings.expect("settings"), "m", false, before);
        made.activated(before).expect("it waits")
    }

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
        let prices = &subscription();
        let fate = |counted, after: Duration| event(0).fate(prices, counted, due + after);
        assert_eq!((event(0).was_due(prices, AT), event(0).was_due(prices, due)), (None, Some(due)));
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
    }

    #[test]
    fn a_pause_ends_what_waits_for_a_retry() {
        let event = by_event(vec![FailedDelivery::parse(AT, &message("id=1, ", 0, "ServiceUnavailable: x"))]).remove(0);
        let (seconds, minutes) = (|seconds| AT + Duration::seconds(seconds), |minutes| AT + Duration::minutes(minutes));
        let paused_at = |at| subscription().pause(PausedBy::Partner, None, at).expect("active");
        let resumed = |paused: &Subscription, at| paused.resume(at).and_then(|one| one.activated(at)).expect("paused");
        let others = Some(Counted { delivered: 3, failed: 0 });
        let fate = |subscription: &Subscription| event.fate(subscription, others, minutes(20)).words();
        assert_eq!(fate(&subscription()), "probably delivered");
        let paused = paused_at(seconds(10));
        for gone in [&paused, &paused.resume(minutes(5)).expect("paused"), &resumed(&paused, minutes(5))] {
            assert_eq!(fate(gone), "will not be retried", "{:?}", gone.state);
            assert_eq!(event.was_due(gone, minutes(20)), None, "nothing is counted for it");
        }
        assert_eq!(event.fate(&paused, None, seconds(11)), Fate::NotRetried, "before it would have been due, too");
        let later = paused_at(minutes(1));
        assert_eq!(fate(&resumed(&later, minutes(5))), "probably delivered", "its attempt was before the pause");
        // A new one of the same name has nothing of what waited for the one before.
        let anew = Subscription { created: seconds(20), gaps: Vec::new(), ..subscription() };
        assert_eq!(fate(&anew), "will not be retried");
        // A redelivered copy that failed after the pause waits by itself.
        let before = resumed(&paused_at(AT - Duration::HOUR), AT - Duration::MINUTE);
        assert_eq!(fate(&before), "probably delivered");
        let held = message("id=1, ", 0, "").replace("outcome=Busy", "outcome=Probation");
        let held = by_event(vec![FailedDelivery::parse(AT, &held)]).remove(0);
        assert_eq!(held.fate(&paused, None, minutes(20)), Fate::NotRetried);
        assert_eq!(held.fate(&before, None, minutes(20)), Fate::HeldBack);
    }

    #[test]
    fn an_events_day_begins_when_it_was_published_last() {
        let failure = |hours: f64, count| {
            let at = AT + Duration::seconds_f64(hours * 3600.0);
            FailedDelivery::parse(at, &message("id=1, ", count, "ServiceUnavailable: x"))
        };
        let prices = &subscription();
        // Its tries ended, and it was delivered again, in vain.
        let again = by_event(vec![failure(0.0, 0), failure(0.1, 1), failure(9.0, 9), failure(20.0, 0)]).remove(0);
        let now = AT + Duration::hours(26);
        let counted = Some(Counted { delivered: 0, failed: 3 });
        assert_eq!(again.fate(prices, counted, now).words(), "expected by schedule", "its copy has a day of its own");
        assert_eq!(again.fate(prices, counted, AT + Duration::hours(45)), Fate::NotRetried);
        assert_eq!((again.failures, again.attempts, again.last.attempt), (4, Some(11), Some(1)));
        let three = by_event(vec![failure(0.0, 0), failure(0.1, 1), failure(0.2, 2), failure(1.0, 0)]).remove(0);
        assert_eq!(three.attempts, Some(4), "one count over both");
        // Of an event that fails for a day, only the last attempt was asked for.
        let eleventh = by_event(vec![failure(23.0, 10)]).remove(0);
        assert_eq!(eleventh.fate(prices, None, AT + Duration::hours(23)), Fate::NotRetried);
        assert_eq!((eleventh.failures, eleventh.attempts), (1, Some(11)));
        let eighth = by_event(vec![failure(5.0, 7)]).remove(0);
        assert_eq!(eighth.fate(prices, None, AT + Duration::hours(5)).words(), "expected by schedule");
        // The log may have an attempt twice, and some without a count.
        let twice = by_event(vec![failure(0.0, 0), failure(0.0, 0), failure(0.1, 1)]).remove(0);
        assert_eq!((twice.failures, twice.attempts), (2, Some(2)));
        let uncounted = FailedDelivery { attempt: None, ..failure(0.0, 0) };
        assert_eq!(by_event(vec![uncounted]).remove(0).attempts, None);
    }

    #[test]
    fn an_event_that_is_held_back_has_no_attempt_until_its_endpoint_is_better() {
        let held = |minutes, count| {
            let text = message("id=1, ", count, "Probation: x").replace("outcome=Busy", "outcome=Probation");
            FailedDelivery::parse(AT + Duration::minutes(minutes), &text)
        };
        let first = by_event(vec![held(0, 0)]).remove(0);
        assert_eq!((first.failures, first.attempts), (0, None));
        let failed = FailedDelivery::parse(AT, &message("id=1, ", 0, "NotFound: x"));
        let again = by_event(vec![failed, held(1, 1)]).remove(0);
        assert_eq!((again.failures, again.attempts), (1, Some(1)));
        // Its tries ended, and its copy, delivered again two days later, waits before its first.
        let tenth = FailedDelivery::parse(AT, &message("id=1, ", 9, "NotFound: x"));
        let copy = by_event(vec![tenth.clone(), held(2 * 24 * 60, 0), held(2 * 24 * 60 + 5, 0)]).remove(0);
        let later = |minutes: i64| AT + Duration::minutes(2 * 24 * 60 + minutes);
        assert_eq!((copy.published, copy.failures, copy.attempts), (later(0), 1, Some(10)));
        assert_eq!(copy.fate(&subscription(), Some(Counted { delivered: 0, failed: 3 }), later(10)), Fate::HeldBack);
        let made = FailedDelivery::parse(later(10), &message("id=1, ", 0, "NotFound: x"));
        let tried = by_event(vec![tenth, held(2 * 24 * 60, 0), made]).remove(0);
        assert_eq!((tried.published, tried.failures, tried.attempts), (later(0), 2, Some(11)), "its day goes on");
        let (prices, counted) = (&subscription(), |delivered, failed| Some(Counted { delivered, failed }));
        let fate = |counted, minutes| first.fate(prices, counted, AT + Duration::minutes(minutes)).words();
        assert_eq!(first.was_due(prices, AT), Some(AT), "what is delivered since then is counted");
        for (counted, minutes) in [(None, 5), (counted(0, 3), 60), (counted(2, 3), 5)] {
            assert_eq!(fate(counted, minutes), "held back by Event Grid", "{counted:?}");
        }
        assert_eq!(fate(counted(2, 3), 60), "probably delivered");
        assert_eq!(fate(counted(0, 3), 25 * 60), "will not be retried", "its day is over");
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
    fn what_a_partner_sent_itself_is_known_by_its_id() {
        let sent = |id: &str| FailedDelivery::parse(AT, &message(&format!("id={id}, "), 0, "NotFound: x")).is_test();
        assert!(sent("test-5f3c1d5e-8d3a-4a8e-9a57-0c1f6f1f7a10"));
        // Of products `test-1` and `test-<UUID>`.
        for id in [
            "test-1-3",
            "test-5f3c1d5e-8d3a-4a8e-9a57-0c1f6f1f7a10-3",
            "test-5f3c1d5e8d3a4a8e9a570c1f6f1f7a10",
            "tent-1-3",
        ] {
            assert!(!sent(id), "{id}");
        }
        let test = message("", 0, "NotFound: x").replace("com.contoso.product.changed.v1", TEST);
        assert!(FailedDelivery::parse(AT, &test).is_test(), "older rows have no id");
    }

    #[test]
    fn an_id_that_could_end_a_text_of_a_query_is_none() {
        assert!(EventId::new("tent-1/3:product+a@b~c_d.e").is_some());
        for text in ["", "a'b", "a\\b", "a b", "a\nb", "a|b", "\u{e4}", &"x".repeat(201)] {
            assert!(EventId::new(text).is_none(), "{text}");
        }
    }
}
