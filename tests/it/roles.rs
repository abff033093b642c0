//! Each function in an app of its own, as teams may deploy them: with the roles that the topology gives it, and no other.

use std::{fs, path::Path, sync::Arc};

use axum::http::{HeaderMap, HeaderValue, Method};
use bytes::Bytes;
use contoso_handlers::{domain::product_events, events::contracts::CLICK_RECORDED};
use contoso_local::{
    blobs::PutOptions,
    event_hubs::Outgoing,
    topology::{Identity, Topology},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::format_description::well_known::Rfc3339;

use crate::{
    partner_redelivery::{Hesitation, Receiver},
    partners::Partner,
    support::{Inside, clicks::Sent, eventually, machine, readers, staged_app},
};

/// An identity for each function, which has its name.
fn of_each_function(topology: &mut Topology) {
    let identities = topology.apps.iter().flat_map(|app| {
        let identity = |name: &String| Identity { name: name.clone(), ..app.identity(|function| function == name) };
        app.functions.iter().map(move |function| identity(&function.name))
    });
    let identities: Vec<Identity> = identities.collect();
    topology.identities.extend(identities);
}

/// An app of one function.
fn staged(function: &str) -> TempDir {
    let app = TempDir::new().expect("a temporary folder");
    let copy = |from: &Path, to: &Path| {
        fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop)).expect("copied");
    };
    for entry in fs::read_dir(staged_app()).expect("the app").map(|entry| entry.expect("an entry")) {
        if entry.path().is_file() {
            copy(&entry.path(), &app.path().join(entry.file_name()));
        }
    }
    let folder = app.path().join(function);
    fs::create_dir(&folder).expect("a folder");
    copy(&staged_app().join(function).join("function.json"), &folder.join("function.json"));
    app
}

impl Inside {
    /// Runs an app of one function meanwhile. Each of its roles must then have been needed; those of the host itself aside, of which some are
    /// for other triggers, or for keys that nobody asks for here.
    async fn alone(&self, function: &str, work: impl Future<Output = ()>) {
        self.runs(function, work).await;
        let unneeded = self.stack.identity().unneeded(function);
        let of_host = ["storage/blobs/azure-webjobs-hosts", "storage/blobs/azure-webjobs-secrets"];
        let unneeded: Vec<_> = unneeded.iter().filter(|role| !of_host.contains(&role.scope.as_str())).collect();
        assert!(unneeded.is_empty(), "{function} has roles that it does not need: {unneeded:?}");
    }

    /// Runs an app of one function meanwhile, which needs some of its roles only later.
    async fn runs(&self, function: &str, work: impl Future<Output = ()>) {
        let app = staged(function);
        self.run_staged_as(app.path(), function).await;
        // A connection to the app before this one may still be among those that are kept.
        eventually("an answer of the host", || async {
            self.http.get(&self.stack.endpoints().functions).send().await.map(drop).map_err(|error| error.to_string())
        })
        .await;
        work.await;
        self.stack.stop_app().await;
    }

    async fn fires(&self, timer: &str) {
        assert!(self.stack.host().expect("a host").fire_timer(timer).await.expect("a timer"), "{timer} succeeds");
    }

    async fn calls(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let url = format!("{}/api/{path}", self.stack.endpoints().functions);
        let request = self.http.request(method, url);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// An event of this type that is none, in each partition of a hub or in one.
    fn poison(&self, hub: &str, event_type: &str) {
        let now = machine::now().format(&Rfc3339).expect("a text");
        let pairs = [("specversion", "1.0"), ("id", "bad"), ("source", "/tests"), ("type", event_type), ("time", &now)];
        let properties = pairs.map(|(name, value)| (format!("cloudEvents:{name}"), value.to_owned())).to_vec();
        let content_type = Some("application/json".to_owned());
        let bad = Outgoing { body: b"{".to_vec(), properties, content_type, partition_key: None }.encode();
        let hub = self.stack.event_hubs().hub(hub).expect("the hub");
        hub.partition("0").expect("it exists").append(&[bad]).expect("stored");
    }

    /// Waits until each event of a hub is in a report.
    async fn all_reported(&self, hub: &str) {
        eventually(&format!("reports on {hub}"), || async {
            let names = self.blobs("reports", &format!("{hub}/"));
            let records = names.iter().map(|name| self.json_blob("reports", name).0["records"].as_i64());
            let reported: i64 = records.map(|records| records.expect("a count")).sum();
            if reported == self.events_of(hub) { Ok(()) } else { Err(reported.to_string()) }
        })
        .await;
    }
}

/// A document of the catalogue that is no product.
async fn poison_in_the_catalogue(shop: &Inside) {
    let mut headers = HeaderMap::new();
    headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_static("[\"bad\"]"));
    let body = Bytes::from_static(b"{\"id\":\"bad\",\"name\":5}");
    let answer = shop.stack.cosmos().execute(Method::POST, "/dbs/catalog/colls/products/docs", headers, body).await;
    assert!(answer.expect("Cosmos answers").status().is_success());
}

