//! `GET|POST /api/partners/{partner}/subscriptions`, `GET|PATCH|DELETE …/{subscription}`: webhooks.
//!
//! The stored document is the truth, and Event Grid's event subscription is made of it ([`provision`]). Each write is stored first and told
//! to Event Grid then, so that a process that dies in between leaves what the next call, or the next look, completes.

mod actions;
mod secret;
mod shown;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use self::shown::Shown;
use super::{
    body,
    caller::Caller,
    found::{conflict, find, missing},
    provision::{self, Preflight},
};
use crate::{
    app::App,
    domain::{
        partner::{
            SubscriptionName,
            selection::Selection,
            settings::{Settings, SettingsError},
            subscription::{State as Standing, Subscription},
        },
        product_body::FieldError,
    },
    functions::partner_redelivery,
    http::{Path, Problem},
    outcome::Cause,
};

/// The most subscriptions of a partner: a topic has 500 for all of them.
const MOST: usize = 20;

pub(super) fn routes() -> Router<App> {
    const ONE: &str = "/api/partners/{partner}/subscriptions/{subscription}";
    let one = |action: &str| format!("{ONE}/{action}");
    Router::new()
        .route("/api/partners/{partner}/subscriptions", get(list).post(create))
        .route(ONE, get(read).patch(change).delete(delete))
        .route(&one("pause"), post(actions::pause))
        .route(&one("resume"), post(actions::resume))
        .route(&one("handshake"), post(actions::handshake))
        .route(&one("test"), post(actions::test))
        .route(&one("secret"), get(secret::read).post(secret::rotate))
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let found = app.stores().partners.subscriptions.of(&caller.partner).await?;
    let items: Vec<_> = found.iter().map(Shown::of).collect();
    Ok(body::answer(StatusCode::OK, &json!({ "items": items })))
}

async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let stored = find(&app, &caller.partner, name).await?;
    // How far it is, only Event Grid knows. If that does not answer, what was known last is not wrong.
    match provision::look(&app, stored.clone()).await {
        Ok(Some(stored)) => Ok(body::answer(StatusCode::OK, &Shown::of(&stored.value))),
        Ok(None) => Err(missing()),
        Err(error) => {
            tracing::warn!(cause = error.chain(), "Event Grid could not be asked about a subscription");
            Ok(body::answer(StatusCode::OK, &Shown::of(&stored.value)))
        }
    }
}

/// What a new subscription has beside its settings.
struct New {
    name: SubscriptionName,
    settings: Settings,
    start_from: Option<OffsetDateTime>,
    paused: bool,
}

