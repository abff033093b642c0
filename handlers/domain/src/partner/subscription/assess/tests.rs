use proptest::prelude::*;
use serde_json::json;
use time::macros::datetime;

use super::*;
use crate::partner::{
    endpoint::EndpointRules,
    health::{PAUSE_AFTER, TOLD_BEFORE},
    settings::Settings,
    subscription::Conflict,
};

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00:20 UTC);
const AFTER: Option<Duration> = Some(PAUSE_AFTER);

fn subscription(name: &str, host: &str, types: &[&str]) -> Subscription {
    let mut body = json!({ "endpoint": format!("https://{host}/hook") });
    if !types.is_empty() {
        body["eventTypes"] = json!(types);
    }
    let settings = Settings::parse(body.as_object().expect("an object"), &EndpointRules::default()).expect("settings");
    let (partner, name) = ("acme".to_owned(), name.to_owned());
    let (partner, name) = (partner.try_into().expect("a name"), name.try_into().expect("a name"));
    Subscription::new(partner, name, settings, "m", false, NOW).activated(NOW).expect("it waits")
}

fn at(hours: i64) -> OffsetDateTime {
    NOW + Duration::hours(hours)
}

fn failed(first: OffsetDateTime, last: OffsetDateTime) -> Seen {
    Seen { delivered: false, failed: Some((first, last)) }
}

const DELIVERED: Seen = Seen { delivered: true, failed: None };
const NOTHING: Seen = Seen { delivered: false, failed: None };

fn kinds(subscription: &Subscription) -> Vec<&'static str> {
    subscription.health.untold().iter().map(|notice| notice.kind.as_str()).collect()
}

/// One whose partner was told, at hour 2, that it fails since the start.
fn failing() -> Subscription {
    let suspect = subscription("prices", "ok.example", &[]).assessed(failed(NOW, NOW), AFTER, NOW).expect("it fails");
    assert_eq!((kinds(&suspect), suspect.shown_health().name), (vec![], "healthy"), "once is not for long");
    let early = failed(at(0), at(1) - Duration::SECOND);
    assert_eq!(suspect.assessed(early, AFTER, at(1)), None);
    let failing = suspect.assessed(failed(at(1), at(1)), AFTER, at(2)).expect("an hour");
    assert_eq!(kinds(&failing), ["failing"]);
    let shown = failing.shown_health();
    assert_eq!((shown.name, shown.since, shown.pauses_at), ("failing", Some(NOW), Some(at(120))));
    failing
}

#[test]
fn a_dead_endpoint_is_told_of_then_paused_and_its_gap_begins_with_the_first_failure() {
    let failing = failing().told();
    for (seen, now) in [(NOTHING, 500), (failed(at(119), at(119)), 119), (failed(at(3), at(119)), 300)] {
        assert_eq!(failing.assessed(seen, AFTER, at(now)), None, "{seen:?}");
    }
    assert_eq!(failing.assessed(failed(at(130), at(400)), None, at(400)), None, "never, where so set");
    let paused = failing.assessed(failed(at(120), at(120)), AFTER, at(121)).expect("five days");
    assert!(matches!(&paused.state, State::Paused { by: PausedBy::Health, reason: Some(_) }), "{:?}", paused.state);
    assert!(paused.withdraw);
    assert_eq!(paused.open_gap().map(|gap| (gap.from, gap.reason.as_str())), Some((NOW, "paused")));
    assert_eq!((kinds(&paused), paused.shown_health().name), (vec!["paused"], "paused"));
    assert_eq!(paused.health_question(AFTER, at(122)), None, "nothing is delivered");

    let resumed = paused.told().resume(at(130)).and_then(|made| made.activated(at(131))).expect("resumed");
    assert_eq!(resumed.gaps.last().map(|gap| (gap.from, gap.until)), Some((NOW, Some(at(131)))));
    assert_eq!((kinds(&resumed), resumed.shown_health().name), (vec![], "resumed"));
    let question = resumed.health_question(AFTER, at(131)).expect("it delivers");
    assert_eq!(question.counts_from, at(131), "what was before the pause does not count");
    let recovered = resumed.assessed(DELIVERED, AFTER, at(132)).expect("it recovered");
    assert_eq!((kinds(&recovered), recovered.shown_health().name), (vec!["recovered"], "healthy"));
    assert_eq!(recovered.told().assessed(DELIVERED, AFTER, at(133)), None, "told once");

    // It fails on after it was resumed: that is counted, and told, anew.
    let again = resumed.assessed(failed(at(132), at(132)), AFTER, at(132)).expect("it fails");
    let again = again.assessed(failed(at(133), at(133)), AFTER, at(133)).expect("an hour");
    let notice = again.health.untold().first().expect("a notice");
    assert_eq!((kinds(&again), notice.pauses_at), (vec!["failing"], Some(at(252))));
    assert_ne!(again.notice_id(notice), failing.notice_id(&failing.health.told.clone().expect("told")));
}

#[test]
fn nobody_is_paused_without_a_day_of_notice() {
    // One failure, days without an attempt, one more.
    let suspect = subscription("prices", "ok.example", &[]).assessed(failed(NOW, NOW), AFTER, NOW).expect("it fails");
    let failing = suspect.assessed(failed(at(200), at(200)), AFTER, at(200)).expect("long enough");
    assert_eq!((kinds(&failing), failing.shown_health().pauses_at), (vec!["failing"], Some(at(224))));
    let failing = failing.told();
    assert_eq!(failing.assessed(failed(at(223), at(223)), AFTER, at(223)), None);
    let paused = failing.assessed(failed(at(224), at(224)), AFTER, at(224)).expect("a day later");
    assert_eq!(kinds(&paused), ["paused"]);
    // Failures so far apart that nothing tells of the time between are not one.
    let forgotten = suspect.assessed(NOTHING, AFTER, at(24 * 31)).expect("it is forgotten");
    assert!(forgotten.health.is_plain());
}

