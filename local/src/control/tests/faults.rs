//! Faults as they look on the wire.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Fixture, answer};

impl Fixture {
    /// A request to each service that takes faults, and the name under which faults are armed there.
    fn doors(&self) -> [(&'static str, String); 8] {
        let endpoints = self.stack.endpoints();
        let blobs = self.stack.blobs().endpoint();
        [
            ("blob", format!("{blobs}/files/a")),
            ("queue", format!("{}/work", self.stack.queues().endpoint())),
            ("identity", endpoints.identities["operator"].endpoint.clone()),
            ("cosmos", format!("{}/dbs/shop", endpoints.cosmos.endpoint.trim_end_matches('/'))),
            ("eventGrid", endpoints.event_grid.topic_endpoint.clone()),
            ("resourceManager", format!("{}{}", endpoints.event_grid.resource_manager, endpoints.event_grid.topic_id)),
            ("logAnalytics", format!("{}/v1/workspaces/none/query", endpoints.monitor.log_analytics)),
            ("schemaRegistry", format!("{}/$schemaGroups", endpoints.event_hubs.schema_registry)),
        ]
    }
}

#[tokio::test]
async fn each_service_fails_in_its_own_shape_and_counts_down() {
    let fixture = Fixture::start().await;
    for (service, url) in fixture.doors() {
        let fault =
            json!({"service": service, "times": 2, "status": 503, "retryAfterSeconds": 1.5, "message": "Busy <&>"});
        let (status, armed) = fixture.pull("/faults", &fault).await;
        assert_eq!((status, &armed["left"]), (201, &json!(2)), "{armed}");
        for left in [1, 0] {
            let answer = fixture.http.post(&url).body("{}").send().await.expect("an answer");
            assert_eq!(answer.status(), 503, "{service}");
            assert_eq!(answer.headers()["retry-after"], "2", "{service}: whole seconds");
            let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
            let (code, substatus, wait) =
                (header("x-ms-error-code"), header("x-ms-activity-id"), header("x-ms-retry-after-ms"));
            let text = answer.text().await.expect("a body");
            let said: Value = serde_json::from_str(&text).unwrap_or_default();
            match service {
                "identity" => assert_eq!(said, json!({"statusCode": 503, "message": "Busy <&>"})),
                "blob" | "queue" => {
                    assert_eq!(code.as_deref(), Some("ServerBusy"));
                    let shape = "<Error><Code>ServerBusy</Code><Message>Busy &lt;&amp;&gt;</Message></Error>";
                    assert!(text.ends_with(shape), "{text}");
                }
                "cosmos" => {
                    assert_eq!(said, json!({"code": "ServiceUnavailable", "message": "Busy <&>"}));
                    assert!(substatus.is_some() && wait.as_deref() == Some("1500"));
                }
                "schemaRegistry" => {
                    assert_eq!(code.as_deref(), Some("ServerBusy"));
                    assert_eq!(said["error"], json!({"code": "ServerBusy", "message": "Busy <&>", "details": []}));
                }
                "logAnalytics" => {
                    assert_eq!(said["error"], json!({"code": "InternalServerError", "message": "Busy <&>"}));
                }
                _ => {
                    assert_eq!(said["error"]["code"], "ServiceUnavailable", "{said}");
                    assert_eq!(said["error"]["details"][0]["message"], "Busy <&>");
                }
            }
            let faults = fixture.look("/faults").await;
            let shown = faults["faults"].as_array().expect("a list").iter().find(|fault| fault["id"] == armed["id"]);
            assert_eq!(shown.expect("it is listed")["left"], left, "{faults}");
        }
        let after = fixture.http.post(&url).body("{}").send().await.expect("an answer");
        assert_ne!(after.status(), 503, "{service}: the fault is spent");
    }
    fixture.stop().await;
}

#[tokio::test]
async fn a_fault_strikes_only_what_it_names() {
    let fixture = Fixture::start().await;
    let blobs = fixture.stack.blobs().endpoint();
    let fault = json!({"service": "blob", "status": 429, "code": "Mine", "method": "put", "pathPrefix": "/devstoreaccount1/files/a"});
    let (_, armed) = fixture.pull("/faults", &fault).await;
    for (method, path) in [("GET", "files/a"), ("PUT", "files/b")] {
        let request = fixture.http.request(method.parse().expect("a method"), format!("{blobs}/{path}"));
        assert_eq!(request.send().await.expect("an answer").status(), 401, "{method} {path} passes");
    }
    let struck = fixture.http.put(format!("{blobs}/files/ab")).body("x").send().await.expect("an answer");
    assert_eq!((struck.status().as_u16(), &struck.headers()["x-ms-error-code"]), (429, &"Mine".parse().expect("text")));

    fixture.pull("/faults", &json!({"service": "cosmos", "status": 429, "times": 3})).await;
    assert_eq!(fixture.left().await, [0, 3]);
    let forget = fixture.http.delete(fixture.lever(&format!("/faults/{}", armed["id"].as_str().expect("an id"))));
    assert_eq!(answer(forget).await.0, 200);
    assert_eq!(fixture.left().await, [3]);
    assert_eq!(answer(fixture.http.delete(fixture.lever("/faults"))).await.0, 204);
    assert_eq!(fixture.left().await, Vec::<u64>::new());
    for refused in [
        json!({"service": "blob"}),
        json!({"service": "fax", "status": 503}),
        json!({"service": "blob", "status": 200}),
        json!({"service": "blob", "status": 503, "close": "before"}),
        json!({"service": "blob", "status": 503, "times": 0}),
        json!({"service": "blob", "status": 503, "code": "a\r\nb"}),
    ] {
        let (status, said) = fixture.pull("/faults", &refused).await;
        assert!(matches!(status, 400 | 422), "{refused}: {status} {said}");
    }
    fixture.stop().await;
}

#[tokio::test]
async fn connections_close_before_or_after_the_work_and_answers_wait() {
    let fixture = Fixture::start().await;
    let schema = format!(
        "{}/$schemaGroups/contoso/schemas/a.B?api-version=2022-10",
        fixture.stack.endpoints().event_hubs.schema_registry
    );
    let token = fixture.stack.identity().token("operator", "https://eventhubs.azure.net").expect("a token");
    let register = || {
        let request = fixture
            .http
            .put(&schema)
            .bearer_auth(&token)
            .header("content-type", "application/json; serialization=Avro");
        request.body(r#"{"type":"record","name":"B","namespace":"a","fields":[]}"#).send()
    };
    let versions = async || {
        let url = schema.replace("?", "/versions?");
        fixture.http.get(url).bearer_auth(&token).send().await.expect("an answer").status().as_u16()
    };
    for (close, registered) in [("before", 404), ("after", 200)] {
        let (_, armed) = fixture.pull("/faults", &json!({"service": "schemaRegistry", "close": close})).await;
        assert_eq!(armed["close"], close);
        let lost = register().await.expect_err("no answer");
        assert!(lost.status().is_none(), "{lost:?}");
        assert_eq!(versions().await, registered, "closed {close} the work");
    }
    let delay = Duration::from_millis(200);
    fixture.pull("/faults", &json!({"service": "schemaRegistry", "delayMillis": 200})).await;
    let start = Instant::now();
    assert_eq!(versions().await, 200);
    assert!(start.elapsed() >= delay);
    fixture.stop().await;
}
