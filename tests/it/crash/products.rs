//! Products that change through the app, and what became of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{Shop, eventually, machine};

const PRODUCTS: usize = 4;

/// Waits until so many more changes were acknowledged.
pub(super) async fn changes(written: &[Written], more: u64) {
    let told = || written.iter().flat_map(Written::all).map(|(_, versions)| versions.told).sum::<u64>();
    let before = told();
    eventually("changes under load", || {
        let now = told() - before;
        async move { if now >= more { Ok(()) } else { Err(format!("{now} of {more}")) } }
    })
    .await;
}

/// The versions of a writer's products.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<HashMap<String, Versions>>>);

#[derive(Clone, Copy, Default)]
struct Versions {
    /// Acknowledged.
    told: u64,
    /// Sent; a request that a kill cut off may have been carried out.
    sent: u64,
}

impl Written {
    /// The next version of the product, which is noted as sent.
    fn next(&self, id: &str) -> u64 {
        let mut all = self.0.lock().expect("no panic");
        let versions = all.entry(id.to_owned()).or_default();
        versions.sent += 1;
        versions.sent
    }

    fn told(&self, id: &str, version: u64) {
        self.0.lock().expect("no panic").get_mut(id).expect("it was sent").told = version;
    }

    fn all(&self) -> Vec<(String, Versions)> {
        self.0.lock().expect("no panic").iter().map(|(id, versions)| (id.clone(), *versions)).collect()
    }
}

fn product(version: u64) -> Value {
    json!({"name": "Rope", "category": "Climbing", "price": {"amount": format!("{version}.00"), "currency": "USD"}})
}

/// Writers that change products, each its own, one after the other.
pub(super) struct Load {
    over: CancellationToken,
    writers: Vec<JoinHandle<()>>,
}

impl Load {
    pub(super) fn start(shop: &Shop, written: &[Written]) -> Self {
        let over = CancellationToken::new();
        let start = |(writer, written): (usize, &Written)| {
            let (over, written, http) = (over.clone(), written.clone(), shop.http.clone());
            let urls: Vec<_> = (0..PRODUCTS).map(|number| format!("p-{writer}-{number}")).collect();
            let urls: Vec<_> = urls.into_iter().map(|id| (shop.api(&format!("products/{id}")), id)).collect();
            tokio::spawn(async move {
                for (url, id) in urls.iter().cycle() {
                    if over.is_cancelled() {
                        break;
                    }
                    let version = written.next(id);
                    match http.put(url).json(&product(version)).send().await {
                        Ok(answer) if answer.status().is_success() => written.told(id, version),
                        // Killed meanwhile: it may have been carried out, and nobody was told.
                        _ => machine::time_passes(Duration::from_millis(10)).await,
                    }
                }
            })
        };
        let writers = written.iter().enumerate().map(start).collect();
        Self { over, writers }
    }

    pub(super) async fn stop(self) {
        self.over.cancel();
        for writer in self.writers {
            writer.await.expect("no panic");
        }
    }
}

impl Shop {
    /// The catalogue has each product as it was acknowledged, or as it was sent after that.
    pub(super) async fn holds(&self, written: &[Written]) {
        for (id, versions) in written.iter().flat_map(Written::all) {
            eventually(&format!("{id} in the catalogue"), || async {
                let Versions { told, sent } = versions;
                let answer =
                    self.http.get(self.api(&format!("products/{id}"))).send().await.map_err(|e| e.to_string())?;
                if told == 0 && answer.status() == 404 {
                    return Ok(());
                }
                let found: Value = answer.json().await.map_err(|error| error.to_string())?;
                let amount = found["price"]["amount"].as_str().and_then(|amount| amount.strip_suffix(".00"));
                let version = amount.and_then(|amount| amount.parse::<u64>().ok()).ok_or_else(|| found.to_string())?;
                // What was acknowledged and is not there will not come: no patience with that.
                assert!(told <= version && version <= sent, "{id}: {version}, acknowledged {told}, sent {sent}");
                Ok(())
            })
            .await;
        }
    }

    /// One more change of every product reaches the site and the partner, and no event meant two things.
    pub(super) async fn comes_right(&self, written: &[Written]) {
        for written in written {
            for (id, _) in written.all() {
                let version = written.next(&id);
                eventually("an accepted change", || async {
                    let url = self.api(&format!("products/{id}"));
                    match self.http.put(url).json(&product(version)).send().await {
                        Ok(answer) if answer.status().is_success() => Ok(()),
                        other => Err(format!("{other:?}")),
                    }
                })
                .await;
                written.told(&id, version);
            }
        }
        for (id, versions) in written.iter().flat_map(Written::all) {
            let price = format!("{}.00", versions.told);
            self.site_shows_price(&id, &price).await;
            self.partner_gets(&format!("{price} of {id}"), |event| {
                event["subject"] == id.as_str() && event["data"]["state"]["price"]["amount"] == price.as_str()
            })
            .await;
        }
        assert_eq!(self.partner_inbox().await["contradictions"], 0, "one id, one meaning");
    }
}
