//! From clicks to "viewed together" and "for you": through hub, capture, sessions and the timer to the site.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Inside, eventually};

const ANNE: &str = "visitor-anne";
const BILL: &str = "visitor-bill";
const CARA: &str = "visitor-cara";

impl Inside {
    async fn clicks(&self, visitor: &str, products: &[&str]) {
        let click =
            |product: &&str| json!({ "productId": product, "visitorId": visitor, "sessionId": "one", "consent": true });
        let clicks: Vec<Value> = products.iter().map(click).collect();
        let url = format!("{}/api/clicks", self.stack.endpoints().functions);
        let answer = self.http.post(url).json(&clicks).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }

    /// Waits until so many clicks have been handled, closes the capture window, and waits for the reports of all that was captured.
    async fn capture(&self, clicks: i64) {
        self.handles("clicks", "recently-viewed", clicks).await;
        self.step(Duration::from_secs(301));
        eventually("reports on every click", || async {
            let names = self.blobs("reports", "clicks/");
            let reported: i64 =
                names.iter().map(|name| self.json_blob("reports", name).0["records"].as_i64().expect("a count")).sum();
            if reported == clicks { Ok(()) } else { Err(format!("{reported} of {clicks} in {names:?}")) }
        })
        .await;
    }

    async fn recommend(&self) {
        let host = self.stack.host().expect("a host");
        assert!(host.fire_timer("Recommendations").await.expect("a timer"), "the run succeeds");
    }

    /// The recommended products, the first first.
    async fn recommended(&self, of: &str) -> Vec<String> {
        let url = format!("{}/api/site/{of}/recommendations", self.stack.endpoints().functions);
        let list: Value = self.http.get(url).send().await.expect("an answer").json().await.expect("JSON");
        let items = list["items"].as_array().unwrap_or_else(|| panic!("no items: {list}"));
        items.iter().map(|item| item["productId"].as_str().expect("an id").to_owned()).collect()
    }

    /// Every list as Cosmos DB keeps it, ETags included.
    async fn lists(&self) -> Vec<Option<Value>> {
        let mut lists = Vec::new();
        for id in ["rope", "boots", "tent", "stove"].map(|product| format!("product|{product}")) {
            lists.push(self.document("recommendations", &id, &id).await);
        }
        for id in [ANNE, BILL, CARA].map(|visitor| format!("visitor|{visitor}")) {
            lists.push(self.document("recommendations", &id, &id).await);
        }
        lists
    }

    /// Event Grid tells once more that this captured file was created.
    async fn captured_again(&self, report: &Value) {
        let path = report["file"]["path"].as_str().expect("a path");
        let again = json!({
            "specversion": "1.0", "type": "Microsoft.Storage.BlobCreated", "id": "again", "source": "/again",
            "subject": format!("/blobServices/default/containers/capture/blobs/{path}"),
            "data": { "api": "PutBlob", "eTag": report["file"]["etag"], "contentLength": report["file"]["length"] },
        });
        let url = format!("{}/runtime/webhooks/eventgrid?functionName=CaptureBatch", self.stack.endpoints().functions);
        let answer =
            self.http.post(url).header("aeg-event-type", "Notification").json(&again).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }
}

/// Sessions that go on in the next captured file are one; repeats at every door change nothing; what is discontinued leaves.
#[tokio::test]
async fn what_is_viewed_together_is_recommended_until_it_is_discontinued() {
    let shop = Inside::start().await;
    let product = json!({"name": "Thing", "category": "Climbing", "price": {"amount": "1.00", "currency": "USD"}});
    for id in ["rope", "boots", "tent", "stove"] {
        shop.put(id, &product).await;
    }
    shop.comes_to_rest(4).await;
    shop.clicks(ANNE, &["rope", "rope", "boots", "tent"]).await;
    shop.clicks(BILL, &["rope", "boots"]).await;
    shop.clicks(CARA, &["rope", "stove"]).await;
    shop.capture(8).await;
    shop.recommend().await;
    assert_eq!(shop.recommended("products/rope").await, ["boots", "stove", "tent"]);
    assert_eq!(shop.recommended("products/boots").await, ["tent", "rope"], "the way forward counts more");
    assert_eq!(shop.recommended(&format!("visitors/{CARA}")).await, ["boots", "tent"]);
    assert_eq!(shop.recommended("products/unknown").await, [""; 0]);

    let before = shop.lists().await;
    shop.recommend().await;
    for name in shop.blobs("reports", "clicks/") {
        let (report, _) = shop.json_blob("reports", &name);
        // As if the first delivery had died before its last step.
        shop.stack.blobs().delete("reports", &name, None).expect("deleted");
        shop.captured_again(&report).await;
        assert_eq!(shop.json_blob("reports", &name).0, report);
    }
    shop.recommend().await;
    assert_eq!(shop.lists().await, before, "not one document was written again");

    shop.clicks(CARA, &["tent"]).await;
    shop.capture(9).await;
    shop.recommend().await;
    assert_eq!(shop.recommended("products/stove").await, ["tent", "rope"], "the session went on in another file");
    assert_eq!(shop.recommended(&format!("visitors/{CARA}")).await, ["boots"]);

    for gone in ["boots", "stove"] {
        let url = format!("{}/api/products/{gone}", shop.stack.endpoints().functions);
        assert!(shop.http.delete(url).send().await.expect("an answer").status().is_success());
    }
    shop.comes_to_rest(6).await;
    shop.recommend().await;
    for of in ["products/rope", "products/tent", "visitors/visitor-cara", "visitors/visitor-bill"] {
        let recommended = shop.recommended(of).await;
        assert!(!recommended.iter().any(|id| ["boots", "stove"].contains(&id.as_str())), "{of}: {recommended:?}");
    }
    shop.stop().await;
}
