//! The levers, pulled over their port on a running stack, and felt by official clients.

mod app;
mod clients;
mod cosmos;
mod event_hubs;
mod faults;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::catalogue::LEVERS;
use crate::{
    stack::{Ports, Stack, StackOptions},
    storage::Sync,
    topology::Topology,
    transport::Hosts,
};

/// A stack without an app.
struct Fixture {
    stack: Stack,
    http: reqwest::Client,
    data: TempDir,
}

impl Fixture {
    async fn start() -> Self {
        Self::on(TempDir::new().expect("a directory")).await
    }

    async fn on(data: TempDir) -> Self {
        let topology: Topology = serde_json::from_value(json!({
            "cosmos": {
                "regions": ["East US", "West US"],
                "databases": [{"name": "shop", "containers": [{"name": "items", "partitionKey": "/id"}]}],
            },
            "eventHubs": {
                "namespace": "contoso",
                "hubs": [{"name": "products", "partitions": 2, "consumerGroups": ["site"]}],
                "schemaGroups": [{"name": "contoso", "compatibility": "Backward"}],
            },
            "identities": [{"name": "operator", "roles": [
                {"role": "Schema Registry Contributor", "scope": "eventHubs"},
                {"role": "Azure Event Hubs Data Owner", "scope": "eventHubs"},
                {"role": "Cosmos DB Built-in Data Contributor", "scope": "cosmos"},
                {"role": "Storage Blob Data Owner", "scope": "storage"},
            ]}],
            "storage": {"containers": ["files"]},
            "eventGrid": {"topics": [{"name": "partners", "inputSchema": "CloudEventSchemaV1_0"}]},
        }))
        .expect("a topology");
        let data_dir = data.path().to_owned();
        let options =
            StackOptions { topology, data_dir, ports: Ports::auto(), sync: Sync::Process, hosts: Hosts::default() };
        let stack = Box::pin(Stack::start(options, &|_| {})).await.expect("the stack starts");
        let authority = std::fs::read(&stack.endpoints().ca_certificate).expect("a certificate");
        let authority = reqwest::Certificate::from_pem(&authority).expect("a certificate");
        let http = reqwest::Client::builder().add_root_certificate(authority).build().expect("a client");
        Self { stack, http, data }
    }

    /// Stops the stack and starts it on the same data.
    async fn restart(self) -> Self {
        let Self { stack, data, .. } = self;
        stack.stop().await;
        Self::on(data).await
    }

    fn lever(&self, path: &str) -> String {
        format!("{}{path}", self.stack.endpoints().control)
    }

    async fn pull(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(self.http.post(self.lever(path)).json(body)).await
    }

    async fn look(&self, path: &str) -> Value {
        answer(self.http.get(self.lever(path))).await.1
    }

    /// How many requests each fault still strikes.
    async fn left(&self) -> Vec<u64> {
        let faults = self.look("/faults").await;
        faults["faults"].as_array().expect("a list").iter().filter_map(|fault| fault["left"].as_u64()).collect()
    }

    async fn forget(&self, path: &str) -> u16 {
        answer(self.http.delete(self.lever(path))).await.0
    }

