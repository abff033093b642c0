//! `GET|POST /api/partners/{partner}/listeners`, `GET|DELETE …/{listener}`, `POST …/{listener}/renew|receive|acknowledge|test`, `GET
//! …/{listener}/undelivered`: events for a command on the partner's own machine, through a queue.
//!
//! A listener lasts some hours and is renewed by whoever listens; else Event Grid ends it by itself, and [`clean`] removes its queue and
//! its document. A key that may only read may listen: what it gets, the list of events shows as well.

mod found;
mod messages;
mod shown;
mod steps;
mod undelivered;

use axum::{
    Extension, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use serde_json::{Map, Value, json};

pub(super) use self::found::find;
pub(in crate::functions) use self::steps::clean;
use self::{
    found::missing,
    shown::{Shown, whole},
};
use super::{
    body,
    caller::Caller,
    examples,
    found::find as find_subscription,
    notices::To,
    provision,
    repeats::{Again, Kept, Repeat},
};
use crate::{
    app::App,
    azure::cosmos::{CosmosError, Stored},
    domain::{
        mismatch::{mismatch, whole as whole_number},
        partner::{
            ListenerId, PartnerName, SubscriptionName,
            listener::{LONGEST_HOURS, Listener, MOST_LISTENERS, SHORTEST_HOURS, USUAL_HOURS},
            selection::{Selection, SelectionError},
        },
        product_body::FieldError,
    },
    http::{Path, Problem},
    stores::partners::room::{self, Room},
};

/// Members beside those of a selection.
const FIELDS: [&str; 2] = ["like", "hours"];

pub(super) fn routes() -> Router<App> {
    const ONE: &str = "/api/partners/{partner}/listeners/{listener}";
    let one = |action: &str| format!("{ONE}/{action}");
    Router::new()
        .route("/api/partners/{partner}/listeners", get(list).post(create))
        .route(ONE, get(read).delete(delete))
        .route(&one("renew"), post(renew))
        .route(&one("receive"), post(messages::receive))
        .route(&one("acknowledge"), post(messages::acknowledge))
        .route(&one("test"), post(test))
        .route(&one("undelivered"), get(undelivered::undelivered))
}

/// Whether a request below a partner's own path is about listeners, which a key that may only read may have.
pub(super) fn is_about_listeners(below: &str) -> bool {
    below == "listeners" || below.starts_with("listeners/")
}

/// Whether it is one of those that come every few seconds: they change nothing that an audit log is for, and each gets what is next.
pub(super) fn is_polling(below: &str) -> bool {
    is_about_listeners(below) && ["/receive", "/acknowledge", "/renew"].iter().any(|action| below.ends_with(action))
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let (found, now) = (app.stores().partners.listeners.of(&caller.partner).await?, app.now());
    let items: Vec<_> = found.iter().filter(|listener| !listener.is_over(now)).map(Shown::of).collect();
    Ok(body::answer(StatusCode::OK, &json!({ "items": items })))
}

async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let mut stored = find(&app, &caller.partner, id).await?;
    if !stored.value.live {
        stored = steps::bring_up(&app, stored).await?;
    }
    Ok(body::answer(StatusCode::OK, &whole(&app, &stored.value, &caller).await?))
}

/// What a new listener shall be.
struct New {
    selection: Selection,
    like: Option<SubscriptionName>,
    hours: u32,
}

