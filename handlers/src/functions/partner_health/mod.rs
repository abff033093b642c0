//! `PartnerHealth`: brings partners' subscriptions to their end where nobody looks, and tells partners of endpoints that are dead.
//!
//! Triggered by a timer, every minute.
//!
//! Promises: a subscription that is being made, changed or deleted is asked for at Resource Manager and stored as that says; one that is on
//! its way for a quarter of an hour is `stuck`, which is logged as an error; a secret that ended is taken out of the deliveries; the event
//! subscription of one that is paused is removed, if whoever paused it did not come to that; an active one is compared with what Event Grid
//! has once an hour, and told again if that differs; of listeners whose time is over nothing is left. Four times an hour each subscription that
//! delivers is assessed by what Azure Monitor counts and logs of it: by the rule of [`crate::domain::partner::health`] its partner is told when
//! its endpoint fails, it is paused when that goes on, and its partner is told when it recovers. Where Azure Monitor does not answer, nothing
//! follows. What a partner is to be told is stored before it is published, and published until the topic takes it. One subscription that fails
//! holds up no other, and a service that is slow no more than the pass that asks it: what that does not come to is left to the next run.
//!
//! A second delivery finds nothing left to do; of two at once the later write loses, and looks again in a minute. A notice that is
//! published twice has the same id.

mod assess;
mod pass;
mod tell;

use std::time::Duration;

use self::pass::pass;
use crate::{
    app::App,
    azure::cosmos::Stored,
    domain::partner::{
        listener::Listener,
        subscription::{COMPARED_EVERY, Subscription},
    },
    function::{Function, Trigger},
    functions::partners::{listeners, provision},
    outcome::Cause,
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function::new("PartnerHealth", Trigger::Timer { handle: |app, _| Box::pin(handle(app)) });

/// A comparison that is so much later than its turn was left out: a run before took longer than a minute, or none ran.
const LATE: time::Duration = time::Duration::minutes(2);

/// How long a run begins to look at subscriptions, to compare, and to clean up; a run may last five minutes, and what is begun is ended.
const LOOKS: Duration = Duration::from_secs(60);
const COMPARES: Duration = Duration::from_secs(30);
const CLEANS: Duration = Duration::from_secs(30);

async fn handle(app: App) -> Result<(), Cause> {
    // A pass that fails keeps no other from its turn. Listeners are last: nobody misses an event by what they left behind.
    let passes =
        [look_at_all(&app).await, compare_some(&app).await, assess::assess_some(&app).await, clean_up(&app).await];
    passes.into_iter().collect()
}

async fn look_at_all(app: &App) -> Result<(), Cause> {
    let found = app.stores().partners.subscriptions.to_be_looked_at().await;
    let found = found.map_err(|error| Cause::from_error("find the subscriptions of partners", error))?;
    let look_at = |subscription: Subscription| async move {
        let (partner, name) = (subscription.partner.clone(), subscription.name.clone());
        if let Err(cause) = Box::pin(look(app, subscription)).await {
            tracing::warn!(%partner, subscription = %name, cause = cause.chain(), "looked at again in a minute");
        }
    };
    pass(found, LOOKS, look_at).await;
    Ok(())
}

async fn compare_some(app: &App) -> Result<(), Cause> {
    let now = app.now();
    let found = app.stores().partners.subscriptions.to_be_compared(now.minute(), now - COMPARED_EVERY - LATE).await;
    let found = found.map_err(|error| Cause::from_error("find the active subscriptions of partners", error))?;
    let compare_one = |subscription: Subscription| async move {
        let (partner, name) = (subscription.partner.clone(), subscription.name.clone());
        if let Err(cause) = Box::pin(compare(app, subscription)).await {
            tracing::warn!(%partner, subscription = %name, cause = cause.chain(), "compared again in a minute or an hour");
        }
    };
    pass(found, COMPARES, compare_one).await;
    Ok(())
}

/// Removes what listeners left behind whose time is over.
async fn clean_up(app: &App) -> Result<(), Cause> {
    let found = app.stores().partners.listeners.all().await;
    let found = found.map_err(|error| Cause::from_error("find listeners", error))?;
    let clean_one = |listener: Listener| async move {
        if let Err(cause) = listeners::clean(app, &listener).await {
            tracing::warn!(partner = %listener.partner, listener = %listener.id, cause = cause.chain(), "removed again in a minute");
        }
    };
    pass(found, CLEANS, clean_one).await;
    Ok(())
}

async fn compare(app: &App, subscription: Subscription) -> Result<(), Cause> {
    let Subscription { partner, name, .. } = subscription;
    let read = app.stores().partners.subscriptions.read(&partner, &name).await;
    let read = read.map_err(|error| Cause::from_error("read the subscription", error))?;
    match read {
        Some(stored) => Box::pin(provision::compare(app, stored)).await,
        None => Ok(()),
    }
}

async fn look(app: &App, subscription: Subscription) -> Result<(), Cause> {
    let Subscription { partner, name, state: before, .. } = subscription;
    let read = app.stores().partners.subscriptions.read(&partner, &name).await;
    let read = read.map_err(|error| Cause::from_error("read the subscription", error))?;
    let Some(stored) = read else { return Ok(()) };
    let looked = match stored.value.withdraw {
        true => provision::withdraw(app, stored).await?,
        false => provision::look(app, stored).await?,
    };
    let Some(stored) = looked else { return Ok(()) };
    let Stored { value, etag } = tell::tell(app, stored).await?;
    if value.state.is_late() && !before.is_late() {
        tracing::error!(%partner, subscription = %name, "a subscription is stuck: Event Grid has not ended its change");
    }
    if let Some(without) = value.without_ended_secrets(app.now()) {
        provision::retell(app, without, etag).await?;
    }
    Ok(())
}
