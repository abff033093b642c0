//! `GET …/listeners/{listener}/undelivered`: events that Event Grid could not put into the queue, such as one that is larger than a message
//! may be. As the log of Azure Monitor tells it, minutes later.

use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::{Value, json};
use time::{Duration, format_description::well_known::Rfc3339};

use super::found::find;
use crate::{
    app::App,
    azure::monitor::Asked,
    domain::partner::failure::{FailedEvent, Fate, by_event},
    functions::partners::{
        body,
        caller::Caller,
        monitored::{topic, unavailable},
    },
    http::{Path, Problem},
};

/// The most events of an answer, the newest.
const MOST: usize = 100;
/// A message is at most 64 KiB, and Base64 of an event takes a third more than the event.
const MOST_BYTES: u32 = 48 * 1024;

pub(super) async fn undelivered(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let listener = find(&app, &caller.partner, id).await?.value;
    let name = listener.id.resource_name();
    let until = app.now().saturating_add(Duration::SECOND);
    let asked = Asked { topic: topic(&app)?, subscription: &name, from: listener.created, to: until };
    let rows = app.monitor().failures(&asked, None).await.map_err(unavailable)?;
    let lost = by_event(rows).into_iter().filter(|event| event.last.fate() == Fate::NotRetried);
    let items: Vec<_> = lost.take(MOST).map(|event| shown(&event)).collect();
    Ok(body::answer(StatusCode::OK, &json!({ "items": items, "mostBytes": MOST_BYTES })))
}

fn shown(event: &FailedEvent) -> Value {
    let last = &event.last;
    json!({
        "event": last.event,
        "type": last.event_type,
        "at": last.at.format(&Rfc3339).ok(),
        "outcome": last.outcome,
        "status": last.status,
        "isTooLarge": last.status == Some(413),
    })
}
