//! Failures of a partner's deliveries, told truly: from Event Grid's attempts, through the log of Azure Monitor, to the partner.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{RwLock, RwLockWriteGuard},
};

use crate::{
    partners::Partner,
    support::{Inside, eventually, within},
};

const HOOK: &str = "/subscriptions/prices";

/// A webhook that consents, and answers deliveries with the status that it is set to.
#[derive(Clone, Default)]
struct Failing {
    status: Arc<AtomicU16>,
    /// Deliveries that were answered.
    deliveries: Arc<AtomicUsize>,
    /// While it is written, deliveries wait for their answer.
    gate: Arc<RwLock<()>>,
}

impl Failing {
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/s3cr3t?k=s3cr3t", listener.local_addr().expect("an address"));
        let this = self.clone();
        let router =
            Router::new().route("/{*path}", any(move |method: Method| async move { this.answer(&method).await }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(&self, method: &Method) -> Response {
        if method == Method::OPTIONS {
            return [("webhook-allowed-origin", "*"), ("webhook-allowed-rate", "*")].into_response();
        }
        let open = self.gate.read().await;
        let status = self.status.load(Ordering::SeqCst);
        self.deliveries.fetch_add(1, Ordering::SeqCst);
        drop(open);
        StatusCode::from_u16(status).expect("a status").into_response()
    }

    /// Waits until so many deliveries were answered, and lets the next one wait for as long as the guard lives: a busy machine may be slower
    /// than the ten seconds until an event is tried again.
    async fn holds_after(&self, deliveries: usize) -> RwLockWriteGuard<'_, ()> {
        eventually("a delivery", || async {
            let answered = self.deliveries.load(Ordering::SeqCst);
            if answered >= deliveries { Ok(()) } else { Err(answered.to_string()) }
        })
        .await;
        self.gate.write().await
    }
}

/// The partner's failures, once there are so many events with so many attempts.
async fn failures(partner: &Partner<'_>, query: &str, expected: &[u64]) -> Vec<Value> {
    eventually("failures", || async {
        let (status, told) = partner.get(&format!("{HOOK}/failures{query}")).await;
        let items = told["items"].as_array().cloned().unwrap_or_default();
        let counts: Vec<_> = items.iter().filter_map(|item| item["failures"].as_u64()).collect();
        if status == 200 && counts == expected { Ok(items) } else { Err(format!("{status} {told}")) }
    })
    .await
}

/// An answer, once the key has some of its allowance left.
async fn asked(partner: &Partner<'_>, path: &str) -> (u16, Value) {
    eventually(path, || async {
        let (status, told) = partner.get(&format!("{HOOK}/{path}")).await;
        if status == 429 { Err(told.to_string()) } else { Ok((status, told)) }
    })
    .await
}

#[tokio::test]
async fn a_partner_reads_what_failed_and_what_becomes_of_it() {
    let shop = Inside::start().await;
    let (acme, other) = (Partner::joins(&shop, "acme").await, Partner::joins(&shop, "other").await);
    let webhook = Failing::default();
    webhook.status.store(200, Ordering::SeqCst);
    let endpoint = webhook.serve().await;
    let (status, made) = acme.post("/subscriptions", json!({"name": "prices", "endpoint": endpoint})).await;
    assert_eq!(status, 201, "{made}");
    acme.stands(HOOK, "active").await;
    // Before the first failure the log has no table, and nothing failed.
    failures(&acme, "", &[]).await;
    eventually("the welcome is delivered", || async {
        if webhook.deliveries.load(Ordering::SeqCst) > 0 { Ok(()) } else { Err("no delivery".to_owned()) }
    })
    .await;

    webhook.status.store(500, Ordering::SeqCst);
    let before = webhook.deliveries.load(Ordering::SeqCst);
    let (status, tested) = acme.post(&format!("{HOOK}/test"), json!({})).await;
    assert_eq!(status, 202, "{tested}");
    let held = webhook.holds_after(before + 1).await;
    let first = failures(&acme, "", &[1]).await.remove(0);
    assert_eq!(first["event"], tested["id"], "{first}");
    let told = json!([first["attempt"], first["outcome"], first["status"], first["host"], first["then"]]);
    assert_eq!(told, json!([1, "Busy", 500, "http://127.0.0.1", "expected by schedule"]), "{first}");
    assert!(first["nextAttempt"]["at"].is_string(), "{first}");

    webhook.status.store(401, Ordering::SeqCst);
    drop(held);
    shop.stack.clock().advance(Duration::from_secs(11));
    let last = failures(&acme, "", &[2]).await.remove(0);
    let told = json!([last["attempt"], last["outcome"], last["status"], last["then"], last["nextAttempt"]]);
    assert_eq!(told, json!([2, "Unauthorized", 401, "will not be retried", null]), "{last}");

    // Pages and filters.
    let (status, tested) = eventually("a test", || async {
        let (status, told) = acme.post(&format!("{HOOK}/test"), json!({})).await;
        if status == 429 { Err(told.to_string()) } else { Ok((status, told)) }
    })
    .await;
    assert_eq!(status, 202, "{tested}");
    let both = failures(&acme, "", &[1, 2]).await;
    let (_, page) = asked(&acme, "failures?limit=1").await;
    let cursor = page["next"].as_str().expect("a cursor");
    let (_, rest) = asked(&acme, &format!("failures?limit=1&cursor={cursor}")).await;
    assert_eq!((&page["items"], &rest["items"], &rest["next"]), (&json!([both[0]]), &json!([both[1]]), &Value::Null));
    let event = first["event"].as_str().expect("an id");
    failures(&acme, &format!("?event={event}"), &[2]).await;
    failures(&acme, "?status=401&type=com.contoso.partner.test.v1", &[1, 2]).await;
    failures(&acme, "?status=500", &[]).await;
    for wrong in ["?event=a'b", "?status=x", "?since=yesterday", "?since=2020-01-01T00:00:00Z", "?cursor=x", "?oops=1"]
    {
        let (status, answer) = asked(&acme, &format!("failures{wrong}")).await;
        assert_eq!(status, 400, "{wrong}: {answer}");
    }

    // The app's clock is behind the stack's, which was stepped, so the last minute comes into the range only then.
    let counted = eventually("all counts", || async {
        let (_, counted) = asked(&acme, "metrics").await;
        let of = |name: &str| counted["totals"][name].as_u64();
        let totals = [of("matched"), of("delivered"), of("failedAttempts")];
        if totals == [Some(3), Some(1), Some(3)] { Ok(counted) } else { Err(counted.to_string()) }
    })
    .await;
    assert!(!counted["series"]["failedAttempts"].as_array().expect("points").is_empty());

    // The endpoint is mended: what its next attempt, ten seconds later, delivered is not expected any more.
    webhook.status.store(500, Ordering::SeqCst);
    let before = webhook.deliveries.load(Ordering::SeqCst);
    let tested = eventually("a test", || async {
        let (status, told) = acme.post(&format!("{HOOK}/test"), json!({})).await;
        if status == 202 { Ok(told) } else { Err(told.to_string()) }
    })
    .await;
    let event = format!("?event={}", tested["id"].as_str().expect("an id"));
    let held = webhook.holds_after(before + 1).await;
    let waits = failures(&acme, &event, &[1]).await.remove(0);
    assert_eq!(waits["then"], "expected by schedule", "{waits}");
    webhook.status.store(200, Ordering::SeqCst);
    drop(held);
    within(Duration::from_secs(60), "an event that was delivered", || async {
        let (_, told) = asked(&acme, &format!("failures{event}")).await;
        let item = &told["items"][0];
        let is_told = item["then"] == "probably delivered" && item["nextAttempt"].is_null();
        if is_told { Ok(()) } else { Err(told.to_string()) }
    })
    .await;

    assert_eq!(other.get(&format!("{HOOK}/failures")).await.0, 404);
    assert_eq!(other.get(&format!("{HOOK}/metrics")).await.0, 404);
    shop.stop().await;
}
