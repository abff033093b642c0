//! Group commit, and what start-up makes of a damaged journal.

use std::{fs, path::Path, thread};

use tempfile::TempDir;

use super::*;

/// Commits `1..=count`, each a value large enough to span sectors now and then.
fn fill(store: &Storage, count: u64) {
    let keyspace = store.keyspace("entries").unwrap();
    for number in 1..=count {
        let mut batch = store.batch();
        batch.insert(&keyspace, number.to_be_bytes(), value(number));
        batch.commit().unwrap();
    }
}

fn value(number: u64) -> Vec<u8> {
    let byte = u8::try_from(number % 251).unwrap() + 1;
    vec![byte; usize::try_from(number * 137 % 900).unwrap()]
}

/// The numbers that a store holds; each must be as it was written.
fn entries(store: &Storage) -> Vec<u64> {
    let keyspace = store.keyspace("entries").unwrap();
    let read = keyspace.iter().map(|entry| {
        let (key, stored) = entry.into_inner().unwrap();
        let number = u64::from_be_bytes(*key.first_chunk().unwrap());
        assert_eq!(stored[..], value(number));
        number
    });
    read.collect()
}

/// A copy of the store as a killed process leaves it, with the journal's bytes replaced.
fn copy(from: &Path, to: &Path, journal: &[u8]) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target, journal);
        } else if entry.path().extension().is_some_and(|extension| extension == "jnl") {
            fs::write(target, journal).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The written part of the one journal of `store`.
fn journal_of(store: &Path) -> Vec<u8> {
    let mut bytes = fs::read(store.join("0.jnl")).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.truncate(written);
    bytes
}

fn reopen(from: &Path, journal: &[u8], sync: Sync) -> Result<Vec<u64>, StorageError> {
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("store");
    copy(from, &store, journal);
    Storage::open(&store, sync).map(|store| entries(&store))
}

/// Places where something begins or ends, and their neighbours.
fn interesting(starts: &[usize], length: usize) -> Vec<usize> {
    let mut places: Vec<usize> = starts
        .iter()
        .flat_map(|start| [0, 1, 4, 5, 12, 13, 14, 15, 16, 24, 28, 33, 34, 60].map(|within| start + within))
        .chain((1..=14).map(|back| length - back))
        .filter(|place| *place < length)
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn concurrent_commits_are_all_stored_in_the_order_of_submission() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store");
    let store = Storage::open(&path, Sync::Always).unwrap();
    let keyspace = store.keyspace("entries").unwrap();
    thread::scope(|scope| {
        for writer in 0..8u64 {
            let (store, keyspace) = (&store, &keyspace);
            scope.spawn(move || {
                for number in 0..20u64 {
                    let mut batch = store.batch();
                    batch.insert(keyspace, [writer.to_be_bytes(), number.to_be_bytes()].concat(), []);
                    // The same key in every batch: the last one submitted must win.
                    batch.insert(keyspace, "last", [writer.to_be_bytes(), number.to_be_bytes()].concat());
                    batch.commit().unwrap();
                }
            });
        }
    });
    let mut first = store.batch();
    first.insert(&keyspace, "last", "first");
    let first = first.submit().unwrap();
    let mut second = store.batch();
    second.insert(&keyspace, "last", "second");
    second.submit().unwrap().wait().unwrap();
    first.wait().unwrap();
    assert_eq!(keyspace.get("last").unwrap().unwrap()[..], *b"second");
    assert_eq!(keyspace.len().unwrap(), 8 * 20 + 1);
}

/// The journal of a killed stack, cut off at every interesting place: what is whole before the cut is there.
#[test]
fn a_cut_journal_opens_with_every_batch_before_the_cut() {
    for sync in [Sync::Process, Sync::Always] {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("store");
        let store = Storage::open(&path, sync).unwrap();
        fill(&store, 6);
        let journal = journal_of(&path);
        let ends = journal::ends(&journal);
        for cut in interesting(&ends, journal.len()) {
            let whole = u64::try_from(ends.iter().filter(|end| **end <= cut).count()).unwrap();
            let wanted: Vec<u64> = (1..=whole).collect();
            assert_eq!(reopen(&path, &journal[..cut], sync).unwrap(), wanted, "{sync:?}: cut at {cut}");
            let mut zeroed = journal.clone();
            zeroed[cut..].fill(0);
            assert_eq!(reopen(&path, &zeroed, sync).unwrap(), wanted, "{sync:?}: zeros from {cut}");
        }
    }
}

/// A damaged byte anywhere: the damaged batch alone is given up where it is the last, otherwise the store refuses.
#[test]
fn damage_before_the_end_is_refused_and_nothing_acknowledged_is_lost_silently() {
    for sync in [Sync::Process, Sync::Always] {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("store");
        let store = Storage::open(&path, sync).unwrap();
        fill(&store, 5);
        let journal = journal_of(&path);
        let ends = journal::ends(&journal);
        assert_eq!(ends.len(), 5);
        for at in interesting(&[&[0], &ends[..]].concat(), journal.len()) {
            let mut damaged = journal.clone();
            damaged[at] ^= 0x55;
            let batch = ends.iter().filter(|end| **end <= at).count();
            match reopen(&path, &damaged, sync) {
                // The checksum of the engine does not cover the sequence number, whose damage may be harmless.
                Ok(found) if found == [1, 2, 3, 4, 5] => {}
                Ok(found) => {
                    assert_eq!(batch, 4, "{sync:?}: byte {at} lost what was acknowledged: {found:?} is left");
                    assert_eq!(found, [1, 2, 3, 4]);
                }
                Err(StorageError::Damaged { at: from, .. }) => {
                    let starts = [batch.checked_sub(1).map_or(0, |before| ends[before]), ends[batch]];
                    assert!(starts.iter().any(|start| *start as u64 == from), "{sync:?}: byte {at}: cut at {from}?");
                }
                Err(error) => panic!("{sync:?}: byte {at}: {error}"),
            }
        }
    }
}

/// What a power cut may leave of one flush that was under way: the end of the batch without its middle.
#[test]
fn an_unacknowledged_batch_without_its_middle_is_cut_off() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store");
    let store = Storage::open(&path, Sync::Always).unwrap();
    fill(&store, 4);
    let keyspace = store.keyspace("entries").unwrap();
    let mut large = store.batch();
    large.insert(&keyspace, "large", vec![7; 3000]);
    large.commit().unwrap();
    let mut journal = journal_of(&path);
    let hole = journal.len() - 1500;
    journal[hole..hole + 512].fill(0);
    assert_eq!(reopen(&path, &journal, Sync::Always).unwrap(), [1, 2, 3, 4]);
}

