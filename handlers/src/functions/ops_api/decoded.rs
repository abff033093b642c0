//! A record decoded for people, as the functions decode it.

use std::{collections::BTreeMap, panic::AssertUnwindSafe};

use contoso_json::Plain;
use futures::FutureExt;
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    app::App,
    domain::dead_letter::Preview,
    events::{DecodeError, Event, EventData, Incoming},
    outcome::Cause,
};

/// What a record says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decoded {
    /// The schema by which it was read; null for JSON.
    pub(super) schema: Option<String>,
    /// Its attributes, if it is an event of a hub.
    pub(super) event: Option<Attributes>,
    /// Its data as JSON text, in which every number is exact.
    pub(super) data: Preview,
}

/// The attributes of an event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attributes {
    id: String,
    r#type: String,
    source: String,
    subject: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    time: Option<OffsetDateTime>,
    dataschema: Option<String>,
    extensions: BTreeMap<String, String>,
}

impl Decoded {
    /// What orders the event among others.
    pub(super) fn key(&self) -> Option<&str> {
        let Attributes { extensions, subject, .. } = self.event.as_ref()?;
        extensions.get("partitionkey").or(subject.as_ref()).map(String::as_str)
    }
}

/// Decodes a message of a hub by the app's own codec. `whole` shows all of the data, else its beginning.
///
/// # Errors
/// If the functions could not decode it either, or not just now.
pub(super) async fn decode(app: &App, incoming: Incoming<'_>, whole: bool) -> Result<Decoded, Cause> {
    // What panics where it is handled panics here too.
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
    let data = if whole { Preview::whole_value(&data) } else { Preview::of_value(&data) };
    Ok(Decoded { schema, event, data })
}
