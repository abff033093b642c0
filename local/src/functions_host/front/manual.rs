//! Runs by hand: `POST /admin/functions/<name>` with an input, which stands for what the trigger would bring.
//!
//! The real host takes the call for every kind of trigger, answers 202, and only then tries: what cannot be bound fails as a run
//! does, in the log. The binding data of such a run has one entry more, the input under the name of the binding.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::StatusCode;
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
#[derive(Default, Deserialize)]
struct Invocation {
    #[serde(alias = "Input")]
    input: Option<String>,
}

/// Starts a run and does not wait for it.
pub(super) async fn run(front: &Arc<Front>, function: &Arc<Function>, body: Body) -> Response {
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return text(StatusCode::BAD_REQUEST, "");
    };
    let invocation = if body.is_empty() { Ok(Invocation::default()) } else { contoso_json::from_slice(&body) };
    let Ok(Invocation { input }) = invocation else {
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