impl New {
    async fn parse(app: &App, partner: &PartnerName, body: &Map<String, Value>) -> Result<Self, Problem> {
        let value = |name: &str| body.get(name).filter(|value| !value.is_null());
        let refuse = |field: &str, message: String| Problem::unprocessable(vec![FieldError::new(field, message)]);
        let hours = match value("hours") {
            None => USUAL_HOURS,
            Some(hours) => {
                let number = whole_number(hours).filter(|hours| (SHORTEST_HOURS..=LONGEST_HOURS).contains(hours));
                let wanted = format!("must be a whole number of hours, {SHORTEST_HOURS} to {LONGEST_HOURS}");
                number.ok_or_else(|| refuse("hours", mismatch(&wanted, hours)))?
            }
        };
        let Some(like) = value("like") else {
            let selection = Selection::parse(body).map_err(|error| match error {
                SelectionError::Fields(errors) => Problem::unprocessable(errors),
                SelectionError::TooManyValues { .. } => {
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{error}."))
                        .of_kind("too-many-filter-values")
                }
            })?;
            if selection.is_of_notices() {
                let message = "has types of notices, which go to subscriptions alone: subscribe to them, and listen `like` that subscription";
                return Err(refuse("eventTypes", message.to_owned()));
            }
            return Ok(Self { selection, like: None, hours });
        };
        if let Some(other) = Selection::FIELDS.into_iter().find(|name| value(name).is_some()) {
            return Err(refuse(other, "is the subscription's own where `like` names one; leave it out".to_owned()));
        }
        let name = like.as_str().unwrap_or_default().to_owned();
        let found = find_subscription(app, partner, name).await;
        let found = found.map_err(|problem| match problem.status() {
            StatusCode::NOT_FOUND => refuse("like", mismatch("must be the name of a subscription of yours", like)),
            _ => problem,
        })?;
        Ok(Self { selection: found.value.settings.selection, like: Some(found.value.name), hours })
    }
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    again: Option<Extension<Again>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = body::object_or_empty(&headers, body).await?;
    let is_known = |name: &&String| Selection::FIELDS.contains(&name.as_str()) || FIELDS.contains(&name.as_str());
    let unknown = body.keys().filter(|name| !is_known(name));
    let unknown: Vec<_> = unknown
        .map(|name| FieldError::new(name.chars().take(60).collect::<String>(), "is no member of a listener"))
        .collect();
    if !unknown.is_empty() {
        return Err(Problem::fields(unknown));
    }
    steps::check_set_up(&app)?;
    let partner = &caller.partner;
    let New { selection, like, hours } = New::parse(&app, partner, &body).await?;
    let now = app.now();
    let there = app.stores().partners.listeners.of(partner).await?;
    // The next try of a request whose process died goes on with what that one made.
    let repeat = Repeat::of(&headers, &format!("/api/partners/{partner}/listeners"))?;
    let id = match repeat.and_then(|repeat| ListenerId::of(repeat.short())) {
        Some(id) => id,
        None => ListenerId::of(&format!("{:016x}", rand::random::<u64>())).ok_or_else(missing)?,
    };
    let stored = match there.iter().find(|listener| listener.id == id && !listener.is_over(now)) {
        Some(_) => find(&app, partner, id.to_string()).await?,
        None if again.is_some() => {
            let detail = "The listener that this request made has ended; a new one needs a new Idempotency-Key.";
            return Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("listener-ended"));
        }
        None => {
            let counting: Vec<_> = there.iter().filter(|listener| !listener.is_over(now)).collect();
            if counting.len() >= MOST_LISTENERS {
                return Err(too_many(counting.iter().map(|listener| &listener.id)));
            }
            let master = provision::current_master(&app).await?;
            let listener = Listener::new((partner.clone(), id), selection, like, &master, hours, now);
            let etag = app.stores().partners.listeners.write(&listener, None).await?;
            let stored = Stored { value: listener, etag };
            if !has_room(&app, &stored.value).await? {
                Box::pin(steps::end(&app, stored)).await?;
                return Err(too_many([]));
            }
            stored
        }
    };
    let stored = steps::bring_up(&app, stored).await?;
    let location = format!("/api/partners/{partner}/listeners/{}", stored.value.id);
    let mut response = body::made(StatusCode::CREATED, &location, &whole(&app, &stored.value, &caller).await?);
    // What the listener is, and its headers, are told as they are when somebody asks.
    response.extensions_mut().insert(Kept::Anew);
    Ok(response)
}

/// Whether a new listener that is stored may stay, among those that were made at once with it.
async fn has_room(app: &App, new: &Listener) -> Result<bool, CosmosError> {
    let look = || async {
        let there = app.stores().partners.listeners.of(&new.partner).await?;
        let counting = there.iter().filter(|listener| !listener.is_over(new.created));
        let all = counting.map(|listener| (listener.created, listener.id.as_str()));
        Ok(Room::of(all, &(new.created, new.id.as_str()), MOST_LISTENERS))
    };
    room::stays(look).await
}

/// The answer where a partner has as many listeners as it may: these.
fn too_many<'a>(there: impl IntoIterator<Item = &'a ListenerId>) -> Problem {
    let mut detail = format!("A partner has at most {MOST_LISTENERS} listeners; delete one, or wait until it ends");
    let ids: Vec<_> = there.into_iter().map(ListenerId::as_str).collect();
    if !ids.is_empty() {
        detail = format!("{detail}: {}", ids.join(", "));
    }
    Problem::new(StatusCode::CONFLICT, format!("{detail}.")).of_kind("too-many-listeners")
}

async fn renew(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let stored = find(&app, &caller.partner, id).await?;
    let stored = steps::renew(&app, stored).await?;
    Ok(body::answer(StatusCode::OK, &whole(&app, &stored.value, &caller).await?))
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let stored = find(&app, &caller.partner, id).await?;
    steps::end(&app, stored).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    // It is published on the topic, where a key that may only read has no business.
    caller.require_write()?;
    let wish = examples::Wish::read(&headers, body).await?;
    let listener = find(&app, &caller.partner, id).await?.value;
    if !listener.live || !listener.has_own_audience() {
        let detail = match listener.live {
            false => "Nothing is delivered yet: the listener is being made.",
            true => {
                "The filter has no value to spare for what is for this listener alone; send to the subscription that it is like."
            }
        };
        return Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("listener-busy"));
    }
    let path = format!("/api/partners/{}/listeners/{}/test", caller.partner, listener.id);
    let id = Repeat::of(&headers, &path)?.and_then(|repeat| repeat.uuid());
    let sent = examples::publish(&app, &To::listener(&listener), wish, id).await?;
    Ok(body::answer(StatusCode::ACCEPTED, &sent))
}
