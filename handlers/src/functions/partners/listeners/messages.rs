//! `POST …/listeners/{listener}/receive|acknowledge`: events as they came, each until it is acknowledged.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::{found::find, steps};
use crate::{
    app::App,
    azure::queues::{Message, QueueError, QueueErrorKind, Receipt},
    functions::partners::{body, caller::Caller, members::Members},
    http::{Path, Problem},
    outcome::Cause,
};

/// The most messages that queue storage hands out at once.
const MOST: u8 = 32;
/// How long a message is for its taker alone. What is not acknowledged until then comes again.
const HIDDEN: Duration = Duration::from_secs(60);
/// What a webhook would be told of the body: a message has no such header.
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";
/// Acknowledgements under way at once.
const AT_ONCE: usize = 8;

pub(super) async fn receive(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut members = Members::of_any(&headers, body, &["max"]).await?;
    let max = members.whole("max", 1..=MOST.into());
    members.end()?;
    let most = max.and_then(|max| u8::try_from(max).ok()).unwrap_or(MOST);
    let stored = find(&app, &caller.partner, id).await?;
    let (stored, messages) = match app.queues().receive(&stored.value.id.resource_name(), most, HIDDEN).await {
        Ok(messages) => (stored, messages),
        // Somebody removed it: what comes from now on has a queue again.
        Err(error) if error.kind == QueueErrorKind::NotFound => (steps::bring_up(&app, stored).await?, Vec::new()),
        Err(error) => return Err(steps::unanswered(&Cause::from_error("receive", error))),
    };
    let events: Vec<_> = messages.iter().map(shown).collect();
    // With our own time, since clocks differ: whoever listens knows by both when to renew.
    let [now, expires] = [app.now(), stored.value.expires].map(|at| at.format(&Rfc3339).unwrap_or_default());
    Ok(body::answer(StatusCode::OK, &json!({ "events": events, "now": now, "expires": expires })))
}

fn shown(message: &Message) -> Value {
    let Message { receipt, body, dequeue_count, inserted } = message;
    json!({
        "receipt": BASE64_URL_SAFE_NO_PAD.encode(format!("{} {}", receipt.id, receipt.pop)),
        "contentType": CONTENT_TYPE,
        "body": BASE64_STANDARD.encode(body),
        "dequeueCount": dequeue_count,
        "insertedAt": inserted.and_then(|at| at.format(&Rfc3339).ok()),
    })
}

/// What became of each receipt is told where not all of them were of messages that are forgotten now.
pub(super) async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let receipts = receipts(&headers, body).await?;
    let queue = find(&app, &caller.partner, id).await?.value.id.resource_name();
    let acknowledged = receipts.into_iter().map(|(text, receipt)| {
        let (app, queue) = (app.clone(), queue.clone());
        async move { Ok((text, app.queues().acknowledge(&queue, &receipt).await?)) }
    });
    let mut acknowledged = stream::iter(acknowledged).buffered(AT_ONCE);
    let (mut done, mut unknown) = (0_u32, Vec::new());
    while let Some(answer) = acknowledged.next().await {
        let answer: Result<_, QueueError> = answer;
        match answer.map_err(|error| steps::unanswered(&Cause::from_error("acknowledge", error)))? {
            (_, true) => done += 1,
            (text, false) => unknown.push(text),
        }
    }
    if unknown.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(body::answer(StatusCode::OK, &json!({ "acknowledged": done, "unknown": unknown })))
}

/// The receipts that a body names, each once.
async fn receipts(headers: &HeaderMap, body: Body) -> Result<BTreeMap<String, Receipt>, Problem> {
    let mut members = Members::of(headers, body, &["receipts"]).await?;
    members.require("receipts", "must be a list of strings");
    let texts = members.texts("receipts");
    if texts.len() > MOST.into() {
        members.refuse("receipts", format!("must have at most {MOST} receipts; it has {}", texts.len()));
    }
    let mut receipts = BTreeMap::new();
    for (index, text) in texts.into_iter().enumerate() {
        match receipt(&text) {
            Some(receipt) => _ = receipts.insert(text, receipt),
            None => members.refuse(&format!("receipts[{index}]"), "must be a receipt that came with an event"),
        }
    }
    members.end()?;
    Ok(receipts)
}

/// A receipt of ours. Ids of messages are UUIDs, which keeps it from naming another resource.
fn receipt(text: &str) -> Option<Receipt> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (id, pop) = text.split_once(' ')?;
    let is_id = uuid::Uuid::try_parse(id).is_ok() && !pop.is_empty();
    is_id.then(|| Receipt { id: id.to_owned(), pop: pop.to_owned() })
}
