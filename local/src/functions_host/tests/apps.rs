//! Apps that cannot run: one line that names file and field, and nothing started.

use serde_json::{Value, json};

use super::support::{FakeHandler, World};

#[tokio::test]
async fn a_fault_is_told_in_one_line_with_file_and_field() {
    let hub = |changes: Value| {
        let mut binding =
            json!({"type": "eventHubTrigger", "name": "events", "eventHubName": "orders", "connection": "EventHubs"});
        for (name, value) in changes.as_object().expect("an object") {
            binding[name] = value.clone();
        }
        json!([binding])
    };
    let feed = |changes: Value| {
        let mut binding = json!({"type": "cosmosDBTrigger", "name": "docs", "connection": "Cosmos",
            "databaseName": "catalog", "containerName": "products"});
        for (name, value) in changes.as_object().expect("an object") {
            binding[name] = value.clone();
        }
        json!([binding])
    };
    let timer = json!({"type": "timerTrigger", "name": "t", "schedule": "0 * * * * *"});
    let cases = [
        ("F", json!([]), Value::Null, "F/function.json: bindings: must hold at least one"),
        (
            "F",
            json!([{"type": "queueTrigger", "name": "q"}]),
            Value::Null,
            "F/function.json: bindings[0].queueName: is missing",
        ),
        (
            "F",
            json!([{"type": "serviceBusTrigger", "name": "q"}]),
            Value::Null,
            "F/function.json: bindings[0].type: trigger 'serviceBusTrigger' is not supported",
        ),
        (
            "F",
            json!([{"type": "blobTrigger", "name": "b", "path": "{container}/x"}]),
            Value::Null,
            "F/function.json: bindings[0].path: must start with the name of a container",
        ),
        ("F", json!([timer, timer]), Value::Null, "bindings[1].name: 't' is used twice"),
        (
            "F",
            json!([timer, {"type": "timerTrigger", "name": "u", "schedule": "0 * * * * *"}]),
            Value::Null,
            "bindings[1].type: is a second trigger",
        ),
        (
            "F",
            json!([timer, {"type": "queue", "direction": "out", "name": "q"}]),
            Value::Null,
            "bindings[1].type: binding 'queue' with direction 'out' is not supported",
        ),
        (
            "F",
            json!([{"type": "timerTrigger", "name": "my_timer", "schedule": "0 * * * * *"}]),
            Value::Null,
            "bindings[0].name: 'my_timer' is not a binding name",
        ),
        (
            "F",
            json!([{"type": "timerTrigger", "name": "t", "schedule": "often"}]),
            Value::Null,
            "bindings[0].schedule: 'often' is neither",
        ),
        (
            "F",
            json!([{"type": "timerTrigger", "name": "t", "schedule": "%When%"}]),
            Value::Null,
            "bindings[0].schedule: %When% does not resolve",
        ),
        (
            "F",
            json!([timer]),
            json!({"strategy": "fixedDelay", "maxRetryCount": 1}),
            "F/function.json: retry.delayInterval: is missing",
        ),
        ("9F", json!([timer]), Value::Null, "9F/function.json: name: '9F' is not a function name"),
        (
            "F",
            hub(json!({"eventHubName": "nowhere"})),
            Value::Null,
            "F/function.json: eventHubName: there is no hub 'nowhere'",
        ),
        (
            "F",
            hub(json!({"consumerGroup": "nobody"})),
            Value::Null,
            "F/function.json: consumerGroup: hub 'orders' has no consumer group 'nobody'",
        ),
        ("F", hub(json!({"connection": "Elsewhere"})), Value::Null, "bindings[0].connection: no app setting Elsewhere"),
        ("F", hub(json!({"dataType": "stream"})), Value::Null, "bindings[0].dataType: 'stream' cannot be bound"),
        (
            "F",
            feed(json!({"containerName": "nothing"})),
            Value::Null,
            "F/function.json: containerName: cannot watch catalog/nothing",
        ),
        (
            "F",
            feed(json!({"leaseContainerName": "absent"})),
            Value::Null,
            "F/function.json: leaseContainerName: catalog/absent does not exist",
        ),
        (
            "F",
            feed(json!({"leaseContainerName": "products"})),
            Value::Null,
            "bindings[0].leaseContainerName: must not be the monitored container",
        ),
        (
            "F",
            feed(json!({"collectionName": "products"})),
            Value::Null,
            "bindings[0].collectionName: is a name of extension 3",
        ),
    ];
    let mut world = World::new().await;
    let handler = FakeHandler::start().await;
    for (name, bindings, retry, expected) in cases {
        world.app = tempfile::tempdir().expect("a directory");
        world.with_handler(&handler, &Value::Null);
        world.function(name, &bindings, &retry);
        let error = world.start().await.err().unwrap_or_else(|| panic!("accepted: {expected}")).to_string();
        assert!(error.contains(expected), "{error}\n  should contain: {expected}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn the_lease_container_is_created_on_request_and_two_feeds_need_two_prefixes() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    let feed = |prefix: &str| {
        json!([{"type": "cosmosDBTrigger", "name": "docs", "connection": "Cosmos", "databaseName": "catalog",
            "containerName": "products", "leaseContainerName": "made", "createLeaseContainerIfNotExists": true,
            "leaseContainerPrefix": prefix, "startFromBeginning": true, "feedPollDelay": 20}])
    };
    world.function("First", &feed("a"), &Value::Null);
    world.function("Second", &feed("a"), &Value::Null);
    let error = world.start().await.err().expect("refused").to_string();
    assert_eq!(
        error,
        "Second/function.json: leaseContainerPrefix: must differ from that of First, which watches the same container"
    );
    world.function("Second", &feed("b"), &Value::Null);
    world.put_product("1").await;
    let host = world.start().await.expect("started");
    let mut called = [handler.next_call().await.path_and_query, handler.next_call().await.path_and_query];
    called.sort();
    assert_eq!(called, ["/First", "/Second"]);
    host.stop().await;
}
