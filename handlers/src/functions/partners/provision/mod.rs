//! From stored subscriptions to Event Grid's event subscriptions, and back: what is written is told to Resource Manager, and what became of
//! it is asked there.
//!
//! The stored document is first, then the write to Resource Manager, then the document keeps that it was accepted. A process that dies in
//! between leaves a document that waits for something which Event Grid does not have; the next look tells Event Grid again. Until a change
//! is known to be accepted, what Event Grid has is no answer to it.

mod endpoint;
mod set_up;
mod step;

use std::time::Duration;

use axum::http::StatusCode;

use self::step::{Step, drift, step};
pub(super) use self::{
    endpoint::{Preflight, check_public, consents, not_public, preflight, rules, told_to_programs},
    set_up::{current_master, not_set_up, topic, unset},
};
use super::{
    found::missing,
    notices::{self, Notice},
};
use crate::{
    app::App,
    azure::{
        cosmos::{CosmosError, Stored},
        resource_manager::{EventSubscription, ManagerErrorKind, ProvisioningState},
    },
    clock,
    domain::partner::{
        event_grid_name,
        event_subscription::{self, Beside, EventSubscriptionBody},
        subscription::{State, Subscription},
    },
    http::Problem,
    outcome::Cause,
    stores::partners::room::{self, Room},
};

/// How often and how long a caller waits for what usually takes a moment; Azure may take ten seconds, and the caller asks again.
const LOOKS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(250);

/// The most subscriptions of a partner: a topic has 500 for all of them.
pub(super) const MOST: usize = 20;

/// Stores a subscription, new or in place of what was read under `etag`, and has Event Grid begin what its state waits for. A new one is
/// taken back if there are too many.
pub(super) async fn begin(
    app: &App,
    subscription: Subscription,
    etag: Option<String>,
) -> Result<Stored<Subscription>, Problem> {
    let wanted = match subscription.state {
        State::Creating | State::Updating => Some(body(app, &subscription).await?),
        _ => None,
    };
    let topic = topic(app)?;
    let is_new = etag.is_none();
    let subscription = match &wanted {
        Some(wanted) => Subscription { provisioned: Some(wanted.version.clone()), ..subscription },
        None => subscription,
    };
    let stored = store(app, subscription, etag.as_deref()).await.map_err(|error| match error {
        Write::Lost => lost(),
        Write::Failed(error) => error.into(),
    })?;
    if is_new && !has_room(app, &stored.value).await? {
        // Rare, and large: it is not a part of every future that begins something.
        Box::pin(take_back(app, stored)).await?;
        return Err(too_many());
    }
    match wanted {
        Some(wanted) => {
            let told = told(app, topic, stored, &wanted, is_new).await.map_err(|cause| unanswered(&cause))?;
            told.ok_or_else(missing)
        }
        None => Ok(stored),
    }
}

/// Whether a new subscription that is stored may stay.
async fn has_room(app: &App, new: &Subscription) -> Result<bool, CosmosError> {
    let look = || async {
        let there = app.stores().partners.subscriptions.of(&new.partner).await?;
        let all = there.iter().map(|one| (one.created, one.name.as_str()));
        Ok(Room::of(all, &(new.created, new.name.as_str()), MOST))
    };
    room::stays(look).await
}

/// Forgets a new subscription. Whoever looked meanwhile may have told Event Grid of it.
async fn take_back(app: &App, stored: Stored<Subscription>) -> Result<(), Problem> {
    match app.stores().partners.subscriptions.delete(&stored.value, &stored.etag).await {
        Ok(()) => return Ok(()),
        Err(error) if error.is_lost_race() => {}
        Err(error) => return Err(error.into()),
    }
    let left = read(app, &stored.value).await.map_err(|cause| unanswered(&cause))?;
    let Some(left) = left.filter(|left| left.value.created == stored.value.created) else { return Ok(()) };
    match store(app, left.value.delete(app.now()), Some(&left.etag)).await {
        Ok(left) => removed(app, left).await,
        Err(Write::Lost) => Err(lost()),
        Err(Write::Failed(error)) => Err(error.into()),
    }
}

