//! A full disk: clear errors, nothing acknowledged is lost, and it goes on when there is room again.

use std::{path::Path, process::Command, time::Duration};

use axum::http::Method;
use bytes::Bytes;
use contoso_local::storage::Sync;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    power_cut::{
        load,
        recorder::{self, record_until_full},
    },
    support::{Shop, ShopOptions, SuiteStack, python},
};

/// Bytes that leave too little of a small disk.
const FILLER: usize = 100 * 1024 * 1024;

/// A file system of this size in memory; `None` where this process may not mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let directory = TempDir::new().expect("a temporary folder");
        let size = format!("size={megabytes}m");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(directory.path()).output().ok()?;
        mount.status.success().then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Where it does not succeed the folder cannot be removed either, which the test run then shows.
        let _unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Writes are refused while there is still room to tidy up in, reads go on, and with room again so do writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_until_there_is_room() {
    let Some(disk) = SmallDisk::mount(160) else {
        println!("not tested: this process may not mount a small file system");
        return;
    };
    let data = disk.path().join("data");
    let stack = load::start(&data, Sync::Process).await.expect("the stack starts");
    let mut before = vec![load::subscribe(&stack).await];
    before.extend(load::store_one_of_each(&stack, 1).await);
    assert!(before.iter().all(Result::is_ok), "{before:?}");

    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![1; FILLER]).expect("it fits");
    for refused in load::store_one_of_each(&stack, 2).await {
        let error = refused.expect_err("there is no room");
        assert!(error.contains("bytes left, too few to write safely"), "{error}");
    }
    std::fs::remove_file(&filler).expect("it is there");
    let after = load::store_one_of_each(&stack, 3).await;
    assert!(after.iter().all(Result::is_ok), "{after:?}");
    stack.stop().await;

    let acknowledged: Vec<String> = before.into_iter().chain(after).map(|line| line.expect("stored")).collect();
    assert_eq!(load::missing(&data, &acknowledged).await, Vec::<String>::new());
}

/// Where there is not even room to note what has expired, reads go on and do not show it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_documents_do_not_stop_reads_of_a_full_disk() {
    let Some(disk) = SmallDisk::mount(160) else {
        println!("not tested: this process may not mount a small file system");
        return;
    };
    let stack = load::start(&disk.path().join("data"), Sync::Process).await.expect("the stack starts");
    let listings = "/dbs/site/colls/listings/docs";
    for (id, ttl) in [("brief", 60), ("lasting", -1)] {
        let document = json!({"id": id, "category": id, "ttl": ttl});
        let (status, _) = load::cosmos(&stack, Method::POST, listings, id, document.to_string().into()).await;
        assert_eq!(status, 201, "{id}");
    }
    std::fs::write(disk.path().join("filler"), vec![1; FILLER + 32 * 1024 * 1024]).expect("it fits");
    stack.clock().advance(Duration::from_secs(61));
    for (id, expected) in [("brief", 404), ("lasting", 200), ("brief", 404)] {
        let (status, body) = load::cosmos(&stack, Method::GET, &format!("{listings}/{id}"), id, Bytes::new()).await;
        assert_eq!(status, expected, "{id}: {body:?}");
    }
    let (status, _) =
        load::cosmos(&stack, Method::DELETE, &format!("{listings}/lasting"), "lasting", Bytes::new()).await;
    assert_eq!(status, 503);

    std::fs::remove_file(disk.path().join("filler")).expect("it is there");
    for (id, expected) in [("brief", 404), ("lasting", 204)] {
        let path = format!("{listings}/{id}");
        let (status, body) = load::cosmos(&stack, Method::DELETE, &path, id, Bytes::new()).await;
        assert_eq!(status, expected, "{id}: {body:?}");
    }
    stack.stop().await;
}

/// What official clients see of it: the refusal in each service's words, reads and deletes that go on, and repeats that
/// get through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn official_clients_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount(160) else {
        println!("not tested: this process may not mount a small file system");
        return;
    };
    let stack = SuiteStack::start_in(&disk.path().join("data")).await;
    let mut endpoints = stack.endpoints.clone();
    endpoints["filler"] = json!({"path": disk.path().join("filler"), "bytes": FILLER});
    let run = move || python::run_client("full_disk.py", &endpoints);
    println!("{}", tokio::task::spawn_blocking(run).await.expect("no panic"));
    stack.stop().await;
}

/// Where a write fails all the same the store stops, says so to every service, and the next start has it all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_write_stops_the_store_and_the_next_start_recovers_it() {
    for sync in [Sync::Process, Sync::Always] {
        let recording = record_until_full(sync, 60).await;
        let lines = recording.acknowledged();
        let (refused, acknowledged): (Vec<String>, Vec<String>) =
            lines.into_iter().partition(|line| line.starts_with(load::REFUSED));
        for service in load::SERVICES {
            let of_service = |line: &&String| line.starts_with(&format!("{} {service}", load::REFUSED));
            let line =
                refused.iter().find(of_service).unwrap_or_else(|| panic!("no {service} was refused: {refused:?}"));
            assert!(line.contains("the local store stopped at a failed write"), "{line}");
        }
        let directory = recording.directory().join(recorder::STACK);
        assert_eq!(load::missing(&directory, &acknowledged).await, Vec::<String>::new(), "{sync:?}");
    }
}

/// `contoso up` says why it ends, and the next one has what was acknowledged.
#[tokio::test]
async fn up_ends_with_the_reason_when_its_disk_fails() {
    let (data, elsewhere) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let full = elsewhere.path().join("full");
    let options =
        ShopOptions { environment: recorder::environment(data.path(), elsewhere.path(), &full), ..Default::default() };
    let shop = Shop::start_in(data, options).await;
    let rope = json!({"name": "Rope", "category": "Climbing", "price": {"amount": "1.00", "currency": "USD"}});
    shop.put_product("rope", &rope).await;

    std::fs::write(&full, []).expect("a file");
    // Refused or cut off: the stack may end before it answers.
    let refused = shop.http.put(shop.api("products/lamp")).json(&rope).send().await;
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status().is_server_error()));
    let (code, crashed) = shop.ends().await;
    assert_eq!(code, Some(1));
    let log = std::fs::read_to_string(crashed.data_dir().join("up.log")).expect("a log");
    assert!(log.contains("what was acknowledged is kept"), "{log}");

    std::fs::remove_file(&full).expect("it is there");
    let shop = crashed.restart().await;
    shop.site_shows_price("rope", "1.00").await;
}
