//! Streams, change feed, Event Grid and timers: what is acknowledged, what comes again.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::{BROKEN, FakeHandler, OK, World};

fn hub_binding() -> Value {
    json!([{"type": "eventHubTrigger", "name": "events", "direction": "in", "eventHubName": "orders",
        "consumerGroup": "site", "connection": "EventHubs", "cardinality": "many", "dataType": "string"}])
}

fn events(call: &Value) -> Vec<String> {
    serde_json::from_str(call["Data"]["events"].as_str().expect("a string")).expect("an array")
}

#[tokio::test]
async fn without_a_policy_a_failed_batch_is_lost_and_the_checkpoint_moves_on() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Ingest", &hub_binding(), &Value::Null);
    handler.will_answer(&[BROKEN]);
    world.send("one");
    let host = world.start().await.expect("started");

    let call = handler.next_call().await;
    assert_eq!((call.path_and_query.as_str(), events(&call.json())), ("/Ingest", vec!["one".to_owned()]));
    assert_eq!(call.headers["transfer-encoding"], "chunked");
    world.until("checkpoint 0", || world.checkpoint() == Some(0)).await;
    assert!(call.json()["Metadata"].get("RetryContext").is_none());

    world.send("two");
    assert_eq!(events(&handler.next_call().await.json()), ["two"]);
    world.until("checkpoint 1", || world.checkpoint() == Some(1)).await;
    host.stop().await;

    // A restart goes on after the checkpoint.
    world.send("three");
    let host = world.start().await.expect("started");
    assert_eq!(events(&handler.next_call().await.json()), ["three"]);
    host.stop().await;
}

#[tokio::test]
async fn an_unlimited_policy_holds_the_partition_and_keeps_the_invocation_id() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    let retry = json!({"strategy": "fixedDelay", "maxRetryCount": -1, "delayInterval": "00:10:00"});
    world.function("Ingest", &hub_binding(), &retry);
    // The empty 200 would hang Azure's host; here it fails at once.
    handler.will_answer(&[BROKEN, (200, "application/json", ""), OK]);
    world.send("one");
    let host = world.start().await.expect("started");

    let first = handler.next_call().await;
    assert_eq!(first.json()["Metadata"]["RetryContext"]["RetryCount"], 0);
    assert_eq!(first.json()["Metadata"]["RetryContext"]["Exception"], Value::Null);
    world.send("two");
    let second = step_until_called(&world, &mut handler).await;
    assert_eq!(second.json()["Metadata"]["RetryContext"]["RetryCount"], 1);
    assert_eq!(second.invocation(), first.invocation());
    assert_eq!(events(&second.json()), ["one"]);
    assert_eq!(world.checkpoint(), None);

    let third = step_until_called(&world, &mut handler).await;
    assert!(third.json()["Metadata"]["RetryContext"]["Exception"].to_string().contains("empty body"));
    world.until("checkpoint 0", || world.checkpoint() >= Some(0)).await;
    assert_eq!(events(&handler.next_call().await.json()), ["two"]);
    host.stop().await;
}

