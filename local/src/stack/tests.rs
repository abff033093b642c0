//! An app on the whole stack, with a handler that the test plays.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use axum::{Router, extract::Request, response::Response};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::mpsc,
};

use super::{AppOptions, ExternalHost, Ports, Stack, StackError, StackOptions};
use crate::{
    functions_host::tests::support::{BROKEN, Call, FakeHandler, PATIENCE, as_read, write_function, write_host},
    storage::Sync,
    transport::Hosts,
};

/// A stack, an app folder, and who answers for the app.
struct Fixture {
    stack: Stack,
    app: TempDir,
    handler: FakeHandler,
    _data: TempDir,
}

/// A stack with two topics, whose events go to the function `OnEvent`; the external host runs its app where there is one.
async fn stack(data: &TempDir, external: Option<ExternalHost>) -> Stack {
    let to_function = |name: &str, topic: &str, schema: &str| {
        let destination = json!({"endpointType": "AzureFunction",
                "properties": {"resourceId": format!("{{functionApp}}/functions/{name}")}});
        json!({"name": topic, "source": {"topic": topic},
                "properties": {"destination": destination, "eventDeliverySchema": schema}})
    };
    let topology = serde_json::from_value(json!({
        "eventHubs": {"namespace": "contoso",
            "hubs": [{"name": "products", "partitions": 4, "consumerGroups": ["site"]}]},
        "eventGrid": {
            "topics": [{"name": "cloud"}, {"name": "classic", "inputSchema": "EventGridSchema"}],
            "subscriptions": [
                to_function("OnEvent", "cloud", "CloudEventSchemaV1_0"),
                to_function("OnEvent", "classic", "EventGridSchema"),
            ],
        },
        "identities": [{"name": "app", "roles": [
            {"role": "Azure Event Hubs Data Receiver", "scope": "eventHubs"},
            {"role": "Storage Blob Data Owner", "scope": "storage"},
        ]}],
    }));
    let options = StackOptions {
        topology: topology.expect("a topology"),
        data_dir: data.path().to_owned(),
        ports: Ports::auto(),
        sync: Sync::Process,
        hosts: Hosts::default(),
    };
    let started = match external {
        None => Stack::start(options, &|_| {}).await,
        Some(host) => Stack::start_services_only(options, host, &|_| {}).await,
    };
    started.expect("the stack starts")
}

/// Publishes to a topic with its key; the status.
async fn publish(stack: &Stack, topic: &str, media: &str, body: &Value) -> u16 {
    let grid = stack.event_grid();
    let url = format!("{}?api-version=2018-01-01", grid.topic_endpoint(topic).expect("a topic"));
    let request = reqwest::Client::new().post(url).header("aeg-sas-key", grid.topic_key(topic).expect("a key"));
    let answer = request.header("content-type", media).body(body.to_string()).send().await;
    answer.expect("an answer").status().as_u16()
}

impl Fixture {
    async fn start() -> Self {
        let data = TempDir::new().expect("a directory");
        let stack = stack(&data, None).await;
        let (app, handler) = (TempDir::new().expect("a directory"), FakeHandler::start().await);
        write_host(app.path(), &handler, &Value::Null);
        Self { stack, app, handler, _data: data }
    }

    fn options(&self) -> AppOptions {
        let settings = self.stack.app_settings("app").expect("settings");
        AppOptions { dir: self.app.path().to_owned(), settings, enforce_keys: false }
    }

    /// How many partitions each instance owns; the empty name is nobody.
    fn owners(&self) -> BTreeMap<String, usize> {
        let prefix = "contoso.servicebus.windows.net/products/site/ownership/";
        let mut owners = BTreeMap::new();
        for (_, blob) in self.stack.blobs().list("azure-webjobs-eventhub", prefix).unwrap_or_default() {
            *owners.entry(blob.metadata["ownerid"].clone()).or_default() += 1;
        }
        owners
    }

