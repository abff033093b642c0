use proptest::prelude::*;
use serde_json::json;
use time::macros::datetime;

use super::{super::endpoint::EndpointRules, *};

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

fn settings(path: &str) -> Settings {
    let body = json!({ "endpoint": format!("https://ok.example/{path}"), "priceDropPercent": 12.45 });
    Settings::parse(body.as_object().expect("an object"), &EndpointRules::default()).expect("settings")
}

fn new(paused: bool) -> Subscription {
    let (partner, name) =
        ("acme".to_owned().try_into().expect("a name"), "prices".to_owned().try_into().expect("a name"));
    Subscription::new(partner, name, settings("old"), "m1", paused, NOW)
}

fn at(minutes: i64) -> OffsetDateTime {
    NOW + Duration::minutes(minutes)
}

fn active() -> Subscription {
    new(false).activated(NOW).expect("it waits")
}

fn gaps(subscription: &Subscription) -> Vec<(i64, Option<i64>)> {
    let minutes = |time: OffsetDateTime| (time - NOW).whole_minutes();
    subscription.gaps.iter().map(|gap| (minutes(gap.from), gap.until.map(minutes))).collect()
}

#[test]
fn a_failed_handshake_is_mended_and_what_was_missed_is_one_gap() {
    let failed = new(false).failed("the endpoint answered 404".to_owned(), at(1)).expect("it waits");
    assert_eq!(failed.update(settings("new"), at(2)).expect("to mend it").state, State::Creating);
    let again = failed.retry(at(3)).expect("another try");
    let active = again.activated(at(4)).expect("it waits");
    assert_eq!((&active.state, gaps(&active)), (&State::Active, vec![(0, Some(4))]));
    assert_eq!((active.revision, active.changed, active.since, active.created), (4, at(4), at(4), NOW));
}

#[test]
fn a_change_that_fails_leaves_the_settings_from_before() {
    let updating = active().update(settings("new"), at(5)).expect("active");
    assert_eq!(updating.settings, settings("new"));
    assert!(updating.open_gap().is_none(), "deliveries go on");
    let done = updating.activated(at(6)).expect("it waits");
    assert_eq!((done.settings, done.previous), (settings("new"), None));
    for late in [
        updating.clone(),
        updating.stuck(at(30)).expect("it is late"),
        updating.awaiting_manual_action(at(6)).expect("it waits"),
    ] {
        let failed = late.failed("no consent".to_owned(), at(40)).expect("it waits");
        assert_eq!((&failed.settings, &failed.previous), (&settings("old"), &None));
        assert_eq!(gaps(&failed), [(0, Some(0)), (5, None)], "it may have ended with the try");
    }
}

#[test]
fn a_pause_keeps_the_record_and_resuming_offers_what_was_missed() {
    let paused = active().pause(PausedBy::Health, Some("failing for 120 h".to_owned()), at(10)).expect("active");
    assert_eq!(paused.open_gap().map(|gap| gap.from), Some(at(10)));
    let same = paused.pause(PausedBy::Partner, None, at(11)).expect("already");
    assert_eq!(same, paused);
    assert_eq!(paused.retry(at(11)), Err(Conflict::Paused));
    let changed = paused.update(settings("new"), at(12)).expect("nothing to wait for");
    assert!(matches!(changed.state, State::Paused { by: PausedBy::Health, .. }));
    let resumed = changed.resume(at(20)).expect("paused");
    assert_eq!((&resumed.state, gaps(&resumed)), (&State::Creating, vec![(0, Some(0)), (10, None)]));
    let active = resumed.activated(at(21)).expect("it waits");
    assert_eq!(gaps(&active), [(0, Some(0)), (10, Some(21))]);
    assert_eq!((active.settings.clone(), active.secrets.clone()), (settings("new"), new(false).secrets));
    assert_eq!(active.resume(at(22)).expect("already"), active);
    assert!(matches!(new(true).state, State::Paused { by: PausedBy::Partner, .. }), "made paused");
}

