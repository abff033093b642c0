//! A stack in the test's own process, for what a user cannot do from outside: step the clock, rewind, look at stores.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, Method};
use bytes::Bytes;
use contoso_cli::{
    app_settings,
    identity::{self, SignedIn},
    pages::{self, Pages},
    schemas, subscription,
};
use contoso_local::{
    stack::{AppOptions, Ports, Stack, StackOptions},
    storage::Sync,
    topology::Topology,
    transport::Hosts,
};
use serde_json::Value;
use tempfile::TempDir;

use super::{dead_letters::Expected, eventually, readers, staged_app};

/// Container of the hub triggers' checkpoints.
const CHECKPOINTS: &str = "azure-webjobs-eventhub";

/// The stack, the app and the demo partner.
pub(crate) struct Inside {
    pub(crate) stack: Stack,
    pub(crate) http: reqwest::Client,
    app: PathBuf,
    dead_letters: Expected,
    running: Running,
    _pages: Pages,
    _data: TempDir,
}

/// A test that ends well ends its stack by [`Inside::stop`], which looks for dead letters.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the test did not end its stack by `stop`");
    }
}

impl Inside {
    /// Everything, on an empty data directory.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Everything, on an empty data directory, of a topology that was changed.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Topology)) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let topology = concat!(env!("CARGO_MANIFEST_DIR"), "/../topology.json");
        let mut topology = Topology::read(topology.as_ref()).expect("a topology");
        change(&mut topology);
        let options = StackOptions {
            topology,
            data_dir: data.path().to_owned(),
            ports: Ports::auto(),
            sync: Sync::Process,
            hosts: Hosts::default(),
        };
        let stack = Stack::start(options, &|_| {}).await.expect("the stack starts");
        let endpoints = stack.endpoints().clone();
        let http = reqwest::Client::new();
        let deployment = SignedIn::new(&endpoints, identity::DEPLOYMENT).expect("an identity");
        schemas::register(&deployment, &endpoints.event_hubs.schema_registry).await.expect("schemas are registered");
        let listener = stack.take_site_listener().expect("the pages' listener");
        let options = pages::Options {
            functions: endpoints.functions.clone(),
            external: false,
            partner: true,
            telemetry: Some(stack.telemetry().clone()),
            schemas: std::collections::BTreeMap::new(),
            hosts: Hosts::default(),
        };
        let pages = Pages::start(listener, options).expect("serving");
        // The first packaging runs cargo, which must not hold up this runtime.
        let app = tokio::task::spawn_blocking(|| staged_app().to_owned()).await.expect("no panic");
        let inside =
            Self { stack, http, app, dead_letters: Expected::default(), running: Running, _pages: pages, _data: data };
        inside.run_app().await;
        let webhook = format!("{}{}", endpoints.site, pages::WEBHOOK);
        subscription::subscribe(&deployment, &endpoints.event_grid, &webhook).await.expect("the partner subscribes");
        inside
    }

    /// Starts the app, in place of the one that may run.
    pub(crate) async fn run_app(&self) {
        self.run_app_as(identity::APP).await;
    }

    /// Starts the app with an identity of the topology, in place of the one that may run.
    pub(crate) async fn run_app_as(&self, identity: &str) {
        self.run_staged_as(&self.app, identity).await;
    }

    /// Starts another app with an identity of the topology, in place of the one that may run.
    pub(crate) async fn run_staged_as(&self, dir: &Path, identity: &str) {
        self.stack.stop_app().await;
        let settings = app_settings::of(&self.stack, identity).expect("an identity of the topology");
        let app = AppOptions { dir: dir.to_owned(), settings, enforce_keys: false };
        self.stack.run_app(app).await.expect("the app starts");
    }

    /// Starts the app, which tells the stack everything of itself at once.
    pub(crate) async fn run_telling_app(&self) {
        self.run_app_with(|settings| app_settings::tell(settings, &self.stack.endpoints().otlp)).await;
    }

    /// Starts the app with other settings, in place of the one that may run.
    pub(crate) async fn run_app_with(&self, change: impl FnOnce(&mut BTreeMap<String, String>)) {
        self.stack.stop_app().await;
        let mut settings = app_settings::of(&self.stack, identity::APP).expect("the app's identity");
        change(&mut settings);
        let app = AppOptions { dir: self.app.clone(), settings, enforce_keys: false };
        self.stack.run_app(app).await.expect("the app starts");
    }

    /// Starts the app in place of the one that may run, behind a host that asks for keys.
    pub(crate) async fn run_app_asking_for_keys(&self) {
        self.stack.stop_app().await;
        let settings = app_settings::of(&self.stack, identity::APP).expect("the app's identity");
        let app = AppOptions { dir: self.app.clone(), settings, enforce_keys: true };
        self.stack.run_app(app).await.expect("the app starts");
    }

    /// `PUT /api/products/{id}`, which must succeed.
    pub(crate) async fn put(&self, id: &str, body: &Value) {
        let url = format!("{}/api/products/{id}", self.stack.endpoints().functions);
        let answer = self.http.put(url).json(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "PUT {id}: {}", answer.status());
    }

    /// A document as Cosmos DB keeps it.
    pub(crate) async fn document(&self, container: &str, key: &str, id: &str) -> Option<Value> {
        self.item("site", container, key, id).await
    }

    /// An item of any database, as Cosmos DB keeps it.
    pub(crate) async fn item(&self, database: &str, container: &str, key: &str, id: &str) -> Option<Value> {
        let answer = self.cosmos(Method::GET, &format!("/dbs/{database}/colls/{container}/docs/{id}"), key).await;
        answer.0.is_success().then(|| serde_json::from_slice(&answer.1).expect("JSON"))
    }

    /// Puts a document of the site there, past the app; its id is its partition key.
    pub(crate) async fn create(&self, container: &str, key: &str, document: &Value) {
        self.create_in("site", container, key, document).await;
    }

    /// Puts a document of any database there, past the app.
    pub(crate) async fn create_in(&self, database: &str, container: &str, key: &str, document: &Value) {
        let mut headers = HeaderMap::new();
        let key = serde_json::json!([key]).to_string();
        headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_str(&key).expect("a header"));
        let (path, body) = (format!("/dbs/{database}/colls/{container}/docs"), Bytes::from(document.to_string()));
        let answer = self.stack.cosmos().execute(Method::POST, &path, headers, body).await.expect("Cosmos answers");
        assert!(answer.status().is_success(), "{container}/{key}: {}", answer.status());
    }

    /// Changes an item of any database past the app, by the operations of a patch.
    pub(crate) async fn patch_in(&self, database: &str, container: &str, key: &str, id: &str, operations: &Value) {
        let mut headers = HeaderMap::new();
        let key = serde_json::json!([key]).to_string();
        headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_str(&key).expect("a header"));
        let path = format!("/dbs/{database}/colls/{container}/docs/{id}");
        let body = Bytes::from(operations.to_string());
        let answer = self.stack.cosmos().execute(Method::PATCH, &path, headers, body).await.expect("Cosmos answers");
        assert!(answer.status().is_success(), "{container}/{id}: {}", answer.status());
    }

    async fn cosmos(&self, method: Method, path: &str, key: &str) -> (reqwest::StatusCode, Bytes) {
        let mut headers = HeaderMap::new();
        let key = serde_json::json!([key]).to_string();
        headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_str(&key).expect("a header"));
        let answer = self.stack.cosmos().execute(method, path, headers, Bytes::new()).await.expect("Cosmos answers");
        (answer.status(), answer.into_body())
    }

    /// Events on a hub so far.
    pub(crate) fn events_of(&self, hub: &str) -> i64 {
        let hub = self.stack.event_hubs().hub(hub).expect("the hub");
        hub.partitions().iter().map(|partition| partition.state().last_sequence + 1).sum()
    }

    /// Waits until the feed has been read to its end.
    pub(crate) async fn feed_is_read(&self) {
        let host = self.stack.host().expect("a host");
        eventually("a change feed without lag", || async {
            host.fire_timer("Heartbeat").await.expect("a timer");
            let health = self.document("health", "current", "current").await;
            let lag = health.as_ref().map(|health| &health["feeds"][0]["lag"]);
            if lag == Some(&Value::from(0)) { Ok(()) } else { Err(format!("{health:?}")) }
        })
        .await;
    }

    /// Waits until the hub holds so many events, and every group has handled them.
    pub(crate) async fn comes_to_rest(&self, events: i64) {
        for (_, group) in readers("products") {
            self.handles("products", group, events).await;
        }
    }

    /// Waits until a hub holds so many events, and a group has handled them.
    pub(crate) async fn handles(&self, hub: &str, group: &str, events: i64) {
        eventually(&format!("every event of {hub} handled by {group}"), || async {
            let state = (self.events_of(hub), self.handled(hub, group));
            if state == (events, events) { Ok(()) } else { Err(format!("{state:?}, wanted {events}")) }
        })
        .await;
    }

    /// Events of a hub that a group has handled.
    pub(crate) fn handled(&self, hub: &str, group: &str) -> i64 {
        let prefix = format!("contoso.servicebus.windows.net/{hub}/{group}/checkpoint/");
        self.blobs(CHECKPOINTS, &prefix)
            .iter()
            .map(|name| {
                let checkpoint = self.stack.blobs().properties(CHECKPOINTS, name).expect("blobs").expect("it is there");
                checkpoint.metadata["sequencenumber"].parse::<i64>().expect("a number") + 1
            })
            .sum()
    }

    /// Forgets every checkpoint and lease, as if nothing had been delivered yet.
    pub(crate) async fn rewind(&self) {
        for name in self.blobs(CHECKPOINTS, "") {
            self.stack.blobs().delete(CHECKPOINTS, &name, None).expect("deleted");
        }
        let ranges = self.stack.cosmos().feed_ranges("catalog", "leases").await.expect("ranges");
        for range in ranges {
            let page =
                self.stack.cosmos().change_feed("catalog", "leases", &range.id, None, 1000).await.expect("the leases");
            for item in page.items {
                let lease: Value = serde_json::from_str(&item).expect("JSON");
                let id = lease["id"].as_str().expect("an id");
                let path = format!("/dbs/catalog/colls/leases/docs/{id}");
                let (status, _) = self.cosmos(Method::DELETE, &path, id).await;
                assert!(status.is_success() || status == 404, "DELETE lease {id}: {status}");
            }
        }
    }

    /// Names of blobs.
    pub(crate) fn blobs(&self, container: &str, prefix: &str) -> Vec<String> {
        let listed = self.stack.blobs().list(container, prefix).expect("blobs");
        listed.into_iter().map(|(name, _)| name).collect()
    }

    /// A blob of JSON and its ETag.
    pub(crate) fn json_blob(&self, container: &str, name: &str) -> (Value, String) {
        let blob = self.stack.blobs().get(container, name).expect("blobs").expect("it is there");
        (serde_json::from_slice(&blob.body).expect("JSON"), blob.properties.etag)
    }

    /// Waits for at least `count` blobs under `prefix`.
    pub(crate) async fn blobs_appear(&self, container: &str, prefix: &str, count: usize) -> Vec<String> {
        eventually(&format!("{count} blobs under {container}/{prefix}"), || async {
            let names = self.blobs(container, prefix);
            if names.len() >= count { Ok(names) } else { Err(format!("{names:?}")) }
        })
        .await
    }

    /// What the partner got: (event id, deliveries).
    pub(crate) async fn partner(&self) -> Vec<(String, i64)> {
        let url = format!("{}/partner?format=json", self.stack.endpoints().site);
        let page: Value = self.http.get(url).send().await.expect("an answer").json().await.expect("JSON");
        let events = page["events"].as_array().expect("events");
        let mut got: Vec<_> = events
            .iter()
            .map(|event| {
                (event["id"].as_str().expect("an id").to_owned(), event["deliveries"].as_i64().expect("a count"))
            })
            .collect();
        got.sort();
        got
    }

    /// Kills the handler without warning, and waits for the next one.
    pub(crate) async fn kill_handler(&self) {
        let pid = self.stack.handler_pid().expect("a handler");
        let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
        assert!(status.success(), "kill {pid}");
        eventually("a new handler", || async {
            match self.stack.handler_pid() {
                Some(new) if new != pid => Ok(()),
                state => Err(format!("{state:?}")),
            }
        })
        .await;
    }

    /// Moves the clock on.
    pub(crate) fn step(&self, by: Duration) {
        self.stack.clock().advance(by);
    }

    /// Waits until a function has parked so many records, which the test then expects at its end.
    pub(crate) async fn parks(&self, function: &str, count: usize) {
        self.dead_letters.come(self.stack.endpoints(), function, count).await;
    }

    /// The end of a test: stops the app, so that nothing more is parked, looks for dead letters, and stops the rest.
    pub(crate) async fn stop(self) {
        self.stack.stop_app().await;
        let checked = self.dead_letters.check(self.stack.endpoints()).await;
        let Self { stack, running, .. } = self;
        std::mem::forget(running);
        stack.stop().await;
        if let Err(complaint) = checked {
            panic!("{complaint}");
        }
    }
}