    /// Waits until each of some owners has so many partitions.
    async fn shared(&self, expected: &[usize]) -> BTreeMap<String, usize> {
        let reached = tokio::time::timeout(PATIENCE, async {
            loop {
                let owners = self.owners();
                if owners.values().copied().collect::<Vec<_>>() == expected {
                    return owners;
                }
                crate::clock::pause(Duration::from_millis(5)).await;
            }
        });
        reached.await.unwrap_or_else(|_| panic!("wanted {expected:?}, there is {:?}", self.owners()))
    }

    fn send(&self, partition: usize, body: &str) {
        let length = u8::try_from(body.len()).expect("a short body");
        let mut message = vec![0x00, 0x53, 0x75, 0xa0, length];
        message.extend_from_slice(body.as_bytes());
        let hub = self.stack.event_hubs().hub("products").expect("the hub");
        hub.partitions()[partition].append(&[message.into()]).expect("appended");
    }

    async fn publish(&self, topic: &str, media: &str, body: &Value) -> u16 {
        publish(&self.stack, topic, media, body).await
    }

    async fn stop(self) {
        self.stack.stop().await;
    }
}

fn bodies(call: &Call) -> Vec<String> {
    serde_json::from_str(call.json()["Data"]["events"].as_str().expect("a string")).expect("an array")
}

/// Instances that the stack starts share partitions and the port, and stop together.
#[tokio::test]
async fn an_app_that_is_scaled_out_does_everything_once() {
    let mut fixture = Fixture::start().await;
    let events = json!([{"type": "eventHubTrigger", "name": "events", "direction": "in", "eventHubName": "products",
        "consumerGroup": "site", "connection": "EventHubs", "cardinality": "many", "dataType": "string"}]);
    write_function(fixture.app.path(), "Ingest", &events, &Value::Null);
    let page = json!([{"type": "httpTrigger", "name": "req", "direction": "in", "authLevel": "anonymous"},
        {"type": "http", "name": "$return", "direction": "out"}]);
    write_function(fixture.app.path(), "Page", &page, &Value::Null);
    fixture.stack.run_app_scaled(fixture.options(), 2).await.expect("two instances");
    assert_eq!(fixture.stack.hosts().len(), 2);
    let ports: BTreeSet<_> = fixture.stack.hosts().iter().map(|host| host.address()).collect();
    assert_eq!(ports.len(), 1, "one port for both");
    let owners = fixture.shared(&[2, 2]).await;
    assert!(!owners.contains_key(""), "{owners:?}");

    let mut sent = BTreeSet::new();
    for partition in 0..4 {
        for number in 0..3 {
            let body = format!("{partition}-{number}");
            fixture.send(partition, &body);
            sent.insert(body);
        }
    }
    let mut seen = Vec::new();
    while seen.len() < sent.len() {
        seen.extend(bodies(&fixture.handler.next_call().await));
    }
    assert_eq!((seen.len(), seen.into_iter().collect::<BTreeSet<_>>()), (sent.len(), sent));
    let page = format!("{}/api/Page", fixture.stack.endpoints().functions);
    for _ in 0..4 {
        assert_eq!(reqwest::get(&page).await.expect("an answer").status(), 204);
        assert_eq!(fixture.handler.next_call().await.path_and_query, "/Page");
    }

    fixture.stack.stop_app().await;
    assert!(fixture.stack.hosts().is_empty());
    assert_eq!(fixture.owners(), BTreeMap::from([(String::new(), 4)]), "what they had is given back");
    // One instance takes up what two left, and nothing comes twice.
    fixture.stack.run_app(fixture.options()).await.expect("one instance");
    fixture.shared(&[4]).await;
    fixture.send(3, "new");
    assert_eq!(bodies(&fixture.handler.next_call().await), ["new"]);
    assert!(fixture.handler.has_no_call());
    fixture.stop().await;
}

