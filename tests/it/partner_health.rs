//! `PartnerHealth`: a partner hears at a second address that its endpoint is dead, the subscription is paused, and nothing is lost by it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use contoso_handlers::domain::{
    partner::{FAILING, PAUSED, RECOVERED, TEST, WELCOME, selection::NOTICE_TYPES},
    product_events::CHANGED,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::net::TcpListener;

use crate::{
    partners::Partner,
    support::{Inside, eventually, machine},
};

const HOOK: &str = "/subscriptions/prices";

/// A webhook that consents and takes tests, and all else only while it is up.
#[derive(Clone, Default)]
struct Webhook {
    is_up: Arc<AtomicBool>,
    got: Arc<Mutex<Vec<Value>>>,
}

impl Webhook {
    fn up() -> Self {
        let this = Self::default();
        this.is_up.store(true, Ordering::SeqCst);
        this
    }

    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new().route("/{*path}", any(Self::answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(State(this): State<Self>, method: Method, body: Bytes) -> Response {
        if method == Method::OPTIONS {
            return [("webhook-allowed-origin", "*"), ("webhook-allowed-rate", "*")].into_response();
        }
        let event: Value = serde_json::from_slice(&body).expect("an event");
        if !this.is_up.load(Ordering::SeqCst) && event["type"] != TEST {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        this.got.lock().expect("no panic").push(event);
        StatusCode::OK.into_response()
    }

    /// Events of a type by id, and how often each came.
    fn of_type(&self, wanted: &str) -> BTreeMap<String, Vec<Value>> {
        let mut found: BTreeMap<_, Vec<Value>> = BTreeMap::new();
        for event in self.got.lock().expect("no panic").iter().filter(|event| event["type"] == wanted) {
            found.entry(event["id"].as_str().expect("an id").to_owned()).or_default().push(event.clone());
        }
        found
    }

    async fn gets(&self, wanted: &str, count: usize) -> BTreeMap<String, Vec<Value>> {
        eventually(&format!("{count} of {wanted}"), || async {
            let found = self.of_type(wanted);
            if found.len() == count { Ok(found) } else { Err(format!("{:?}", found.keys())) }
        })
        .await
    }

    async fn gets_one(&self, wanted: &str) -> Value {
        self.gets(wanted, 1).await.into_values().flatten().next().expect("one")
    }
}

fn written(at: OffsetDateTime) -> Value {
    json!(at.format(&Rfc3339).expect("a time"))
}

impl Inside {
    async fn subscription(&self) -> Value {
        self.item("partners", "subscriptions", "acme", "prices").await.expect("a document")
    }

    /// Sets members of the document: the app has this machine's time, so what is to be long ago is written there.
    async fn sets(&self, members: &[(&str, Value)]) {
        let set = |(path, value): &(&str, Value)| json!({"op": "set", "path": path, "value": value});
        let operations: Vec<_> = members.iter().map(set).collect();
        self.patch_in("partners", "subscriptions", "acme", "prices", &json!(operations)).await;
    }

    /// Has the subscription be assessed until its document is as wanted: its turn is in the minute of a quarter of an hour in which it
    /// came to its state.
    async fn assesses(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || async {
            self.sets(&[("/since", written(machine::now()))]).await;
            assert!(self.stack.host().expect("a host").fire_timer("PartnerHealth").await.expect("a timer"));
            let document = self.subscription().await;
            if wanted(&document) { Ok(document) } else { Err(document.to_string()) }
        })
        .await
    }

    async fn rope(&self, number: u32) {
        let product = json!({"name": "Rope", "category": "Ropes", "price": {"amount": "9.00", "currency": "USD"}});
        self.put(&format!("rope-{number}"), &product).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_endpoint_is_paused_with_notice_elsewhere_and_what_it_missed_comes_again() {
    let shop = Inside::start().await;
    let (acme, other) = (Partner::joins(&shop, "acme").await, Partner::joins(&shop, "other").await);
    let (dead, alarms) = (Webhook::default(), Webhook::up());
    let (theirs, their_alarms) = (Webhook::up(), Webhook::up());
    for (partner, name, webhook, types) in [
        (&acme, "prices", &dead, None),
        (&acme, "alarms", &alarms, Some(NOTICE_TYPES)),
        (&other, "prices", &theirs, None),
        (&other, "alarms", &their_alarms, Some(NOTICE_TYPES)),
    ] {
        let wish = json!({"name": name, "endpoint": webhook.serve().await, "eventTypes": types});
        let (status, made) = partner.post("/subscriptions", wish).await;
        assert_eq!(status, 201, "{made}");
        let made = partner.stands(&format!("/subscriptions/{name}"), "active").await;
        assert_eq!(made["health"], json!({"name": "healthy"}), "{made}");
    }
    // The endpoint takes neither the welcome nor two changes. A test reaches it, which is no sign of life.
    for number in 0..2 {
        shop.rope(number).await;
    }
    theirs.gets(CHANGED, 2).await;
    eventually("three events failed", || async {
        let failures = acme.get(&format!("{HOOK}/failures")).await.1;
        if failures["items"].as_array().map(Vec::len) == Some(3) { Ok(()) } else { Err(failures.to_string()) }
    })
    .await;
    shop.assesses("it is noted that it fails", |document| document["health"]["failing"].is_string()).await;
    assert_eq!(acme.post(&format!("{HOOK}/test"), json!({})).await.0, 202);
    dead.gets(TEST, 1).await;
    let early = acme.get(HOOK).await.1;
    assert_eq!(early["health"], json!({"name": "healthy"}), "not for an hour: {early}");

    // It fails for two hours.
    let ago = |hours| machine::now() - Duration::hours(hours);
    let since = ago(2);
    shop.sets(&[("/health/failing", written(since))]).await;
    shop.assesses("its partner is told", |document| {
        document["health"]["told"]["kind"] == "failing" && document["health"]["untold"].is_null()
    })
    .await;
    let notice = alarms.gets_one(FAILING).await;
    let data = &notice["data"];
    let told = json!([notice["source"], notice["subject"], data["subscription"], data["endpoint"], data["since"]]);
    let host = acme.get(HOOK).await.1["endpoint"].clone();
    assert_eq!(told, json!(["/contoso/partners", "acme/prices", "prices", host, written(since)]), "{notice}");
    let shown = acme.get(HOOK).await.1;
    assert_eq!(
        (&shown["health"]["name"], &shown["health"]["pausesAt"]),
        (&json!("failing"), &written(since + Duration::hours(120))),
        "{shown}"
    );
    assert_eq!(data["pausesAt"], shown["health"]["pausesAt"]);

    // It fails for five days. The topic takes nothing when that is found out: the next run tells it.
    let since = ago(121);
    let told = [("/health/failing", since), ("/health/told/since", since), ("/health/told/at", ago(119))];
    shop.sets(&told.map(|(path, at)| (path, written(at)))).await;
    let control = format!("{}/faults", shop.stack.endpoints().control);
    let busy = json!({"service": "eventGrid", "times": 1000, "status": 503});
    assert!(shop.http.post(&control).json(&busy).send().await.expect("an answer").status().is_success());
    let paused = shop.assesses("it is paused", |document| document["state"]["name"] == "paused").await;
    assert_eq!(paused["health"]["untold"][0]["kind"], "paused", "{paused}");
    assert!(alarms.of_type(PAUSED).is_empty());
    assert!(shop.http.delete(&control).send().await.expect("an answer").status().is_success());
    shop.assesses("its partner is told", |document| document["health"]["untold"].is_null()).await;
    alarms.gets_one(PAUSED).await;
    let shown = acme.get(HOOK).await.1;
    assert_eq!((&shown["state"]["by"], &shown["health"]["name"]), (&json!("health"), &json!("paused")), "{shown}");
    assert_eq!(shown["gaps"].as_array().and_then(|gaps| gaps.last()).map(|gap| &gap["from"]), Some(&written(since)));

    // It is mended, resumed, and takes a change.
    dead.is_up.store(true, Ordering::SeqCst);
    assert_eq!(acme.post(&format!("{HOOK}/resume"), json!({})).await.0, 200);
    let resumed = acme.stands(HOOK, "active").await;
    assert_eq!((&resumed["health"]["name"], &resumed["missed"]["from"]), (&json!("resumed"), &written(since)));
    shop.rope(2).await;
    dead.gets(CHANGED, 1).await;
    shop.assesses("it recovers", |document| document.get("health").is_none()).await;
    alarms.gets_one(RECOVERED).await;
    assert_eq!(acme.get(HOOK).await.1["health"], json!({"name": "healthy"}));

    // What failed and what came in the pause is one range.
    shop.captures("products").await;
    let wish = json!({"from": resumed["missed"]["from"], "only": "missing"});
    let (_, job) = acme.asks(&format!("{HOOK}/redeliveries"), &wish).await;
    let all = dead.gets(CHANGED, 3).await;
    let is_again = |id: &str| all[id].iter().any(|event| event["redelivery"] == job);
    assert_eq!(["rope-0-1", "rope-1-1"].map(is_again), [true, true], "{all:?}");

    // All of it is on the list, once, and of nobody else's subscription.
    let (status, list) = acme.get("/notices").await;
    let items = list["items"].as_array().expect("items");
    let types: Vec<_> = items.iter().map(|item| &item["type"]).collect();
    assert_eq!((status, types), (200, vec![&json!(RECOVERED), &json!(PAUSED), &json!(FAILING)]), "{list}");
    assert!(items.iter().all(|item| item["subscription"] == "prices" && item["sentTo"] == json!(["alarms"])), "{list}");
    assert_eq!(list["withoutSecondAddress"], json!(["prices"]), "both are on this machine: {list}");
    let page = acme.get("/notices?limit=1").await.1;
    let next = page["next"].as_str().expect("a next page").replace("/api/partners/acme", "");
    assert_eq!(acme.get(&next).await.1["items"], json!([items[1]]));
    for kind in [FAILING, PAUSED, RECOVERED] {
        assert!(dead.of_type(kind).is_empty() && their_alarms.of_type(kind).is_empty(), "{kind}");
    }
    assert_eq!(other.get("/notices").await.1["items"], json!([]));
    assert_eq!((alarms.of_type(WELCOME).len(), their_alarms.of_type(WELCOME).len()), (1, 1));
    shop.stop().await;
}
