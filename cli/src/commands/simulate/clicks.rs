//! Visitors at work: planned clicks, sent one by one when they are due, as browsers send them.

use std::{sync::Arc, time::Duration};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};

use super::{
    MAX_IN_FLIGHT,
    report::{Call, Kind},
};
use crate::{
    failure::{self, CallError},
    traffic::{Item, Planned, Traffic},
};

const DEADLINE: Duration = Duration::from_secs(30);

/// The client that the site's pages send clicks to.
#[derive(Clone)]
pub(super) struct ClickClient {
    http: Client,
    address: String,
}

impl ClickClient {
    pub(super) fn new(http: Client, functions: &str) -> Self {
        Self { http, address: format!("{}/api/clicks", functions.trim_end_matches('/')) }
    }

    async fn send(&self, click: &Value) -> Result<(), CallError> {
        let operation = || "POST /api/clicks".to_owned();
        let response = self
            .http
            .post(&self.address)
            .timeout(DEADLINE)
            .json(click)
            .send()
            .await
            .map_err(|source| CallError::Send { operation: operation(), source })?;
        if response.status().is_success() { Ok(()) } else { Err(failure::refused(operation(), response).await) }
    }
}

/// The click as the site submits it. Ids are of this run: clicks of two runs are never taken for repeats of each other.
fn submission(run: &str, number: usize, planned: &Planned, item: &Item) -> Value {
    let mut click = json!({
        "id": format!("{run}-{number:08}"),
        "productId": item.id,
        "category": item.category,
        "consent": planned.consent,
    });
    if planned.consent {
        click["visitorId"] = json!(format!("{run}-v{:06}", planned.visitor));
        click["sessionId"] = json!(format!("{run}-s{}", planned.session));
    }
    click
}

/// Sends each click when it is due, whether earlier ones are answered or not.
pub(super) async fn drive(
    client: ClickClient,
    items: Vec<Item>,
    traffic: Traffic,
    run: String,
    calls: mpsc::Sender<Call>,
) {
    let room = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    let mut in_flight = JoinSet::new();
    let started = Instant::now();
    for (number, planned) in traffic.enumerate() {
        let due = started + planned.at;
        tokio::time::sleep_until(due).await;
        // Never closed, so there is always a permit to come.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
        let click = submission(&run, number, &planned, &items[planned.product]);
        let kind = if planned.consent { Kind::Recognised } else { Kind::Anonymous };
        let (client, calls) = (client.clone(), calls.clone());
        in_flight.spawn(async move {
            let result = client.send(&click).await;
            drop(permit);
            // Nobody counts any more once the run has ended.
            drop(calls.send(Call { kind, latency: due.elapsed(), result }).await);
        });
        while in_flight.try_join_next().is_some() {}
    }
    in_flight.join_all().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_consent_is_not_named() {
        let item = Item { id: "p1".to_owned(), category: "Bags".to_owned() };
        let planned = |consent| Planned { at: Duration::ZERO, product: 0, visitor: 7, session: 9, consent };
        assert_eq!(
            submission("sim-1", 3, &planned(true), &item),
            json!({ "id": "sim-1-00000003", "productId": "p1", "category": "Bags", "consent": true,
                "visitorId": "sim-1-v000007", "sessionId": "sim-1-s9" })
        );
        let anonymous = submission("sim-1", 3, &planned(false), &item);
        assert!(anonymous.get("visitorId").is_none() && anonymous.get("sessionId").is_none(), "{anonymous}");
    }
}
