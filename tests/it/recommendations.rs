//! From clicks to "viewed together" and "for you": through hub, capture, sessions and the timer to the site.

use std::{collections::BTreeMap, time::Duration};

use reqwest::StatusCode;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::{Inside, clicks::Sent, eventually, machine, within};

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
        let text = |member: &str| report["file"][member].as_str().expect("a text");
        let (container, path) = (text("container"), text("path"));
        let again = json!({
            "specversion": "1.0", "type": "Microsoft.Storage.BlobCreated", "id": "again", "source": "/again",
            "subject": format!("/blobServices/default/containers/{container}/blobs/{path}"),
            "data": { "api": "PutBlob", "eTag": report["file"]["etag"], "contentLength": report["file"]["length"] },
        });
        let url = format!("{}/runtime/webhooks/eventgrid?functionName=CaptureBatch", self.stack.endpoints().functions);
        let answer =
            self.http.post(url).header("aeg-event-type", "Notification").json(&again).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }
}

/// Lists by id: what they hold, and the version they have.
type Lists = BTreeMap<String, (Value, String)>;

impl Inside {
    async fn every_list(&self) -> Lists {
        let mut lists = Lists::new();
        for range in self.stack.cosmos().feed_ranges("site", "recommendations").await.expect("ranges") {
            let feed = self.stack.cosmos().change_feed("site", "recommendations", &range.id, None, 100_000).await;
            for item in feed.expect("the lists").items {
                let list: Value = serde_json::from_str(&item).expect("JSON");
                let text = |name: &str| list[name].as_str().expect("a text").to_owned();
                lists.insert(text("id"), (list["items"].clone(), text("_etag")));
            }
        }
        lists
    }

    /// Holds up each write of a list.
    async fn slow_lists(&self, millis: u64) {
        let control = &self.stack.endpoints().control;
        self.http.delete(format!("{control}/faults")).send().await.expect("an answer");
        if millis > 0 {
            let path = "/dbs/site/colls/recommendations/docs";
            let fault = json!({"service": "cosmos", "method": "POST", "pathPrefix": path, "delayMillis": millis, "times": 100_000});
            let armed = self.http.post(format!("{control}/faults")).json(&fault).send().await.expect("an answer");
            assert!(armed.status().is_success(), "{}", armed.text().await.expect("text"));
        }
    }
}

/// A shop so large that a run is cut: the next writes the rest and nothing else, and in the end it is as one whole run makes it. Runs that
/// overlap a rebuild wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_cut_goes_on_where_it_was() {
    let shop = Inside::start().await;
    shop.slow_lists(200).await;
    let now = u64::try_from(machine::now().unix_timestamp()).expect("now");
    let click = |visitor: usize, place: usize| Sent {
        id: format!("{visitor}-{place}"),
        product: format!("p-{visitor}-{place}"),
        category: None,
        visitor: format!("visitor-{visitor}"),
        at: now - 60 + u64::try_from(place).expect("seconds"),
    };
    let clicks: Vec<Sent> = (0..40).flat_map(|visitor| (0..40).map(move |place| click(visitor, place))).collect();
    shop.send(&clicks);
    shop.capture(i64::try_from(clicks.len()).expect("a count")).await;
    // By itself or now, a run writes lists; it dies among them.
    let host = shop.stack.host().expect("a host").clone();
    let cut = tokio::spawn(async move { host.fire_timer("Recommendations").await });
    let state = within(Duration::from_secs(90), "lists in the state of a run under way", || async {
        let Some(state) = shop.stack.blobs().get("co-views", "state.json").expect("blobs") else {
            return Err("none".to_owned());
        };
        let state: Value = serde_json::from_slice(&state.body).expect("JSON");
        let lists = state["lists"].as_object().map_or(0, |lists| lists.len());
        assert!(lists < clicks.len(), "too late to cut the run");
        if lists > 0 { Ok(state) } else { Err(state.to_string()) }
    })
    .await;
    shop.kill_handler().await;
    let first = shop.every_list().await;
    assert!(first.len() < clicks.len());
    shop.slow_lists(0).await;
    // The host may give it to the next handler; that the claim of the dead one holds for a while, makes no run fail.
    _ = cut.await.expect("no panic");
    shop.recommend().await;
    let second = shop.every_list().await;
    assert_eq!(second.keys().filter(|id| id.starts_with("product|")).count(), clicks.len());
    for product in state["lists"].as_object().expect("lists").keys() {
        let id = format!("product|{product}");
        assert_eq!(second[&id], first[&id], "{id} was not written again");
    }

    // Made whole at once, while the timer fires.
    shop.slow_lists(20).await;
    let host = shop.stack.host().expect("a host").clone();
    let rebuilding = shop.rebuilt(&["Recommendations", "--clear"]);
    let firing = async {
        let mut fired = 0;
        eventually("a run while the rebuild holds the claim", || async {
            let claim = shop.stack.blobs().get("co-views", "claim.json").expect("blobs");
            let claim: Value = claim.map_or(Value::Null, |claim| serde_json::from_slice(&claim.body).expect("JSON"));
            let until = claim["until"].as_str().and_then(|until| OffsetDateTime::parse(until, &Rfc3339).ok());
            if until.is_some_and(|until| until > machine::now()) { Ok(()) } else { Err(claim.to_string()) }
        })
        .await;
        for _ in 0..2 {
            assert!(host.fire_timer("Recommendations").await.expect("a timer"), "it waits");
            fired += 1;
        }
        fired
    };
    let (summary, fired) = tokio::join!(rebuilding, firing);
    assert_eq!(fired, 2);
    assert!(summary.contains(" lists written, "), "{summary}");
    let whole = shop.every_list().await;
    let items = |lists: &Lists| -> BTreeMap<String, Value> {
        lists.iter().map(|(id, (items, _))| (id.clone(), items.clone())).collect()
    };
    assert_eq!(items(&whole), items(&second));
    shop.stop().await;
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