/// Steps the clock until the loop that sleeps on it has come round.
async fn step_until_called(world: &World, handler: &mut FakeHandler) -> super::support::Call {
    let clock = world.clock.clone();
    let stepping = async {
        loop {
            clock.advance(Duration::from_secs(601));
            crate::clock::pause(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        call = handler.next_call() => call,
        () = stepping => unreachable!("it never ends"),
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_while_the_host_stops() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    let retry = json!({"strategy": "fixedDelay", "maxRetryCount": 3, "delayInterval": "00:10:00"});
    world.function("Ingest", &hub_binding(), &retry);
    handler.will_answer(&[BROKEN]);
    world.send("one");
    let host = world.start().await.expect("started");
    handler.next_call().await;
    host.stop().await;
    assert_eq!(world.checkpoint(), None);

    let host = world.start().await.expect("started");
    assert_eq!(events(&handler.next_call().await.json()), ["one"]);
    world.until("checkpoint 0", || world.checkpoint() == Some(0)).await;
    host.stop().await;
}

#[tokio::test]
async fn a_rewound_checkpoint_or_lease_brings_events_again() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Ingest", &hub_binding(), &Value::Null);
    world.function("OnProduct", &feed_binding(), &Value::Null);
    let host = world.start().await.expect("started");
    for body in ["one", "two", "three"] {
        world.send(body);
        assert_eq!(events(&handler.next_call().await.json()), [body]);
    }
    world.until("checkpoint 2", || world.checkpoint() == Some(2)).await;
    host.rewind_hub("Ingest", "0", 1).await.expect("rewound");
    assert_eq!(events(&handler.next_call().await.json()), ["two", "three"]);
    world.until("checkpoint 2", || world.checkpoint() == Some(2)).await;
    host.rewind_hub("Ingest", "0", -7).await.expect("rewound to the beginning");
    assert_eq!(events(&handler.next_call().await.json()), ["one", "two", "three"]);

    world.put_product("a").await;
    assert_eq!(changed(&mut handler, 1).await, ["a"]);
    host.rewind_feed("OnProduct", 0).await.expect("rewound");
    assert_eq!(changed(&mut handler, 1).await, ["a"]);

    assert!(host.rewind_hub("OnProduct", "0", 0).await.is_err());
    assert!(host.rewind_hub("Ingest", "1", 0).await.is_err());
    assert!(host.rewind_feed("Ingest", 0).await.is_err());
    host.stop().await;
}

fn feed_binding() -> Value {
    json!([{"type": "cosmosDBTrigger", "name": "docs", "direction": "in", "connection": "Cosmos",
        "databaseName": "catalog", "containerName": "products", "leaseContainerName": "leases",
        "leaseContainerPrefix": "f", "startFromBeginning": true, "feedPollDelay": 20}])
}

/// Ids of the changes in `calls` calls.
async fn changed(handler: &mut FakeHandler, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let call = handler.next_call().await.json();
        let array: String = serde_json::from_str(call["Data"]["docs"].as_str().expect("a string")).expect("a string");
        let documents: Vec<Value> = serde_json::from_str(&array).expect("an array");
        ids.extend(documents.iter().map(|document| document["id"].as_str().expect("an id").to_owned()));
    }
    ids.sort();
    ids
}

#[tokio::test]
async fn the_lease_moves_on_after_a_failure_and_survives_a_restart() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("OnProduct", &feed_binding(), &Value::Null);
    handler.will_answer(&[BROKEN]);
    world.put_product("lost").await;
    let host = world.start().await.expect("started");
    assert_eq!(changed(&mut handler, 1).await, ["lost"]);
    world.put_product("second").await;
    assert_eq!(changed(&mut handler, 1).await, ["second"]);
    // The lease of the second batch is written after its call; the third call proves that it was.
    world.put_product("second").await;
    assert_eq!(changed(&mut handler, 1).await, ["second"]);
    host.stop().await;

    world.put_product("third").await;
    let host = world.start().await.expect("started");
    let ids = changed(&mut handler, 1).await;
    assert!(!ids.contains(&"lost".to_owned()), "{ids:?}");
    host.stop().await;
}

#[tokio::test]
async fn a_feed_may_start_at_a_time() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    for (name, start) in [("Past", "2001-02-03T04:05:06Z"), ("Future", "2999-02-03T04:05:06Z")] {
        let mut binding = feed_binding();
        binding[0]["startFromBeginning"] = false.into();
        binding[0]["startFromTime"] = start.into();
        binding[0]["leaseContainerPrefix"] = name.into();
        world.function(name, &binding, &Value::Null);
    }
    world.put_product("a").await;
    let host = world.start().await.expect("started");
    world.put_product("b").await;
    let mut called: Vec<String> = Vec::new();
    while !called.concat().contains("\"b") {
        let call = handler.next_call().await;
        assert_eq!(call.path_and_query, "/Past");
        called.push(String::from_utf8_lossy(&call.body).into_owned());
    }
    assert!(called.concat().contains("\"a"), "{called:?}");
    host.stop().await;
}

/// The status of a timer whose schedule was changed while it was down: a run of the new schedule was not missed.
#[tokio::test]
async fn a_changed_schedule_has_missed_nothing() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    let timer = |schedule: &str| json!([{"type": "timerTrigger", "name": "tick", "schedule": schedule}]);
    world.function("Tick", &timer("0 0 0 1 1 *"), &Value::Null);
    let host = world.start().await.expect("started");
    let status =
        || world.services.blobs.get("azure-webjobs-hosts", "timers/test/Host.Functions.Tick/status").expect("read");
    world.until("a status", || status().is_some()).await;
    host.stop().await;

    let before = status().expect("a status").body;
    world.clock.advance(Duration::from_secs(2 * 3600));
    world.function("Tick", &timer("0 0 * * * *"), &Value::Null);
    let host = world.start().await.expect("started");
    world.until("a new status", || status().expect("a status").body != before).await;
    let status: Value = serde_json::from_slice(&status().expect("a status").body).expect("JSON");
    assert_eq!(status["Last"], "0001-01-01T00:00:00+00:00");
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(handler.next_call().await.json()["Data"]["tick"]["IsPastDue"], false);
    host.stop().await;
}