    async fn stop(self) {
        self.stack.stop().await;
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// `GET /` is the truth about the port, and `docs/levers.md` tells of every lever.
#[tokio::test]
async fn every_listed_lever_is_there_and_documented() {
    let fixture = Fixture::start().await;
    let listed = fixture.look("/").await;
    assert_eq!(listed["levers"].as_array().expect("a list").len(), LEVERS.len());
    let docs = include_str!("../../../../docs/levers.md");
    for lever in listed["levers"].as_array().expect("a list") {
        let (method, path) = (lever["method"].as_str().expect("text"), lever["path"].as_str().expect("text"));
        assert!(docs.contains(&format!("`{method} {path}`")), "docs/levers.md lacks {method} {path}");
        let body = lever["body"].as_str().unwrap_or("{}");
        // An id that fits and belongs to nothing.
        let url =
            fixture.lever(&path.replace("{id}", "00000000-0000-0000-0000-000000000000").replace("{name}", "None"));
        let request = fixture.http.request(method.parse().expect("a method"), url);
        let (status, said) = answer(request.header("content-type", "application/json").body(body.to_owned())).await;
        let unknown = said["detail"].as_str().is_some_and(|detail| detail.starts_with("There is no lever"));
        assert!(!unknown && !matches!(status, 400 | 405 | 415 | 422), "{method} {path}: {status} {said}");
    }
    let (status, said) = fixture.pull("/clokc/advance", &json!({"seconds": 1})).await;
    assert_eq!((status, &said["detail"]), (404, &json!("There is no lever POST /clokc/advance; GET / lists them.")));
    let (status, said) = fixture.pull("/clock", &json!({})).await;
    assert_eq!((status, &said["status"]), (405, &json!(405)));
    fixture.stop().await;
}

#[tokio::test]
async fn the_clock_goes_forward_only() {
    let fixture = Fixture::start().await;
    let before = fixture.stack.clock().now();
    let (status, said) = fixture.pull("/clock/advance", &json!({"seconds": 86_400})).await;
    assert_eq!(status, 200, "{said}");
    assert!(fixture.stack.clock().now() - before >= time::Duration::days(1));
    assert_eq!(fixture.look("/clock").await["aheadSeconds"], 86_400.0);
    for refused in [json!({"seconds": -1}), json!({"seconds": 1e12}), json!({"seconds": "1"}), json!({"minutes": 1})] {
        let (status, said) = fixture.pull("/clock/advance", &refused).await;
        assert!(matches!(status, 400 | 422), "{refused}: {status} {said}");
    }
    assert_eq!(fixture.look("/clock").await["aheadSeconds"], 86_400.0);
    fixture.stop().await;
}

/// What is stored goes by it: otherwise a lease of a minute, taken after a step of a day, would last a day after a restart.
#[tokio::test]
async fn the_clock_keeps_its_step_over_a_restart() {
    let fixture = Fixture::start().await;
    assert!(fixture.look("/clock").await.get("wayBack").is_none());
    let (status, said) = fixture.pull("/clock/advance", &json!({"seconds": 86_400})).await;
    assert_eq!(status, 200, "{said}");
    let before = fixture.stack.clock().now();
    let fixture = fixture.restart().await;
    assert!(fixture.stack.clock().now() >= before);
    assert_eq!(fixture.look("/clock").await["aheadSeconds"], 86_400.0);
    let (_, said) = fixture.pull("/clock/advance", &json!({"seconds": 0.5})).await;
    assert_eq!(said["aheadSeconds"], 86_400.5);
    assert!(said["wayBack"].as_str().is_some_and(|way| way.contains("fresh data directory")), "{said}");
    let fixture = fixture.restart().await;
    assert_eq!(fixture.look("/clock").await["aheadSeconds"], 86_400.5);
    fixture.stop().await;
}

/// A page in a browser on this machine can neither send a lever, nor read, nor come in under a name of its own.
#[tokio::test]
async fn web_pages_from_elsewhere_pull_no_lever() {
    let fixture = Fixture::start().await;
    let step = || fixture.http.post(fixture.lever("/clock/advance")).body(r#"{"seconds":60}"#);
    let json = |request: reqwest::RequestBuilder| request.header("content-type", "application/json");
    for (why, request, expected) in [
        ("a form", step().header("content-type", "text/plain"), 415),
        ("nothing said", step(), 415),
        ("another origin", json(step()).header("origin", "https://evil.example"), 403),
        ("an opaque origin", json(step()).header("origin", "null"), 403),
        ("cross-site", json(step()).header("sec-fetch-site", "cross-site"), 403),
        ("a name made to point here", json(step()).header("host", "evil.example:6510"), 421),
        (
            "a look from elsewhere",
            fixture.http.get(fixture.lever("/faults")).header("origin", "http://evil.example"),
            403,
        ),
    ] {
        let (status, said) = answer(request).await;
        assert_eq!(status, expected, "{why}: {said}");
    }
    let asked = fixture.http.request(reqwest::Method::OPTIONS, fixture.lever("/clock/advance")).send().await;
    let asked = asked.expect("an answer");
    assert!(!asked.headers().contains_key("access-control-allow-origin"), "a page that asks first is not let in");
    assert_eq!(fixture.look("/clock").await["aheadSeconds"], 0.0);
    let (status, _) = answer(json(step()).header("origin", "http://localhost:7070").header("host", "localhost")).await;
    assert_eq!(status, 200, "a page of this machine");
    fixture.stop().await;
}

#[tokio::test]
async fn levers_of_the_app_say_that_none_runs() {
    let fixture = Fixture::start().await;
    for (path, body) in [
        ("/functions/Heartbeat/fire", json!({})),
        ("/functions/ProductProjection/redeliver", json!({})),
        ("/faults", json!({"service": "functions", "status": 503})),
    ] {
        let (status, said) = fixture.pull(path, &body).await;
        assert_eq!(status, 409, "{path}: {said}");
        assert!(said["detail"].as_str().expect("a reason").starts_with("No app runs"), "{said}");
    }
    fixture.stop().await;
}
