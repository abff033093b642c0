//! Services in one process, an app folder, and a handler whose answers the test decides.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::mpsc};
use uuid::Uuid;

use crate::{
    blobs::Blobs,
    clock::Clock,
    cosmos::Cosmos,
    event_hubs::EventHubs,
    functions_host::{
        Error, FunctionsHost, HostOptions, Services,
        invocation::{Compact, Dates, JsonText as _},
    },
    identity::{Caller, Identity},
    queues::Queues,
    storage::{Storage, Sync as SyncMode},
    topology,
    transport::Hosts,
};

/// Long enough for a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How often a state without a signal is looked at.
const POLL: Duration = Duration::from_millis(5);

/// What the handler was asked.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn invocation(&self) -> String {
        self.headers["x-azure-functions-invocationid"].to_str().expect("text").to_owned()
    }
}

/// Status, content type, body.
pub(crate) type Reply = (u16, &'static str, &'static str);

pub(crate) const OK: Reply = (200, "application/json", "{}");
pub(crate) const BROKEN: Reply = (500, "text/plain", "broken");

/// The handler, played by the test. It answers [`OK`] unless told otherwise.
pub(crate) struct FakeHandler {
    port: u16,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    calls: mpsc::UnboundedReceiver<Call>,
}

#[derive(Clone)]
struct Script {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    calls: mpsc::UnboundedSender<Call>,
}

impl FakeHandler {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let replies = Arc::<Mutex<VecDeque<Reply>>>::default();
        let (sender, calls) = mpsc::unbounded_channel();
        let script = Script { replies: Arc::clone(&replies), calls: sender };
        let router = axum::Router::new().fallback(play).with_state(script);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, replies, calls }
    }

    /// The next answers, in order.
    pub(crate) fn will_answer(&self, replies: &[Reply]) {
        self.replies.lock().expect("no panic").extend(replies);
    }

    pub(crate) async fn next_call(&mut self) -> Call {
        tokio::time::timeout(PATIENCE, self.calls.recv()).await.expect("a call").expect("the handler runs")
    }

    /// What was called meanwhile.
    pub(crate) fn calls(&mut self) -> Vec<Call> {
        std::iter::from_fn(|| self.calls.try_recv().ok()).collect()
    }

    pub(crate) fn has_no_call(&mut self) -> bool {
        self.calls.try_recv().is_err()
    }
}