#[test]
fn what_is_found_to_be_gone_was_missed_since_it_was_last_seen() {
    let seen = active().compared(at(90)).expect("active");
    assert_eq!((seen.revision, seen.changed), (active().revision, active().changed), "no other version");
    let paused = seen.pause(PausedBy::Partner, None, at(100)).expect("active");
    assert_eq!((gaps(&paused).last(), paused.compared(at(101))), (Some(&(100, None)), None));
    // The runs of two hours were left out.
    let failed = seen.failed("given up".to_owned(), at(300)).expect("active");
    let updating = seen.update(settings("new"), at(295)).expect("active");
    let made = updating.vanished(at(300)).expect("it was to be changed");
    for gone in [&seen.vanished(at(300)).expect("active"), &failed, &made] {
        assert_eq!(gaps(gone), [(0, Some(0)), (90, None)], "{:?}", gone.state);
    }
    assert_eq!((&made.settings, made.attempt), (&settings("new"), updating.attempt), "what it was told is what it is");
    assert_eq!(failed.vanished(at(301)), Err(Conflict::Unexpected("failed")));
    // Active again by an answer that says nothing of Event Grid.
    let refused = updating.refused(at(296)).expect("it was being changed");
    assert_eq!(refused.vanished(at(300)).expect("active").open_gap().map(|gap| gap.from), Some(at(90)));

    let mut before = serde_json::to_value(&seen).expect("JSON");
    before.as_object_mut().expect("an object").remove("seen");
    let before: Subscription = serde_json::from_value(before).expect("of before it was kept");
    assert_eq!(gaps(&before.vanished(at(300)).expect("active")), [(0, Some(0)), (180, None)]);
}

#[test]
fn what_the_state_does_not_allow_is_a_conflict() {
    let (creating, active) = (new(false), active());
    assert_eq!(creating.update(settings("new"), at(1)), Err(Conflict::Busy("creating")));
    assert_eq!(creating.pause(PausedBy::Partner, None, at(1)), Err(Conflict::Busy("creating")));
    assert_eq!(creating.resume(at(1)), Err(Conflict::Busy("creating")));
    assert_eq!(creating.stuck(at(14)), None);
    let stuck = creating.stuck(at(15)).expect("late");
    assert_eq!(stuck.update(settings("new"), at(16)), Err(Conflict::Busy("stuck")));
    assert!(stuck.activated(at(16)).is_ok() && stuck.pause(PausedBy::Operator, None, at(16)).is_ok());
    assert_eq!(active.stuck(at(1000)), None);
    assert_eq!(active.awaiting_manual_action(at(1)), Err(Conflict::Unexpected("active")));
    assert!(active.failed("it is gone".to_owned(), at(1)).is_ok(), "somebody removed the event subscription");
    let paused = active.pause(PausedBy::Partner, None, at(1)).expect("active");
    assert_eq!(paused.activated(at(2)), Err(Conflict::Unexpected("paused")), "an answer that comes late");
    assert_eq!(paused.failed(String::new(), at(2)), Err(Conflict::Unexpected("paused")));
    let deleting = active.delete(at(1));
    for result in [
        deleting.update(settings("new"), at(2)),
        deleting.pause(PausedBy::Partner, None, at(2)),
        deleting.resume(at(2)),
        deleting.retry(at(2)),
        deleting.rotate("m1", Duration::hours(1), at(2)),
    ] {
        assert_eq!(result, Err(Conflict::Deleting));
    }
    assert_eq!(deleting.activated(at(2)), Err(Conflict::Unexpected("deleting")));
    // Where deleting takes too long, nothing makes it come back.
    let stuck = deleting.stuck(at(20)).expect("late");
    assert_eq!((stuck.state.as_str(), stuck.state.is_leaving()), ("stuck", true));
    assert_eq!(stuck.activated(at(21)), Err(Conflict::Unexpected("stuck")));
    for result in [
        stuck.update(settings("new"), at(21)),
        stuck.pause(PausedBy::Partner, None, at(21)),
        stuck.resume(at(21)),
        stuck.retry(at(21)),
        stuck.rotate("m1", Duration::hours(1), at(21)),
    ] {
        assert_eq!(result, Err(Conflict::Deleting));
    }
}

