//! A stack without an app that holds one of everything, for suites of official clients, and a webhook beside it.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use bytes::Bytes;
use contoso_local::{
    stack::{Ports, Stack, StackOptions},
    storage::Sync,
    topology::Topology,
    transport::Hosts,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const TOPOLOGY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/topology.json");

/// The running stack. Its services end with it.
pub(crate) struct SuiteStack {
    pub(crate) stack: Stack,
    /// What a suite reads from its standard input: the ready line, every topic, and where the webhook's deliveries are.
    pub(crate) endpoints: Value,
    _data: Option<TempDir>,
}

impl SuiteStack {
    pub(crate) async fn start() -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let stack = Self::start_in(data.path()).await;
        Self { _data: Some(data), ..stack }
    }

    /// On a data directory of the caller's.
    pub(crate) async fn start_in(data_dir: &Path) -> Self {
        let webhook = Webhook::start().await;
        let topology = topology(&webhook);
        let options = StackOptions {
            topology: serde_json::from_value(topology.clone()).expect("a topology"),
            data_dir: data_dir.to_owned(),
            ports: Ports::auto(),
            sync: Sync::Process,
            hosts: Hosts::default(),
        };
        let stack = Stack::start(options, &|_| {}).await.expect("the stack starts");
        let mut endpoints = serde_json::to_value(stack.endpoints()).expect("JSON");
        endpoints["topics"] = topology["eventGrid"]["topics"]
            .as_array()
            .expect("topics")
            .iter()
            .map(|topic| {
                let name = topic["name"].as_str().expect("a name");
                let grid = stack.event_grid();
                (name.to_owned(), json!({ "endpoint": grid.topic_endpoint(name), "key": grid.topic_key(name) }))
            })
            .collect::<Map<_, _>>()
            .into();
        endpoints["deliveries"] = webhook.deliveries.into();
        Self { stack, endpoints, _data: None }
    }

    pub(crate) async fn stop(self) {
        self.stack.stop().await;
    }
}

/// The file, with a subscription of the webhook to each topic.
fn topology(webhook: &Webhook) -> Value {
    let text = std::fs::read_to_string(TOPOLOGY).expect("a topology");
    let mut topology: Value = serde_json::from_str(&text).expect("JSON");
    let subscription = |topic: &Value| {
        json!({
            "name": format!("{}-hook", topic["name"].as_str().expect("a name")),
            "source": { "topic": topic["name"] },
            "properties": {
                "destination": { "endpointType": "WebHook", "properties": { "endpointUrl": webhook.url } },
                "eventDeliverySchema": topic["inputSchema"],
            },
        })
    };
    let topics = topology["eventGrid"]["topics"].as_array().expect("topics");
    topology["eventGrid"]["subscriptions"] = topics.iter().map(subscription).collect();
    // What the stack would refuse, said early and with the name of the file.
    let _checked: Topology =
        serde_json::from_value(topology.clone()).unwrap_or_else(|error| panic!("{TOPOLOGY}: {error}"));
    topology
}

/// A receiver that agrees to both handshakes and keeps what it gets.
struct Webhook {
    url: String,
    /// `GET` answers every delivery so far: an array of `{type, subscription, contentType, body}`.
    deliveries: String,
}

type Deliveries = Arc<Mutex<Vec<Value>>>;

impl Webhook {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/hook", any(receive))
            .route("/deliveries", get(deliveries))
            .with_state(Deliveries::default());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("{base}/hook"), deliveries: format!("{base}/deliveries") }
    }
}

async fn deliveries(State(deliveries): State<Deliveries>) -> Json<Vec<Value>> {
    Json(deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

async fn receive(State(deliveries): State<Deliveries>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    if method == Method::OPTIONS {
        let agreed = |name| (HeaderName::from_static(name), HeaderValue::from_static("*"));
        return [agreed("webhook-allowed-origin"), agreed("webhook-allowed-rate")].into_response();
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if header("aeg-event-type") == "SubscriptionValidation" {
        return Json(json!({ "validationResponse": body[0]["data"]["validationCode"] })).into_response();
    }
    deliveries.lock().unwrap_or_else(PoisonError::into_inner).push(json!({
        "type": header("aeg-event-type"),
        "subscription": header("aeg-subscription-name"),
        "contentType": header("content-type"),
        "body": body,
    }));
    StatusCode::OK.into_response()
}
