//! Failures on demand and regions, as the official client takes them.

use super::*;

#[tokio::test]
async fn reads_queries_and_writes_are_throttled_on_demand_and_the_client_tries_again() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let items = items(&cosmos).await;
    upsert(&items, "a", "p", 1).await;
    let levers = cosmos.levers();
    let twice = |operations: &[OperationKind]| Fault {
        count: 2,
        retry_after_ms: Some(1),
        container: Some("items".to_owned()),
        operations: operations.to_vec(),
        ..Fault::default()
    };
    levers.fail_next(twice(&[OperationKind::Read])).unwrap();
    upsert(&items, "a", "p", 2).await;
    assert_eq!(levers.pending(), 2, "a write is no read");
    assert_eq!(number(&items, "a", "p").await, 2);
    assert_eq!(levers.pending(), 0);
    levers.fail_next(twice(&[OperationKind::Query, OperationKind::Write])).unwrap();
    let query = items.query_items::<i64>("SELECT VALUE c.n FROM c", FeedScope::partition("p"), None).await.unwrap();
    assert_eq!(query.map(Result::unwrap).collect::<Vec<_>>().await, [2]);
    assert_eq!(levers.pending(), 0);

    levers.fail_next(Fault { status: 400, substatus: None, ..twice(&[]) }).unwrap();
    let failed = items.read_item("p", "a", None).await.unwrap_err();
    assert_eq!(u16::from(failed.status().status_code()), 400);
    levers.clear();
    levers.fail_next(Fault { container: Some("other".to_owned()), ..Fault::default() }).unwrap();
    assert_eq!(number(&items, "a", "p").await, 2);
    assert_eq!(levers.pending(), 1);
    assert_eq!(levers.fail_next(Fault { status: 200, ..Fault::default() }), Err(LeverError::Status(200)));
    levers.clear();

    // The answer is lost, the write is not.
    levers.fail_next(Fault { status: 503, substatus: None, after_commit: true, ..Fault::default() }).unwrap();
    drop(items.create_item("p", "b", item("b", "p", 7), None).await);
    assert_eq!(number(&items, "b", "p").await, 7);
}

#[tokio::test]
async fn a_budget_of_throughput_delays_reads_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let items = items(&cosmos).await;
    upsert(&items, "a", "p", 1).await;
    cosmos.levers().limit_throughput("shop", "items", Some(20));
    let began = std::time::Instant::now();
    for _ in 0..30 {
        assert_eq!(number(&items, "a", "p").await, 1);
    }
    // A read costs one unit.
    assert!(began.elapsed() >= std::time::Duration::from_millis(900), "{:?}", began.elapsed());
    cosmos.levers().limit_throughput("shop", "items", None);
}

/// An account with two regions.
async fn two_regions(storage: &Storage) -> Cosmos {
    let mut topology = topology();
    topology.regions = vec!["East US".to_owned(), "West US".to_owned()];
    let mut ports = Vec::new();
    for _ in 0..3 {
        ports.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let listeners = Listeners::new(ports.remove(0), ports);
    let identity = Identity::sample().await;
    Cosmos::start(&topology, &identity, listeners, storage, &Clock::default(), &|_| {}).await.unwrap()
}

/// A client that knows both.
async fn travelling(cosmos: &Cosmos) -> ContainerClient {
    let account =
        AccountReference::with_authentication_key(cosmos.endpoint().parse().unwrap(), cosmos.key().to_owned());
    let preferred = RoutingStrategy::PreferredRegions(vec!["East US".into(), "West US".into()]);
    let client = CosmosClientBuilder::new().build(account, preferred).await.unwrap();
    client.database_client("shop").container_client("items", None).await.unwrap()
}

#[tokio::test]
async fn the_client_writes_on_while_a_region_goes_away_and_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = two_regions(&store).await;
    let levers = cosmos.levers();
    let items = travelling(&cosmos).await;
    for n in 0..40 {
        match n {
            10 => levers.take_offline("East US").unwrap(),
            30 => levers.bring_online("East US").unwrap(),
            _ => {}
        }
        upsert(&items, &format!("i{n}"), "p", n).await;
        assert_eq!(number(&items, &format!("i{n}"), "p").await, n);
    }
    // Back, but to read from. A client that has just seen an outage asks for the regions again only after a while, so
    // the next one is for another.
    levers.take_offline("West US").unwrap();
    assert!(levers.take_offline("East US").is_err(), "the last one");
    let items = travelling(&cosmos).await;
    upsert(&items, "i40", "p", 40).await;
    let regions = levers.regions();
    assert!(regions[0].writable && regions[0].online && !regions[1].online, "{regions:?}");
    drop(cosmos);
    assert_eq!(ids(&two_regions(&store).await).await.len(), 41, "stored once, whatever the region");
}
