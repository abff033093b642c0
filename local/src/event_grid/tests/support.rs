//! A running service, and webhook receivers that record what they get.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};
use url::Url;

use crate::{
    blobs::Blobs,
    clock::Clock,
    event_grid::{EventGrid, Options},
    event_hubs::EventHubs,
    identity::Identity,
    monitor::Monitor,
    queues::Queues,
    storage::{Storage, Sync},
    topology,
};

/// How long a test waits for a state before it fails.
const PATIENCE: Duration = Duration::from_secs(20);
pub(super) const MANAGEMENT_VERSION: &str = "api-version=2025-02-15";

/// A service with its storage account, on a directory of its own.
pub(super) struct Stack {
    pub(super) grid: EventGrid,
    pub(super) blobs: Blobs,
    /// Other destinations of the stack.
    pub(super) doors: (Queues, EventHubs),
    identity: Identity,
    pub(super) clock: Clock,
    pub(super) http: reqwest::Client,
    storage: Storage,
    topology: topology::EventGrid,
    _directory: tempfile::TempDir,
}

/// A topology with a topic of each schema and the given subscriptions.
pub(super) fn topology(subscriptions: Value) -> topology::EventGrid {
    serde_json::from_value(json!({
        "topics": [{ "name": "orders" }, { "name": "classic", "inputSchema": "EventGridSchema" }],
        "subscriptions": subscriptions,
    }))
    .expect("a valid topology")
}

impl Stack {
    pub(super) async fn start() -> Self {
        Self::with(topology(json!([]))).await
    }

    pub(super) async fn with(topology: topology::EventGrid) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let storage = Storage::open(directory.path(), Sync::Process).expect("a store");
        let clock = Clock::default();
        let account = topology::StorageAccount {
            containers: vec!["capture".to_owned(), "dead".to_owned()],
            queues: vec!["work".to_owned()],
            ..topology::StorageAccount::default()
        };
        let identity = Identity::sample().await;
        let blobs = Blobs::start(&account, "devstoreaccount1", &identity, listener().await, &storage, &clock)
            .await
            .expect("blobs start");
        let queues = Queues::start(&account, "devstoreaccount1", &identity, listener().await, &storage, &clock)
            .await
            .expect("queues start");
        let hubs =
            serde_json::from_value(json!({ "namespace": "contoso", "hubs": [{ "name": "orders", "partitions": 2 }] }))
                .expect("a valid topology");
        let hubs = EventHubs::start(&hubs, &identity, listener().await, &storage, &clock).await.expect("hubs start");
        let doors = (queues, hubs);
        let grid = serve(&topology, &blobs, &doors, &identity, &storage, &clock).await;
        Self {
            identity,
            grid,
            blobs,
            doors,
            clock,
            http: reqwest::Client::builder()
                .no_proxy()
                // Whose certificate it is, is another test's.
                .tls_danger_accept_invalid_certs(true)
                .build()
                .expect("a client"),
            storage,
            topology,
            _directory: directory,
        }
    }

    /// Stops the service and starts it again on what it stored.
    pub(super) async fn restart(&mut self) {
        self.grid.stop().await;
        self.grid = serve(&self.topology, &self.blobs, &self.doors, &self.identity, &self.storage, &self.clock).await;
    }

    /// The same with another topology file.
    pub(super) async fn restart_with(&mut self, topology: topology::EventGrid) {
        self.topology = topology;
        self.restart().await;
    }

    pub(super) async fn publish(&self, topic: &str, content_type: &str, body: impl Into<String>) -> reqwest::Response {
        self.http
            .post(self.publish_url(topic))
            .header("aeg-sas-key", self.grid.topic_key(topic).expect("a key"))
            .header("content-type", content_type)
            .body(body.into())
            .send()
            .await
            .expect("an answer")
    }

    /// Publishes one cloud event to `orders`.
    pub(super) async fn publish_order(&self, id: &str, data: Value) {
        let event = json!({ "specversion": "1.0", "id": id, "source": "/shop", "type": "com.example.order.placed", "subject": id, "data": data });
        let answer = self.publish("orders", "application/cloudevents+json; charset=utf-8", event.to_string()).await;
        assert_eq!(answer.status(), 200);
    }

    pub(super) fn publish_url(&self, topic: &str) -> String {
        format!("{}?api-version=2018-01-01", self.grid.topic_endpoint(topic).expect("a topic"))
    }

    /// URL of a subscription of topic `orders`, in the extension form.
    pub(super) fn subscription_url(&self, name: &str) -> String {
        let topic = self.grid.topic_id("orders").expect("a topic");
        format!(
            "{}{topic}/providers/Microsoft.EventGrid/eventSubscriptions/{name}?{MANAGEMENT_VERSION}",
            self.resource_manager()
        )
    }

    /// Base URL of Resource Manager.
    pub(super) fn resource_manager(&self) -> String {
        self.grid.resource_manager()
    }

    /// A token of the identity `name` for `resource`.
    pub(super) fn token(&self, name: &str, resource: &str) -> String {
        self.identity.token(name, resource).expect("a token")
    }

    /// Sends `body` to `url`; returns status, headers and JSON.
    pub(super) async fn call(&self, method: Method, url: &str, body: Option<Value>) -> (StatusCode, HeaderMap, Value) {
        let token = self.token("owner", "https://management.azure.com");
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        (status, headers, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Puts a subscription of `orders` and waits for its operation to end; returns the operation.
    pub(super) async fn subscribe(&self, name: &str, properties: Value) -> Value {
        let body = json!({ "properties": properties });
        let (status, headers, shown) = self.call(Method::PUT, &self.subscription_url(name), Some(body)).await;
        assert_eq!(status, 201, "{shown}");
        self.finished(&headers).await
    }

    /// Waits for the operation that `headers` name.
    pub(super) async fn finished(&self, headers: &HeaderMap) -> Value {
        let url = headers["azure-asyncoperation"].to_str().expect("text");
        until("the operation to end", || async {
            let (_, _, operation) = self.call(Method::GET, url, None).await;
            (operation["status"] != "InProgress").then_some(operation)
        })
        .await
    }
}

async fn serve(
    topology: &topology::EventGrid,
    blobs: &Blobs,
    doors: &(Queues, EventHubs),
    identity: &Identity,
    storage: &Storage,
    clock: &Clock,
) -> EventGrid {
    let monitor = Monitor::open(storage).expect("a log");
    let options = Options::new(blobs.clone(), doors.0.clone(), doors.1.clone(), monitor);
    EventGrid::start(topology, options, identity, listener().await, storage, clock).await.expect("Event Grid starts")
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

/// Waits until `state` has a value.
pub(super) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut state: impl FnMut() -> F) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(value) = state().await {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
        crate::clock::pause(Duration::from_millis(2)).await;
    }
}

