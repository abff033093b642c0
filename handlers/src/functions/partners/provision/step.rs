//! What is to be done about a subscription, now that Event Grid was asked what it has of it.

use serde_json::json;
use time::OffsetDateTime;

use crate::{
    azure::resource_manager::{EventSubscription, ProvisioningState},
    domain::partner::{
        event_subscription,
        subscription::{Conflict, State, Subscription},
    },
};

/// What a look leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Event Grid is not done.
    Nothing,
    /// It is: the next version of the document.
    Store(Box<Subscription>),
    /// It does not have what the document waits for, and is told again.
    Tell,
    /// It still has what is to be deleted.
    Remove,
    /// It has nothing left of it.
    Forget,
}

/// What becomes of a subscription that is on its way, now that Event Grid has `seen` of it.
pub(super) fn step(subscription: &Subscription, seen: Option<&EventSubscription>, now: OffsetDateTime) -> Step {
    const REFUSED: &str =
        "Event Grid's own handshake with the endpoint failed, though ours did not before; try it again";
    const LAPSED: &str = "nobody opened the callback's address within ten minutes of the handshake; try it again";
    let failed =
        |cause: &str, word: &str| subscription.failed_handshake(cause.to_owned(), Some(json!({ "cause": word })), now);
    let next = |next: Result<Subscription, Conflict>| match next {
        Ok(next) if next != *subscription => Step::Store(Box::new(next)),
        Ok(_) | Err(_) => Step::Nothing,
    };
    // Whatever it waits for, Event Grid or a write that is refused again and again, somebody hears of it once that takes too long.
    let late_or = |step: Step| subscription.stuck(now).map_or(step, |stuck| Step::Store(Box::new(stuck)));
    let is_leaving = subscription.state.is_leaving();
    let Some(seen) = seen else {
        return match subscription.state {
            // The document stays for as long as a write may yet make what nobody would remove.
            _ if is_leaving && subscription.may_be_written(now) => late_or(Step::Nothing),
            _ if is_leaving => Step::Forget,
            State::AwaitingManualAction => next(failed(LAPSED, "callbackNotCalled")),
            _ => late_or(Step::Tell),
        };
    };
    if is_leaving {
        let is_going = seen.state == ProvisioningState::Deleting;
        return late_or(if is_going { Step::Nothing } else { Step::Remove });
    }
    let version = event_subscription::version(&seen.labels);
    let is_ours = version == subscription.provisioned.as_deref();
    let is_changing = subscription.state == State::Updating && subscription.is_accepted();
    match (seen.state, is_ours) {
        (ProvisioningState::Succeeded, true) => next(subscription.activated(now)),
        // It took the change, and is done without: it could not. Before it took it, this is merely what was there.
        (ProvisioningState::Succeeded, false) if is_changing => next(subscription.reverted(version, now)),
        (ProvisioningState::AwaitingManualAction, true) => match subscription.state {
            State::AwaitingManualAction | State::Stuck { .. } => late_or(Step::Nothing),
            _ => next(subscription.awaiting_manual_action(now)),
        },
        (ProvisioningState::Failed, true) => {
            let is_manual = subscription.state == State::AwaitingManualAction;
            next(if is_manual { failed(LAPSED, "callbackNotCalled") } else { failed(REFUSED, "refused") })
        }
        (ProvisioningState::Failed, false) if is_changing => next(failed(REFUSED, "refused")),
        (ProvisioningState::Underway | ProvisioningState::Deleting, _) => late_or(Step::Nothing),
        // What is there is left of an earlier one.
        (_, false) => late_or(Step::Tell),
    }
}

