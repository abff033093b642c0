//! The control port of a running shop: what its levers do to the app.

use serde_json::{Value, json};

use crate::support::{Inside, eventually};

impl Inside {
    async fn pull(&self, lever: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{lever}", self.stack.endpoints().control);
        let answer = self.http.post(url).json(body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

/// Feed and hub are delivered again while the app runs: no event, no document, no id is new.
#[tokio::test]
async fn events_that_come_again_by_lever_change_nothing() {
    let shop = Inside::start().await;
    for id in ["a", "b", "c"] {
        let body = json!({"name": "Rope", "category": "Ropes", "price": {"amount": "1.00", "currency": "USD"}});
        shop.put(id, &body).await;
    }
    shop.comes_to_rest(3).await;
    let stored = async || {
        let mut documents = Vec::new();
        for id in ["a", "b", "c"] {
            documents.push(shop.document("products", id, id).await.expect("projected"));
        }
        documents
    };
    let before = stored().await;
    let told = eventually("three events at the partner", || async {
        let told = shop.partner().await;
        if told.len() == 3 { Ok(told) } else { Err(format!("{told:?}")) }
    })
    .await;

    for (function, streams) in [("ProductChanges", 1), ("ProductProjection", 4), ("PartnerNotifications", 4)] {
        let (status, said) = shop.pull(&format!("/functions/{function}/redeliver"), &json!({})).await;
        assert_eq!(status, 200, "{function}: {said}");
        assert_eq!(said["partitions"].as_array().expect("a list").len(), streams, "{function}: {said}");
    }
    eventually("a second delivery of every event to the partner", || async {
        let again = shop.partner().await;
        let ids = |events: &[(String, i64)]| events.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&again), ids(&told), "no new id");
        if again.iter().all(|(_, deliveries)| *deliveries >= 2) { Ok(()) } else { Err(format!("{again:?}")) }
    })
    .await;
    shop.feed_is_read().await;
    shop.comes_to_rest(3).await;
    assert_eq!(stored().await, before, "not one document was written again");

    let (status, said) = shop.pull("/functions/ProductProjection/redeliver", &json!({"partition": "9"})).await;
    assert_eq!(status, 404, "{said}");
    assert!(said["detail"].as_str().expect("a reason").contains("partition 9"), "{said}");
    shop.stop().await;
}

/// One event of one partition comes again, and a timer runs out of turn, by the clock that was stepped.
#[tokio::test]
async fn a_position_is_chosen_and_a_timer_is_fired() {
    let shop = Inside::start().await;
    let rope =
        |price: &str| json!({"name": "Rope", "category": "Ropes", "price": {"amount": price, "currency": "USD"}});
    shop.put("a", &rope("1.00")).await;
    shop.comes_to_rest(1).await;
    shop.put("a", &rope("2.00")).await;
    shop.comes_to_rest(2).await;
    let twice = eventually("two events at the partner", || async {
        let told = shop.partner().await;
        if told.len() == 2 { Ok(told) } else { Err(format!("{told:?}")) }
    })
    .await;
    let hub = shop.stack.event_hubs().hub("products").expect("the hub");
    let partition = hub.partitions().iter().find(|partition| !partition.state().is_empty()).expect("one has both");
    let position = json!({"partition": partition.id(), "from": 1});
    let (status, said) = shop.pull("/functions/PartnerNotifications/redeliver", &position).await;
    assert_eq!((status, &said["partitions"]), (200, &json!([position])));
    eventually("the second event again, and not the first", || async {
        let again = shop.partner().await;
        let more = again.iter().zip(&twice).filter(|(now, then)| now.1 > then.1).count();
        if more == 1 { Ok(()) } else { Err(format!("{again:?}")) }
    })
    .await;

    let (status, said) = shop.pull("/clock/advance", &json!({"seconds": 3600})).await;
    assert_eq!(status, 200, "{said}");
    let (status, said) = shop.pull("/functions/Heartbeat/fire", &json!({})).await;
    assert_eq!((status, said), (200, json!({"succeeded": true})));
    assert!(shop.document("health", "current", "current").await.is_some(), "the heartbeat wrote");
    assert_eq!(shop.pull("/functions/Products/fire", &json!({})).await.0, 404, "no timer");
    shop.stop().await;
}

/// The handler's clients meet failing services in the middle of the flow; the flow arrives all the same, once.
#[tokio::test]
async fn the_flow_survives_failing_services() {
    let shop = Inside::start().await;
    for fault in [
        json!({"service": "cosmos", "times": 4, "status": 429, "retryAfterSeconds": 0.01, "pathPrefix": "/dbs/site/"}),
        json!({"service": "cosmos", "times": 2, "status": 503, "pathPrefix": "/dbs/catalog/colls/published/"}),
        json!({"service": "eventGrid", "times": 2, "status": 503}),
        json!({"service": "eventGrid", "close": "after"}),
        json!({"service": "schemaRegistry", "times": 2, "status": 503}),
    ] {
        let (status, said) = shop.pull("/faults", &fault).await;
        assert_eq!(status, 201, "{said}");
    }
    for id in ["a", "b"] {
        let body = json!({"name": "Rope", "category": "Ropes", "price": {"amount": "1.00", "currency": "USD"}});
        shop.put(id, &body).await;
    }
    shop.comes_to_rest(2).await;
    for id in ["a", "b"] {
        assert!(shop.document("products", id, id).await.is_some(), "{id} is projected");
    }
    eventually("both events at the partner", || async {
        let told = shop.partner().await;
        if told.len() == 2 { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    shop.stop().await;
}