#[test]
fn a_delivery_or_another_endpoint_begins_the_count_anew() {
    let failing = failing().told();
    let recovered = failing.assessed(DELIVERED, AFTER, at(50)).expect("it recovered");
    assert_eq!(kinds(&recovered), ["recovered"]);
    assert_eq!(recovered.notice_id(&recovered.health.untold()[0]), "recovered-acme-prices-1772366420-1772366420");

    let other = subscription("prices", "other.example", &[]).settings;
    let moved = failing.update(other, at(50)).and_then(|moved| moved.activated(at(51))).expect("active");
    assert_eq!(moved.assessed(failed(at(130), at(130)), AFTER, at(130)).map(|next| kinds(&next).len()), Some(0));
    // A new secret does not.
    let rotated = failing.rotate("m", Duration::hours(1), at(50)).expect("active");
    assert_eq!(rotated.assessed(failed(at(130), at(130)), AFTER, at(130)), None, "Event Grid is changing it");
    let rotated = rotated.activated(at(51)).expect("it waits");
    let paused = rotated.assessed(failed(at(130), at(130)), AFTER, at(130)).expect("five days");
    assert_eq!(kinds(&paused), ["paused"]);
    assert_eq!(paused.retry(at(131)), Err(Conflict::Paused));
}

#[test]
fn a_look_asks_for_no_more_than_it_needs() {
    let asked = |subscription: &Subscription, now| subscription.health_question(AFTER, now).expect("it delivers");
    let healthy = subscription("prices", "ok.example", &[]);
    let from = at(10) - Duration::hours(1);
    let question = Question { counts_from: from, by_hour: false, failures_from: Some(from) };
    assert_eq!(asked(&healthy, at(10)), question);
    assert_eq!(asked(&healthy, NOW + Duration::MINUTE).counts_from, NOW);
    let suspect = healthy.assessed(failed(NOW, NOW), AFTER, NOW).expect("it fails");
    assert_eq!(asked(&suspect, NOW + Duration::MINUTE).failures_from, None, "too soon");
    let question = Question { counts_from: NOW, by_hour: false, failures_from: Some(at(1)) };
    assert_eq!(asked(&suspect, at(2)), question);
    let failing = failing();
    let hour = datetime!(2026-03-01 13:00 UTC);
    assert_eq!(asked(&failing, at(30)), Question { counts_from: hour, by_hour: true, failures_from: None });
    assert_eq!(asked(&failing, at(121)).failures_from, Some(at(120)));
}

#[test]
fn a_second_address_is_another_subscription_on_another_host() {
    let prices = subscription("prices", "ok.example", &[]);
    let notices = |name, host| subscription(name, host, &[HealthKind::Failing.event_type()]);
    let names = |all: &[Subscription]| without_second_address(all).iter().map(ToString::to_string).collect::<Vec<_>>();
    let (same, other) = (notices("same-host", "ok.example"), notices("other-host", "alarm.example"));
    assert_eq!(names(&[prices.clone(), same.clone()]), ["prices"]);
    assert!(names(&[prices.clone(), same.clone(), other.clone()]).is_empty());
    let paused = other.pause(PausedBy::Partner, None, NOW).expect("active");
    assert_eq!(names(&[prices.clone(), paused]), ["prices"]);
    assert!(same.hears_of(&other.name, HealthKind::Failing) && !same.hears_of(&same.name, HealthKind::Failing));
    assert!(!same.hears_of(&prices.name, HealthKind::Paused) && !prices.hears_of(&other.name, HealthKind::Failing));
}

proptest! {
    /// Whatever is attempted when: a pause comes after a notice that is a day old, a stretch of `pause_after` without a delivery, and a failure
    /// at its end; notices of one subscription never repeat themselves.
    #[test]
    fn a_pause_has_its_reasons(looks in prop::collection::vec((1..2_000_i64, 0..3_u8), 1..120)) {
        let mut now = NOW;
        let mut subscription = subscription("prices", "ok.example", &[]);
        let (mut delivered_at, mut told_at, mut ids) = (NOW, None, Vec::new());
        for (minutes, what) in looks {
            now += Duration::minutes(minutes);
            let seen = match what {
                0 => NOTHING,
                1 => failed(now, now),
                _ => DELIVERED,
            };
            if what == 2 {
                delivered_at = now;
            }
            let Some(next) = subscription.assessed(seen, AFTER, now) else { continue };
            for notice in next.health.untold() {
                ids.push(next.notice_id(notice));
                match notice.kind {
                    HealthKind::Failing => told_at = Some(now),
                    HealthKind::Recovered => prop_assert!(told_at.take().is_some() && what == 2),
                    HealthKind::Paused => {
                        prop_assert!(told_at.is_some_and(|told| now - told >= TOLD_BEFORE));
                        prop_assert!(what == 1 && now - delivered_at >= PAUSE_AFTER);
                    }
                }
            }
            subscription = next.told();
            if !subscription.state.delivers() {
                break;
            }
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), count);
    }
}