/// What an active subscription becomes if Event Grid has something else than its document says. `None` if all is well, or if a change
/// is under way that somebody else looks after.
pub(super) fn drift(
    subscription: &Subscription,
    seen: Option<&EventSubscription>,
    now: OffsetDateTime,
) -> Option<Subscription> {
    const GIVEN_UP: &str = "Event Grid has given the subscription up; try the handshake again";
    let Some(seen) = seen else { return subscription.vanished(now).ok() };
    let is_ours = event_subscription::version(&seen.labels) == subscription.provisioned.as_deref();
    match seen.state {
        ProvisioningState::Failed => subscription.failed(GIVEN_UP.to_owned(), now).ok(),
        ProvisioningState::Succeeded if !is_ours && subscription.provisioned.is_some() => subscription.again(now),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::partner::{
        endpoint::EndpointRules,
        settings::{Handshake, Settings},
    };

    const NOW: OffsetDateTime = datetime!(2027-03-04 10:00 UTC);
    const LATER: OffsetDateTime = datetime!(2027-03-04 10:16 UTC);

    fn subscription() -> Subscription {
        let settings = json!({ "endpoint": "https://ok.example/" });
        let settings = Settings::parse(settings.as_object().expect("an object"), &EndpointRules::default());
        let (partner, name) = ("acme".to_owned(), "prices".to_owned());
        let (partner, name) = (partner.try_into().expect("a name"), name.try_into().expect("a name"));
        let made = Subscription::new(partner, name, settings.expect("settings"), "m", false, NOW);
        Subscription { provisioned: Some("new".to_owned()), ..made }
    }

    fn updating() -> Subscription {
        let active = subscription().activated(NOW).expect("active");
        let settings = Settings { handshake: Handshake::Manual, ..active.settings.clone() };
        let updating =
            active.rotate("m2", time::Duration::hours(1), NOW).expect("rotated").activated(NOW).expect("active");
        let updating = updating.update(settings, NOW).expect("updating");
        Subscription { provisioned: Some("new".to_owned()), ..updating }
    }

    fn seen(state: ProvisioningState, version: &str) -> EventSubscription {
        EventSubscription { state, labels: vec!["partner:acme".to_owned(), format!("version:{version}")] }
    }

    fn state(before: &Subscription, seen: Option<&EventSubscription>, now: OffsetDateTime) -> String {
        match step(before, seen, now) {
            Step::Store(next) => next.state.as_str().to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_event_grid_has_decides_what_becomes_of_a_subscription() {
        use ProvisioningState::{AwaitingManualAction, Deleting, Failed, Succeeded, Underway};
        let made = subscription();
        let awaiting = made.awaiting_manual_action(NOW).expect("awaiting");
        let updating = updating();
        let taken = updating.accepted();
        let (deleting, unsure) = (made.accepted().delete(NOW), made.delete(NOW));
        let stuck = deleting.stuck(LATER).expect("late");
        for (before, seen_state, version, now, expected) in [
            // The process died before it told Event Grid.
            (&made, None, "", NOW, "Tell"),
            (&made, Some(Succeeded), "old", NOW, "Tell"),
            (&made, Some(Underway), "new", NOW, "Nothing"),
            (&made, Some(Underway), "new", LATER, "stuck"),
            (&made, Some(Succeeded), "new", NOW, "active"),
            (&made, Some(Failed), "new", NOW, "failed"),
            (&made, Some(AwaitingManualAction), "new", NOW, "awaitingManualAction"),
            (&awaiting, Some(AwaitingManualAction), "new", NOW, "Nothing"),
            (&awaiting, Some(Succeeded), "new", NOW, "active"),
            (&awaiting, Some(Failed), "new", NOW, "failed"),
            (&awaiting, None, "", NOW, "failed"),
            (&updating, Some(Succeeded), "new", NOW, "active"),
            // Resource Manager has not taken the change yet: what is there is from before.
            (&updating, Some(Succeeded), "old", NOW, "Tell"),
            (&updating, Some(Failed), "old", NOW, "Tell"),
            (&updating, Some(Failed), "new", NOW, "failed"),
            (&made, Some(Failed), "old", NOW, "Tell"),
            (&updating, None, "", NOW, "Tell"),
            // It took it, could not make it, and delivers as before.
            (&taken, Some(Succeeded), "old", NOW, "active"),
            (&taken, Some(Failed), "old", NOW, "failed"),
            // Telling it, or removing it, fails for too long.
            (&made, None, "", LATER, "stuck"),
            (&updating, Some(Succeeded), "old", LATER, "stuck"),
            (&deleting, Some(Succeeded), "new", NOW, "Remove"),
            (&deleting, Some(Succeeded), "new", LATER, "stuck"),
            (&deleting, Some(Deleting), "new", NOW, "Nothing"),
            (&deleting, Some(Deleting), "new", LATER, "stuck"),
            (&deleting, None, "", NOW, "Forget"),
            (&stuck, Some(Succeeded), "new", LATER, "Remove"),
            (&stuck, None, "", LATER, "Forget"),
            // Somebody may be about to make it: the document waits to remove that.
            (&unsure, None, "", NOW, "Nothing"),
            (&unsure, Some(Succeeded), "new", NOW, "Remove"),
            (&unsure, None, "", LATER, "Forget"),
        ] {
            let seen = seen_state.map(|state| seen(state, version));
            assert_eq!(state(before, seen.as_ref(), now), expected, "{:?}: {seen:?}", before.state);
        }
        let reverted = step(&taken, Some(&seen(Succeeded, "old")), NOW);
        let Step::Store(reverted) = reverted else { panic!("{reverted:?}") };
        assert_eq!(reverted.settings, made.settings);
        assert_eq!(reverted.provisioned.as_deref(), Some("old"));
        assert!(reverted.open_gap().is_none());
        let stuck = made.stuck(LATER).expect("late");
        assert_eq!(step(&stuck, None, LATER), Step::Tell, "stuck or not, it is told on");
    }

    #[test]
    fn a_secret_that_event_grid_does_not_deliver_is_not_kept() {
        let active = subscription().activated(NOW).expect("active");
        let rotated = active.rotate("m2", time::Duration::hours(1), NOW).expect("rotated");
        let rotated = Subscription { provisioned: Some("other".to_owned()), ..rotated };
        let unmade = seen(ProvisioningState::Succeeded, "new");
        assert_eq!(step(&rotated, Some(&unmade), NOW), Step::Tell);
        let Step::Store(reverted) = step(&rotated.accepted(), Some(&unmade), NOW) else { panic!("it is stored") };
        assert_eq!((&reverted.secrets, &reverted.state), (&active.secrets, &State::Active));
    }

    #[test]
    fn an_active_subscription_is_compared_with_what_event_grid_has() {
        use ProvisioningState::{Deleting, Failed, Succeeded, Underway};
        let active = subscription().activated(NOW).expect("active");
        for (seen_state, version, expected) in [
            (Some(Succeeded), "new", None),
            (Some(Underway), "other", None),
            (Some(Deleting), "new", None),
            (Some(Succeeded), "other", Some("updating")),
            (Some(Failed), "new", Some("failed")),
            (None, "", Some("creating")),
        ] {
            let seen = seen_state.map(|state| seen(state, version));
            let next = drift(&active, seen.as_ref(), LATER);
            assert_eq!(next.as_ref().map(|next| next.state.as_str()), expected, "{seen:?}");
            assert!(
                next.is_none_or(|next| next.state.delivers() || next.open_gap().is_some_and(|gap| gap.from <= LATER))
            );
        }
        let given_up = seen(Failed, "new");
        for gone in [None, Some(&given_up)] {
            let gone = drift(&active, gone, LATER).expect("it is gone");
            assert_eq!(gone.open_gap().map(|gap| gap.from), Some(NOW), "as long as it may have been gone");
        }
    }
}