#[test]
fn what_resource_manager_has_not_taken_is_not_undone() {
    let provisioned = |subscription: Subscription, version: &str| Subscription {
        provisioned: Some(version.to_owned()),
        ..subscription
    };
    let active = provisioned(new(false), "one").activated(at(1)).expect("it waits");
    assert!(active.is_accepted(), "it is there");
    let rotated = active.rotate("m2", Duration::hours(1), at(2)).expect("active");
    let rotated = provisioned(rotated, "two");
    assert!(!rotated.is_accepted() && rotated.attempt > active.attempt);
    assert_eq!(rotated.reverted(Some("one"), at(3)), Err(Conflict::Unexpected("updating")));
    let refused = rotated.refused(at(3)).expect("it was being changed");
    assert_eq!(
        (&refused.settings, &refused.secrets, &refused.state),
        (&active.settings, &active.secrets, &State::Active)
    );
    assert_eq!((refused.provisioned.clone(), &refused.gaps), (None, &active.gaps));
    assert_eq!(active.refused(at(3)), None);
    let reverted = rotated.accepted().reverted(Some("one"), at(3)).expect("it was taken");
    assert_eq!((&reverted.settings, &reverted.secrets), (&active.settings, &active.secrets));
    assert_eq!((reverted.provisioned.as_deref(), reverted.is_accepted()), (Some("one"), true));
    // Somebody's older write may have come last.
    let again = rotated.activated(at(3)).expect("it waits").again(at(4)).expect("it delivers");
    assert_eq!((&again.state, again.is_accepted(), &again.secrets), (&State::Updating, false, &rotated.secrets));
    assert_eq!(new(true).again(at(1)), None);
}

#[test]
fn a_pause_waits_for_its_event_subscription_to_be_removed() {
    let paused = active().pause(PausedBy::Partner, None, at(1)).expect("active");
    assert!(paused.withdraw && !new(true).withdraw);
    assert!(!paused.withdrawn(at(1)).withdraw);
    assert!(!paused.resume(at(2)).expect("paused").withdraw);
    // A write may be under way still: it is removed once more after that.
    let stuck = Subscription { provisioned: Some("one".to_owned()), ..new(false) }.stuck(at(20)).expect("late");
    let paused = stuck.pause(PausedBy::Partner, None, at(20)).expect("stuck");
    assert!(paused.withdrawn(at(21)).withdraw);
    assert!(!paused.withdrawn(at(22)).withdraw);
}

