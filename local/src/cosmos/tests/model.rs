//! Whatever is written, expires and restarts: what clients see is what a simple model says.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Upsert {
        id: u8,
        ttl: Option<i64>,
    },
    Delete(u8),
    Patch(u8),
    /// Upserts and deletes in one transaction.
    Batch(Vec<(u8, bool)>),
    /// Half units of time to live.
    Wait(i64),
    Restart,
}

/// One unit of time to live, far longer than a case takes.
const UNIT: i64 = 2000;

#[derive(Clone, Debug, PartialEq)]
struct Written {
    n: i64,
    ttl: Option<i64>,
    at: i64,
    etag: String,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0u8..4;
    let ttl = prop_oneof![Just(None), Just(Some(-1)), (1i64..3).prop_map(|units| Some(units * UNIT))];
    prop_oneof![
        4 => (id.clone(), ttl).prop_map(|(id, ttl)| Step::Upsert { id, ttl }),
        1 => id.clone().prop_map(Step::Delete),
        2 => id.clone().prop_map(Step::Patch),
        2 => prop::collection::vec((id, any::<bool>()), 1..4).prop_map(Step::Batch),
        2 => (1i64..4).prop_map(Step::Wait),
        2 => Just(Step::Restart),
    ]
}

struct World {
    store: Storage,
    identity: Identity,
    clock: Clock,
    cosmos: Cosmos,
    model: BTreeMap<u8, Written>,
    /// Seconds that the clock was stepped.
    now: i64,
    n: i64,
    /// A reader of the change feed: where it stands, and the last it saw of each item.
    place: String,
    seen: BTreeMap<u8, i64>,
}

impl World {
    async fn open(store: &Storage, identity: &Identity, clock: &Clock) -> Cosmos {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Cosmos::start(&topology(), identity, listener, store, clock, &|_| {}).await.unwrap()
    }

    async fn step(&mut self, step: Step) {
        self.n += 1;
        let (n, at) = (self.n, self.now);
        let document = |id: u8, ttl: Option<i64>| {
            let mut document = item(&id.to_string(), "p", n);
            if let Some(ttl) = ttl {
                document["ttl"] = ttl.into();
            }
            document
        };
        let key = keyed("[\"p\"]");
        match step {
            Step::Upsert { id, ttl } => {
                let response = send(&self.cosmos, Method::POST, DOCS, &UPSERT, &document(id, ttl)).await;
                assert!(response.status().is_success());
                self.model.insert(id, Written { n, ttl, at, etag: header(&response, "etag").to_owned() });
            }
            Step::Delete(id) => {
                let path = format!("{DOCS}/{id}");
                let status = send(&self.cosmos, Method::DELETE, &path, &key, &Value::Null).await.status();
                assert_eq!(status == StatusCode::NO_CONTENT, self.model.remove(&id).is_some());
            }
            Step::Patch(id) => {
                let operations = json!({ "operations": [{ "op": "set", "path": "/n", "value": n }] });
                let response = send(&self.cosmos, Method::PATCH, &format!("{DOCS}/{id}"), &key, &operations).await;
                let known = self.model.get_mut(&id);
                assert_eq!(response.status() == StatusCode::OK, known.is_some());
                if let Some(written) = known {
                    let etag = header(&response, "etag").to_owned();
                    *written = Written { n, at, etag, ttl: written.ttl };
                }
            }
            Step::Batch(operations) => self.batch(&operations).await,
            Step::Wait(halves) => {
                self.clock.advance(Duration::from_secs((halves * UNIT / 2) as u64));
                self.now += halves * UNIT / 2;
                let now = self.now;
                self.model.retain(|_, written| written.ttl.is_none_or(|ttl| ttl == -1 || written.at + ttl > now));
            }
            Step::Restart => {
                self.cosmos.account.stopped().cancel();
                self.cosmos = Self::open(&self.store, &self.identity, &self.clock).await;
            }
        }
    }

