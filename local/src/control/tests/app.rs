//! Levers of an app: its events a second time.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Fixture;
use crate::{
    functions_host::tests::support::{Call, FakeHandler, write_function, write_host},
    stack::AppOptions,
};

/// Bodies of a call, and the partition they came from.
fn batch(call: &Call) -> (String, Vec<String>) {
    let call = call.json();
    let partition = call["Metadata"]["PartitionContext"]["PartitionId"].as_str().expect("a partition").to_owned();
    (partition, serde_json::from_str(call["Data"]["events"].as_str().expect("a string")).expect("an array"))
}

impl Fixture {
    /// Runs an app of one function on the hub, whose calls `handler` takes.
    async fn run_on_hub(&self, handler: &FakeHandler) -> TempDir {
        let app = TempDir::new().expect("a directory");
        write_host(app.path(), handler, &Value::Null);
        let bindings = json!([{"type": "eventHubTrigger", "name": "events", "direction": "in", "eventHubName": "products",
            "consumerGroup": "site", "connection": "EventHubs", "cardinality": "many", "dataType": "string"}]);
        write_function(app.path(), "Ingest", &bindings, &Value::Null);
        let settings = self.stack.app_settings("operator").expect("settings");
        let options = AppOptions { dir: app.path().to_owned(), settings, enforce_keys: false };
        self.stack.run_app(options).await.expect("the app starts");
        app
    }

    fn send(&self, partition: usize, body: &str) {
        let length = u8::try_from(body.len()).expect("a short body");
        let mut message = vec![0x00, 0x53, 0x75, 0xa0, length];
        message.extend_from_slice(body.as_bytes());
        let hub = self.stack.event_hubs().hub("products").expect("the hub");
        hub.partitions()[partition].append(&[message.into()]).expect("appended");
    }
}

#[tokio::test]
async fn events_come_again_from_where_the_lever_says_and_only_there() {
    let fixture = Fixture::start().await;
    let mut handler = FakeHandler::start().await;
    let _app = fixture.run_on_hub(&handler).await;
    for body in ["a", "b", "c"] {
        fixture.send(0, body);
        assert_eq!(batch(&handler.next_call().await), ("0".to_owned(), vec![body.to_owned()]));
    }
    fixture.send(1, "x");
    assert_eq!(batch(&handler.next_call().await), ("1".to_owned(), vec!["x".to_owned()]));

    let (status, said) = fixture.pull("/functions/Ingest/redeliver", &json!({"partition": "0", "from": 1})).await;
    assert_eq!((status, said), (200, json!({"partitions": [{"partition": "0", "from": 1}]})));
    assert_eq!(batch(&handler.next_call().await), ("0".to_owned(), vec!["b".to_owned(), "c".to_owned()]));

    // Everywhere, from the oldest.
    let (status, said) = fixture.pull("/functions/Ingest/redeliver", &json!({})).await;
    let expected = json!({"partitions": [{"partition": "0", "from": 0}, {"partition": "1", "from": 0}]});
    assert_eq!((status, said), (200, expected));
    let mut again = [batch(&handler.next_call().await), batch(&handler.next_call().await)];
    again.sort();
    let bodies = |bodies: &[&str]| bodies.iter().map(|body| (*body).to_owned()).collect();
    assert_eq!(again, [("0".to_owned(), bodies(&["a", "b", "c"])), ("1".to_owned(), bodies(&["x"]))]);

    for (function, body) in [("Nothing", json!({})), ("Ingest", json!({"partition": "9"}))] {
        let (status, said) = fixture.pull(&format!("/functions/{function}/redeliver"), &body).await;
        assert_eq!(status, 404, "{function} {body}: {said}");
    }
    // What comes next is new: nothing is left over.
    fixture.send(1, "y");
    assert_eq!(batch(&handler.next_call().await), ("1".to_owned(), vec!["y".to_owned()]));
    assert!(handler.has_no_call());
    fixture.stop().await;
}
