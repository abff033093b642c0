//! Publications to an Event Grid topic over the wire, which wait for a queue that does not exist: accepted, and not
//! delivered. A later stack makes the queue and moves its clock on to the next attempt.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use base64::{Engine, prelude::BASE64_STANDARD};
use contoso_local::stack::Stack;
use serde_json::{Value, json};

use crate::support::{PATIENCE, machine};

const SUBSCRIPTION: &str = "waiting";
const QUEUE: &str = "publications";
/// Beyond the wait after a first attempt at a missing queue, with jitter.
const NEXT_ATTEMPT: Duration = Duration::from_secs(400);

/// How long nothing arrives before the clock moves on, and the pause between two looks.
const STEP: Duration = Duration::from_millis(200);
const LOOK: Duration = Duration::from_millis(5);

/// Subscribes the queue, through Resource Manager.
pub(super) async fn subscribe(stack: &Stack) -> Result<(), String> {
    let body = json!({ "properties": {
        "destination": {
            "endpointType": "StorageQueue",
            "properties": { "resourceId": "/subscriptions/0", "queueName": QUEUE },
        },
        "eventDeliverySchema": "CloudEventSchemaV1_0",
    }});
    let request = super::client().put(subscription(stack)).bearer_auth(token(stack)).json(&body);
    let answer = request.send().await.map_err(|error| super::chain(&error))?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("{status} {}", answer.text().await.unwrap_or_default())) }
}

/// Publishes one or more events.
pub(super) async fn publish(stack: &Stack, writer: usize, number: u64) -> Result<String, String> {
    let event = |index: u64| {
        let data = json!({"padding": "x".repeat((number % 50) as usize * 10)});
        let id = format!("{writer} {number} {index}");
        json!({"specversion": "1.0", "id": id, "source": "/cut", "type": "cut", "data": data})
    };
    let events: Vec<_> = (0..count(number)).map(event).collect();
    let endpoints = &stack.endpoints().event_grid;
    let request = super::client()
        .post(format!("{}?api-version=2018-01-01", endpoints.topic_endpoint))
        .header("aeg-sas-key", &endpoints.topic_key)
        .header("content-type", "application/cloudevents-batch+json")
        .body(Value::Array(events).to_string());
    let answer = request.send().await.map_err(|error| format!("publication: {}", super::chain(&error)))?;
    let status = answer.status();
    if status == StatusCode::OK {
        return Ok(format!("publication {writer} {number}"));
    }
    Err(format!("publication: {status} {}", answer.text().await.unwrap_or_default()))
}

fn count(number: u64) -> u64 {
    1 + number % 3
}

/// What never arrives of the publications, `writer number` each, or that nobody is subscribed any more.
pub(super) async fn missing(stack: &Stack, publications: &[String]) -> Vec<String> {
    let request = super::client().get(subscription(stack)).bearer_auth(token(stack));
    let answer = request.send().await.expect("an answer");
    if answer.status() != StatusCode::OK {
        return vec![format!("the subscription: {}", answer.status())];
    }
    stack.queues().create(QUEUE).expect("a queue");
    let wanted = publications.iter().flat_map(|publication| {
        let number = publication.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number");
        (0..count(number)).map(move |index| format!("{publication} {index}"))
    });
    let mut wanted: HashSet<String> = wanted.collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut arrived = Instant::now();
    let mut stepped = arrived;
    while !wanted.is_empty() && arrived.elapsed() < PATIENCE {
        let taken = stack.queues().take(QUEUE, 32, Duration::from_secs(100_000)).expect("messages");
        for message in &taken {
            let event = BASE64_STANDARD.decode(&message.text).expect("Base64");
            let event: Value = serde_json::from_slice(&event).expect("JSON");
            wanted.remove(event["id"].as_str().expect("an id"));
            arrived = Instant::now();
        }
        if taken.is_empty() && stepped.elapsed() > STEP {
            // What was put off is due now; an attempt that was under way may just have been put off once more.
            stack.clock().advance(NEXT_ATTEMPT);
            stepped = Instant::now();
        }
        machine::time_passes(LOOK).await;
    }
    wanted.into_iter().map(|event| format!("event {event} was accepted and is never delivered")).collect()
}

fn subscription(stack: &Stack) -> String {
    let endpoints = &stack.endpoints().event_grid;
    let (base, topic) = (&endpoints.resource_manager, &endpoints.topic_id);
    format!("{base}{topic}/providers/Microsoft.EventGrid/eventSubscriptions/{SUBSCRIPTION}?api-version=2025-02-15")
}

fn token(stack: &Stack) -> String {
    super::deployment(stack, "https://management.azure.com")
}
