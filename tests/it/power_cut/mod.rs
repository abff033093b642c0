//! A power cut, on a file layer that drops what was not flushed.
//!
//! A stack runs under load in a child process whose file operations are written down ([`recorder`]). From that record
//! the disk is rebuilt as a power cut at a random moment may leave it ([`disk`]): what was flushed is there, of the rest
//! any part, in sectors, sizes and names. A stack must start on each such disk and hold all that was acknowledged
//! before the cut, in order ([`load`]).

pub(crate) mod disk;
pub(crate) mod load;
pub(crate) mod recorder;

use std::path::Path;

use contoso_local::storage::Sync;
use tempfile::TempDir;

use self::{
    disk::{Disk, Survival},
    recorder::{Recording, record},
};
use crate::support::{machine, seed};

/// Acknowledgements to record before the stack is killed.
const ACKNOWLEDGED: usize = 250;

/// Cuts to try; `CONTOSO_POWER_CUTS` asks for more.
fn cuts() -> usize {
    machine::setting("CONTOSO_POWER_CUTS").unwrap_or(16)
}

/// Every disk that a power cut may leave holds what `--sync always` acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_sync_always_a_power_cut_loses_nothing_acknowledged() {
    let mut random = seed::random("CONTOSO_POWER_CUT_SEED");
    let recording = record(Sync::Always, ACKNOWLEDGED).await;
    assert_eq!(recording.unlike_the_real_disk(), Vec::<String>::new(), "the recorder missed something");
    let disk = Disk::of(&recording);
    for _ in 0..cuts() {
        let cut = disk.moment(&mut random);
        let survival = Survival::any(&mut random);
        let lost = lost_at(&disk, cut, survival, random.next()).await;
        assert_eq!(lost, Vec::<String>::new(), "cut at {cut} of {}, {survival:?}", disk.moments());
    }
}

/// The same without flushing loses something: the test above can fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_it_the_same_cut_loses_what_was_acknowledged() {
    let recording = record(Sync::Process, ACKNOWLEDGED).await;
    let disk = Disk::of(&recording);
    let lost = lost_at(&disk, disk.moments(), Survival::NOTHING, 0).await;
    assert!(!lost.is_empty(), "nothing was flushed, and yet nothing is missing");
}

/// What is missing of what was acknowledged before the cut, or why no stack starts.
async fn lost_at(disk: &Disk, cut: usize, survival: Survival, seed: u64) -> Vec<String> {
    let directory = TempDir::new().expect("a temporary folder");
    let acknowledged = disk.rebuild(cut, survival, seed, directory.path());
    load::missing(&directory.path().join(recorder::STACK), &acknowledged).await
}

/// The child process of a recording; nothing where this is an ordinary test run.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn recorded_child() {
    let Some((directory, sync)) = recorder::in_child() else { return };
    load::run(Path::new(&directory), sync).await;
}

impl Recording {
    /// Files that differ between the full record and the disk the child really left.
    fn unlike_the_real_disk(&self) -> Vec<String> {
        let copy = TempDir::new().expect("a temporary folder");
        let disk = Disk::of(self);
        disk.rebuild(disk.moments(), Survival::EVERYTHING, 0, copy.path());
        disk::differences(&self.directory(), copy.path())
    }
}
