//! Everything delivered a second time: nothing happens twice in effect.

use std::time::Duration;

use serde_json::json;

use crate::support::{Inside, eventually};

fn product(name: &str, price: &str) -> serde_json::Value {
    json!({"name": name, "category": "Climbing", "price": {"amount": price, "currency": "USD"}})
}

/// Checkpoints and leases are lost, so feed and hub are read from the beginning: `ProductChanges` sends nothing,
/// `ProductProjection` writes nothing, and what `PartnerNotifications` repeats has the ids the partner knows.
#[tokio::test]
async fn a_rewind_of_feed_and_hub_changes_nothing() {
    let shop = Inside::start().await;
    for id in ["a", "b", "c"] {
        shop.put(id, &product("Rope", "1.00")).await;
    }
    shop.comes_to_rest(3).await;
    shop.put("a", &json!({"name": "Rope", "category": "Ropes", "price": {"amount": "2.00", "currency": "USD"}})).await;
    shop.comes_to_rest(4).await;
    let stored = async || {
        let mut documents = Vec::new();
        for (container, key, id) in [
            ("products", "a", "a"),
            ("products", "b", "b"),
            ("listings", "Ropes", "a"),
            ("listings", "Climbing", "a"),
            ("listings", "Climbing", "b"),
        ] {
            documents.push(shop.document(container, key, id).await);
        }
        documents
    };
    let before = stored().await;
    assert_eq!(before[2].as_ref().expect("the row moved")["entry"]["price"]["amount"], "2.00", "{before:?}");
    let told = eventually("four events at the partner", || async {
        let told = shop.partner().await;
        if told.len() == 4 { Ok(told) } else { Err(format!("{told:?}")) }
    })
    .await;

    // What is announced and not yet noted as such would be announced again.
    shop.feed_is_read().await;
    shop.stack.stop_app().await;
    shop.rewind().await;
    shop.run_app().await;
    shop.feed_is_read().await;
    shop.comes_to_rest(4).await;
    eventually("a second delivery of every event to the partner", || async {
        let again = shop.partner().await;
        let ids = |events: &[(String, i64)]| events.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&again), ids(&told), "no new id");
        if again.iter().all(|(_, deliveries)| *deliveries >= 2) { Ok(()) } else { Err(format!("{again:?}")) }
    })
    .await;
    assert_eq!(stored().await, before, "not one document was written again");
    shop.stop().await;
}

/// Capture closes its window, the report counts what the hub took; a second delivery of the same file changes nothing.
#[tokio::test]
async fn a_captured_file_is_reported_once() {
    let shop = Inside::start().await;
    for number in 0..6 {
        shop.put(&format!("p{number}"), &product("Rope", "1.00")).await;
    }
    shop.comes_to_rest(6).await;
    shop.step(Duration::from_secs(301));
    let hub = shop.stack.event_hubs().hub("products").expect("the hub");
    let used: Vec<_> = hub.partitions().iter().filter(|partition| !partition.state().is_empty()).collect();
    let names = shop.blobs_appear("reports", "products/", used.len()).await;
    let reports: Vec<_> = names.iter().map(|name| shop.json_blob("reports", name)).collect();
    let counted: i64 = reports
        .iter()
        .map(|(report, _)| report["events"]["com.contoso.product.changed.v1"].as_i64().expect("a count"))
        .sum();
    assert_eq!(counted, 6, "{reports:?}");
    for (report, _) in &reports {
        let partition = hub.partition(report["partition"].as_str().expect("a partition")).expect("it exists");
        assert_eq!(report["first"]["sequence"], 0, "{report}");
        assert_eq!(report["last"]["sequence"], partition.state().last_sequence, "{report}");
        assert_eq!(report["parked"], 0, "{report}");
    }

    let (report, etag) = &reports[0];
    let path = report["file"]["path"].as_str().expect("a path");
    let again = json!({
        "specversion": "1.0", "type": "Microsoft.Storage.BlobCreated", "id": "again", "source": "/again",
        "subject": format!("/blobServices/default/containers/capture/blobs/{path}"),
        "data": {"api": "PutBlob", "eTag": report["file"]["etag"], "contentLength": report["file"]["length"],
                 "url": format!("http://127.0.0.1/devstoreaccount1/capture/{path}")},
    });
    let url = format!("{}/runtime/webhooks/eventgrid?functionName=CaptureBatch", shop.stack.endpoints().functions);
    let answer =
        shop.http.post(url).header("aeg-event-type", "Notification").json(&again).send().await.expect("an answer");
    assert_eq!(answer.status(), 202);
    assert_eq!(&shop.json_blob("reports", &names[0]).1, etag, "the report was not written again");
    shop.stop().await;
}

/// The heartbeat twice: one document, the newer one, without lag once all is handled.
#[tokio::test]
async fn a_second_heartbeat_replaces_the_first() {
    let shop = Inside::start().await;
    shop.put("a", &product("Rope", "1.00")).await;
    shop.comes_to_rest(1).await;
    let host = shop.stack.host().expect("a host");
    let health = async || {
        assert!(host.fire_timer("Heartbeat").await.expect("a timer"), "the heartbeat succeeds");
        let url = format!("{}/api/site/health", shop.stack.endpoints().functions);
        let answer = shop.http.get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.json::<serde_json::Value>().await.expect("JSON")
    };
    let first = health().await;
    let second = health().await;
    assert_eq!(second["id"], first["id"]);
    assert!(second["at"].as_str() > first["at"].as_str(), "{first} {second}");
    for hub in second["hubs"].as_array().expect("hubs") {
        assert_eq!(hub["lag"], 0, "{second}");
    }
    assert_eq!(second["feeds"][0]["lag"], 0, "{second}");
    drop(host);
    shop.stop().await;
}
