//! Runs by hand: `POST /admin/functions/<name>` with an input, which stands for what the trigger would bring.
//!
//! The real host takes the call for every kind of trigger, answers 202, and only then tries: what cannot be bound fails as a run
//! does, in the log. The binding data of such a run has one entry more, the input under the name of the binding.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::{request::text, state::Front};
use crate::functions_host::{
    app::{Cardinality, EventHubTrigger, Function, Trigger},
    invocation::{Failure, Payload},
    triggers::{
        EventHubContext, HubEvent, blob_payload, cosmos_db_payload_by_hand, event_grid_payload, event_hub_payload,
        queue_payload_by_hand, split_events, timer_payload,
    },
};

/// Largest body.
const BODY_LIMIT: usize = 1 << 20;
const REASON: &str = "This function was programmatically called via the host APIs.";

/// What is posted.
#[derive(Deserialize)]
struct Invocation {
    #[serde(alias = "Input")]
    input: Option<String>,
}

/// Starts a run and does not wait for it.
pub(super) async fn run(front: &Arc<Front>, function: &Arc<Function>, headers: &HeaderMap, body: Body) -> Response {
    if !is_json(headers) {
        return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "");
    }
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return text(StatusCode::BAD_REQUEST, "");
    };
    let Ok(Invocation { input }) = contoso_json::from_slice(&body) else {
        return text(StatusCode::BAD_REQUEST, "The body must be an object with the text \"input\".");
    };
    let (front, function) = (Arc::clone(front), Arc::clone(function));
    tokio::spawn(async move {
        match front.timers.get(&function.name) {
            // Not beside a run of the schedule.
            Some(timer) => drop(timer.fire(input).await),
            None => started(&front, &function, input).await,
        }
    });
    text(StatusCode::ACCEPTED, "")
}

/// Whether a body says that it is JSON; without that the real host does not read it.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(media_type.as_str(), "application/json" | "text/json")
        || media_type.starts_with("application/") && media_type.ends_with("+json")
}

async fn started(front: &Front, function: &Arc<Function>, input: Option<String>) {
    let text = input.as_deref().unwrap_or_default();
    let blob = match &function.trigger {
        Trigger::Blob(_) => text.split_once('/').and_then(|(container, name)| {
            let blob = front.blob_webhook.blobs.get(container, name).ok()??;
            let uri = front.blob_webhook.blobs.url(container, name).unwrap_or_default();
            Some((name, uri, blob))
        }),
        _ => None,
    };
    let event = HubEvent::by_hand(Bytes::copy_from_slice(text.as_bytes()), front.invoker.clock.now());
    let events = split_events(text.as_bytes()).unwrap_or_default();
    let binding = function.binding.as_str();
    let payload = match &function.trigger {
        Trigger::Http(_) => Err("An HttpRequest is required.".to_owned()),
        Trigger::Queue(trigger) => {
            Ok(queue_payload_by_hand(binding, trigger.data_type, front.invoker.clock.now(), text))
        }
        Trigger::CosmosDb(_) => Ok(cosmos_db_payload_by_hand(binding, text)),
        Trigger::EventHub(trigger) => of_event_hub(binding, trigger, std::slice::from_ref(&event)),
        Trigger::EventGrid(trigger) => match (trigger.cardinality, &events[..]) {
            (Cardinality::One, [_]) => event_grid_payload(binding, Cardinality::One, &events),
            (Cardinality::One, _) => Err("the input is no JSON object".to_owned()),
            (Cardinality::Many, _) => Err("a text cannot be bound to an array of events".to_owned()),
        },
        Trigger::Blob(trigger) => match &blob {
            Some((name, uri, blob)) => {
                let parameters = trigger.pattern.matches(name).unwrap_or_default();
                Ok(blob_payload(binding, uri, blob, &parameters))
            }
            None => Err(format!("there is no blob '{text}'; the input is its path, the container first")),
        },
        // Of a timer that is disabled: by hand it runs all the same.
        Trigger::Timer(trigger) => Ok(timer_payload(binding, trigger.schedule.adjusts_for_dst(), None, false)),
    };
    let unbound = |problem: String| Failure::Binding { parameter: function.binding.clone(), problem };
    let payload = payload.map(|payload| payload.by_hand(input.as_deref())).map_err(unbound);
    // How it ends is in the log; who asked has the answer already.
    drop(front.invoker.run(function, REASON, payload).await);
}

/// As if the event were alone in the first partition.
fn of_event_hub<'a>(
    binding: &'a str,
    trigger: &'a EventHubTrigger,
    events: &'a [HubEvent],
) -> Result<Payload<'a>, String> {
    let context = EventHubContext {
        namespace: &trigger.namespace,
        hub: &trigger.hub,
        consumer_group: &trigger.consumer_group,
        partition: "0",
        checkpoints: false,
    };
    event_hub_payload(binding, trigger, &context, events)
}
