//! What operations cost in a container of many items: the same as in one of few.

use std::time::{Duration, Instant};

use super::*;

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
/// Items of a partition key, and of a batch.
const OF_KEY: usize = 100;

fn key_of(n: usize) -> String {
    json!([format!("p{}", n / OF_KEY)]).to_string()
}

async fn fill(cosmos: &Cosmos, from: usize, to: usize) {
    for start in (from..to).step_by(OF_KEY) {
        let key = key_of(start);
        let headers = [
            ("x-ms-documentdb-partitionkey", key.as_str()),
            ("x-ms-cosmos-is-batch-request", "true"),
            ("x-ms-cosmos-batch-atomic", "true"),
            ("prefer", "return=minimal"),
        ];
        let create = |n: usize| {
            let document =
                json!({ "id": format!("i{n}"), "pk": format!("p{}", n / OF_KEY), "n": n, "name": "an item" });
            json!({ "operationType": "Create", "resourceBody": document })
        };
        let operations = Value::Array((start..start + OF_KEY).map(create).collect());
        assert_eq!(send(cosmos, Method::POST, DOCS, &headers, &operations).await.status(), StatusCode::OK);
    }
}

/// The median of what a point read, a page of a query over all keys, a query of one key, an idle poll, changes of one key,
/// changes since a date, and a write take.
async fn times(cosmos: &Cosmos, clock: &Clock, count: usize) -> [(&'static str, Duration); 7] {
    // The last item is later than all others.
    clock.advance(Duration::from_secs(3600));
    send(cosmos, Method::POST, DOCS, &UPSERT, &item("late", "p", 1)).await;
    let since = clock.now() - time::Duration::minutes(1);
    let since = since.format(&time::format_description::well_known::Rfc2822).unwrap();
    let key = key_of(count / 2);
    let keyed = ("x-ms-documentdb-partitionkey", key.as_str());
    let query = ("x-ms-documentdb-isquery", "true");
    let all = ("x-ms-documentdb-query-enablecrosspartition", "true");
    let place = format!("\"{}\"", cosmos.change_feed("shop", "items", "0", None, 1).await.unwrap().lsn);
    let item_path = format!("{DOCS}/i{}", count / 2);
    let document = json!({ "id": format!("i{}", count / 2), "pk": format!("p{}", count / 2 / OF_KEY), "n": count / 2 });
    let some = json!({ "query": "SELECT * FROM c WHERE c.n >= 0" });
    let ordered = json!({ "query": "SELECT VALUE c.n FROM c ORDER BY c.n DESC" });
    let feed = ("a-im", "Incremental feed");
    let replace = [keyed, ("x-ms-documentdb-is-upsert", "true")];
    let requests = [
        ("point read", Method::GET, item_path.as_str(), vec![keyed], &Value::Null, 200),
        ("page of 10", Method::POST, DOCS, vec![query, all, ("x-ms-max-item-count", "10")], &some, 200),
        ("query of a key", Method::POST, DOCS, vec![query, keyed], &ordered, 200),
        ("idle poll", Method::GET, DOCS, vec![feed, ("if-none-match", place.as_str())], &Value::Null, 304),
        ("changes of a key", Method::GET, DOCS, vec![feed, keyed], &Value::Null, 200),
        ("changes since", Method::GET, DOCS, vec![feed, ("if-modified-since", since.as_str())], &Value::Null, 200),
        ("upsert", Method::POST, DOCS, replace.to_vec(), &document, 200),
    ];
    let mut medians = Vec::new();
    for (name, method, path, headers, body, status) in requests {
        let mut taken = Vec::new();
        for _ in 0..101 {
            let began = Instant::now();
            let answer = send(cosmos, method.clone(), path, &headers, body).await;
            taken.push(began.elapsed());
            assert_eq!(answer.status(), status, "{name}");
        }
        taken.sort();
        medians.push((name, taken[50]));
    }
    medians.try_into().unwrap()
}

/// `cargo test -p contoso-local --lib -- --ignored --nocapture no_dearer_among_a_million`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; run it after changes to how items are kept"]
async fn operations_are_no_dearer_among_a_million_items() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let cosmos = start_at(&storage(&directory), &clock).await;
    fill(&cosmos, 0, FEW).await;
    let few = times(&cosmos, &clock, FEW).await;
    fill(&cosmos, FEW, MANY).await;
    let many = times(&cosmos, &clock, MANY).await;
    for ((name, few), (_, many)) in few.into_iter().zip(many) {
        println!("{name}: {few:?} among {FEW}, {many:?} among {MANY}");
        assert!(many < few * 3 + Duration::from_millis(1), "{name}");
    }
}
