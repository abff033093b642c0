//! `eventGridTrigger`: the endpoint that Event Grid posts to, `/runtime/webhooks/eventgrid?functionName=…`.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tracing::warn;

use super::event_hub_payload::List;
use crate::functions_host::{
    app::{Cardinality, Function, Trigger},
    invocation::{Compact, Dates, Failure, Invoker, JsonText, Metadata, Outcome, Payload, Value},
};

/// The origin that Azure's Event Grid names in its CloudEvents handshake.
const ORIGIN: &str = "eventgrid.azure.net";

/// Answers a request for `function`, which was asked for as `name`.
pub(crate) async fn answer(
    name: &str,
    function: Option<&Arc<Function>>,
    invoker: &Invoker,
    method: &Method,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<Bytes> {
    let Some((function, cardinality)) = function.and_then(|function| match &function.trigger {
        Trigger::EventGrid(trigger) => Some((function, trigger.cardinality)),
        _ => None,
    }) else {
        return text(StatusCode::NOT_FOUND, format!("cannot find function: '{name}'"));
    };
    if method == Method::OPTIONS {
        return handshake(headers);
    }
    match kind(headers).as_str() {
        "subscriptionvalidation" => validation(body),
        "notification" => match events(headers, body) {
            Some(events) => notification(function, cardinality, invoker, &events).await,
            None => unreadable(&function.name),
        },
        "unsubscribe" => status(StatusCode::ACCEPTED),
        _ => status(StatusCode::BAD_REQUEST),
    }
}

/// What Event Grid says it sends, in lower case.
pub(super) fn kind(headers: &HeaderMap) -> String {
    let kind = headers.get("aeg-event-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.to_ascii_lowercase()
}

/// The events of a notification; `None` where the extension cannot read them. A form, which is what curl says it sends,
/// the host reads before the extension does.
pub(super) fn events(headers: &HeaderMap, body: &[u8]) -> Option<Vec<Box<RawValue>>> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    if is_form { None } else { split(body) }
}

/// 500, as for every exception of an extension, and why, which the real host keeps to its log.
pub(super) fn unreadable(function: &str) -> Response<Bytes> {
    warn!(
        "a notification for '{function}' is no JSON object or array of objects, or is sent as a form; it is not called"
    );
    status(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn status(status: StatusCode) -> Response<Bytes> {
    text(status, String::new())
}

/// Plain text, which every answer of the extension is.
pub(super) fn text(status: StatusCode, body: String) -> Response<Bytes> {
    let is_empty = body.is_empty();
    let mut response = Response::new(Bytes::from(body));
    if !is_empty {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
    }
    *response.status_mut() = status;
    response
}

/// The CloudEvents abuse protection: the origin that asked may send.
pub(super) fn handshake(headers: &HeaderMap) -> Response<Bytes> {
    let mut response = status(StatusCode::OK);
    let origin = headers.get("webhook-request-origin").cloned();
    response.headers_mut().insert("webhook-allowed-origin", origin.unwrap_or(HeaderValue::from_static(ORIGIN)));
    response
}

/// Echoes the validation code of an Event Grid event, or of a CloudEvent whose data is a string of JSON.
pub(super) fn validation(body: &Bytes) -> Response<Bytes> {
    let event = match contoso_json::from_slice(body) {
        Ok(serde_json::Value::Array(events)) => events.into_iter().next().unwrap_or_default(),
        Ok(event) => event,
        Err(_) => return status(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let data = match &event["data"] {
        serde_json::Value::String(text) => contoso_json::from_str(text).unwrap_or_default(),
        data => data.clone(),
    };
    match data["validationCode"].as_str() {
        None => status(StatusCode::INTERNAL_SERVER_ERROR),
        Some(code) => text(StatusCode::OK, json!({"validationResponse": code}).to_string()),
    }
}

/// Runs the function; 202 if all goes well, 500 with the error if any event fails, so that all are delivered again.
async fn notification(
    function: &Arc<Function>,
    cardinality: Cardinality,
    invoker: &Invoker,
    events: &[Box<RawValue>],
) -> Response<Bytes> {
    let batches = match cardinality {
        Cardinality::Many => vec![events],
        // One POST, all its events at once.
        Cardinality::One => events.chunks(1).collect(),
    };
    let runs = batches.into_iter().map(|batch| async move {
        let payload = payload(&function.binding, cardinality, batch)
            .map_err(|problem| Failure::Binding { parameter: function.binding.clone(), problem });
        invoker.run(function, "EventGrid trigger fired", payload).await
    });
    let failures: Vec<String> = join_all(runs)
        .await
        .into_iter()
        .filter_map(|outcome| match outcome {
            Outcome::Succeeded(_) => None,
            Outcome::Failed(failure) => {
                Some(format!("Exception while executing function: Functions.{}: {failure}", function.name))
            }
            Outcome::Cancelled => Some("The host is stopping.".to_owned()),
        })
        .collect();
    if failures.is_empty() {
        status(StatusCode::ACCEPTED)
    } else {
        text(StatusCode::INTERNAL_SERVER_ERROR, failures.join("\n"))
    }
}

/// The events of a body that is one object or an array of objects, each as its text.
pub(crate) fn split(body: &[u8]) -> Option<Vec<Box<RawValue>>> {
    let whole: Box<RawValue> = contoso_json::from_slice(body).ok()?;
    let events: Vec<Box<RawValue>> = match whole.get().as_bytes().first()? {
        b'[' => contoso_json::from_str(whole.get()).ok()?,
        _ => vec![whole],
    };
    events.iter().all(|event| event.get().starts_with('{')).then_some(events)
}

/// `Data` is what was posted, `Metadata` gets the `data` member: of one event itself, of many as an array. Extension 3.3.0
/// reads and writes both, and with them their times: `10:00:00.1230000Z` becomes `10:00:00.123Z`.
pub(crate) fn payload<'a>(
    binding: &'a str,
    cardinality: Cardinality,
    events: &'a [Box<RawValue>],
) -> Result<Payload<'a>, String> {
    #[derive(Deserialize)]
    struct Envelope<'e> {
        #[serde(borrow)]
        data: Option<&'e RawValue>,
    }

    let compact = |text: &'a str| Compact::new(text, Dates::Rewritten).map_err(|error| error.to_string());
    let mut whole = Vec::with_capacity(events.len());
    let mut data = Vec::with_capacity(events.len());
    for event in events {
        let envelope: Envelope<'a> = contoso_json::from_str(event.get()).map_err(|error| error.to_string())?;
        whole.push(compact(event.get())?);
        data.push(envelope.data.map(|data| compact(data.get())).transpose()?);
    }
    let mut metadata = Metadata::default();
    let value = match cardinality {
        Cardinality::Many => {
            metadata.add("data", Value::text(List(data.into_iter().map(OrNull).collect())));
            Value::text(List(whole))
        }
        Cardinality::One => {
            if let Some(data) = data.pop().flatten() {
                metadata.add("data", Value::text(data));
            }
            Value::text(whole.pop().ok_or("there is no event")?)
        }
    };
    metadata.add_sys();
    let size_hint = events.iter().map(|event| event.get().len() * 2).sum();
    Ok(Payload { data: (binding, value), metadata, size_hint })
}

struct OrNull<T>(Option<T>);

impl<T: JsonText> JsonText for OrNull<T> {
    fn write(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        match &self.0 {
            Some(value) => value.write(out),
            None => out.write_all(b"null"),
        }
    }
}
