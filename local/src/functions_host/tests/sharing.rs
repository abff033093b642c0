//! Two hosts of one app: they share what there is to do, and one takes over what the other leaves behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::support::{Call, FakeHandler, PATIENCE, World};

/// What a silent owner keeps before others take it.
const EXPIRED: Duration = Duration::from_secs(61);
/// What makes every loop come round.
const A_TURN: Duration = Duration::from_secs(18);

fn clicks() -> Value {
    json!([{"type": "eventHubTrigger", "name": "events", "direction": "in", "eventHubName": "clicks",
        "consumerGroup": "site", "connection": "EventHubs", "cardinality": "many", "dataType": "string"}])
}

/// Bodies of a call, and the partition they came from.
fn batch(call: &Call) -> (String, Vec<String>) {
    let call = call.json();
    let partition = call["Metadata"]["PartitionContext"]["PartitionId"].as_str().expect("a partition").to_owned();
    (partition, serde_json::from_str(call["Data"]["events"].as_str().expect("a string")).expect("an array"))
}

/// How many partitions of `clicks` each owner has; the empty one is nobody.
fn owners(world: &World) -> BTreeMap<String, usize> {
    let prefix = "shop.servicebus.windows.net/clicks/site/ownership/";
    let blobs = world.services.blobs.list("azure-webjobs-eventhub", prefix).unwrap_or_default();
    let mut owners = BTreeMap::new();
    for (_, blob) in blobs {
        *owners.entry(blob.metadata["ownerid"].clone()).or_default() += 1;
    }
    owners
}

fn shares(world: &World) -> Vec<usize> {
    owners(world).into_values().collect()
}

/// Steps the clock until `handler` is called.
async fn next_call(world: &World, handler: &mut FakeHandler, step: Duration) -> Call {
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
async fn two_hosts_share_partitions_and_one_takes_over_from_the_dead() {
    let mut world = World::new().await;
    let (mut first_handler, mut second_handler) = (FakeHandler::start().await, FakeHandler::start().await);
    world.with_handler(&first_handler, &Value::Null);
    world.function("Ingest", &clicks(), &Value::Null);
    let first = world.start().await.expect("started");
    world.until("one host with everything", || shares(&world) == [4]).await;

    let _first_app = world.next_instance();
    world.with_handler(&second_handler, &Value::Null);
    world.function("Ingest", &clicks(), &Value::Null);
    let second = world.start().await.expect("started");
    world.until("two hosts with two each", || shares(&world) == [2, 2]).await;

    // In the stable state a partition is one host's, and nothing is handled twice.
    let mut seen = BTreeMap::<String, BTreeSet<String>>::new();
    for round in 0..3 {
        for partition in 0..4 {
            world.send_to("clicks", partition, &format!("{partition}-{round}"));
        }
    }
    let mut bodies = Vec::new();
    let collect = async {
        while bodies.len() < 12 {
            let (host, call) = tokio::select! {
                call = first_handler.next_call() => ("first", call),
                call = second_handler.next_call() => ("second", call),
            };
            let (partition, events) = batch(&call);
            seen.entry(partition).or_default().insert(host.to_owned());
            bodies.extend(events);
        }
    };
    tokio::time::timeout(PATIENCE, collect).await.expect("all events");
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 12, "{bodies:?}");
    assert!(seen.values().all(|hosts| hosts.len() == 1), "{seen:?}");

    // A crash: nothing is given back, so the partitions stay the dead one's until they expire.
    drop(second);
    for partition in 0..4 {
        world.send_to("clicks", partition, &format!("late-{partition}"));
    }
    let mut late = BTreeSet::new();
    while late.len() < 4 {
        let call = next_call(&world, &mut first_handler, EXPIRED / 4).await;
        late.extend(batch(&call).1.into_iter().filter(|body| body.starts_with("late")));
    }
    assert_eq!(shares(&world), [4]);
    first.stop().await;
    assert_eq!(owners(&world), BTreeMap::from([(String::new(), 4)]), "an orderly stop gives everything back");
}

