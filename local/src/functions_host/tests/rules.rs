//! Rules of batches, checkpoints, retries and roles, one by one.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::{BROKEN, Call, FakeHandler, OK, World};

fn trigger(hub: &str) -> Value {
    json!([{"type": "eventHubTrigger", "name": "events", "direction": "in", "eventHubName": hub,
        "consumerGroup": "site", "connection": "EventHubs", "cardinality": "many", "dataType": "string"}])
}

fn hub_options(options: &Value) -> Value {
    json!({"extensions": {"eventHubs": options}})
}

fn events(call: &Call) -> Vec<String> {
    serde_json::from_str(call.json()["Data"]["events"].as_str().expect("a string")).expect("an array")
}

/// Steps the clock until `handler` is called.
async fn step_until_called(world: &World, handler: &mut FakeHandler, step: Duration) -> Call {
    let stepping = async {
        loop {
            crate::clock::pause(Duration::from_millis(50)).await;
            world.clock.advance(step);
        }
    };
    tokio::select! {
        call = handler.next_call() => call,
        () = stepping => unreachable!("it never ends"),
    }
}

#[tokio::test]
async fn a_checkpoint_follows_every_so_many_batches_of_at_most_so_many_events() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &hub_options(&json!({"maxEventBatchSize": 2, "batchCheckpointFrequency": 2})));
    world.function("Ingest", &trigger("orders"), &Value::Null);
    for body in ["1", "2", "3", "4", "5"] {
        world.send(body);
    }
    let host = world.start().await.expect("started");
    let mut calls = Vec::new();
    for _ in 0..3 {
        let call = handler.next_call().await;
        let checkpoints = call.json()["Metadata"]["PartitionContext"]["IsCheckpointingAfterInvocation"].clone();
        calls.push((events(&call), checkpoints));
    }
    let batch = |bodies: &[&str]| bodies.iter().map(|body| (*body).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        calls,
        [(batch(&["1", "2"]), json!(false)), (batch(&["3", "4"]), json!(true)), (batch(&["5"]), json!(false))]
    );
    world.until("checkpoint 3", || world.checkpoint() == Some(3)).await;
    host.stop().await;
    let host = world.start().await.expect("started");
    assert_eq!(events(&handler.next_call().await), ["5"], "what no checkpoint covers comes again");
    host.stop().await;
}

#[tokio::test]
async fn a_minimum_batch_waits_for_more_or_for_its_time() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &hub_options(&json!({"minEventBatchSize": 3, "maxWaitTime": "00:05:00"})));
    world.function("Ingest", &trigger("orders"), &Value::Null);
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    world.send("1");
    world.send("2");
    world.clock.advance(Duration::from_secs(30));
    tokio::task::yield_now().await;
    assert!(handler.has_no_call());
    world.send("3");
    assert_eq!(events(&handler.next_call().await), ["1", "2", "3"]);
    world.send("4");
    assert_eq!(events(&step_until_called(&world, &mut handler, Duration::from_secs(60)).await), ["4"]);
    host.stop().await;
}

#[tokio::test]
async fn the_first_start_is_where_the_options_say() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.send("before");
    let time = time::format_description::well_known::Rfc3339;
    world.clock.advance(Duration::from_secs(3600));
    let between = world.clock.now().format(&time).expect("a time");
    world.clock.advance(Duration::from_secs(3600));
    world.send("after");
    let options = json!({"initialOffsetOptions": {"type": "fromEnqueuedTime", "enqueuedTimeUtc": between}});
    world.with_handler(&handler, &hub_options(&options));
    world.function("Ingest", &trigger("orders"), &Value::Null);
    let host = world.start().await.expect("started");
    assert_eq!(events(&handler.next_call().await), ["after"]);
    world.until("checkpoint 1", || world.checkpoint() == Some(1)).await;
    host.stop().await;

    let other = World::new().await;
    other.send("before");
    other.with_handler(&handler, &hub_options(&json!({"initialOffsetOptions": {"type": "fromEnd"}})));
    other.function("Ingest", &trigger("orders"), &Value::Null);
    let host = other.start().await.expect("started");
    host.ready().await.expect("ready");
    let owner = "shop.servicebus.windows.net/orders/site/ownership/0";
    let blobs = other.services.blobs.clone();
    other.until("an owner", || blobs.get("azure-webjobs-eventhub", owner).ok().flatten().is_some()).await;
    let mut bodies = Vec::new();
    other
        .until("an event that came after the start", || {
            other.send("after");
            bodies.extend(handler.calls().iter().flat_map(events));
            !bodies.is_empty()
        })
        .await;
    assert!(bodies.iter().all(|body| body == "after"), "{bodies:?}");
    host.stop().await;
}