/// A start that was interrupted while it made the store leaves nothing in the way.
#[test]
fn a_store_that_was_never_finished_is_made_anew() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store");
    fs::create_dir_all(directory.path().join("store.new/keyspaces")).unwrap();
    fs::write(directory.path().join("store.new/0.jnl"), []).unwrap();
    let store = Storage::open(&path, Sync::Always).unwrap();
    fill(&store, 1);
    assert!(!directory.path().join("store.new").exists());
}

#[test]
fn the_store_is_its_owners_alone_and_an_older_one_becomes_so() {
    use std::os::unix::fs::PermissionsExt;

    fn open_to_others(path: &Path) -> Vec<std::path::PathBuf> {
        let found = fs::metadata(path).unwrap();
        let within = fs::read_dir(path).into_iter().flatten().flat_map(|entry| open_to_others(&entry.unwrap().path()));
        let own = (found.permissions().mode() & 0o077 != 0).then(|| path.to_owned());
        within.chain(own).collect()
    }

    fn loosen(path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::read_dir(path).into_iter().flatten().for_each(|entry| loosen(&entry.unwrap().path()));
    }

    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store");
    let store = Storage::open(&path, Sync::Process).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    fill(&store, 10);
    drop(store);
    loosen(&path);
    let beside = directory.path().join("beside");
    fs::write(&beside, "not ours").unwrap();
    std::os::unix::fs::symlink(&beside, path.join("link")).unwrap();
    loosen(&beside);
    tighten(&path).unwrap();
    fs::remove_file(path.join("link")).unwrap();
    assert_eq!(open_to_others(&path), Vec::<std::path::PathBuf>::new());
    assert_eq!(open_to_others(&beside), std::slice::from_ref(&beside));
    loosen(&path);
    let store = Storage::open(&path, Sync::Process).unwrap();
    assert_eq!(entries(&store), (1..=10).collect::<Vec<_>>());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

/// The engine's queue takes a thousand messages; each of these writes would have sent one.
#[test]
fn what_many_write_at_once_does_not_gather_in_memory() {
    const WRITERS: u64 = 32;
    const WRITES: u64 = 64;
    let folder = TempDir::new().unwrap();
    let store = Storage::open(&folder.path().join("store"), Sync::Process).unwrap();
    let keyspace = store.keyspace_of_large_values("chunks").unwrap();
    let most = thread::scope(|scope| {
        let write = |writer: u64| {
            let (store, keyspace) = (&store, &keyspace);
            move || {
                let mut most = 0;
                for number in 0..WRITES {
                    let mut batch = store.batch();
                    batch.insert(keyspace, (writer * WRITES + number).to_be_bytes(), vec![7; 128 << 10]);
                    batch.commit_unsynced().unwrap();
                    most = most.max(store.db.write_buffer_size());
                }
                most
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(write(writer))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).max().unwrap()
    });
    assert!(most < 64 << 20, "{} MiB of 256 were in memory at once", most >> 20);
}
