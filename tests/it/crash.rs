//! Stack and handler are killed at random moments under load: what was acknowledged is where it was.
//!
//! The short form runs with all tests. The long form is `CONTOSO_CRASH_ROUNDS=200 ./contoso test crash`; a run is
//! repeated with the seed that it prints.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contoso_local::event_hubs::StoredEvent;
use contoso_local::stack::{Ports, Stack, StackOptions};
use contoso_local::storage::Sync;
use contoso_local::topology::Topology;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::seed::{self, Random};
use crate::support::{Shop, eventually};

const WRITERS: usize = 2;
const PRODUCTS: usize = 4;
/// The longest time under load between two kills.
const LOAD: Duration = Duration::from_millis(1500);

fn rounds() -> usize {
    std::env::var("CONTOSO_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_at_random_moments_lose_nothing_acknowledged() {
    let mut random = seed::random("CONTOSO_CRASH_SEED");
    let mut shop = Shop::empty().await;
    let mut log = Log::default();
    let written: Vec<Written> = (0..WRITERS).map(|_| Written::default()).collect();
    for round in 1..=rounds() {
        let load = Load::start(&shop, &written);
        tokio::time::sleep(upto(LOAD, &mut random)).await;
        match random.below(3) {
            0 => {
                shop.kill_handler().await;
                load.stop().await;
            }
            _ => {
                let crashed = shop.crash();
                load.stop().await;
                log.grew_into(&Log::of(crashed.data_dir()).await, round);
                if random.below(4) == 0 {
                    crashed.restart_and_kill_within(upto(LOAD, &mut random)).await;
                }
                shop = crashed.restart().await;
            }
        }
        shop.holds(&written).await;
        println!("round {round}: {} events on the hub", log.len());
    }
    shop.comes_right(&written).await;
    log.grew_into(&Log::of(shop.crash().data_dir()).await, rounds() + 1);
}

fn upto(time: Duration, random: &mut Random) -> Duration {
    Duration::from_millis(random.below(usize::try_from(time.as_millis()).expect("short") + 1) as u64)
}

/// The versions of a writer's products.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<HashMap<String, Versions>>>);

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
struct Load {
    over: CancellationToken,
    writers: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(shop: &Shop, written: &[Written]) -> Self {
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
                        _ => tokio::time::sleep(Duration::from_millis(10)).await,
                    }
                }
            })
        };
        let writers = written.iter().enumerate().map(start).collect();
        Self { over, writers }
    }

    async fn stop(self) {
        self.over.cancel();
        for writer in self.writers {
            writer.await.expect("no panic");
        }
    }
}

impl Shop {
    /// The catalogue has each product as it was acknowledged, or as it was sent after that.
    async fn holds(&self, written: &[Written]) {
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
    async fn comes_right(&self, written: &[Written]) {
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

/// Every event of the hub, by partition.
#[derive(Default)]
struct Log(Vec<Vec<StoredEvent>>);

impl Log {
    /// What a killed stack left, read from a copy so that nothing of it is delivered.
    async fn of(data_dir: &Path) -> Self {
        let copy = TempDir::new().expect("a temporary folder");
        let status = std::process::Command::new("cp").arg("-r").arg(data_dir).arg(copy.path().join("data")).status();
        assert!(status.expect("cp runs").success());
        let topology = concat!(env!("CARGO_MANIFEST_DIR"), "/../topology.json");
        let options = StackOptions {
            topology: Topology::read(topology.as_ref()).expect("a topology"),
            data_dir: copy.path().join("data"),
            ports: Ports::auto(),
            sync: Sync::Process,
        };
        let stack = Box::pin(Stack::start(options, &|_| {})).await.expect("a stack starts on what was left");
        let hub = stack.event_hubs().hub("products").expect("the hub");
        let read = |partition: &contoso_local::event_hubs::Partition| partition.read(0, usize::MAX, usize::MAX);
        let log = hub.partitions().iter().map(|partition| read(partition).expect("a log")).collect();
        stack.stop().await;
        Self(log)
    }

    fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Takes a later state, in which every event must be where it was, without gaps.
    fn grew_into(&mut self, later: &Self, round: usize) {
        for (partition, events) in later.0.iter().enumerate() {
            for (expected, event) in (0..).zip(events) {
                assert_eq!(event.sequence, expected, "round {round}: partition {partition} has a gap");
            }
            let before = self.0.get(partition).map_or(&[][..], Vec::as_slice);
            assert!(before.len() <= events.len(), "round {round}: partition {partition} lost events");
            for (old, new) in before.iter().zip(events) {
                assert_eq!(old.message, new.message, "round {round}: partition {partition} at {}", old.sequence);
            }
        }
        self.0 = later.0.clone();
    }
}
