//! `GET …/letter?id=`: one letter, its event decoded as the functions decode it; `GET …/letter/body?id=`: its record's bytes.

use std::{collections::BTreeMap, panic::AssertUnwindSafe};

use axum::{
    body::Body,
    extract::State,
    http::{
        HeaderMap, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    response::Response,
};
use contoso_json::Plain;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use time::OffsetDateTime;

use super::{Desk, letter_id, unavailable, unknown};
use crate::{
    app::App,
    dead_letters::shelf::{self, Opened},
    domain::dead_letter::{Kept, LetterId, Preview, exact},
    events::{DecodeError, Event, EventData, Incoming, Properties},
    http::{Audience, Problem, Query, cacheable_for},
    outcome::Cause,
};

/// What function parks in whose body is JSON, by where it found it: not an event of a hub.
const JSON_ORIGINS: [&str; 2] = ["feed", "event-grid"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: &'a str,
    function: &'a str,
    given_up: bool,
    origin: &'a str,
    part: Option<&'a str>,
    record: Option<&'a str>,
    cause: &'a str,
    #[serde(with = "time::serde::rfc3339::option")]
    parked_at: Option<OffsetDateTime>,
    /// Integers that a browser would round are texts.
    position: Value,
    /// As text, as they came.
    properties: Option<Preview>,
    content_type: Option<&'a str>,
    /// What the record says; null where it cannot be decoded.
    decoded: Option<Decoded>,
    /// Why it cannot be decoded.
    not_decoded: Option<String>,
    /// The record's bytes, as they came.
    body: Preview,
    /// Address of all its bytes.
    body_address: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decoded {
    /// The schema by which it was read; null for JSON.
    schema: Option<String>,
    /// Its attributes, if it is an event of a hub.
    event: Option<Attributes>,
    /// Its data as JSON text, in which every number is exact.
    data: Preview,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    id: String,
    r#type: String,
    source: String,
    subject: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    time: Option<OffsetDateTime>,
    dataschema: Option<String>,
    extensions: BTreeMap<String, String>,
}

pub(super) async fn show(
    State(desk): State<Desk>,
    Query(Named { id }): Query<Named>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = letter_id(&id)?;
    let opened = shelf::open(desk.app.blobs(), &id).await.map_err(unavailable)?.ok_or_else(unknown)?;
    let (decoded, not_decoded) = match decode(&desk.app, &id, &opened).await {
        Ok(decoded) => (Some(decoded), None),
        Err(cause) => (None, Some(cause.chain())),
    };
    let shown = Shown {
        id: id.text(),
        function: id.owner(),
        given_up: id.kept() == Kept::GivenUp,
        origin: id.origin(),
        part: id.part(),
        record: id.record(),
        cause: &opened.cause,
        parked_at: opened.parked_at,
        position: exact(opened.position.clone()),
        properties: opened.properties.as_deref().map(|text| Preview::of_text(text.get())),
        content_type: opened.content_type.as_deref(),
        body: if decoded.is_some() { Preview::of(&opened.body) } else { hex_unless_text(&id, &opened.body) },
        body_address: super::address(&id).replacen("/letter?", "/letter/body?", 1),
        decoded,
        not_decoded,
    };
    cacheable_for(Audience::One, &shown, &headers)
}

/// What a hub's events are is not text, even where it could be taken for it.
fn hex_unless_text(id: &LetterId, body: &[u8]) -> Preview {
    if is_json(id) { Preview::of(body) } else { Preview::hex(body) }
}

fn is_json(id: &LetterId) -> bool {
    id.kept() == Kept::GivenUp || JSON_ORIGINS.contains(&id.origin())
}

/// Decodes a record by the app's own codec, as when it came.
async fn decode(app: &App, id: &LetterId, opened: &Opened) -> Result<Decoded, Cause> {
    if is_json(id) {
        let value = contoso_json::plain(&opened.body).map_err(|error| Cause::from_error("read the JSON", error))?;
        return Ok(Decoded { schema: None, event: None, data: Preview::of_value(&value) });
    }
    let properties = match opened.properties.as_deref().map(RawValue::get) {
        Some(text) => {
            contoso_json::from_str(text).map_err(|error| Cause::from_error("read the message's properties", error))?
        }
        None => Properties::default(),
    };
    let incoming = Incoming { body: &opened.body, content_type: opened.content_type.as_deref(), properties };
    // What panicked when it came panics again.
    let decoded = AssertUnwindSafe(app.events().decode(incoming)).catch_unwind().await;
    let event = match decoded {
        Ok(Ok(event)) => event,
        Ok(Err(DecodeError::Park(cause) | DecodeError::Retry(cause))) => return Err(cause),
        Err(_) => return Err(Cause::new("decoding panicked")),
    };
    let Plain(data) = event.data_as().map_err(|error| Cause::from_error("show the data", error))?;
    let Event { id, r#type, source, subject, time, dataschema, extensions, data: form, .. } = event;
    let schema = match form {
        EventData::Avro(_, name) => Some(name),
        EventData::Json(_) => None,
    };
    let event = Some(Attributes { id, r#type, source, subject, time, dataschema, extensions });
    Ok(Decoded { schema, event, data: Preview::of_value(&data) })
}

pub(super) async fn body(State(desk): State<Desk>, Query(Named { id }): Query<Named>) -> Result<Response, Problem> {
    let id = letter_id(&id)?;
    let opened = shelf::open(desk.app.blobs(), &id).await.map_err(unavailable)?.ok_or_else(unknown)?;
    let mut response = Response::new(Body::from(opened.body));
    let headers = response.headers_mut();
    // A stranger's bytes: they are kept as a file, and never shown as what they claim to be.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"dead-letter.bin\""));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
