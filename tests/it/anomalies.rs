//! From clicks on the hub to anomalies: `Trends`, `TrendRollup` and `Anomalies` on a packaged stack, the last fired by hand alone.

use axum::http::{HeaderMap, HeaderValue, Method};
use bytes::Bytes;
use contoso_cli::{
    identity::{self, SignedIn},
    pages,
};
use contoso_local::event_hubs::Value as Property;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::{Inside, clicks::Sent, eventually, machine};

const TYPE: &str = "com.contoso.analytics.anomaly-detected.v1";

fn time_of(minute: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(minute * 60).expect("a time")
}

/// As ids have it: `yyyy-mm-ddThh:mmZ`.
fn text(minute: i64) -> String {
    format!("{}Z", &time_of(minute).format(&Rfc3339).expect("a text")[..16])
}

/// A view of a minute, in which each third one is of product `rope`.
fn click(minute: i64, view: i64) -> Sent {
    let (product, category) = if view % 3 == 0 { ("rope", "Climbing") } else { ("tent", "Camping") };
    Sent {
        id: format!("{minute}-{view}"),
        product: product.to_owned(),
        category: Some(category.to_owned()),
        visitor: format!("visitor-{}", view % 40),
        at: (minute * 60 + view % 60).try_into().expect("after 1970"),
    }
}

impl Inside {
    /// One request for a document of the database `analytics`.
    async fn analytics(&self, method: Method, path: &str, key: &str, body: Option<&Value>) -> (u16, Value) {
        let mut headers = HeaderMap::new();
        let key = json!([key]).to_string();
        headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_str(&key).expect("a header"));
        headers.insert("x-ms-documentdb-is-upsert", HeaderValue::from_static("true"));
        let path = format!("/dbs/analytics/colls/{path}");
        let body = body.map(ToString::to_string).unwrap_or_default();
        let answer = self.stack.cosmos().execute(method, &path, headers, Bytes::from(body)).await;
        let answer = answer.expect("Cosmos answers");
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    /// Sends the views of minutes to the hub, and waits until `TrendRollup` has summed them.
    async fn minutes_pass(&self, views: impl Iterator<Item = (i64, i64)>) {
        let clicks: Vec<Sent> =
            views.flat_map(|(minute, views)| (0..views).map(move |view| click(minute, view))).collect();
        self.send(&clicks);
        self.counts(clicks.len(), 200).await;
        let host = self.stack.host().expect("a host");
        assert!(host.fire_timer("TrendRollup").await.expect("a timer"), "it succeeds");
    }

    async fn anomalies(&self, id: &str) -> Value {
        let (status, document) = self.analytics(Method::GET, &format!("anomalies/docs/{id}"), id, None).await;
        assert_eq!(status, 200, "{id}: {document}");
        document
    }

    async fn look_for_anomalies(&self) {
        let host = self.stack.host().expect("a host");
        assert!(host.fire_timer("Anomalies").await.expect("a timer"), "it succeeds");
    }

    /// Ids of the events on hub `analytics`, sorted.
    fn announced(&self) -> Vec<String> {
        let hub = self.stack.event_hubs().hub("analytics").expect("the hub");
        let mut ids = Vec::new();
        for partition in hub.partitions() {
            for event in partition.read(0, 100, 1 << 20).expect("the log") {
                let event = event.decode().expect("a message");
                let property = |name: &str| match &event.properties[name] {
                    Property::String(text) => text.clone(),
                    other => panic!("{name}: {other:?}"),
                };
                assert_eq!(property("cloudEvents:type"), TYPE);
                ids.push(property("cloudEvents:id"));
            }
        }
        ids.sort();
        ids
    }

    /// The demo partner's webhook as that of the operators.
    async fn operators_subscribe(&self) {
        let endpoints = self.stack.endpoints();
        let deployment = SignedIn::new(endpoints, identity::DEPLOYMENT).expect("an identity");
        let grid = &endpoints.event_grid;
        let url = format!(
            "{}{}/providers/Microsoft.EventGrid/eventSubscriptions/operators?api-version=2025-02-15",
            grid.resource_manager.trim_end_matches('/'),
            grid.topic_id
        );
        let webhook = format!("{}{}", endpoints.site, pages::WEBHOOK);
        let body = json!({ "properties": {
            "destination": { "endpointType": "WebHook", "properties": { "endpointUrl": webhook } },
            "eventDeliverySchema": "CloudEventSchemaV1_0",
            "filter": { "advancedFilters": [{ "operatorType": "StringIn", "key": "audience", "values": ["operations"] }] },
        }});
        let put = deployment.request(Method::PUT, &url, "https://management.azure.com").await.expect("a token");
        let answer = put.json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        let operation = answer.headers()["azure-asyncoperation"].to_str().expect("a header").to_owned();
        eventually("the subscription", || async {
            let get =
                deployment.request(Method::GET, &operation, "https://management.azure.com").await.expect("a token");
            let state: Value = get.send().await.expect("an answer").json().await.expect("JSON");
            if state["status"] == "Succeeded" { Ok(()) } else { Err(state.to_string()) }
        })
        .await;
    }