async fn play(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path_and_query = parts.uri.to_string();
    // Readiness probes are not calls.
    if path_and_query == "/" {
        return Response::new(Body::empty());
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a whole body");
    let (status, content_type, text) = script.replies.lock().expect("no panic").pop_front().unwrap_or(OK);
    let call = Call { method: parts.method, path_and_query, headers: parts.headers, body };
    script.calls.send(call).expect("the test listens");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert("content-type", content_type.parse().expect("a header"));
    response
}

/// Services on one data directory, and an app.
pub(super) struct World {
    pub(super) services: Services,
    pub(super) clock: Clock,
    pub(super) app: TempDir,
    /// Whether keys are asked for.
    pub(super) enforce_keys: bool,
    /// The next host's.
    pub(super) instance: Uuid,
    /// In whose name the next host listens.
    pub(super) caller: Option<Caller>,
    identity: Identity,
    _data: TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let clock = Clock::default();
        let storage = Storage::open(data.path(), SyncMode::Process).expect("a store");
        let topology: topology::Topology = serde_json::from_value(json!({
            "cosmos": {"databases": [{"name": "catalog", "containers": [
                {"name": "products", "partitionKey": "/id"}, {"name": "leases", "partitionKey": "/id"}]}]},
            "eventHubs": {"namespace": "shop", "hubs": [{"name": "orders", "partitions": 1, "consumerGroups": ["site"]},
                {"name": "clicks", "partitions": 4, "consumerGroups": ["site"]}]}
        }))
        .expect("valid");
        let listener = || async { TcpListener::bind("127.0.0.1:0").await.expect("a port") };
        let identity = Identity::sample().await;
        let services = Services {
            event_hubs: EventHubs::start(&topology.event_hubs, &identity, listener().await, &storage, &clock)
                .await
                .expect("hubs"),
            cosmos: Cosmos::start(&topology.cosmos, &identity, listener().await, &storage, &clock, &|_| {})
                .await
                .expect("Cosmos"),
            blobs: Blobs::start(&topology.storage, "devstoreaccount1", &identity, listener().await, &storage, &clock)
                .await
                .expect("blobs"),
            queues: Queues::start(&topology.storage, "devstoreaccount1", &identity, listener().await, &storage, &clock)
                .await
                .expect("queues"),
        };
        Self {
            services,
            instance: Uuid::from_u128(1),
            caller: None,
            identity,
            clock,
            app: tempfile::tempdir().expect("a directory"),
            enforce_keys: false,
            _data: data,
        }
    }

    pub(super) fn with_handler(&self, handler: &FakeHandler, host: &Value) {
        write_host(self.app.path(), handler, host);
    }

    pub(super) fn function(&self, name: &str, bindings: &Value, retry: &Value) {
        write_function(self.app.path(), name, bindings, retry);
    }

    pub(super) fn write(&self, file: &str, content: &Value) {
        write(self.app.path(), file, content);
    }

    pub(super) async fn start(&self) -> Result<FunctionsHost, Error> {
        self.start_with(self.app.path()).await
    }

    async fn start_with(&self, app: &Path) -> Result<FunctionsHost, Error> {
        let settings = BTreeMap::from(
            [
                ("AzureWebJobsStorage", self.services.blobs.connection_string()),
                ("EventHubs__fullyQualifiedNamespace", "shop.servicebus.windows.net".to_owned()),
                ("Cosmos__accountEndpoint", self.services.cosmos.endpoint()),
                ("AzureFunctionsWebHost__hostid", "test".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let options = HostOptions {
            app: app.to_owned(),
            settings,
            listener: std::net::TcpListener::bind("127.0.0.1:0").expect("a port"),
            enforce_keys: self.enforce_keys,
            chunked_bodies: true,
            instance: self.instance,
            identity: self.caller.clone(),
            tls: self.identity.tls().clone(),
        };
        FunctionsHost::start(options, self.services.clone(), &self.clock).await
    }

    /// Appends an event with a body to the one partition of `orders`.
    pub(super) fn send(&self, body: &str) -> i64 {
        self.send_to("orders", 0, body)
    }

    /// Appends an event with a body to a partition.
    pub(super) fn send_to(&self, hub: &str, partition: usize, body: &str) -> i64 {
        let length = u8::try_from(body.len()).expect("a short body");
        // One data section with a short binary.
        let mut message = vec![0x00, 0x53, 0x75, 0xa0, length];
        message.extend_from_slice(body.as_bytes());
        let hub = self.services.event_hubs.hub(hub).expect("the hub");
        hub.partitions()[partition].append(&[Bytes::from(message)]).expect("appended")
    }

    /// Has the next host listen in the name of an identity with these roles on everything.
    pub(super) async fn act_with(&mut self, roles: &[&str]) {
        let role = |role: &&str| topology::RoleAssignment { role: (*role).to_owned(), scope: String::new() };
        let roles = roles.iter().map(role).collect();
        let identities = [topology::Identity { name: "app".to_owned(), roles }];
        let folder = tempfile::tempdir().expect("a directory");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let identity = Identity::start(&identities, folder.path(), listener, &Hosts::default()).expect("an authority");
        self.caller = identity.caller("app");
    }

    /// Makes another app folder, for another instance; the one so far stays for as long as what is returned.
    pub(super) fn next_instance(&mut self) -> TempDir {
        self.instance = Uuid::from_u128(self.instance.as_u128() + 1);
        std::mem::replace(&mut self.app, tempfile::tempdir().expect("a directory"))
    }

    /// The sequence number of the checkpoint of group `site`.
    pub(super) fn checkpoint(&self) -> Option<i64> {
        let name = "shop.servicebus.windows.net/orders/site/checkpoint/0";
        let blob = self.services.blobs.get("azure-webjobs-eventhub", name).expect("read")?;
        blob.properties.metadata["sequencenumber"].parse().ok()
    }

    /// Upserts a product.
    pub(super) async fn put_product(&self, id: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-documentdb-partitionkey", json!([id]).to_string().parse().expect("a header"));
        headers.insert("x-ms-documentdb-is-upsert", "True".parse().expect("a header"));
        let body = Bytes::from(json!({"id": id}).to_string());
        let response = self
            .services
            .cosmos
            .execute(Method::POST, "/dbs/catalog/colls/products/docs", headers, body)
            .await
            .expect("answered");
        assert!(response.status().is_success(), "{:?}", response.body());
    }

    /// Waits until `holds`.
    pub(super) async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let reached = tokio::time::timeout(PATIENCE, async {
            while !holds() {
                crate::clock::pause(POLL).await;
            }
        });
        assert!(reached.await.is_ok(), "not reached: {what}");
    }
}

/// An event as a function gets it: the extension reads it, and writes its times in their shortest form.
pub(crate) fn as_read(event: &str) -> Value {
    let mut read = Vec::new();
    Compact::new(event, Dates::Rewritten).expect("JSON").write(&mut read).expect("written");
    serde_json::from_slice(&read).expect("JSON")
}

/// `host.json` of an app whose process only sleeps: `handler` answers on its fixed port.
pub(crate) fn write_host(app: &Path, handler: &FakeHandler, host: &Value) {
    let mut merged = json!({"version": "2.0", "customHandler": {
        "description": {"defaultExecutablePath": "sleep", "arguments": ["1000"]}, "port": handler.port}});
    merge(&mut merged, host);
    write(app, "host.json", &merged);
}

/// One function of an app.
pub(crate) fn write_function(app: &Path, name: &str, bindings: &Value, retry: &Value) {
    std::fs::create_dir_all(app.join(name)).expect("a folder");
    write(app, &format!("{name}/function.json"), &json!({"bindings": bindings, "retry": retry}));
}

fn write(app: &Path, file: &str, content: &Value) {
    std::fs::write(app.join(file), content.to_string()).expect("written");
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (into, from) => *into = from.clone(),
    }
}