/// A request that a receiver got.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) method: Method,
    pub(super) uri: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Received {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }
}

/// A webhook on a port of its own. `answer` sees each request with the number of deliveries before it.
#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) url: Url,
    received: watch::Sender<Vec<Received>>,
}

type Answer = Arc<dyn Fn(&Received, usize) -> Response + Send + std::marker::Sync>;

impl Receiver {
    pub(super) async fn answering(
        answer: impl Fn(&Received, usize) -> Response + Send + std::marker::Sync + 'static,
    ) -> Self {
        Self::on(listener().await, Arc::new(answer)).await
    }

    async fn on(listener: TcpListener, answer: Answer) -> Self {
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let receiver = Self { url: Url::parse(&url).expect("a URL"), received: watch::Sender::new(Vec::new()) };
        let router = Router::new().fallback(record).with_state((receiver.clone(), answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Agrees to the handshake of cloud events, and answers each delivery with what `status` says of its number.
    pub(super) async fn with_statuses(status: impl Fn(usize) -> u16 + Send + std::marker::Sync + 'static) -> Self {
        Self::answering(move |request, number| {
            if request.method == Method::OPTIONS {
                return agreement();
            }
            plain(status(number))
        })
        .await
    }

    /// The deliveries so far, handshakes left out.
    pub(super) fn deliveries(&self) -> Vec<Received> {
        let all = self.received.borrow().clone();
        all.into_iter().filter(|request| request.header("aeg-event-type") == "Notification").collect()
    }

    pub(super) fn all(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }

    /// Waits for `count` deliveries.
    pub(super) async fn delivered(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} deliveries"), || async {
            let deliveries = self.deliveries();
            (deliveries.len() >= count).then_some(deliveries)
        })
        .await
    }
}

pub(super) fn agreement() -> Response {
    Response::builder()
        .header("webhook-allowed-origin", "eventgrid.azure.net")
        .header("webhook-allowed-rate", "*")
        .body(axum::body::Body::empty())
        .expect("a response")
}

pub(super) fn plain(status: u16) -> Response {
    Response::builder().status(status).body(axum::body::Body::empty()).expect("a response")
}

async fn record(State((receiver, answer)): State<(Receiver, Answer)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    let request = Received { method: parts.method, uri: parts.uri.to_string(), headers: parts.headers, body };
    let number = receiver.deliveries().len();
    let response = answer(&request, number);
    receiver.received.send_modify(|received| received.push(request));
    response
}

/// Properties of a subscription to a webhook, with more members.
pub(super) fn web_hook(url: &Url, more: Value) -> Value {
    let mut properties = json!({
        "destination": { "endpointType": "WebHook", "properties": { "endpointUrl": url.as_str() } },
        "eventDeliverySchema": "CloudEventSchemaV1_0",
    });
    if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
        properties.extend(more);
    }
    properties
}