#[tokio::test]
async fn retries_that_run_out_move_the_checkpoint_and_an_unlimited_policy_holds_its_partition_only() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    let twice = json!({"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:10"});
    world.function("Ingest", &trigger("orders"), &twice);
    handler.will_answer(&[BROKEN, BROKEN, BROKEN]);
    world.send("lost");
    let host = world.start().await.expect("started");
    let mut counts = Vec::new();
    for _ in 0..3 {
        let call = step_until_called(&world, &mut handler, Duration::from_secs(11)).await;
        assert_eq!(call.json()["Metadata"]["RetryContext"]["MaxRetryCount"], 2);
        counts.push(call.json()["Metadata"]["RetryContext"]["RetryCount"].clone());
    }
    assert_eq!(counts, [0, 1, 2]);
    world.until("checkpoint 0", || world.checkpoint() == Some(0)).await;
    host.stop().await;

    world.function(
        "Ingest",
        &trigger("clicks"),
        &json!({"strategy": "exponentialBackoff", "maxRetryCount": -1,
        "minimumInterval": "01:00:00", "maximumInterval": "02:00:00"}),
    );
    handler.will_answer(&[BROKEN, OK]);
    let host = world.start().await.expect("started");
    world.send_to("clicks", 0, "held");
    assert_eq!(events(&handler.next_call().await), ["held"]);
    world.send_to("clicks", 0, "behind");
    world.send_to("clicks", 1, "free");
    assert_eq!(events(&handler.next_call().await), ["free"]);
    let again = step_until_called(&world, &mut handler, Duration::from_secs(600)).await;
    assert_eq!(
        (events(&again), &again.json()["Metadata"]["RetryContext"]["RetryCount"]),
        (vec!["held".to_owned()], &json!(1))
    );
    assert_eq!(events(&handler.next_call().await), ["behind"]);
    host.stop().await;
}

#[tokio::test]
async fn a_change_feed_call_has_at_most_so_many_items() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function(
        "OnProduct",
        &json!([{"type": "cosmosDBTrigger", "name": "docs", "connection": "Cosmos",
        "databaseName": "catalog", "containerName": "products", "maxItemsPerInvocation": 2,
        "startFromBeginning": true, "feedPollDelay": 20}]),
        &Value::Null,
    );
    for id in 0..9 {
        world.put_product(&id.to_string()).await;
    }
    let host = world.start().await.expect("started");
    let mut sizes = Vec::new();
    while sizes.iter().sum::<usize>() < 9 {
        let call = handler.next_call().await.json();
        let array: String = serde_json::from_str(call["Data"]["docs"].as_str().expect("a string")).expect("a string");
        sizes.push(serde_json::from_str::<Vec<Value>>(&array).expect("an array").len());
    }
    assert_eq!(sizes.iter().max(), Some(&2), "{sizes:?}");
    host.stop().await;
}

#[tokio::test]
async fn a_timer_may_run_on_start_up_and_a_frequent_one_keeps_no_status() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function(
        "Often",
        &json!([{"type": "timerTrigger", "name": "tick", "schedule": "*/30 * * * * *", "runOnStartup": true}]),
        &Value::Null,
    );
    let host = world.start().await.expect("started");
    let first = handler.next_call().await.json();
    assert_eq!(
        (&first["Data"]["tick"]["ScheduleStatus"], &first["Data"]["tick"]["IsPastDue"]),
        (&Value::Null, &json!(false))
    );
    // Let the run end, so that the step finds the timer waiting.
    assert!(host.fire_timer("Often").await.expect("a timer"));
    handler.next_call().await;
    // However many are passed over in a step, one comes.
    world.clock.advance(Duration::from_secs(3 * 3600 + 31));
    handler.next_call().await;
    assert!(host.fire_timer("Often").await.expect("a timer"));
    assert_eq!(handler.calls().len(), 1, "only the run by hand followed");
    let status = "timers/test/Host.Functions.Often/status";
    assert!(world.services.blobs.get("azure-webjobs-hosts", status).expect("read").is_none());
    host.stop().await;
}

/// What the real host says of a listener without the roles it needs.
#[tokio::test]
async fn a_listener_starts_only_with_the_roles_it_needs() {
    let mut world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Ingest", &trigger("orders"), &Value::Null);
    world.function(
        "Tick",
        &json!([{"type": "timerTrigger", "name": "tick", "schedule": "0 0 0 1 1 *", "runOnStartup": true}]),
        &Value::Null,
    );
    world.send("one");
    world.act_with(&["Storage Blob Data Owner"]).await;
    let host = world.start().await.expect("started");
    assert_eq!(handler.next_call().await.path_and_query, "/Tick");
    world.clock.advance(Duration::from_secs(61));
    host.stop().await;
    assert!(handler.has_no_call());
    assert_eq!(world.checkpoint(), None);

    world.act_with(&["Storage Blob Data Owner", "Azure Event Hubs Data Receiver"]).await;
    let host = world.start().await.expect("started");
    let mut called = [handler.next_call().await.path_and_query, handler.next_call().await.path_and_query];
    called.sort();
    assert_eq!(called, ["/Ingest", "/Tick"]);
    host.stop().await;
}

/// A blob trigger works through a queue of the host's own, and keys are kept in a container.
#[tokio::test]
async fn the_hosts_own_queue_and_container_need_roles_too() {
    let mut world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function(
        "OnBlob",
        &json!([{"type": "blobTrigger", "name": "blob", "path": "incoming/{name}"}]),
        &Value::Null,
    );
    world.services.blobs.create_container("incoming").expect("created");
    world.services.blobs.put("incoming", "a", "x".into(), Default::default()).expect("stored");
    world.act_with(&["Storage Blob Data Owner"]).await;
    let host = world.start().await.expect("started");
    let noted = || world.services.queues.count("azure-webjobs-blobtrigger-test").unwrap_or_default();
    world.until("the note", || noted() == 1).await;
    host.stop().await;
    assert!(handler.has_no_call());

    world.act_with(&["Storage Blob Data Owner", "Storage Queue Data Contributor"]).await;
    let host = world.start().await.expect("started");
    assert_eq!(handler.next_call().await.path_and_query, "/OnBlob");
    host.stop().await;

    world.enforce_keys = true;
    world.act_with(&["Storage Blob Data Reader", "Storage Queue Data Contributor"]).await;
    let error = world.start().await.err().expect("refused").to_string();
    assert!(error.contains("403") && error.contains("storage/blobs/azure-webjobs-secrets"), "{error}");
}