/// The answer where a partner has as many subscriptions as it may.
pub(super) fn too_many() -> Problem {
    let detail = format!("A partner has at most {MOST} subscriptions; delete one first.");
    Problem::new(StatusCode::CONFLICT, detail).of_kind("too-many-subscriptions")
}

/// Tells Resource Manager of what was just stored. A subscription that Event Grid gave up stays so through any change, and is made anew.
async fn told(
    app: &App,
    topic: &str,
    stored: Stored<Subscription>,
    wanted: &EventSubscriptionBody,
    is_new: bool,
) -> Result<Option<Stored<Subscription>>, Cause> {
    if is_new {
        return put(app, topic, stored, wanted, false).await;
    }
    let name = event_grid_name(&stored.value.partner, &stored.value.name);
    match app.resource_manager().get(topic, &name).await {
        Ok(seen) => {
            // It may have been gone for long: what is made now is no change, and closes a gap.
            let stored = match stored.value.vanished(app.now()) {
                Ok(vanished) if is_gone(seen.as_ref()) => match store(app, vanished, Some(&stored.etag)).await {
                    Ok(stored) => stored,
                    Err(Write::Lost) => return read(app, &stored.value).await,
                    Err(Write::Failed(error)) => return Err(Cause::from_error("store the subscription", error)),
                },
                _ => stored,
            };
            let is_failed = seen.is_some_and(|seen| seen.state == ProvisioningState::Failed);
            put(app, topic, stored, wanted, is_failed).await
        }
        Err(error) => {
            tracing::warn!(cause = Cause::from_error("look before a change", error).chain(), "told again later");
            Ok(Some(stored))
        }
    }
}

/// Whether Event Grid, as it was seen, has nothing that delivers.
fn is_gone(seen: Option<&EventSubscription>) -> bool {
    seen.is_none_or(|seen| seen.state == ProvisioningState::Failed)
}

/// Compares an active subscription with what Event Grid has of it, keeps that it delivers, and tells Event Grid again where that is something else: an operator or
/// another deployment may have changed it, or a write that was given up arrived late.
pub(in crate::functions) async fn compare(app: &App, stored: Stored<Subscription>) -> Result<(), Cause> {
    let Stored { value, etag } = stored;
    if value.state != State::Active {
        return Ok(());
    }
    let refused = |_: Problem| Cause::new("the subscription could not be told again");
    let name = event_grid_name(&value.partner, &value.name);
    let seen = app.resource_manager().get(topic(app).map_err(refused)?, &name).await;
    let seen = seen.map_err(|error| Cause::from_error("compare the event subscription", error))?;
    let delivers = seen.as_ref().is_some_and(|seen| seen.state == ProvisioningState::Succeeded);
    let Some(next) = drift(&value, seen.as_ref(), app.now()) else {
        let Some(compared) = value.compared(app.now()).filter(|_| delivers) else { return Ok(()) };
        return match store(app, compared, Some(&etag)).await {
            // What another writer stored is looked at by itself.
            Ok(_) | Err(Write::Lost) => Ok(()),
            Err(Write::Failed(error)) => Err(Cause::from_error("keep that the subscription delivers", error)),
        };
    };
    tracing::warn!(partner = %value.partner, subscription = %value.name, "Event Grid has something else than was stored");
    if next.state != State::Creating {
        // What it has delivers, or is given up already: only an endpoint that consents makes it better.
        return retell(app, next, etag).await;
    }
    let next = match preflight(app, &next.settings).await.map_err(refused)? {
        Preflight::Passed => next,
        Preflight::Failed(fault) => {
            let failed = next.failed_handshake(fault.to_string(), told_to_programs(&fault), app.now());
            failed.map_err(|error| Cause::from_error("end the subscription", error))?
        }
    };
    begin(app, next, Some(etag)).await.map(drop).map_err(refused)
}