#[tokio::test]
async fn a_reader_with_a_higher_epoch_displaces_the_host_until_it_leaves() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Ingest", &clicks(), &Value::Null);
    let host = world.start().await.expect("started");
    world.send_to("clicks", 0, "before");
    assert_eq!(batch(&handler.next_call().await), ("0".to_owned(), vec!["before".to_owned()]));

    // What is in flight when the partition is lost comes again, so it has to be acknowledged first.
    let checkpoint = "shop.servicebus.windows.net/clicks/site/checkpoint/0";
    let blobs = world.services.blobs.clone();
    world.until("a checkpoint", || blobs.get("azure-webjobs-eventhub", checkpoint).expect("read").is_some()).await;

    let hub = world.services.event_hubs.hub("clicks").expect("the hub");
    let displaced = CancellationToken::new();
    let receiver = hub.receive_with_epoch("site", &hub.partitions()[0], 1, displaced.clone()).expect("the partition");
    world.send_to("clicks", 0, "kept");
    world.send_to("clicks", 1, "elsewhere");
    assert_eq!(batch(&handler.next_call().await), ("1".to_owned(), vec!["elsewhere".to_owned()]));
    world.clock.advance(A_TURN);
    assert!(!displaced.is_cancelled() && handler.has_no_call());
    drop(receiver);
    let call = next_call(&world, &mut handler, A_TURN).await;
    assert_eq!(batch(&call), ("0".to_owned(), vec!["kept".to_owned()]));
    host.stop().await;
}

#[tokio::test]
async fn a_host_that_starts_again_as_the_same_instance_goes_on_at_once() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Ingest", &clicks(), &Value::Null);
    let crashed = world.start().await.expect("started");
    world.until("one host with everything", || shares(&world) == [4]).await;
    drop(crashed);
    world.send_to("clicks", 3, "next");
    let host = world.start().await.expect("started");
    assert_eq!(batch(&handler.next_call().await).1, ["next"]);
    host.stop().await;
}

#[tokio::test]
async fn a_lease_of_the_change_feed_has_one_owner_and_outlives_it_for_a_minute() {
    let feed = json!([{"type": "cosmosDBTrigger", "name": "docs", "direction": "in", "connection": "Cosmos",
        "databaseName": "catalog", "containerName": "products", "leaseContainerName": "leases",
        "startFromBeginning": true, "feedPollDelay": 20}]);
    let mut world = World::new().await;
    let (mut first_handler, mut second_handler) = (FakeHandler::start().await, FakeHandler::start().await);
    world.with_handler(&first_handler, &Value::Null);
    world.function("OnProduct", &feed, &Value::Null);
    let first = world.start().await.expect("started");
    world.put_product("a").await;
    first_handler.next_call().await;

    let _first_app = world.next_instance();
    world.with_handler(&second_handler, &Value::Null);
    world.function("OnProduct", &feed, &Value::Null);
    let second = world.start().await.expect("started");
    second.ready().await.expect("ready");
    assert!(second.rewind_feed("OnProduct", 0).await.is_err(), "the lease is the first host's");
    world.put_product("b").await;
    first_handler.next_call().await;

    drop(first);
    world.put_product("c").await;
    // What was in flight at the first may come before.
    while !String::from_utf8_lossy(&next_call(&world, &mut second_handler, A_TURN).await.body).contains("\"c") {}
    second.stop().await;
    assert!(first_handler.has_no_call());
}

#[tokio::test]
async fn a_timer_runs_on_one_host_and_moves_to_the_other() {
    let hourly = json!([{"type": "timerTrigger", "name": "tick", "schedule": "0 0 * * * *"}]);
    let mut world = World::new().await;
    let (mut first_handler, mut second_handler) = (FakeHandler::start().await, FakeHandler::start().await);
    world.with_handler(&first_handler, &Value::Null);
    world.function("Tick", &hourly, &Value::Null);
    let first = world.start().await.expect("started");
    let status = "timers/test/Host.Functions.Tick/status";
    let blobs = world.services.blobs.clone();
    world.until("a status", || blobs.get("azure-webjobs-hosts", status).expect("read").is_some()).await;

    let _first_app = world.next_instance();
    world.with_handler(&second_handler, &Value::Null);
    world.function("Tick", &hourly, &Value::Null);
    let second = world.start().await.expect("started");
    first.ready().await.expect("ready");
    // By hand it runs anywhere.
    assert!(second.fire_timer("Tick").await.expect("a timer"));
    second_handler.next_call().await;
    for _ in 0..6 {
        // Small steps, as a lease that nobody had time to renew is anyone's.
        world.clock.advance(A_TURN);
        crate::clock::pause(Duration::from_millis(20)).await;
    }
    first_handler.calls();
    assert!(second_handler.has_no_call());

    drop(first);
    let call = next_call(&world, &mut second_handler, Duration::from_secs(1200)).await;
    assert_eq!(call.path_and_query, "/Tick");
    second.stop().await;
    let third = world.start().await.expect("started");
    let call = next_call(&world, &mut second_handler, Duration::from_secs(1200)).await;
    assert_eq!(call.path_and_query, "/Tick");
    third.stop().await;
}
