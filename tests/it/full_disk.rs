//! A full disk: clear errors, nothing acknowledged is lost, and it goes on when there is room again.

use std::path::Path;
use std::process::Command;

use contoso_local::storage::Sync;
use tempfile::TempDir;

use crate::power_cut::load;
use crate::power_cut::recorder::{self, record_until_full};

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
    let before = load::store_one_of_each(&stack, 1).await;
    assert!(before.iter().all(Result::is_ok), "{before:?}");

    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![1; 100 * 1024 * 1024]).expect("it fits");
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

/// Where a write fails all the same the store stops, says so to every service, and the next start has it all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_write_stops_the_store_and_the_next_start_recovers_it() {
    for sync in [Sync::Process, Sync::Always] {
        let recording = record_until_full(sync, 60).await;
        let lines = recording.acknowledged();
        let (refused, acknowledged): (Vec<String>, Vec<String>) =
            lines.into_iter().partition(|line| line.starts_with(load::REFUSED));
        for service in ["event", "document", "blob"] {
            let of_service = |line: &&String| line.starts_with(&format!("{} {service}", load::REFUSED));
            let line =
                refused.iter().find(of_service).unwrap_or_else(|| panic!("no {service} was refused: {refused:?}"));
            assert!(line.contains("the local store stopped at a failed write"), "{line}");
        }
        let directory = recording.directory().join(recorder::STACK);
        assert_eq!(load::missing(&directory, &acknowledged).await, Vec::<String>::new(), "{sync:?}");
    }
}