/// The older of two secrets of a subscription ended long ago: the app has this machine's time.
async fn the_older_secret_ends(shop: &Inside, partner: &str, subscription: &str) {
    let ends = json!([{"op": "set", "path": "/secrets/1/until", "value": "2020-01-01T00:00:00Z"}]);
    shop.patch_in("partners", "subscriptions", partner, subscription, &ends).await;
}

/// So did a listener.
async fn the_listener_ends(shop: &Inside, partner: &str, listener: &str) {
    let ends = json!([{"op": "set", "path": "/expires", "value": "2020-01-01T00:00:00Z"}]);
    shop.patch_in("partners", "listeners", partner, listener, &ends).await;
}

/// It is the turn of two subscriptions to be assessed: of one that fails, and of one whose partner was told so and which delivers.
async fn health_is_assessed(shop: &Inside) {
    let ago = |hours| (machine::now() - time::Duration::hours(hours)).format(&Rfc3339).expect("a text");
    let set = |path: &str, value: Value| json!([{"op": "set", "path": path, "value": value}]);
    let stored = async |name: &str| shop.item("partners", "subscriptions", "acme", name).await.expect("a document");
    let told = json!({"failing": ago(2), "told": {"kind": "failing", "since": ago(2), "at": ago(1)}});
    shop.patch_in("partners", "subscriptions", "acme", "prices", &set("/health", told)).await;
    eventually("both are assessed", || async {
        for name in ["broken", "prices"] {
            shop.patch_in("partners", "subscriptions", "acme", name, &set("/since", json!(ago(0)))).await;
        }
        shop.fires("PartnerHealth").await;
        let (fails, delivers) = (stored("broken").await, stored("prices").await);
        let is_done = fails["health"]["failing"].is_string() && delivers.get("health").is_none();
        if is_done { Ok(()) } else { Err(format!("{} {}", fails["health"], delivers["health"])) }
    })
    .await;
}

/// A sales file that a delivery reads, one that the timer goes on with, and what becomes of both.
async fn sales_are_told(shop: &Inside) {
    const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
    let drops = |name: &str, invoice: u32| {
        let file = format!("{HEADER}\n{invoice},rope,Rope,2,2010-12-01 08:26:00,2.55,,United Kingdom\n");
        shop.stack.blobs().put("sales-files", name, file.into(), PutOptions::default()).expect("written");
    };
    shop.alone("SalesFileReceived", async {
        drops("a.csv", 1);
        shop.blobs_appear("sales-reports", "reports/a.csv", 1).await;
        drops(&format!("{}.csv", "x".repeat(900)), 2);
        shop.parks("SalesFileReceived", 1).await;
    })
    .await;
    shop.alone("SalesFileSlices", async {
        drops("b.csv", 3);
        let put = shop.stack.blobs().put("sales-reports", "waiting/b.csv", Bytes::new(), PutOptions::default());
        put.expect("written");
        shop.fires("SalesFileSlices").await;
        shop.blobs_appear("sales-reports", "reports/b.csv", 1).await;
    })
    .await;
    shop.poison("sales", "com.contoso.sales.confirmed.v1");
    shop.alone("SalesTotals", async {
        shop.handles("sales", "totals", 5).await;
        shop.parks("SalesTotals", 1).await;
    })
    .await;
    let totals = shop.document("sales", "2010-12-01", "totals").await.expect("totals");
    assert_eq!(totals["sums"]["GBP"]["net"], json!({"quantity": 4, "amount": 1020}), "{totals}");
}