#[tokio::test]
async fn the_event_grid_endpoint_answers_by_its_table() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("OnEvent", &json!([{"type": "eventGridTrigger", "name": "ev"}]), &Value::Null);
    let host = world.start().await.expect("started");
    let client = reqwest::Client::new();
    let url = |function: &str| format!("http://{}/runtime/webhooks/EventGrid?functionName={function}", host.address());
    let post = |function: &str, kind: Option<&'static str>, body: &Value| {
        let request = client.post(url(function)).body(body.to_string());
        match kind {
            Some(kind) => request.header("aeg-event-type", kind),
            None => request,
        }
        .send()
    };
    let event = json!({"specversion": "1.0", "id": "1", "type": "t", "source": "/s", "data": {"a": 1}});
    assert_eq!(post("Nobody", Some("Notification"), &event).await.expect("answered").status(), 404);
    assert_eq!(post("OnEvent", None, &event).await.expect("answered").status(), 400);
    assert_eq!(post("OnEvent", Some("Unsubscribe"), &event).await.expect("answered").status(), 202);
    let validation =
        json!([{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "c0de"}}]);
    let answer = post("OnEvent", Some("SubscriptionValidation"), &validation).await.expect("answered");
    assert_eq!(answer.text().await.expect("text"), r#"{"validationResponse":"c0de"}"#);
    let answer =
        client.request(http::Method::OPTIONS, url("OnEvent")).header("webhook-request-origin", "here").send().await;
    assert_eq!(answer.expect("answered").headers()["webhook-allowed-origin"], "here");
    assert!(handler.has_no_call());

    assert_eq!(post("OnEvent", Some("Notification"), &event).await.expect("answered").status(), 202);
    assert_eq!(handler.next_call().await.json()["Data"]["ev"], event);
    handler.will_answer(&[OK, BROKEN]);
    let failed = post("OnEvent", Some("Notification"), &json!([event, event])).await.expect("answered");
    assert_eq!(failed.status(), 500);
    assert!(failed.text().await.expect("text").contains("Functions.OnEvent"));
    host.stop().await;
}

#[tokio::test]
async fn a_timer_fires_by_the_clock_and_makes_up_for_a_missed_run() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Tick", &json!([{"type": "timerTrigger", "name": "tick", "schedule": "0 0 * * * *"}]), &Value::Null);
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    let status =
        || world.services.blobs.get("azure-webjobs-hosts", "timers/test/Host.Functions.Tick/status").expect("read");
    world.until("a status", || status().is_some()).await;

    assert!(host.fire_timer("Tick").await.expect("a timer"));
    let by_hand = handler.next_call().await.json();
    assert_eq!(by_hand["Data"]["tick"]["ScheduleStatus"]["Last"], "0001-01-01T00:00:00+00:00");
    handler.will_answer(&[BROKEN]);
    world.clock.advance(Duration::from_secs(3600));
    let fired = handler.next_call().await.json();
    assert_eq!(fired["Data"]["tick"]["IsPastDue"], false);
    // The schedule takes no notice of what was run by hand.
    assert_eq!(fired["Data"]["tick"]["ScheduleStatus"]["Last"], "0001-01-01T00:00:00+00:00");
    let before = status().expect("a status").body;
    world.until("the status of the failed run", || status().expect("a status").body != before).await;
    host.stop().await;

    // Two runs are missed, one is made up for.
    world.clock.advance(Duration::from_secs(2 * 3600));
    let host = world.start().await.expect("started");
    assert_eq!(handler.next_call().await.json()["Data"]["tick"]["IsPastDue"], true);
    assert!(host.fire_timer("Tick").await.expect("a timer"));
    assert_eq!(handler.next_call().await.json()["Data"]["tick"]["IsPastDue"], false);
    assert!(host.fire_timer("Nobody").await.is_err());
    host.stop().await;
}