    async fn batch(&mut self, operations: &[(u8, bool)]) {
        let mut after = self.model.clone();
        let mut done = true;
        let mut body_of = Vec::new();
        for (id, upsert) in operations {
            if *upsert {
                after.insert(*id, Written { n: self.n, ttl: None, at: self.now, etag: String::new() });
                body_of.push(json!({ "operationType": "Upsert", "resourceBody": item(&id.to_string(), "p", self.n) }));
            } else {
                done &= after.remove(id).is_some();
                body_of.push(json!({ "operationType": "Delete", "id": id.to_string() }));
            }
        }
        let headers = [
            ("x-ms-cosmos-is-batch-request", "true"),
            ("x-ms-cosmos-batch-atomic", "true"),
            ("x-ms-documentdb-partitionkey", "[\"p\"]"),
        ];
        let response = send(&self.cosmos, Method::POST, DOCS, &headers, &Value::Array(body_of)).await;
        assert_eq!(response.status() == StatusCode::OK, done, "all or nothing");
        if done {
            for ((id, _), result) in operations.iter().zip(body(&response).as_array().unwrap()) {
                if let (Some(written), Some(etag)) = (after.get_mut(id), result["eTag"].as_str()) {
                    etag.clone_into(&mut written.etag);
                }
            }
            self.model = after;
        }
    }

    async fn check(&mut self) {
        let expected: Vec<String> = self.model.keys().map(u8::to_string).collect();
        assert_eq!(ids(&self.cosmos).await, expected);
        for (id, written) in &self.model {
            let path = format!("{DOCS}/{id}");
            let key = keyed("[\"p\"]")[0];
            let read = send(&self.cosmos, Method::GET, &path, &[key], &Value::Null).await;
            assert_eq!(body(&read)["n"], written.n);
            // The ETag of the write, however many restarts ago.
            let held = [key, ("if-none-match", written.etag.as_str())];
            assert_eq!(send(&self.cosmos, Method::GET, &path, &held, &Value::Null).await.status(), 304, "{written:?}");
        }
        self.follow().await;
        self.seen.retain(|id, _| self.model.contains_key(id));
        let written: BTreeMap<u8, i64> = self.model.iter().map(|(id, written)| (*id, written.n)).collect();
        assert_eq!(self.seen, written, "what a reader of the change feed knows");
    }

    /// Reads on from where the reader stood, in pages of two.
    async fn follow(&mut self) {
        loop {
            let headers = [
                ("a-im", "Incremental feed"),
                keyed("[\"p\"]")[0],
                ("x-ms-max-item-count", "2"),
                ("if-none-match", self.place.as_str()),
            ];
            let page = send(&self.cosmos, Method::GET, DOCS, &headers, &Value::Null).await;
            let number = |place: &str| place.trim_matches('"').parse::<u64>().unwrap();
            let place = header(&page, "etag").to_owned();
            assert!(number(&place) >= number(&self.place), "positions never go back");
            self.place = place;
            if page.status() == StatusCode::NOT_MODIFIED {
                return;
            }
            assert_eq!(page.status(), StatusCode::OK);
            for document in body(&page)["Documents"].as_array().unwrap() {
                let id = document["id"].as_str().unwrap().parse().unwrap();
                self.seen.insert(id, document["n"].as_i64().unwrap());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn clients_see_what_was_written_has_not_expired_and_outlived_restarts(
        steps in prop::collection::vec(step(), 1..30),
    ) {
        Runtime::new().unwrap().block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let (store, clock) = (storage(&directory), Clock::default());
            let identity = Identity::sample().await;
            let cosmos = World::open(&store, &identity, &clock).await;
            let (model, seen) = (BTreeMap::new(), BTreeMap::new());
            let mut world =
                World { store, identity, clock, cosmos, model, now: 0, n: 0, place: "\"0\"".to_owned(), seen };
            for step in steps {
                world.step(step).await;
                world.check().await;
            }
        });
    }
}