#[test]
fn a_new_secret_and_the_old_one_are_valid_together() {
    let rotated = active().rotate("m2", Duration::hours(24), at(60)).expect("active");
    assert_eq!(rotated.state, State::Updating, "Event Grid is to be told");
    let [new, old] = rotated.secrets.as_slice() else { panic!("two secrets") };
    assert_eq!((new.master.as_str(), new.since, new.until), ("m2", at(60), None));
    assert_eq!((old.master.as_str(), old.until), ("m1", Some(at(25 * 60))));
    assert!(new.number > old.number);
    assert_eq!(rotated.rotate("m2", Duration::hours(1), at(61)), Err(Conflict::Busy("updating")));
    let settled = rotated.activated(at(61)).expect("it waits");
    // The old one leaked: another rotation ends all before it sooner.
    let again = settled.rotate("m2", Duration::hours(1), at(62)).expect("active");
    assert_eq!(
        again.secrets.iter().map(|secret| secret.until).collect::<Vec<_>>(),
        [None, Some(at(122)), Some(at(122))]
    );
    assert!(again.secrets.is_sorted_by(|newer, older| newer.number > older.number));
    let settled = again.activated(at(63)).expect("it waits");
    assert_eq!(settled.without_ended_secrets(at(121)), None);
    let cleared = settled.without_ended_secrets(at(122)).expect("two ended");
    assert_eq!((cleared.secrets.len(), &cleared.state), (1, &State::Updating));
    for overlap in [Duration::minutes(59), Duration::days(8), Duration::ZERO, -Duration::DAY] {
        assert_eq!(active().rotate("m1", overlap, NOW), Err(Conflict::Overlap));
    }
    let mut paused = new_paused();
    for minute in 0..4 {
        paused = paused.rotate("m1", Duration::days(1), at(minute)).expect("room for five");
        assert!(matches!(paused.state, State::Paused { .. }));
    }
    let first_end = at(24 * 60);
    assert_eq!(paused.rotate("m1", Duration::days(1), at(9)), Err(Conflict::TooManySecrets(first_end)));
    assert!(paused.rotate("m1", Duration::days(1), first_end).is_ok());
}

fn new_paused() -> Subscription {
    new(true)
}

#[test]
fn the_document_has_its_keys_and_survives() {
    let states = [
        active(),
        new(true),
        active().update(settings("new"), at(1)).expect("active"),
        new(false).failed("no consent".to_owned(), at(1)).expect("it waits"),
        active().pause(PausedBy::Health, Some("dead".to_owned()), at(1)).expect("active"),
        active().delete(at(1)),
        active().delete(at(1)).stuck(at(20)).expect("late"),
    ];
    for subscription in states {
        let text = serde_json::to_string(&subscription).expect("JSON");
        assert_eq!(serde_json::from_str::<Subscription>(&text).expect(&text), subscription);
        let document = serde_json::to_value(&subscription).expect("JSON");
        assert_eq!((&document["id"], &document["partner"]), (&json!("prices"), &json!("acme")));
        assert_eq!(document["state"]["name"], subscription.state.as_str());
        assert!(!format!("{subscription:?}").contains("ok.example/"), "nothing but the host is shown");
    }
}

#[test]
fn an_endpoint_is_welcomed_once_until_another_is() {
    let to = |from: &Subscription, path| from.update(settings(path), at(1)).expect("allowed");
    assert!(new(false).welcome_due() && !active().welcome_due());
    let failed = active().failed("given up".to_owned(), at(1)).expect("active");
    for idle in [active().pause(PausedBy::Partner, None, at(1)).expect("active"), failed] {
        let other = to(&idle, "new");
        assert!(other.welcome_due());
        let other = match other.state {
            State::Creating => other.failed("no consent".to_owned(), at(1)).expect("it waits"),
            _ => other,
        };
        assert!(!to(&other, "old").welcome_due(), "the one that had it is back");
    }
    let other = to(&active(), "new");
    assert!(other.welcome_due() && !other.refused(at(2)).expect("it was being changed").welcome_due());
    assert!(to(&other.activated(at(2)).expect("it waits"), "old").welcome_due(), "another was welcomed since");
}

