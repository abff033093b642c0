//! `POST /api/partners/{partner}/subscriptions`: a new subscription.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::{Map, Value};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::{
    members::{known, refused},
    shown,
};
use crate::{
    app::App,
    domain::{
        mismatch::mismatch,
        partner::{
            SubscriptionName,
            redelivery::LONGEST,
            settings::{Settings, SettingsError},
            subscription::{State as Standing, Subscription},
        },
        product_body::FieldError,
    },
    functions::{
        partner_redelivery,
        partners::{
            body,
            caller::Caller,
            found::conflict,
            provision::{self, Preflight, told_to_programs},
        },
    },
    http::Problem,
    outcome::Cause,
};

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
            Some(other) => Err(mismatch("must be a string", other)),
        };
        let name = name.map_err(|message| refuse("name", message)).ok();
        let start_from = value("startFrom").and_then(|text| {
            let at = text.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
            // In UTC, as all times are stored.
            let at = at.and_then(|at| at.checked_to_offset(UtcOffset::UTC));
            let now = app.now();
            let past = at.filter(|at| (now.saturating_sub(LONGEST)..=now).contains(at));
            if past.is_none() {
                let days = LONGEST.whole_days();
                let wanted = format!("must be a time of the last {days} days, as in 2027-03-04T10:00:00Z");
                refuse("startFrom", mismatch(&wanted, text));
            }
            past
        });
        let paused = match value("paused") {
            None => false,
            Some(Value::Bool(paused)) => *paused,
            Some(other) => {
                refuse("paused", mismatch("must be true or false", other));
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

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = body::object(&headers, body).await?;
    let New { name, settings, start_from, paused } = New::parse(&app, &body)?;
    let partner = &caller.partner;
    let location = format!("/api/partners/{partner}/subscriptions/{name}");
    let there = app.stores().partners.subscriptions.of(partner).await?;
    if let Some(same) = there.iter().find(|there| there.name == name) {
        // Sent again, after its answer got lost.
        return match other_than(same, &settings, start_from, paused) {
            None => Ok(shown::made(StatusCode::OK, &location, same)),
            Some(detail) => Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("subscription-exists")),
        };
    }
    if there.len() >= provision::MOST {
        return Err(provision::too_many());
    }
    let now = app.now();
    let master = provision::current_master(&app).await?;
    let mut subscription = Subscription::new(partner.clone(), name, settings, &master, paused, now);
    if let (Some(from), Some(gap)) = (start_from, subscription.gaps.first_mut()) {
        // What came since then is missing as if it had been paused, and is delivered like that.
        gap.from = from;
    }
    let subscription = match paused {
        true => {
            provision::check_public(&app, &subscription.settings).await?;
            subscription
        }
        false => match provision::preflight(&app, &subscription.settings).await? {
            Preflight::Passed => subscription,
            // It is stored nevertheless, unless nobody may reach it: it can be looked at, mended and tried again.
            Preflight::Failed(fault) => {
                if let Some(refused) = provision::not_public(&fault) {
                    return Err(refused);
                }
                let failed = subscription.failed_handshake(fault.to_string(), told_to_programs(&fault), now);
                failed.map_err(conflict)?
            }
        },
    };
    let stored = provision::begin(&app, subscription, None).await?;
    let stored = provision::watched(&app, stored).await?;
    if let Err(error) = partner_redelivery::begin(&app, &stored.value).await {
        // The subscription is made, and `PartnerRedelivery` begins the job that its answer names.
        tracing::warn!(cause = Cause::from_error("begin what was missed", error).chain(), "begun later");
    }
    Ok(shown::made(StatusCode::CREATED, &location, &stored.value))
}

/// What a request asks for that the subscription of its name is not; `None` if it is the same.
fn other_than(
    there: &Subscription,
    settings: &Settings,
    start_from: Option<OffsetDateTime>,
    paused: bool,
) -> Option<&'static str> {
    if there.state.is_leaving() {
        Some("There is a subscription of this name that is being deleted; wait, or take another name.")
    } else if there.settings != *settings {
        Some("There is a subscription of this name with other settings; change it by PATCH, or take another name.")
    } else if there.started_from() != start_from.filter(|from| *from < there.created) {
        Some("There is a subscription of this name that began at another time; what it missed is for a redelivery.")
    } else {
        match (paused, matches!(there.state, Standing::Paused { .. })) {
            (false, true) => Some("There is a subscription of this name, and it is paused; resume it."),
            (true, false) => Some("There is a subscription of this name, and it is not paused; pause it."),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::domain::partner::{endpoint::EndpointRules, subscription::PausedBy};

    const NOW: OffsetDateTime = datetime!(2027-03-04 10:00 UTC);

    #[test]
    fn a_request_that_comes_again_asks_for_what_there_is() {
        let settings = |url: &str| {
            let settings = json!({ "endpoint": url });
            Settings::parse(settings.as_object().expect("an object"), &EndpointRules::default()).expect("settings")
        };
        let made = |paused| {
            let (partner, name) = ("acme".to_owned(), "prices".to_owned());
            let (partner, name) = (partner.try_into().expect("a name"), name.try_into().expect("a name"));
            Subscription::new(partner, name, settings("https://ok.example/"), "m", paused, NOW)
        };
        let active = made(false).activated(NOW).expect("active");
        let paused = active.pause(PausedBy::Partner, None, NOW).expect("paused");
        let yesterday = Some(NOW - Duration::DAY);
        let mut started = made(false);
        started.gaps[0].from = NOW - Duration::DAY;
        let failed = made(false).failed("no answer".to_owned(), NOW).expect("failed");
        let is_same = |there: &Subscription, from, is_paused| {
            other_than(there, &settings("https://ok.example/"), from, is_paused).is_none()
        };
        for (there, from, is_paused) in [
            (&made(false), None, false),
            (&made(true), None, true),
            (&active, None, false),
            (&active, Some(NOW), false),
            (&paused, None, true),
            (&started, yesterday, false),
            (&failed, None, false),
        ] {
            assert!(is_same(there, from, is_paused), "{from:?} {is_paused} {there:?}");
        }
        for (there, from, is_paused) in [
            (&active, None, true),
            (&active, yesterday, false),
            (&paused, None, false),
            (&made(true), yesterday, true),
            (&started, None, false),
            (&started, Some(NOW - Duration::HOUR), false),
            (&active.delete(NOW), None, false),
        ] {
            assert!(!is_same(there, from, is_paused), "{from:?} {is_paused} {there:?}");
        }
        assert!(other_than(&active, &settings("https://other.example/"), None, false).is_some());
    }
}
