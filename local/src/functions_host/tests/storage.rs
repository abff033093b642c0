//! Queues and blobs: what is deleted, what comes again, what is poison.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::support::{BROKEN, FakeHandler, World};

fn queue_binding(queue: &str) -> Value {
    json!([{"type": "queueTrigger", "name": "item", "direction": "in", "queueName": queue}])
}

fn put(world: &World, text: &str) {
    world.services.queues.put("work", BASE64_STANDARD.encode(text), None).expect("put");
}

fn count(world: &World, queue: &str) -> usize {
    world.services.queues.count(queue).unwrap_or_default()
}

#[tokio::test]
async fn a_message_that_succeeds_goes_and_one_that_keeps_failing_is_poison() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &json!({"extensions": {"queues": {"maxDequeueCount": 2}}}));
    world.function("Work", &queue_binding("work"), &Value::Null);
    let host = world.start().await.expect("started");
    // The queue need not be there when the host starts.
    world.services.queues.create("work").expect("created");
    put(&world, r#"{"orderId":"o-1"}"#);
    let call = handler.next_call().await;
    assert_eq!(call.path_and_query, "/Work");
    assert_eq!(call.json()["Data"]["item"], r#""{\"orderId\":\"o-1\"}""#);
    assert_eq!(call.json()["Metadata"]["DequeueCount"], "1");
    assert_eq!(call.json()["Metadata"]["orderId"], r#""o-1""#);
    world.until("the message gone", || count(&world, "work") == 0).await;

    handler.will_answer(&[BROKEN, BROKEN]);
    put(&world, "bad");
    assert_eq!(handler.next_call().await.json()["Metadata"]["DequeueCount"], "1");
    assert_eq!(handler.next_call().await.json()["Metadata"]["DequeueCount"], "2");
    world.until("poison", || count(&world, "work-poison") == 1).await;
    let poison = world.services.queues.peek("work-poison", 1).expect("peeked").remove(0);
    assert_eq!(poison.text, BASE64_STANDARD.encode("bad"), "as it was put");

    // What is not Base64 never reaches the handler.
    world.services.queues.put("work", "not Base64!".to_owned(), None).expect("put");
    world.until("more poison", || count(&world, "work-poison") == 2).await;
    world.until("an empty queue", || count(&world, "work") == 0).await;
    assert!(handler.has_no_call());
    host.stop().await;
}

#[tokio::test]
async fn a_failed_message_waits_for_its_visibility_timeout() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    let options = json!({"visibilityTimeout": "00:05:00", "messageEncoding": "none"});
    world.with_handler(&handler, &json!({"extensions": {"queues": options}}));
    world.function("Work", &queue_binding("Work"), &Value::Null);
    world.services.queues.create("work").expect("created");
    handler.will_answer(&[BROKEN]);
    world.services.queues.put("work", "plain".to_owned(), None).expect("put");
    let host = world.start().await.expect("started");
    assert_eq!(handler.next_call().await.json()["Data"]["item"], r#""plain""#);
    assert!(handler.has_no_call(), "it does not come back by itself");
    // Whether the failure is noted yet cannot be seen from outside, so the clock is stepped until the message is back.
    let stepping = async {
        loop {
            world.clock.advance(Duration::from_secs(31));
            crate::clock::pause(Duration::from_millis(5)).await;
        }
    };
    let again = tokio::select! {
        call = handler.next_call() => call,
        () = stepping => unreachable!("it never ends"),
    };
    assert_eq!(again.json()["Metadata"]["DequeueCount"], "2");
    world.until("the message gone", || count(&world, "work") == 0).await;
    host.stop().await;
}

#[tokio::test]
async fn a_retry_policy_runs_within_one_dequeue() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    let retry = json!({"strategy": "fixedDelay", "maxRetryCount": 1, "delayInterval": "00:00:00"});
    world.function("Work", &queue_binding("work"), &retry);
    world.services.queues.create("work").expect("created");
    handler.will_answer(&[BROKEN]);
    put(&world, "again");
    let host = world.start().await.expect("started");
    let (first, second) = (handler.next_call().await, handler.next_call().await);
    assert_eq!(first.invocation(), second.invocation());
    assert_eq!(second.json()["Metadata"]["DequeueCount"], "1");
    assert_eq!(second.json()["Metadata"]["RetryContext"]["RetryCount"], 1);
    world.until("the message gone", || count(&world, "work") == 0).await;
    host.stop().await;
}

fn blob_binding(source: Option<&str>) -> Value {
    json!([{"type": "blobTrigger", "name": "blob", "direction": "in", "path": "incoming/{name}.txt", "source": source}])
}

fn upload(world: &World, name: &str, body: &'static str) {
    world.services.blobs.put("incoming", name, body.into(), Default::default()).expect("stored");
}

#[tokio::test]
async fn a_scan_finds_each_version_of_a_blob_once() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &json!({"extensions": {"blobs": {"poisonBlobThreshold": 1}}}));
    world.function("OnBlob", &blob_binding(None), &Value::Null);
    world.services.blobs.create_container("incoming").expect("created");
    upload(&world, "dir/a.txt", "hello");
    upload(&world, "other.json", "{}");
    let host = world.start().await.expect("started");
    let call = handler.next_call().await.json();
    assert_eq!((&call["Data"]["blob"], &call["Metadata"]["name"]), (&json!("aGVsbG8="), &json!(r#""dir/a""#)));
    assert_eq!(call["Metadata"]["Properties"]["ContentLength"], 5);
    let noted = || count(&world, "azure-webjobs-blobtrigger-test");
    world.until("the note gone", || noted() == 0).await;
    host.stop().await;

    // After a restart the receipt stands for the first version; the second is new.
    upload(&world, "dir/a.txt", "world");
    handler.will_answer(&[BROKEN]);
    let host = world.start().await.expect("started");
    assert_eq!(handler.next_call().await.json()["Data"]["blob"], "d29ybGQ=");
    world.until("poison", || count(&world, "webjobs-blobtrigger-poison") == 1).await;
    let poison = world.services.queues.peek("webjobs-blobtrigger-poison", 1).expect("peeked").remove(0);
    let line: Value = serde_json::from_slice(&BASE64_STANDARD.decode(poison.text).expect("Base64")).expect("JSON");
    assert_eq!((&line["FunctionId"], &line["BlobName"]), (&json!("Host.Functions.OnBlob"), &json!("dir/a.txt")));
    world.clock.advance(Duration::from_secs(60));
    upload(&world, "b.txt", "last");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(handler.next_call().await.json()["Metadata"]["name"], r#""b""#);
    assert!(handler.has_no_call());
    host.stop().await;
}

#[tokio::test]
async fn event_grid_tells_of_blobs_through_the_hosts_endpoint() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("OnBlob", &blob_binding(Some("EventGrid")), &Value::Null);
    world.services.blobs.create_container("incoming").expect("created");
    upload(&world, "a.txt", "hello");
    let host = world.start().await.expect("started");
    let post = |function: &str, kind: &'static str, body: &Value| {
        let url = format!("http://{}/runtime/webhooks/blobs?functionName={function}", host.address());
        reqwest::Client::new().post(url).header("aeg-event-type", kind).body(body.to_string()).send()
    };
    let event = |blob: &str| {
        let subject = format!("/blobServices/default/containers/incoming/blobs/{blob}");
        json!({"eventType": "Microsoft.Storage.BlobCreated", "subject": subject, "id": "1", "data": {}})
    };
    let validation = json!([{"data": {"validationCode": "c0de"}}]);
    let answer = post("Host.Functions.OnBlob", "SubscriptionValidation", &validation).await.expect("answered");
    assert_eq!(answer.text().await.expect("text"), r#"{"validationResponse":"c0de"}"#);
    // The extension does not ask whether there is such a function; what none is waiting for is dropped.
    for name in ["OnBlob", "Host.Functions.Nobody", ""] {
        assert_eq!(post(name, "Notification", &json!([event("a.txt")])).await.expect("answered").status(), 202);
        let answer = post(name, "SubscriptionValidation", &validation).await.expect("answered");
        assert_eq!(answer.status(), 200, "{name}");
    }
    assert_eq!(post("Host.Functions.OnBlob", "Notification", &json!("text")).await.expect("answered").status(), 500);
    assert_eq!(post("Host.Functions.OnBlob", "Other", &json!([])).await.expect("answered").status(), 400);
    assert!(handler.has_no_call(), "nothing is scanned");
    let events = json!([event("gone.txt"), event("a.json"), event("a.txt")]);
    let answer = post("Host.Functions.OnBlob", "Notification", &events).await.expect("answered");
    assert_eq!(answer.status(), 202);
    assert_eq!(handler.next_call().await.json()["Data"]["blob"], "aGVsbG8=");
    world.until("the note gone", || count(&world, "azure-webjobs-blobtrigger-test") == 0).await;
    assert!(handler.has_no_call());
    host.stop().await;
}

#[tokio::test]
async fn a_trigger_on_another_account_is_refused_at_the_start() {
    let world = World::new().await;
    let handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.write(
        "local.settings.json",
        &json!({"Values": {"Elsewhere__queueServiceUri": "https://acct.queue.core.windows.net"}}),
    );
    let binding = json!([{"type": "queueTrigger", "name": "item", "queueName": "work", "connection": "Elsewhere"}]);
    world.function("Work", &binding, &Value::Null);
    let error = world.start().await.err().expect("refused").to_string();
    assert!(error.starts_with("Work/function.json: bindings[0].connection: names https://acct"), "{error}");
}