    /// An event as the webhook got it.
    async fn partner_event(&self, id: &str) -> Value {
        let url = format!("{}/partner?format=json", self.stack.endpoints().site);
        let page: Value = self.http.get(url).send().await.expect("an answer").json().await.expect("JSON");
        let events = page["events"].as_array().expect("events");
        events.iter().find(|event| event["id"] == id).cloned().unwrap_or_else(|| panic!("{page}"))
    }

    /// Waits until the operators got these events, each so often.
    async fn operators_were_told(&self, wanted: &[(&str, i64)]) {
        eventually("the events at the operators", || async {
            let told = self.partner().await;
            let seen: Vec<_> = told.iter().map(|(id, deliveries)| (id.as_str(), *deliveries)).collect();
            if seen == wanted { Ok(()) } else { Err(format!("{told:?}, wanted {wanted:?}")) }
        })
        .await;
    }
}

/// Two outages in the clicks on the hub, one over since the clicks came back and one not: both are told once, the list shows where
/// each stands, and neither a second run nor a run after a kill between storing and sending says anything new.
#[tokio::test]
async fn outages_are_told_once_and_clear_themselves() {
    let shop = Inside::start().await;
    shop.operators_subscribe().await;
    let now = machine::now().unix_timestamp();
    // The youngest minute that ended 90 seconds ago; a minute later is as good.
    let closed = (now - 90).div_euclid(60) - 1;
    let (first, second) = (closed - 25, closed - 5);
    let busy = (closed - 80..first).chain(first + 8..second);
    shop.minutes_pass(busy.map(|minute| (minute, 60 + (minute * 7919) % 7))).await;
    shop.look_for_anomalies().await;

    let over = format!("total|outage|{}", text(first));
    let lasting = format!("total|outage|{}", text(second));
    assert_eq!(shop.announced(), [over.as_str(), lasting.as_str()]);
    shop.operators_were_told(&[(&over, 1), (&lasting, 1)]).await;
    let told = shop.partner_event(&lasting).await;
    assert_eq!((&told["type"], &told["subject"]), (&json!(TYPE), &json!("total")));
    assert_eq!(told["data"]["startedAt"], json!(time_of(second).format(&Rfc3339).expect("a text")), "{told}");
    assert_eq!((&told["data"]["kind"], &told["data"]["observed"]), (&json!("outage"), &json!(0.0)));
    let list = shop.anomalies("current").await;
    assert_eq!(list["open"].as_array().expect("a list").len(), 1, "{list}");
    assert_eq!((&list["open"][0]["id"], &list["open"][0]["endedAt"]), (&json!(lasting), &Value::Null));
    let ended = time_of(first + 8).format(&Rfc3339).expect("a text");
    assert_eq!((&list["recent"][0]["id"], &list["recent"][0]["endedAt"]), (&json!(over), &json!(ended)));

    shop.look_for_anomalies().await;
    assert_eq!(shop.announced().len(), 2, "a second run finds no new minute, or one more of the same outage");

    // As after a kill: stored, and not known to be sent.
    let mut state = shop.anomalies("state").await;
    assert_eq!(state["pending"], json!([]));
    state["pending"] = list["open"].clone();
    let (status, said) = shop.analytics(Method::POST, "anomalies/docs", "state", Some(&state)).await;
    assert!(status < 300, "{status} {said}");
    shop.look_for_anomalies().await;
    assert_eq!(shop.announced(), [over.as_str(), lasting.as_str(), lasting.as_str()]);
    shop.operators_were_told(&[(&over, 1), (&lasting, 2)]).await;
    assert_eq!(shop.anomalies("state").await["pending"], json!([]));
    crate::contracts::document::has_what_is_on(&shop.stack);
    shop.stop().await;
}

/// What was over long ago when it is looked at first is learned from, not told: the log of a day is replayed, or the app was away.
#[tokio::test]
async fn minutes_long_past_raise_nothing() {
    let shop = Inside::start().await;
    let closed = (machine::now().unix_timestamp() - 90).div_euclid(60) - 1;
    let busy = (closed - 120..closed - 80).chain(closed - 70..=closed + 2);
    shop.minutes_pass(busy.map(|minute| (minute, 40))).await;
    shop.look_for_anomalies().await;
    assert_eq!(shop.announced(), [""; 0]);
    let list = shop.anomalies("current").await;
    assert_eq!((&list["open"], &list["recent"]), (&json!([]), &json!([])));
    assert!(list["at"].as_str().expect("a time") >= text(closed).as_str(), "{list}");
    shop.stop().await;
}