#[test]
fn a_document_of_before_welcomes_were_kept_has_its_own() {
    let before = |subscription: &Subscription| {
        let mut document = serde_json::to_value(subscription).expect("JSON");
        document.as_object_mut().expect("an object").remove("welcomed");
        serde_json::from_value::<Subscription>(document).expect("a subscription")
    };
    let failed = new(false).failed("no consent".to_owned(), at(1)).expect("it waits");
    let awaiting = new(false).awaiting_manual_action(at(1)).expect("it waits");
    let updating = active().update(settings("new"), at(1)).expect("active");
    let late = updating.stuck(at(30)).expect("it is late");
    for due in [new(false), new(true), awaiting, failed.clone(), updating.clone(), late] {
        let stored = before(&due);
        assert!(stored.welcome_due(), "{:?}", stored.state);
        let next = stored.again(at(2)).or_else(|| stored.retry(at(2)).or(stored.resume(at(2))).ok()).expect("a change");
        assert!(next.welcome_due(), "{:?}", stored.state);
        assert!(!next.activated(at(3)).expect("it waits").welcome_due(), "once");
    }
    let paused = active().pause(PausedBy::Partner, None, at(1)).expect("active");
    let rotated = active().rotate("m2", Duration::hours(1), at(1)).expect("active");
    let ended = updating.failed("no consent".to_owned(), at(1)).expect("it waits");
    for had_it in [active(), paused.clone(), rotated, ended] {
        assert!(!before(&had_it).welcome_due(), "{:?}", had_it.state);
    }
    assert!(before(&paused).update(settings("new"), at(2)).expect("allowed").welcome_due(), "another endpoint");
}

/// What may happen to a subscription, allowed or not.
#[derive(Clone, Debug)]
enum Step {
    Update,
    Pause,
    Resume,
    Retry,
    Rotate,
    Clear,
    Activated,
    Awaiting,
    Failed,
    Stuck,
}

fn apply(step: &Step, was: &Subscription, now: OffsetDateTime) -> Option<Subscription> {
    match step {
        Step::Update => was.update(settings("new"), now).ok(),
        Step::Pause => was.pause(PausedBy::Partner, None, now).ok(),
        Step::Resume => was.resume(now).ok(),
        Step::Retry => was.retry(now).ok(),
        Step::Rotate => was.rotate("m2", Duration::hours(1), now).ok(),
        Step::Clear => was.without_ended_secrets(now),
        Step::Activated => was.activated(now).ok(),
        Step::Awaiting => was.awaiting_manual_action(now).ok(),
        Step::Failed => was.failed("cause".to_owned(), now).ok(),
        Step::Stuck => was.stuck(now),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::default() })]

    /// Minute by minute, what is not delivered lies in a gap: exactly, as long as none had to be merged, and at least, if some were.
    #[test]
    fn no_transition_loses_a_gap(
        paused: bool,
        steps in prop::collection::vec((prop::sample::select(vec![
            Step::Update, Step::Pause, Step::Resume, Step::Retry, Step::Rotate, Step::Clear, Step::Activated, Step::Activated,
            Step::Awaiting, Step::Failed, Step::Stuck,
        ]), 0..40_i64), 0..400),
    ) {
        let (mut subscription, mut now) = (new(paused), NOW);
        // Of each stretch between two steps: begin, end, whether events were delivered.
        let mut past = Vec::new();
        for (step, minutes) in steps {
            let later = now + Duration::minutes(minutes);
            past.push((now, later, subscription.state.delivers()));
            now = later;
            let Some(next) = apply(&step, &subscription, now) else { continue };
            prop_assert_eq!(next.created, subscription.created);
            prop_assert!(next == subscription || next.revision == subscription.revision + 1);
            prop_assert!(next.previous.is_none() || next.state.is_on_its_way());
            prop_assert_eq!(next.state.delivers(), next.open_gap().is_none());
            prop_assert!(next.gaps.len() <= MOST_GAPS);
            prop_assert!(next.gaps.iter().rev().skip(1).all(|gap| gap.until.is_some()));
            prop_assert!(next.gaps.iter().is_sorted_by_key(|gap| gap.from));
            prop_assert!(next.secrets.first().is_some_and(|secret| secret.is_valid(now)));
            subscription = next;
        }
        let is_within = |from, until| {
            subscription.gaps.iter().any(|gap| gap.from <= from && gap.until.is_none_or(|end| until <= end))
        };
        for (from, until, delivers) in past {
            prop_assert!(delivers || from == until || is_within(from, until), "{} to {} in {:?}", from, until, subscription.gaps);
        }
    }
}
