//! Throughput, and the ranges that follow from it.

use super::*;

/// The offer for the resource with this link.
async fn offer(cosmos: &Cosmos, link: &Value) -> Option<Value> {
    let query = json!({
        "query": "SELECT * FROM root WHERE root.resource=@link",
        "parameters": [{ "name": "@link", "value": link }],
    });
    let found = send(cosmos, Method::POST, "/offers", &[("x-ms-documentdb-isquery", "True")], &query).await;
    assert_eq!(found.status(), StatusCode::OK, "{found:?}");
    body(&found)["Offers"].as_array().unwrap().first().cloned()
}

#[tokio::test]
async fn throughput_is_what_was_stated_and_outlives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    let autoscale = ("x-ms-cosmos-offer-autopilot-settings", r#"{"maxThroughput":4000}"#);
    let manual = ("x-ms-offer-throughput", "25000");
    let shared = body(
        &send(&cosmos, Method::POST, "/dbs", &[("x-ms-offer-throughput", "500")], &json!({ "id": "shared" })).await,
    );
    let make = async |database: &str, name: &str, headers: &[(&'static str, &str)]| {
        let definition = json!({ "id": name, "partitionKey": { "paths": ["/pk"], "kind": "Hash", "version": 2 } });
        let made = send(&cosmos, Method::POST, &format!("/dbs/{database}/colls"), headers, &definition).await;
        assert_eq!(made.status(), StatusCode::CREATED, "{made:?}");
        let ranges = cosmos.feed_ranges(database, name).await.unwrap().len();
        (body(&made)["_self"].clone(), ranges)
    };
    let (plain, one) = make("shop", "plain", &[]).await;
    let (scaled, scaled_ranges) = make("shop", "scaled", &[autoscale]).await;
    let (large, large_ranges) = make("shop", "large", &[manual]).await;
    let (sharing, _) = make("shared", "sharing", &[]).await;
    let (own, _) = make("shared", "own", &[manual]).await;
    assert_eq!((one, scaled_ranges, large_ranges), (1, 1, 3));

    let plain_offer = offer(&cosmos, &plain).await.unwrap();
    let id = plain_offer["_rid"].as_str().unwrap().to_owned();
    assert_eq!((&plain_offer["offerVersion"], &plain_offer["content"]["offerThroughput"]), (&json!("V2"), &json!(400)));
    assert_eq!(
        (id.len(), &plain_offer["id"], plain_offer["_self"].as_str().unwrap()),
        (4, &json!(id), format!("offers/{id}/").as_str())
    );
    assert_eq!(offer(&cosmos, &scaled).await.unwrap()["content"]["offerAutopilotSettings"]["maxThroughput"], 4000);
    assert_eq!(offer(&cosmos, &shared["_self"]).await.unwrap()["content"]["offerThroughput"], 500);
    assert!(offer(&cosmos, &sharing).await.is_none() && offer(&cosmos, &own).await.is_some());

    let mut replaced = plain_offer.clone();
    replaced["content"]["offerThroughput"] = 900.into();
    let path = format!("/offers/{id}");
    assert_eq!(body(&send(&cosmos, Method::PUT, &path, &[], &replaced).await)["content"]["offerThroughput"], 900);
    replaced["content"]["offerThroughput"] = 100.into();
    assert_eq!(send(&cosmos, Method::PUT, &path, &[], &replaced).await.status(), StatusCode::BAD_REQUEST);
    let little = json!({ "id": "little", "partitionKey": { "paths": ["/pk"] } });
    let refused = send(&cosmos, Method::POST, "/dbs/shop/colls", &[("x-ms-offer-throughput", "100")], &little).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let before = [offer(&cosmos, &plain).await, offer(&cosmos, &scaled).await, offer(&cosmos, &large).await];
    drop(cosmos);

    let again = start(&store).await;
    let after = [offer(&again, &plain).await, offer(&again, &scaled).await, offer(&again, &large).await];
    assert_eq!(after, before);
    assert_eq!(body(&send(&again, Method::GET, &path, &[], &Value::Null).await)["content"]["offerThroughput"], 900);
    assert_eq!(again.feed_ranges("shop", "large").await.unwrap().len(), 3);
    assert_eq!(send(&again, Method::DELETE, "/dbs/shop/colls/plain", &[], &Value::Null).await.status(), 204);
    assert_eq!(send(&again, Method::GET, &path, &[], &Value::Null).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_increment_of_autoscale_is_kept_and_can_be_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    let settings = |maximum: u64, percent: &Value| {
        let policy = json!({ "throughputPolicy": { "incrementPercent": percent } });
        json!({ "maxThroughput": maximum, "autoUpgradePolicy": policy })
    };
    let definition = json!({ "id": "grows", "partitionKey": { "paths": ["/pk"], "kind": "Hash", "version": 2 } });
    let make = async |settings: Value| {
        let headers = [("x-ms-cosmos-offer-autopilot-settings", settings.to_string())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        send(&cosmos, Method::POST, "/dbs/shop/colls", &headers, &definition).await
    };
    assert_eq!(make(settings(4000, &json!("ten"))).await.status(), StatusCode::BAD_REQUEST);
    let made = body(&make(settings(4000, &json!(10))).await);
    let mut stated = offer(&cosmos, &made["_self"]).await.unwrap();
    assert_eq!(stated["content"]["offerAutopilotSettings"], settings(4000, &json!(10)));

    let path = format!("/offers/{}", stated["id"].as_str().unwrap());
    stated["content"]["offerAutopilotSettings"] = settings(5000, &json!(-1));
    assert_eq!(send(&cosmos, Method::PUT, &path, &[], &stated).await.status(), StatusCode::BAD_REQUEST);
    stated["content"]["offerAutopilotSettings"] = settings(5000, &json!(20));
    let replaced = body(&send(&cosmos, Method::PUT, &path, &[], &stated).await);
    assert_eq!(replaced["content"]["offerAutopilotSettings"], settings(5000, &json!(20)));
    drop(cosmos);
    let again = start(&store).await;
    assert_eq!(offer(&again, &made["_self"]).await.unwrap(), replaced);
}

#[tokio::test]
async fn ranges_are_read_like_a_change_feed() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    let path = "/dbs/shop/colls/items/pkranges";
    let feed = ("a-im", "Incremental feed");
    let first = send(&cosmos, Method::GET, path, &[feed], &Value::Null).await;
    let ranges = body(&first)["PartitionKeyRanges"].clone();
    assert_eq!(
        (&ranges[0]["id"], &ranges[0]["minInclusive"], &ranges[0]["maxExclusive"]),
        (&json!("0"), &json!(""), &json!("FF"))
    );
    let etag = header(&first, "etag").to_owned();
    drop(cosmos);
    let again = start(&store).await;
    let idle = send(&again, Method::GET, path, &[feed, ("if-none-match", &etag)], &Value::Null).await;
    assert_eq!((idle.status(), header(&idle, "etag")), (StatusCode::NOT_MODIFIED, etag.as_str()));
    let gone = [("x-ms-documentdb-partitionkeyrangeid", "7")];
    let gone = send(&again, Method::GET, DOCS, &gone, &Value::Null).await;
    assert_eq!((gone.status(), header(&gone, "x-ms-substatus")), (StatusCode::GONE, "1002"));
}
