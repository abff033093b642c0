//! Rows as Azure writes them, and what becomes of their events.

use serde_json::json;
use time::{Duration, OffsetDateTime, macros::datetime};

use super::{
    super::{
        TEST,
        endpoint::EndpointRules,
        settings::Settings,
        subscription::{PausedBy, Subscription},
    },
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
    let event = |count| by_event(vec![FailedDelivery::parse(AT, &message("id=1, ", count, "NotFound: x"))]).remove(0);
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
    for id in
        ["test-1-3", "test-5f3c1d5e-8d3a-4a8e-9a57-0c1f6f1f7a10-3", "test-5f3c1d5e8d3a4a8e9a570c1f6f1f7a10", "tent-1-3"]
    {
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