/// Views of the last 80 minutes but the last five, which are an outage: of two products by 40 visitors.
fn clicks() -> Vec<Sent> {
    let closed = (machine::now().unix_timestamp() - 90).div_euclid(60) - 1;
    let click = |minute: i64, view: i64| Sent {
        id: format!("{minute}-{view}"),
        product: if view % 3 == 0 { "rope" } else { "tent" }.to_owned(),
        category: Some("Camping".to_owned()),
        visitor: format!("visitor-{}", view % 40),
        at: u64::try_from(minute * 60 + view % 60).expect("after 1970"),
    };
    (closed - 80..closed - 5)
        .flat_map(|minute| (0..60 + (minute * 7919) % 7).map(move |view| click(minute, view)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_function_works_alone_with_its_own_roles_and_needs_each_of_them() {
    let shop = Inside::start_with(of_each_function).await;
    let product = |name: &str, price: &str| json!({"name": name, "category": "Camping", "price": {"amount": price, "currency": "USD"}});
    shop.alone("Products", async {
        shop.put("rope", &product("Rope", "20.00")).await;
        shop.put("tent", &product("Tent", "99.00")).await;
    })
    .await;
    poison_in_the_catalogue(&shop).await;
    shop.alone("ProductChanges", async {
        eventually("two events", || async {
            let events = shop.events_of("products");
            if events == 2 { Ok(()) } else { Err(events.to_string()) }
        })
        .await;
        shop.parks("ProductChanges", 1).await;
    })
    .await;
    // A fall of the price, for an alert.
    shop.alone("Products", shop.put("rope", &product("Rope", "10.00"))).await;
    shop.alone("ProductChanges", async {
        eventually("three events", || async {
            let events = shop.events_of("products");
            if events == 3 { Ok(()) } else { Err(events.to_string()) }
        })
        .await;
    })
    .await;
    shop.poison("products", product_events::CHANGED);
    for (function, group) in readers("products") {
        shop.alone(function, async {
            shop.handles("products", group, 4).await;
            shop.parks(function, 1).await;
        })
        .await;
    }
    let view = shop.document("products", "rope", "rope").await.expect("it is projected");
    assert_eq!(view["product"]["price"]["amount"], "10.00", "{view}");
    assert!(shop.document("price-alerts", "rope", "rope").await.is_some());
    eventually("three events at the partner", || async {
        let got = shop.partner().await.len();
        if got == 3 { Ok(()) } else { Err(got.to_string()) }
    })
    .await;

    let clicks = clicks();
    shop.send(&clicks);
    shop.alone("CollectClicks", async {
        let click = json!({"productId": "rope", "visitorId": "visitor-of-one", "consent": true});
        assert_eq!(shop.calls(Method::POST, "clicks", Some(click)).await.0, StatusCode::ACCEPTED);
    })
    .await;
    shop.poison("clicks", CLICK_RECORDED.event_type);
    let sent = clicks.len() + 2;
    for (function, group) in readers("clicks") {
        shop.alone(function, async {
            if group == "trends" {
                shop.counts(sent, 200).await
            } else {
                shop.handles("clicks", group, sent as i64).await
            }
            shop.parks(function, 1).await;
        })
        .await;
    }
    shop.alone("TrendRollup", shop.fires("TrendRollup")).await;
    shop.alone("Anomalies", async {
        shop.fires("Anomalies").await;
        assert_eq!(shop.events_of("analytics"), 1);
    })
    .await;
    sales_are_told(&shop).await;
    let acme = Partner::joins(&shop, "acme").await;
    let hesitation = Arc::new(Hesitation::default());
    let (first, second, third) = (Receiver::default(), Receiver::hesitating(&hesitation), Receiver::busy());
    // Before the clock is stepped: what is counted after that is in the future of the app, which has this machine's time.
    shop.runs("Partners", async {
        acme.subscribes("prices", &first, json!({})).await;
        acme.subscribes("broken", &third, json!({})).await;
        eventually("a welcome", || async { first.was_welcomed() }).await;
    })
    .await;
    shop.runs("PartnerHealth", health_is_assessed(&shop)).await;
    shop.alone("CaptureBatch", async {
        shop.step(std::time::Duration::from_secs(301));
        for hub in ["products", "clicks", "sales", "analytics"] {
            shop.all_reported(hub).await;
        }
        shop.parks("CaptureBatch", 3).await;
    })
    .await;
    let (mut job, mut listener) = (String::new(), String::new());
    let hour_ago = (machine::now() - time::Duration::hours(1)).format(&Rfc3339).expect("a text");
    shop.alone("Partners", async {
        for path in ["/subscriptions/prices/failures", "/subscriptions/prices/metrics", "/events"] {
            let (status, body) = acme.get(path).await;
            assert_eq!(status, 200, "{path}: {body}");
        }
        let (status, made) = acme.post("/listeners", json!({"hours": 1})).await;
        assert_eq!((status, &made["state"]), (201, &json!("live")), "{made}");
        made["id"].as_str().expect("an id").clone_into(&mut listener);
        let taken = acme.post(&format!("/listeners/{listener}/receive"), json!({})).await;
        assert_eq!(taken.0, 200, "{taken:?}");
        job = acme.asks("/subscriptions/prices/redeliveries", &json!({"from": hour_ago, "only": "all"})).await.1;
        assert_eq!(acme.post("/subscriptions/prices/secret", json!({"overlapHours": 1})).await.0, 200);
        acme.stands("/subscriptions/prices", "active").await;
        let wish = json!({"name": "others", "endpoint": second.serve().await});
        assert_eq!(acme.post("/subscriptions", wish).await.0, 201);
    })
    .await;
    shop.alone("PartnerRedelivery", async {
        shop.fires("PartnerRedelivery").await;
        first.gets(Some(&job), 3).await;
    })
    .await;
    shop.alone("PartnerHealth", async {
        hesitation.consents.notify_one();
        eventually("a run that finds the subscription made", || async {
            shop.fires("PartnerHealth").await;
            second.was_welcomed()
        })
        .await;
        // A listener that nobody renewed goes, with its queue.
        the_listener_ends(&shop, "acme", &listener).await;
        shop.fires("PartnerHealth").await;
        assert!(shop.item("partners", "listeners", "acme", &listener).await.is_none());
        assert!(shop.stack.queues().count(&listener.replace('_', "-")).is_err());
        // The secret before has ended, and goes out of the deliveries.
        the_older_secret_ends(&shop, "acme", "prices").await;
        shop.fires("PartnerHealth").await;
    })
    .await;
    shop.alone("Recommendations", shop.fires("Recommendations")).await;
    for id in ["product|rope", "visitor|visitor-of-one"] {
        assert!(shop.document("recommendations", id, id).await.is_some(), "{id}");
    }
    shop.alone("Heartbeat", shop.fires("Heartbeat")).await;
    assert!(shop.document("health", "current", "current").await.is_some());
    shop.alone("SiteApi", async {
        for path in [
            "products/rope",
            "categories",
            "visitors/visitor-of-one",
            "visitors/visitor-of-one/recommendations",
            "trending",
            "health",
        ] {
            let (status, body) = shop.calls(Method::GET, &format!("site/{path}"), None).await;
            assert_eq!(status, StatusCode::OK, "{path}: {body}");
        }
    })
    .await;
    shop.alone("OpsApi", async {
        let (status, overview) = shop.calls(Method::GET, "ops/overview", None).await;
        assert_eq!(status, StatusCode::OK, "{overview}");
        assert_eq!(overview["names"]["rope"], "Rope", "{overview}");
        assert!(overview["deadLetters"].is_object() && overview["partners"]["givenUp"].is_object(), "{overview}");
        for path in ["ops/sales/days/2010-12-01", "ops/sales/report?file=a.csv", "ops/sales/files"] {
            let (status, body) = shop.calls(Method::GET, path, None).await;
            assert_eq!(status, StatusCode::OK, "{path}: {body}");
        }
        let letters = ["Trends/clicks/0/9-a.json", "event-grid/ACME/2026/1/5/10/a.json"];
        let letter = json!({"cause": "bad", "position": {}, "properties": {"cloudEvents:id": "1", "cloudEvents:source": "/s",
            "cloudEvents:specversion": "1.0", "cloudEvents:type": "t"}, "contentType": "avro/binary+0123", "bodyBase64": "AA=="});
        for (id, container) in letters.iter().zip(["dead-letters", "event-grid-dead-letters"]) {
            let name = id.trim_start_matches("event-grid/");
            let body = letter.to_string().into();
            shop.stack.blobs().put(container, name, body, PutOptions::default()).expect("written");
            let (status, body) = shop.calls(Method::GET, &format!("ops/dead-letters/letter?id={id}"), None).await;
            assert_eq!(status, StatusCode::OK, "{id}: {body}");
        }
        let order = json!({"ids": letters, "by": "me", "reason": "a test"});
        let (status, body) = shop.calls(Method::POST, "ops/dead-letters/drop", Some(order)).await;
        assert_eq!((status, &body["dropped"]), (StatusCode::OK, &json!(2)), "{body}");
        let (status, body) = shop.calls(Method::GET, "ops/dead-letters/log", None).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let order = json!({"ids": letters, "by": "me"});
        let (status, body) = shop.calls(Method::POST, "ops/dead-letters/batches", Some(order)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    })
    .await;
    let letter = "DeadLetterReplays/clicks/0/9-a.json";
    let ended = json!({"id": "00000", "batch": "b-1", "function": "DeadLetterReplays", "open": true,
        "letters": [{"letter": letter, "outcome": "done"}]});
    shop.create_in("analytics", "replays", "b-1", &ended).await;
    let batch = json!({"id": "b-1", "batch": "batches", "at": "2026-01-05T10:00:00Z", "by": "me", "count": 1, "open": true,
        "functions": ["DeadLetterReplays"]});
    shop.create_in("analytics", "replays", "batches", &batch).await;
    shop.stack.blobs().put("dead-letters", letter, "{}".into(), PutOptions::default()).expect("written");
    shop.alone("DeadLetterReplays", async {
        shop.fires("DeadLetterReplays").await;
        assert_eq!(shop.blobs("dead-letters", "DeadLetterReplays/"), Vec::<String>::new());
    })
    .await;
    shop.alone("EraseVisitor", async {
        let (status, body) = shop.calls(Method::DELETE, "site/visitors/visitor-of-one", None).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    })
    .await;
    shop.stop().await;
}
