//! Filters of partners: what a selection says that it matches is what Event Grid delivers by the filter that is made of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::Path, http::Method, response::IntoResponse, routing::any};
use contoso_handlers::domain::{
    partner::{
        PartnerName, SubscriptionName, WELCOME,
        match_fields::{CaseKey, MatchFields},
        selection::{SampleMatch, Selection},
    },
    product::ProductId,
};
use contoso_local::{
    stack::{Ports, Stack, StackOptions},
    storage::Sync,
    topology::Topology,
    transport::Hosts,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::eventually;

/// Ids of events by the name of the subscription that got them.
type Got = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// A webhook for all subscriptions, each with a path of its own.
async fn webhooks(got: Got) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = move |method: Method, Path(name): Path<String>, body: Bytes| async move {
        if method != Method::OPTIONS {
            let event: Value = serde_json::from_slice(&body).expect("an event");
            let id = event["id"].as_str().expect("an id").to_owned();
            got.lock().expect("no panic").entry(name).or_default().insert(id);
        }
        [("webhook-allowed-origin", "*"), ("webhook-allowed-rate", "*")].into_response()
    };
    let router: Router = Router::new().route("/{name}", any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn selections() -> Vec<Selection> {
    let wishes = [
        json!({}),
        json!({"productPrefix": "tent-1"}),
        json!({"products": ["tent-1"]}),
        json!({"products": ["TENT-1", "tent-2"]}),
        json!({"categories": ["Tents"]}),
        json!({"categories": ["ropes", "Stoves"]}),
        json!({"priceDropPercent": 12.45}),
        json!({"priceDropPercent": 12.46}),
        json!({"categories": ["Tents"], "priceDropPercent": 5, "productPrefix": "tent"}),
    ];
    wishes.iter().map(|wish| Selection::parse(wish.as_object().expect("an object")).expect("a selection")).collect()
}

/// Notifications that differ in all that selections look at: id, type, subject, and what is to be matched.
fn notifications() -> Vec<(String, String, String, MatchFields)> {
    let types = Selection::default().event_types().to_vec();
    let mut all = Vec::new();
    for product in ["tent-1", "tent-10", "TENT-1", "tent-2"] {
        for categories in [json!(["Tents"]), json!(["Ropes", "Tents"]), json!(["ROPES"])] {
            for fall in [None, Some(12.45), Some(50.0)] {
                let kind = types[all.len() % types.len()].as_str().to_owned();
                let key = CaseKey::of(&ProductId::try_from(product.to_owned()).expect("an id"));
                let mut fields = json!({"categories": categories, "product": key});
                if let Some(fall) = fall {
                    fields["priceDropPercent"] = json!(fall);
                }
                let fields = serde_json::from_value(fields).expect("fields");
                all.push((format!("event-{}", all.len()), kind, product.to_owned(), fields));
            }
        }
    }
    all
}

#[tokio::test]
async fn event_grid_delivers_what_a_selection_says_that_it_matches() {
    let data = TempDir::new().expect("a temporary folder");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../topology.json");
    let options = StackOptions {
        topology: Topology::read(file.as_ref()).expect("a topology"),
        data_dir: data.path().to_owned(),
        ports: Ports::auto(),
        sync: Sync::Process,
        hosts: Hosts::default(),
    };
    let stack = Stack::start(options, &|_| {}).await.expect("the stack starts");
    let grid = stack.endpoints().event_grid.clone();
    let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
    let token = stack.identity().token("deployment", "https://management.azure.com").expect("a token");
    let got = Got::default();
    let address = webhooks(got.clone()).await;
    let acme = PartnerName::try_from("acme".to_owned()).expect("a name");
    let selections = selections();
    for (index, selection) in selections.iter().enumerate() {
        let name = SubscriptionName::try_from(format!("sub-{index}")).expect("a name");
        let url = format!(
            "{}{}/providers/Microsoft.EventGrid/eventSubscriptions/{name}?api-version=2025-02-15",
            grid.resource_manager, grid.topic_id
        );
        let endpoint = json!({"endpointType": "WebHook", "properties": {"endpointUrl": format!("{address}/{name}")}});
        let body = json!({"properties": {
            "destination": endpoint,
            "eventDeliverySchema": "CloudEventSchemaV1_0",
            "filter": selection.event_grid_filter(&acme, &name),
        }});
        let made = http.put(&url).bearer_auth(&token).json(&body).send().await.expect("an answer");
        assert_eq!(made.status(), 201, "{}", made.text().await.unwrap_or_default());
        eventually("it delivers", || async {
            let shown: Value =
                http.get(&url).bearer_auth(&token).send().await.expect("an answer").json().await.expect("JSON");
            let state = &shown["properties"]["provisioningState"];
            if state == "Succeeded" { Ok(()) } else { Err(state.to_string()) }
        })
        .await;
    }

    let publish = async |events: Vec<Value>| {
        let request = http
            .post(format!("{}?api-version=2018-01-01", grid.topic_endpoint))
            .header("aeg-sas-key", &grid.topic_key)
            .header("content-type", "application/cloudevents-batch+json; charset=utf-8")
            .body(json!(events).to_string());
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    };
    let event = |id: &str, kind: &str, subject: &str, audience: &str, data: Value| json!({"specversion": "1.0", "source": "/tests", "id": id, "type": kind, "subject": subject, "audience": audience, "data": data});
    let notifications = notifications();
    let audiences = ["all", "acme"];
    let mut events: Vec<Value> = notifications
        .iter()
        .enumerate()
        .map(|(index, (id, kind, subject, fields))| {
            event(id, kind, subject, audiences[index % audiences.len()], json!({"match": fields}))
        })
        .collect();
    let (_, kind, subject, fields) = &notifications[0];
    events.push(event("of-another", kind, subject, "acme-2", json!({"match": fields})));
    publish(events).await;

    let expected: BTreeMap<String, BTreeSet<String>> = selections
        .iter()
        .enumerate()
        .map(|(index, selection)| {
            let wanted =
                notifications.iter().filter(|(_, kind, subject, fields)| selection.matches(kind, subject, fields));
            (format!("sub-{index}"), wanted.map(|(id, ..)| id.clone()).collect())
        })
        .collect();
    assert!(expected.values().all(|ids| !ids.is_empty()) && expected["sub-1"].len() < notifications.len());
    eventually("what is selected, and nothing else", || async {
        let got = got.lock().expect("no panic").clone();
        if got == expected { Ok(()) } else { Err(format!("{got:?}, not {expected:?}")) }
    })
    .await;

    // A sample of a selection's own passes it, for that subscription alone.
    let SampleMatch { subject, fields } = selections[8].sample_match();
    publish(vec![event("welcome", WELCOME, &subject, "acme/sub-8", json!({"match": fields}))]).await;
    eventually("the welcome", || async {
        let got = got.lock().expect("no panic").clone();
        if got["sub-8"].contains("welcome") { Ok(got) } else { Err(format!("{got:?}")) }
    })
    .await;
    let others = got.lock().expect("no panic").clone();
    assert!(others.iter().all(|(name, ids)| name == "sub-8" || *ids == expected[name]), "{others:?}");
    stack.stop().await;
}
