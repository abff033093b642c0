//! `POST /api/partners/{partner}/subscriptions:preview`: what a selection would match of the last captured events.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::post,
};
use cloudevents::AttributesReader as _;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::{body, caller::Caller, members::unknown, redeliveries::plan::unread, spellings::PREVIEW};
use crate::{
    app::App,
    captured::{Newest, newest},
    domain::{
        mismatch::{mismatch, whole},
        partner::{
            Audience,
            selection::{Selection, SelectionError},
        },
        product_body::FieldError,
    },
    events::hubs,
    functions::partner_notifications::{Notification, notification},
    http::Problem,
};

/// Events that are looked at, if nothing is said, and at most.
const LAST: u32 = 100;
const MOST: u32 = 1_000;

/// Matching events that are shown.
const SHOWN: usize = 20;

/// How long events are collected.
const WITHIN: Duration = Duration::from_secs(20);

pub(super) fn routes() -> Router<App> {
    PREVIEW.iter().fold(Router::new(), |router, end| {
        router.route(&format!("/api/partners/{{partner}}/subscriptions{end}"), post(preview))
    })
}

async fn preview(State(app): State<App>, _: Caller, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let object = body::object(&headers, body).await?;
    let known: Vec<&str> = Selection::FIELDS.into_iter().chain(["last"]).collect();
    let unknown = unknown(&object, &known);
    if !unknown.is_empty() {
        return Err(Problem::fields(unknown));
    }
    let last = match object.get("last").filter(|last| !last.is_null()) {
        None => LAST,
        Some(last) => whole(last).filter(|number| (1..=MOST).contains(number)).ok_or_else(|| {
            let message = mismatch(&format!("must be a whole number of events, 1 to {MOST}"), last);
            Problem::unprocessable(vec![FieldError::new("last", message)])
        })?,
    };
    let selection = Selection::parse(&object).map_err(|error| match error {
        SelectionError::Fields(errors) => Problem::unprocessable(errors),
        SelectionError::TooManyValues { .. } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{error}.")).of_kind("too-many-filter-values")
        }
    })?;
    let found = newest(&app, hubs::PRODUCTS, last as usize, WITHIN).await;
    let Newest { events, is_cut_off } = found.map_err(|cause| unread(&cause))?;
    let (mut looked, mut matched, mut shown) = (0_u32, 0_u32, Vec::new());
    // The newest first.
    for captured in events.into_iter().rev() {
        let time = captured.event.time.and_then(|time| time.format(&Rfc3339).ok());
        // As partners get it: an event without a subject has its product's id as one.
        let told = notification(captured.event, &Audience::All, None);
        let Ok(Some(Notification { event, fields })) = told else { continue };
        looked += 1;
        let subject = event.subject().unwrap_or_default();
        if !selection.matches(event.ty(), subject, &fields) {
            continue;
        }
        matched += 1;
        if shown.len() < SHOWN {
            shown.push(json!({
                "id": event.id(), "type": event.ty(), "subject": subject, "time": time, "match": fields,
            }));
        }
    }
    let answer: Value = json!({
        "looked": looked, "matched": matched, "isCutOff": is_cut_off, "values": selection.values(), "events": shown,
    });
    Ok(body::answer(StatusCode::OK, &answer))
}
