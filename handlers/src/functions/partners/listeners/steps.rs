//! From a stored listener to its queue and event subscription, and back. Each step may be repeated: the document is first when a listener
//! begins, and last when it ends.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header::RETRY_AFTER};

use super::found::missing;
use crate::{
    app::App,
    azure::{
        cosmos::Stored,
        resource_manager::{ManagerErrorKind, ProvisioningState},
    },
    clock,
    domain::partner::listener::Listener,
    functions::partners::provision,
    http::Problem,
    outcome::Cause,
};

/// How often and how long a caller waits for what usually takes a moment.
const LOOKS: u32 = 12;
const PAUSE: Duration = Duration::from_millis(250);

/// Refuses where the app has no account for queues.
pub(super) fn check_set_up(app: &App) -> Result<(), Problem> {
    match app.settings().partners.queues {
        Some(_) => Ok(()),
        None => Err(provision::not_set_up("Storage__queueServiceUri is not set")),
    }
}

/// Makes the queue and the event subscription of a listener, and waits a moment until Event Grid delivers. One that does not yet stays as
/// it is, and the next look goes on.
pub(super) async fn bring_up(app: &App, stored: Stored<Listener>) -> Result<Stored<Listener>, Problem> {
    told(app, &stored.value).await?;
    let topic = provision::topic(app)?;
    let name = stored.value.id.resource_name();
    for look in 0..LOOKS {
        if look > 0 {
            clock::pause(PAUSE).await;
        }
        let seen = app.resource_manager().get(topic, &name).await;
        let seen = seen.map_err(|error| unanswered(&Cause::from_error("look at the listener", error)))?;
        if seen.is_some_and(|seen| seen.state == ProvisioningState::Succeeded) {
            let live = Listener { live: true, ..stored.value.clone() };
            return replace(app, stored, live).await;
        }
    }
    Ok(stored)
}

/// Lets a listener last for as long again. Event Grid is told first: a document that says more than Event Grid has would hide a gap.
pub(super) async fn renew(app: &App, stored: Stored<Listener>) -> Result<Stored<Listener>, Problem> {
    let renewed = stored.value.renewed(app.now());
    told(app, &renewed).await?;
    replace(app, stored, renewed).await
}

/// Ends a listener now, with what waits in its queue.
pub(super) async fn end(app: &App, stored: Stored<Listener>) -> Result<(), Problem> {
    // Over from here on, so that whoever looks next goes on where this stops.
    let ended = stored.value.ended(app.now());
    let stored = replace(app, stored, ended).await?;
    remove(app, &stored).await.map_err(|cause| unanswered(&cause))
}

/// Removes what a listener left behind whose time is over. One whose event subscription is gone gets nothing any more, and is over too:
/// whoever listens hears of it, and fetches what was missed. What fails may be tried again.
pub(in crate::functions) async fn clean(app: &App, listener: &Listener) -> Result<(), Cause> {
    let topic = provision::topic(app).map_err(|_| Cause::new("EventGrid__topicId is not set"))?;
    let is_lost = listener.live && {
        let seen = app.resource_manager().get(topic, &listener.id.resource_name()).await;
        seen.map_err(|error| Cause::from_error("look at the listener", error))?.is_none()
    };
    if !is_lost && !listener.is_over(app.now()) {
        return Ok(());
    }
    let read = app.stores().partners.listeners.read(&listener.partner, &listener.id).await;
    let read = read.map_err(|error| Cause::from_error("read the listener", error))?;
    match read {
        // Not one that was renewed in between.
        Some(stored) if stored.value == *listener => remove(app, &stored).await,
        _ => Ok(()),
    }
}

/// The event subscription first, so that nothing is delivered to a queue that is gone; the document last.
async fn remove(app: &App, stored: &Stored<Listener>) -> Result<(), Cause> {
    resources_removed(app, &stored.value).await?;
    match app.stores().partners.listeners.delete(&stored.value, &stored.etag).await {
        Err(error) if !error.is_lost_race() => Err(Cause::from_error("forget the listener", error)),
        _ => Ok(()),
    }
}

async fn resources_removed(app: &App, listener: &Listener) -> Result<(), Cause> {
    let name = listener.id.resource_name();
    let topic = provision::topic(app).map_err(|_| Cause::new("EventGrid__topicId is not set"))?;
    let removed = app.resource_manager().delete(topic, &name).await;
    removed.map_err(|error| Cause::from_error("remove the listener's event subscription", error))?;
    let removed = app.queues().delete(&name).await;
    removed.map_err(|error| Cause::from_error("remove the listener's queue", error))
}

/// Makes the queue, and tells Resource Manager of the event subscription.
async fn told(app: &App, listener: &Listener) -> Result<(), Problem> {
    let name = listener.id.resource_name();
    let made = app.queues().create(&name).await;
    made.map_err(|error| unanswered(&Cause::from_error("make the listener's queue", error)))?;
    let body = listener.event_subscription(app.settings().partners.dead_letter_storage.as_deref());
    let put = app.resource_manager().put(provision::topic(app)?, &name, &body).await;
    put.map_err(|error| {
        if error.kind == ManagerErrorKind::Refused {
            tracing::error!(cause = %error, "Event Grid does not take a listener");
            let detail = "Event Grid does not take such a listener; its operators can see why.";
            return Problem::new(StatusCode::CONFLICT, detail).of_kind("listener-refused");
        }
        unanswered(&Cause::from_error("make the listener's event subscription", error))
    })
}

/// Stores what became of a listener. If it was ended meanwhile, what was made for it too late is removed.
async fn replace(app: &App, stored: Stored<Listener>, next: Listener) -> Result<Stored<Listener>, Problem> {
    if next == stored.value {
        return Ok(stored);
    }
    let listeners = &app.stores().partners.listeners;
    match listeners.write(&next, Some(&stored.etag)).await {
        Ok(etag) => return Ok(Stored { value: next, etag }),
        Err(error) if error.is_lost_race() => {}
        Err(error) => return Err(error.into()),
    }
    match listeners.read(&next.partner, &next.id).await? {
        // Another request was first: the next look goes on from what that one stored.
        Some(left) if !left.value.is_over(app.now()) => Ok(left),
        _ => {
            resources_removed(app, &next).await.map_err(|cause| unanswered(&cause))?;
            Err(missing())
        }
    }
}

/// The answer where a service did not do its part; the request may be sent again.
pub(super) fn unanswered(cause: &Cause) -> Problem {
    tracing::warn!(cause = cause.chain(), "a listener could not be served");
    let detail = "Event Grid or queue storage did not answer; send the request again later.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header(RETRY_AFTER, HeaderValue::from_static("2"))
}
