//! Bounds: what no single request may take, whatever it asks for; and what a full disk still takes.

use std::{path::Path, process::Command};

use super::*;

const MIB: u64 = 1 << 20;

/// Operations on items of the partition `p` as one request.
async fn together(cosmos: &Cosmos, atomic: bool, operations: &Value) -> (Response<Bytes>, Vec<Value>) {
    let headers = [
        ("x-ms-cosmos-is-batch-request", "true"),
        ("x-ms-cosmos-batch-atomic", if atomic { "true" } else { "false" }),
        ("x-ms-cosmos-batch-continue-on-error", "true"),
        ("x-ms-documentdb-partitionkey", "[\"p\"]"),
    ];
    let response = send(cosmos, Method::POST, DOCS, &headers, operations).await;
    let results = body(&response).as_array().cloned().unwrap_or_default();
    (response, results)
}

fn statuses(results: &[Value]) -> Vec<u64> {
    results.iter().map(|result| result["statusCode"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_batch_does_not_multiply_what_it_reads_or_writes() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let large = json!({ "id": "large", "pk": "p", "n": 1, "zeros": vec![0; 900_000] });
    assert_eq!(send(&cosmos, Method::POST, DOCS, &keyed("[\"p\"]"), &large).await.status(), 201);
    send(&cosmos, Method::POST, DOCS, &keyed("[\"p\"]"), &item("small", "p", 1)).await;

    let read = |id: &str| json!({ "operationType": "Read", "id": id });
    let reads = json!([read("large"), read("large"), read("large"), read("small")]);
    let (_, atomic) = together(&cosmos, true, &reads).await;
    assert_eq!(statuses(&atomic), [424, 424, 413, 424]);
    assert_eq!(atomic[2]["subStatusCode"], 3402);
    let (bulk, each) = together(&cosmos, false, &reads).await;
    assert_eq!((bulk.status().as_u16(), statuses(&each)), (207, vec![200, 200, 413, 200]));
    assert_eq!((&each[2]["subStatusCode"], &each[3]["resourceBody"]["id"]), (&json!(3402), &json!("small")));

    let bump = json!({ "operations": [{ "op": "incr", "path": "/n", "value": 1 }] });
    let patch = json!({ "operationType": "Patch", "id": "large", "resourceBody": bump });
    let (_, patched) = together(&cosmos, true, &json!([patch, patch, patch])).await;
    assert_eq!(statuses(&patched), [424, 424, 413]);
    let (_, patched) = together(&cosmos, true, &json!([patch, patch])).await;
    assert_eq!(statuses(&patched), [200, 200]);
}

#[tokio::test]
async fn a_bulk_request_costs_what_its_operations_cost() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let create = |id: &str| json!({ "operationType": "Create", "resourceBody": item(id, "p", 1) });
    let (response, results) = together(&cosmos, false, &json!([create("a"), create("b")])).await;
    let charges: f64 = results.iter().map(|result| result["requestCharge"].as_f64().unwrap()).sum();
    let charge: f64 = header(&response, "x-ms-request-charge").parse().unwrap();
    assert!(charge > 10.0 && (charge - charges).abs() < 0.01, "{charge} {charges}");
}

#[tokio::test]
async fn throughput_above_what_the_service_gives_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let wide = json!({ "id": "wide", "partitionKey": { "paths": ["/pk"] } });
    for (path, definition) in [("/dbs", json!({ "id": "wide" })), ("/dbs/shop/colls", wide)] {
        let headers = [("x-ms-offer-throughput", "40000000000000")];
        let refused = send(&cosmos, Method::POST, path, &headers, &definition).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{refused:?}");
    }
    let offers = body(&send(&cosmos, Method::GET, "/offers", &[], &Value::Null).await);
    let mut offer = offers["Offers"][0].clone();
    offer["content"]["offerThroughput"] = u64::MAX.into();
    let path = format!("/offers/{}", offer["id"].as_str().unwrap());
    assert_eq!(send(&cosmos, Method::PUT, &path, &[], &offer).await.status(), StatusCode::BAD_REQUEST);
    offer["content"]["offerThroughput"] = 1_000_000.into();
    assert_eq!(send(&cosmos, Method::PUT, &path, &[], &offer).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_continuation_does_not_lead_out_of_the_partition_key() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    for pk in ["p", "q"] {
        let document = json!({ "id": pk, "pk": pk, "tags": [format!("{pk}1"), format!("{pk}2")] });
        let key = format!("[\"{pk}\"]");
        send(&cosmos, Method::POST, DOCS, &[("x-ms-documentdb-partitionkey", &key)], &document).await;
    }
    let query = json!({ "query": "SELECT VALUE t FROM c JOIN t IN c.tags" });
    let page = async |key: &str, continuation: &str| {
        let headers = [
            ("x-ms-documentdb-partitionkey", key),
            ("x-ms-documentdb-isquery", "true"),
            ("content-type", "application/query+json"),
            ("x-ms-max-item-count", "1"),
            ("x-ms-continuation", continuation),
        ];
        send(&cosmos, Method::POST, DOCS, &headers, &query).await
    };
    for (own, other) in [("[\"p\"]", "[\"q\"]"), ("[\"q\"]", "[\"p\"]")] {
        let first = page(own, "").await;
        let token = header(&first, "x-ms-continuation");
        assert_eq!(body(&page(own, token).await)["_count"], 1);
        let strange = body(&page(other, token).await)["Documents"].to_string();
        assert!(!strange.contains(&own[2..3]), "{strange}");
    }
}

/// A file system of 160 MB in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=160m", "tmpfs"]).arg(directory.path());
        let is_mounted = mount.output().ok()?.status.success();
        is_mounted.then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_lets_items_containers_and_databases_go() {
    let Some(disk) = SmallDisk::mount() else {
        println!("not tested: this process may not mount a small file system");
        return;
    };
    let (store, clock) = (Storage::open(&disk.path().join("data"), Sync::Process).unwrap(), Clock::default());
    let cosmos = start_at(&store, &clock).await;
    let key = keyed("[\"p\"]");
    send(&cosmos, Method::POST, "/dbs", &[], &json!({ "id": "empty" })).await;
    send(&cosmos, Method::POST, DOCS, &key, &item("a", "p", 1)).await;
    send(&cosmos, Method::POST, DOCS, &key, &json!({ "id": "brief", "pk": "p", "ttl": 60 })).await;
    // What is left is too little for writes and enough for removals.
    let stat = rustix::fs::statvfs(disk.path()).unwrap();
    let free = stat.f_bavail * stat.f_frsize;
    std::fs::write(disk.path().join("filler"), vec![1; usize::try_from(free - 48 * MIB).unwrap()]).unwrap();

    let refused = send(&cosmos, Method::POST, DOCS, &key, &item("b", "p", 1)).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let message = body(&refused)["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("nothing was written."), "{message}");
    clock.advance(std::time::Duration::from_secs(61));
    let read = send(&cosmos, Method::GET, &format!("{DOCS}/a"), &key, &Value::Null).await;
    assert!(
        header(&read, "x-ms-resource-usage").contains("documentsCount=1;"),
        "what has expired is removed: {read:?}"
    );
    for path in [&format!("{DOCS}/a"), "/dbs/shop/colls/other", "/dbs/empty"] {
        let gone = send(&cosmos, Method::DELETE, path, &key, &Value::Null).await;
        assert_eq!(gone.status(), StatusCode::NO_CONTENT, "{path}: {gone:?}");
    }
}