/// A functions host beside the stack, as the page of the real one has it: its webhooks agree by `Webhook-Allowed-Origin` alone, and ask for
/// a key.
async fn host_beside(listener: TcpListener, calls: mpsc::UnboundedSender<(Method, String, Value)>) {
    let answer = async move |request: Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        let path = parts.uri.path_and_query().expect("a path").to_string();
        let status = if path.contains("code=s3cret") { 202 } else { 401 };
        let origin = parts.headers.get("webhook-request-origin").cloned();
        calls.send((parts.method, path, serde_json::from_slice(&body).unwrap_or_default())).expect("the test goes on");
        let mut response = Response::builder().status(if origin.is_some() && status == 202 { 200 } else { status });
        if let Some(origin) = origin {
            response = response.header("webhook-allowed-origin", origin);
        }
        response.body(axum::body::Body::empty()).expect("a response")
    };
    axum::serve(listener, Router::new().fallback(answer)).await.expect("it serves");
}

/// Events for functions wait until the host beside the stack answers the handshake, whenever it is started, and again after
/// the stack starts anew.
#[tokio::test]
async fn a_host_beside_the_stack_is_asked_until_it_answers() {
    let data = TempDir::new().expect("a directory");
    // Taken, and nobody listens yet.
    let closed = |address: SocketAddr| {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("set");
        socket.bind(address).expect("a port");
        socket
    };
    let mut socket = closed(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let address = socket.local_addr().expect("an address");
    let external = ExternalHost::new(&format!("http://{address}"), Some("s3cret".to_owned())).expect("an address");
    let event = |id: &str| json!({"specversion": "1.0", "id": id, "source": "/shop", "type": "t"});
    let cloud = "application/cloudevents+json";
    for round in ["first", "second"] {
        let stack = stack(&data, Some(external.clone())).await;
        assert_eq!(stack.endpoints().functions, format!("http://{address}"));
        assert_eq!(stack.endpoints().external, ["functions"]);
        let app = AppOptions { dir: data.path().to_owned(), settings: BTreeMap::new(), enforce_keys: false };
        assert!(matches!(stack.run_app(app).await, Err(StackError::ExternalHost)));
        assert_eq!(publish(&stack, "cloud", cloud, &event(round)).await, 200);
        let attempts = stack.event_grid().attempts("cloud").len();
        let (sender, mut calls) = mpsc::unbounded_channel();
        let host = tokio::spawn(host_beside(socket.listen(16).expect("it listens"), sender));
        let mut asked = Vec::new();
        let delivered = tokio::time::timeout(PATIENCE, async {
            loop {
                let (method, path, body) = calls.recv().await.expect("a call");
                assert_eq!(path, "/runtime/webhooks/eventgrid?code=s3cret&functionName=OnEvent");
                if method == Method::POST && body["id"] == round {
                    return body;
                }
                asked.push(method);
            }
        });
        assert_eq!(delivered.await.expect("a delivery"), event(round));
        assert!(asked.contains(&Method::OPTIONS), "{asked:?}");
        assert_eq!(attempts, 0, "nothing was tried before");
        host.abort();
        assert!(host.await.expect_err("aborted").is_cancelled());
        socket = closed(address);
        stack.stop().await;
    }
}

/// The admin API's restart: the handler is another process, listeners start anew, and what is on disk counts.
#[tokio::test]
async fn a_host_that_is_asked_to_restart_starts_handler_and_listeners_anew() {
    let mut fixture = Fixture::start().await;
    let hub = |function: &str| {
        let events = json!([{"type": "eventHubTrigger", "name": "events", "direction": "in", "eventHubName": "products",
            "consumerGroup": "site", "connection": "EventHubs", "cardinality": "many", "dataType": "string"}]);
        write_function(fixture.app.path(), function, &events, &Value::Null);
    };
    hub("Ingest");
    fixture.stack.run_app(fixture.options()).await.expect("the app starts");
    fixture.shared(&[4]).await;
    fixture.send(0, "before");
    assert_eq!(bodies(&fixture.handler.next_call().await), ["before"]);
    let pid = || fixture.stack.host().and_then(|host| host.handler_pid());
    let before = pid().expect("a handler");

    std::fs::rename(fixture.app.path().join("Ingest"), fixture.app.path().join("Renamed")).expect("renamed");
    let restart = format!("{}/admin/host/restart", fixture.stack.endpoints().functions);
    let answer = reqwest::Client::new().post(restart).send().await.expect("answered");
    assert_eq!(answer.status(), 200);
    let restarted = async {
        while pid().is_none_or(|pid| pid == before) {
            crate::clock::pause(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, restarted).await.expect("another handler");
    fixture.send(1, "after");
    let call = fixture.handler.next_call().await;
    assert_eq!((call.path_and_query.as_str(), bodies(&call)), ("/Renamed", vec!["after".to_owned()]));
    assert_eq!(fixture.stack.hosts().len(), 1);
    fixture.stop().await;
}

fn sample(name: &str) -> Value {
    let file = Path::new(env!("REAL_DATA")).join(format!("eventgrid-events/{name}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// Samples of the service published to topics: through Event Grid and the functions host to a function, each as it was, and
/// again where the function failed.
#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn published_samples_reach_a_function_record_for_record() {
    let mut fixture = Fixture::start().await;
    write_function(fixture.app.path(), "OnEvent", &json!([{"type": "eventGridTrigger", "name": "ev"}]), &Value::Null);
    // The first delivery fails, and comes again by the schedule.
    fixture.handler.will_answer(&[BROKEN]);
    fixture.stack.run_app(fixture.options()).await.expect("the app starts");
    let classic = "application/json; charset=utf-8";
    let cloud = ["application/cloudevents+json", "application/cloudevents-batch+json"];
    let mut expected = Vec::new();
    for name in [
        "azure-docs/BlobCreated-cloudevents",
        "azure-docs/BlobTierChanged-cloudevents",
        "functions-quickstart/BlobCreated-cloudevents-template",
    ] {
        let body = sample(name);
        assert_eq!(fixture.publish("cloud", cloud[usize::from(body.is_array())], &body).await, 200, "{name}");
        assert_eq!(fixture.publish("classic", classic, &body).await, 400, "{name}: of the other schema");
        expected.extend(body.as_array().cloned().unwrap_or_else(|| vec![body]));
    }
    let topic = fixture.stack.event_grid().topic_id("classic").expect("a topic");
    for name in ["EventHubCaptureFileCreatedEvent", "MultipleEventsInSameBatch", "StorageBlobCreatedEvent"] {
        let mut body = sample(&format!("azure-sdk-for-java/{name}"));
        assert_eq!(fixture.publish("classic", classic, &body).await, 400, "{name}: of another topic");
        for event in body.as_array_mut().expect("an array") {
            event.as_object_mut().expect("an object").remove("topic");
        }
        assert_eq!(fixture.publish("classic", classic, &body).await, 200, "{name}");
        for event in body.as_array_mut().expect("an array") {
            event["topic"] = json!(topic);
            expected.push(event.clone());
        }
    }
    let handshake = sample("azure-docs/SubscriptionValidationEvent");
    assert_eq!(fixture.publish("classic", classic, &handshake).await, 400);

    let mut calls = Vec::new();
    while calls.len() <= expected.len() {
        tokio::select! {
            call = fixture.handler.next_call() => calls.push(call.json()["Data"]["ev"].clone()),
            () = crate::clock::pause(Duration::from_millis(20)) => fixture.stack.clock().advance(Duration::from_secs(11)),
        }
    }
    let expected: Vec<Value> = expected.iter().map(|event| as_read(&event.to_string())).collect();
    for event in &expected {
        let at = calls.iter().position(|call| call == event).unwrap_or_else(|| panic!("{event} did not come"));
        calls.remove(at);
    }
    assert!(matches!(calls.as_slice(), [again] if expected.contains(again)), "{calls:?} came besides");
    fixture.stop().await;
}