/// The answer where Event Grid did not make a change, and delivers as before.
pub(super) fn unmade(left: &Subscription) -> Problem {
    if left.provisioned.is_none() {
        let detail = "Event Grid does not take such a subscription, and delivers as before; its operators can see why.";
        return Problem::new(StatusCode::CONFLICT, detail).of_kind("change-refused");
    }
    let detail = "Event Grid did not make the change, and delivers as before; send the request again later.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

/// Takes a change to Event Grid that nobody waits for, if the endpoint consents to it now; else it is tried again later.
pub(in crate::functions) async fn retell(app: &App, subscription: Subscription, etag: String) -> Result<(), Cause> {
    let refused = |_: Problem| Cause::new("the subscription could not be changed");
    if subscription.state.is_on_its_way() {
        let asked = preflight(app, &subscription.settings).await.map_err(refused)?;
        if let Preflight::Failed(_) = asked {
            return Err(Cause::new("the endpoint does not consent now"));
        }
    }
    begin(app, subscription, Some(etag)).await.map(drop).map_err(refused)
}

/// Waits a moment for what Event Grid makes of a subscription. What it still has not taken after being told twice is left to later looks.
pub(super) async fn watched(app: &App, mut stored: Stored<Subscription>) -> Result<Stored<Subscription>, Problem> {
    for look in 0..LOOKS {
        if !matches!(stored.value.state, State::Creating | State::Updating) {
            break;
        }
        if look > 0 {
            if !stored.value.is_accepted() {
                break;
            }
            clock::pause(PAUSE).await;
        }
        stored = looked(app, stored).await?;
    }
    Ok(stored)
}

/// [`look`], where what was known last will do if Event Grid does not answer.
pub(super) async fn looked(app: &App, stored: Stored<Subscription>) -> Result<Stored<Subscription>, Problem> {
    match look(app, stored.clone()).await {
        Ok(Some(stored)) => Ok(stored),
        Ok(None) => Err(missing()),
        Err(cause) => {
            tracing::warn!(cause = cause.chain(), "Event Grid could not be asked about a subscription");
            Ok(stored)
        }
    }
}

/// Looks how far Event Grid is with a subscription that is on its way, stores that, and goes on from there. `None` once it is deleted.
pub(in crate::functions) async fn look(
    app: &App,
    stored: Stored<Subscription>,
) -> Result<Option<Stored<Subscription>>, Cause> {
    if !stored.value.state.is_on_its_way() {
        return Ok(Some(stored));
    }
    let Ok(topic) = topic(app) else { return Err(Cause::new("EventGrid__topicId is not set")) };
    let name = event_grid_name(&stored.value.partner, &stored.value.name);
    let asked = app.resource_manager().get(topic, &name).await;
    let seen = asked.map_err(|error| Cause::from_error("ask how far the event subscription is", error))?;
    match step(&stored.value, seen.as_ref(), app.now()) {
        Step::Nothing => Ok(Some(stored)),
        Step::Store(next) => {
            if welcomes(&stored.value, &next) {
                // Before it is stored: told twice is better than never, and the id is the same.
                notices::publish(app, &next, &Notice::welcome(&stored.value)).await?;
            }
            stored_again(app, stored, *next).await
        }
        Step::Tell => {
            // Where it was to be changed and is gone, it is made.
            let vanished = stored.value.vanished(app.now()).ok().filter(|_| is_gone(seen.as_ref()));
            let told = vanished.unwrap_or_else(|| stored.value.clone());
            let wanted = body(app, &told).await.map_err(|_| Cause::new("secrets cannot be derived"))?;
            // Headers may have changed with the settings of the app.
            let provisioned = Some(wanted.version.clone());
            let next = Subscription { provisioned, accepted: None, ..told };
            let stored = match stored.value == next {
                true => stored,
                false => match store(app, next, Some(&stored.etag)).await {
                    Ok(stored) => stored,
                    // What another writer stored may want something else told.
                    Err(Write::Lost) => return read(app, &stored.value).await,
                    Err(Write::Failed(error)) => return Err(Cause::from_error("store the subscription", error)),
                },
            };
            let is_failed = seen.is_some_and(|seen| seen.state == ProvisioningState::Failed);
            put(app, topic, stored, &wanted, is_failed).await
        }
        Step::Remove => {
            let removed = app.resource_manager().delete(topic, &name).await;
            removed.map_err(|error| Cause::from_error("remove the event subscription", error))?;
            Ok(Some(stored))
        }
        Step::Forget => {
            let forgotten = app.stores().partners.subscriptions.delete(&stored.value, &stored.etag).await;
            match forgotten {
                Ok(()) => Ok(None),
                Err(error) if error.is_lost_race() => Ok(None),
                Err(error) => Err(Cause::from_error("forget the subscription", error)),
            }
        }
    }
}

/// Removes the event subscription of one that is paused, with what waited for it, and keeps in its document that this is done.
pub(super) async fn withdrawn(app: &App, stored: Stored<Subscription>) -> Result<Stored<Subscription>, Problem> {
    withdraw(app, stored).await.map_err(|cause| unanswered(&cause))?.ok_or_else(missing)
}

/// The same, for who looks later. `None` if it was deleted meanwhile.
pub(in crate::functions) async fn withdraw(
    app: &App,
    stored: Stored<Subscription>,
) -> Result<Option<Stored<Subscription>>, Cause> {
    let name = event_grid_name(&stored.value.partner, &stored.value.name);
    let topic = topic(app).map_err(|_| Cause::new("EventGrid__topicId is not set"))?;
    let deleted = app.resource_manager().delete(topic, &name).await;
    deleted.map_err(|error| Cause::from_error("remove the event subscription", error))?;
    let next = stored.value.withdrawn(app.now());
    if next == stored.value {
        return Ok(Some(stored));
    }
    match store(app, next, Some(&stored.etag)).await {
        Ok(stored) => Ok(Some(stored)),
        Err(Write::Failed(error)) => Err(Cause::from_error("store the subscription", error)),
        Err(Write::Lost) => {
            // It was resumed meanwhile, and what was made for that may be what was removed here.
            let left = read(app, &stored.value).await?;
            if let Some(left) = left.as_ref().filter(|left| left.value.state == State::Active) {
                Box::pin(compare(app, left.clone())).await?;
            }
            Ok(left)
        }
    }
}

/// Removes one that is being deleted, and its document once Event Grid has forgotten it.
pub(super) async fn removed(app: &App, stored: Stored<Subscription>) -> Result<(), Problem> {
    let mut stored = stored;
    for attempt in 0..LOOKS {
        if attempt > 0 {
            clock::pause(PAUSE).await;
        }
        match look(app, stored).await.map_err(|cause| unanswered(&cause))? {
            Some(left) => stored = left,
            None => return Ok(()),
        }
    }
    // Event Grid takes longer; whoever looks next goes on. The state says that it is being deleted.
    Ok(())
}

/// Whether an endpoint gets its first event.
fn welcomes(before: &Subscription, after: &Subscription) -> bool {
    before.welcome_due() && after.state == State::Active && after.settings.endpoint == before.settings.endpoint
}

/// Tells Resource Manager, and keeps that it accepted. That it was not reached is no failure: whoever looks next tells it again. What Event
/// Grid gave up is removed first. `None` if the subscription was deleted meanwhile.
async fn put(
    app: &App,
    topic: &str,
    stored: Stored<Subscription>,
    wanted: &EventSubscriptionBody,
    is_failed: bool,
) -> Result<Option<Stored<Subscription>>, Cause> {
    let name = event_grid_name(&stored.value.partner, &stored.value.name);
    let manager = app.resource_manager();
    let put = async {
        if is_failed {
            manager.delete(topic, &name).await?;
        }
        manager.put(topic, &name, &wanted.body).await
    };
    match put.await {
        Ok(()) => accepted(app, topic, stored).await,
        Err(error) if error.kind == ManagerErrorKind::Refused => {
            tracing::error!(cause = %error, "Event Grid does not take an event subscription");
            // What it has is left as it is.
            if let Some(before) = stored.value.refused(app.now()) {
                return stored_again(app, stored, before).await;
            }
            let cause = "Event Grid does not take such a subscription; its operators can see why".to_owned();
            let failed = stored.value.failed(cause, app.now());
            let failed = failed.map_err(|error| Cause::from_error("end the subscription", error))?;
            stored_again(app, stored, Subscription { provisioned: None, ..failed }).await
        }
        Err(error) => {
            tracing::warn!(cause = Cause::from_error("make the event subscription", error).chain(), "told again later");
            Ok(Some(stored))
        }
    }
}

/// Keeps that Resource Manager accepted what the document says. If the document changed while it was told, it may now have what
/// nobody wants any more: an event subscription of one that is gone or paused, or an older one in place of a newer.
async fn accepted(app: &App, topic: &str, stored: Stored<Subscription>) -> Result<Option<Stored<Subscription>>, Cause> {
    match store(app, stored.value.accepted(), Some(&stored.etag)).await {
        Ok(stored) => return Ok(Some(stored)),
        Err(Write::Lost) => {}
        Err(Write::Failed(error)) => return Err(Cause::from_error("store what was accepted", error)),
    }
    let left = read(app, &stored.value).await?;
    let Some(left) = left.filter(|left| left.value.created == stored.value.created) else {
        // Deleted; one of the same name that was made since tells Event Grid of itself.
        remove_late(app, topic, &stored.value).await?;
        return Ok(None);
    };
    if left.value.state.is_leaving() || matches!(left.value.state, State::Paused { .. }) {
        remove_late(app, topic, &stored.value).await?;
        return Ok(Some(left));
    }
    if left.value.provisioned == stored.value.provisioned {
        return Ok(Some(left));
    }
    match left.value.again(app.now()) {
        Some(again) => stored_again(app, left, again).await,
        None => Ok(Some(left)),
    }
}

/// Removes what a write made after its subscription was deleted or paused.
async fn remove_late(app: &App, topic: &str, subscription: &Subscription) -> Result<(), Cause> {
    let name = event_grid_name(&subscription.partner, &subscription.name);
    let removed = app.resource_manager().delete(topic, &name).await;
    removed.map_err(|error| Cause::from_error("remove what was made too late", error))
}

async fn body(app: &App, subscription: &Subscription) -> Result<EventSubscriptionBody, Problem> {
    let now = app.now();
    let Subscription { partner, name, secrets, .. } = subscription;
    let derived = app.master_keys().derive(|keys| keys.header(partner, name, secrets, now)).await;
    let secret = derived.map_err(|error| unset(&error))?;
    let settings = &app.settings().partners;
    let beside = Beside {
        secret: &secret,
        contact: settings.contact.as_deref(),
        dead_letter_storage: settings.dead_letter_storage.as_deref(),
    };
    Ok(event_subscription::body(subscription, beside))
}

enum Write {
    Lost,
    Failed(CosmosError),
}

async fn store(app: &App, subscription: Subscription, etag: Option<&str>) -> Result<Stored<Subscription>, Write> {
    match app.stores().partners.subscriptions.write(&subscription, etag).await {
        Ok(etag) => Ok(Stored { value: subscription, etag }),
        Err(error) if error.is_lost_race() => Err(Write::Lost),
        Err(error) => Err(Write::Failed(error)),
    }
}

/// Stores what a look found. Where another writer was first, what that one stored is as good.
async fn stored_again(
    app: &App,
    stored: Stored<Subscription>,
    next: Subscription,
) -> Result<Option<Stored<Subscription>>, Cause> {
    match store(app, next, Some(&stored.etag)).await {
        Ok(stored) => Ok(Some(stored)),
        Err(Write::Lost) => read(app, &stored.value).await,
        Err(Write::Failed(error)) => Err(Cause::from_error("store the subscription", error)),
    }
}

/// A subscription as it is stored now.
async fn read(app: &App, subscription: &Subscription) -> Result<Option<Stored<Subscription>>, Cause> {
    let Subscription { partner, name, .. } = subscription;
    let read = app.stores().partners.subscriptions.read(partner, name).await;
    read.map_err(|error| Cause::from_error("read the subscription", error))
}

fn lost() -> Problem {
    let problem =
        Problem::new(StatusCode::CONFLICT, "The subscription was changed by another request; send this one again.");
    problem.of_kind("subscription-busy")
}

fn unanswered(cause: &Cause) -> Problem {
    tracing::warn!(cause = cause.chain(), "a subscription could not be brought to Event Grid");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Event Grid did not answer; send the request again later.")
        .with_header(axum::http::header::RETRY_AFTER, axum::http::HeaderValue::from_static("2"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::{OffsetDateTime, macros::datetime};

    use super::*;
    use crate::domain::partner::{endpoint::EndpointRules, settings::Settings};

    const NOW: OffsetDateTime = datetime!(2027-03-04 10:00 UTC);

    fn subscription() -> Subscription {
        let settings = json!({ "endpoint": "https://ok.example/" });
        let settings = Settings::parse(settings.as_object().expect("an object"), &EndpointRules::default());
        let (partner, name) = ("acme".to_owned(), "prices".to_owned());
        let (partner, name) = (partner.try_into().expect("a name"), name.try_into().expect("a name"));
        let made = Subscription::new(partner, name, settings.expect("settings"), "m", false, NOW);
        Subscription { provisioned: Some("new".to_owned()), ..made }
    }

    #[test]
    fn a_welcome_is_for_a_new_endpoint() {
        let made = subscription();
        let active = made.activated(NOW).expect("active");
        assert!(welcomes(&made, &active));
        let resumed = active.pause(crate::domain::partner::subscription::PausedBy::Partner, None, NOW).expect("paused");
        let resumed = resumed.resume(NOW).expect("resumed");
        assert!(!welcomes(&resumed, &resumed.activated(NOW).expect("active")), "it had one");
        let rotated = active.rotate("m", time::Duration::hours(1), NOW).expect("rotated");
        assert!(!welcomes(&rotated, &rotated.activated(NOW).expect("active")));
        // Another endpoint, whatever it went through before it is active.
        let other = json!({ "endpoint": "https://other.example/" });
        let other = Settings::parse(other.as_object().expect("an object"), &EndpointRules::default());
        let other = other.expect("settings");
        let moved = |from: &Subscription| from.update(other.clone(), NOW).expect("allowed");
        let updating = moved(&active);
        assert!(welcomes(&updating, &updating.activated(NOW).expect("active")));
        assert!(!welcomes(&updating, &updating.refused(NOW).expect("it was being changed")), "the old one has had it");
        let paused = active.pause(crate::domain::partner::subscription::PausedBy::Partner, None, NOW).expect("paused");
        let resumed = moved(&paused).resume(NOW).expect("resumed");
        assert!(welcomes(&resumed, &resumed.activated(NOW).expect("active")));
        let failed = active.failed("given up".to_owned(), NOW).expect("active");
        let creating = moved(&failed);
        let awaiting = creating.awaiting_manual_action(NOW).expect("it waits");
        assert!(welcomes(&awaiting, &awaiting.activated(NOW).expect("active")));
        let failed = creating.failed("no consent".to_owned(), NOW).expect("it waits");
        let retried = failed.retry(NOW).expect("failed");
        assert!(welcomes(&retried, &retried.activated(NOW).expect("active")));
        assert!(!retried.activated(NOW).expect("active").welcome_due(), "once");
        // A change that Event Grid gave up leaves the old one, which has had it.
        let failed = updating.failed("no consent".to_owned(), NOW).expect("it waits");
        let retried = failed.retry(NOW).expect("failed");
        assert!(!welcomes(&retried, &retried.activated(NOW).expect("active")));
    }
}