impl New {
    /// Members beside those of settings.
    const FIELDS: [&'static str; 3] = ["name", "startFrom", "paused"];

    fn parse(app: &App, body: &Map<String, Value>) -> Result<Self, Problem> {
        known(body, &Self::FIELDS)?;
        let rules = provision::rules(app)?;
        let mut errors = Vec::new();
        let mut refuse = |field: &str, message: String| errors.push(FieldError::new(field, message));
        let value = |name: &str| body.get(name).filter(|value| !value.is_null());
        let name = match value("name") {
            None => Err("is required".to_owned()),
            Some(Value::String(name)) => SubscriptionName::try_from(name.clone()).map_err(|error| error.to_string()),
            Some(_) => Err("must be a string".to_owned()),
        };
        let name = name.map_err(|message| refuse("name", message)).ok();
        let start_from = value("startFrom").and_then(|text| {
            let at = text.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
            let past = at.filter(|at| *at <= app.now());
            if past.is_none() {
                refuse("startFrom", "must be a time in the past, as in 2027-03-04T10:00:00Z".to_owned());
            }
            // As all times are stored, and not before there was anything.
            past.and_then(|at| at.checked_to_offset(UtcOffset::UTC)).map(|at| at.max(OffsetDateTime::UNIX_EPOCH))
        });
        let paused = match value("paused") {
            None => false,
            Some(Value::Bool(paused)) => *paused,
            Some(_) => {
                refuse("paused", "must be true or false".to_owned());
                false
            }
        };
        match (Settings::parse(body, &rules), name) {
            (Ok(settings), Some(name)) if errors.is_empty() => Ok(Self { name, settings, start_from, paused }),
            (Err(SettingsError::Fields(more)), _) => {
                errors.extend(more);
                Err(Problem::unprocessable(errors))
            }
            (Err(error), _) if errors.is_empty() => Err(refused(error)),
            _ => Err(Problem::unprocessable(errors)),
        }
    }
}

async fn create(State(app): State<App>, caller: Caller, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let body = body::patch(&headers, body).await?;
    let New { name, settings, start_from, paused } = New::parse(&app, &body)?;
    let partner = &caller.partner;
    let location = format!("/api/partners/{partner}/subscriptions/{name}");
    let there = app.stores().partners.subscriptions.of(partner).await?;
    if let Some(same) = there.iter().find(|there| there.name == name) {
        // Sent again, after its answer got lost.
        if same.settings == settings && !same.state.is_leaving() {
            return Ok(body::made(StatusCode::OK, &location, &Shown::of(same)));
        }
        let detail =
            "There is a subscription of this name with other settings; change it by PATCH, or take another name.";
        return Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("subscription-exists"));
    }
    if there.len() >= MOST {
        let detail = format!("A partner has at most {MOST} subscriptions; delete one first.");
        return Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("too-many-subscriptions"));
    }
    let now = app.now();
    let master = provision::current_master(&app).await?;
    let mut subscription = Subscription::new(partner.clone(), name, settings, &master, paused, now);
    if let (Some(from), Some(gap)) = (start_from, subscription.gaps.first_mut()) {
        // What came since then is missing as if it had been paused, and is delivered like that.
        gap.from = from;
    }
    let subscription = match paused {
        true => subscription,
        false => match provision::preflight(&app, &subscription.settings).await? {
            Preflight::Passed => subscription,
            // It is stored nevertheless: it can be looked at, mended and tried again.
            Preflight::Failed(fault) => subscription.failed(fault.to_string(), now).map_err(conflict)?,
        },
    };
    let stored = provision::begin(&app, subscription, None).await?;
    let stored = provision::watched(&app, stored).await?;
    if let Err(error) = partner_redelivery::begin(&app, &stored.value).await {
        // The subscription is made, and `PartnerRedelivery` begins the job that its answer names.
        tracing::warn!(cause = Cause::from_error("begin what was missed", error).chain(), "begun later");
    }
    Ok(body::made(StatusCode::CREATED, &location, &Shown::of(&stored.value)))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let patch = body::patch(&headers, body).await?;
    known(&patch, &[])?;
    let stored = find(&app, &caller.partner, name).await?;
    let stored = provision::looked(&app, stored).await?;
    let rules = provision::rules(&app)?;
    let settings = stored.value.settings.merge(&patch, &rules).map_err(refused)?;
    if settings == stored.value.settings {
        return Ok(body::answer(StatusCode::OK, &Shown::of(&stored.value)));
    }
    let changed = stored.value.update(settings, app.now()).map_err(conflict)?;
    if changed.state.is_on_its_way() {
        provision::consents(&app, &changed.settings).await?;
    }
    let wanted = changed.settings.clone();
    let stored = provision::begin(&app, changed, Some(stored.etag)).await?;
    let stored = provision::watched(&app, stored).await?;
    if stored.value.state == Standing::Active && stored.value.settings != wanted {
        return Err(provision::unmade(&stored.value));
    }
    Ok(body::answer(StatusCode::OK, &Shown::of(&stored.value)))
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let stored = find(&app, &caller.partner, name).await?;
    let stored = match stored.value.state {
        ref state if state.is_leaving() => stored,
        _ => provision::begin(&app, stored.value.delete(app.now()), Some(stored.etag)).await?,
    };
    provision::removed(&app, stored).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses members that no subscription has: a wrong name would quietly match everything.
fn known(body: &Map<String, Value>, further: &[&str]) -> Result<(), Problem> {
    let is_known =
        |name: &str| Settings::FIELDS.contains(&name) || Selection::FIELDS.contains(&name) || further.contains(&name);
    let unknown = body.keys().filter(|name| !is_known(name.as_str()));
    let errors: Vec<_> = unknown
        .map(|name| FieldError::new(name.chars().take(60).collect::<String>(), "is no member of a subscription"))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
}

fn refused(error: SettingsError) -> Problem {
    let detail = error.to_string();
    match error {
        SettingsError::Fields(errors) => Problem::unprocessable(errors),
        SettingsError::TooManyValues(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).of_kind("too-many-filter-values")
        }
    }
}
