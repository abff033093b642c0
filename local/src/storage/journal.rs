//! Journal recovery: what a crash left of the engine's journals, looked at before the engine opens them.
//!
//! The engine stops reading at the first entry it cannot decode and cuts off all that follows, and does not start at all
//! on a batch whose checksum is wrong. Neither is right: a power cut tears the last writes in any pattern, checksums
//! included, and damage further up must not silently take what lies behind it. So the tail that nobody was told of is cut
//! off here, and a journal that lost more than that refuses to open.
//!
//! A journal is a run of batches: a start (tag 1, number of entries, sequence number), entries (tag 2, or 4 for a cleared
//! keyspace), an end (tag 3, XXH3 of the entries, four fixed bytes). Integers are little-endian. The file is made longer
//! than needed; the rest is zeros.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

use super::{StorageError, commits::NUMBER_KEY, create::was_unsynced, directory};

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: [u8; 4] = *b"FJL\x03";
/// Bytes of a start, of an item without key and value, of a cleared keyspace, of an end.
const START_BYTES: usize = 1 + 4 + 8;
const ITEM_BYTES: usize = 1 + 1 + 1 + 8 + 2 + 4 + 4;
const CLEAR_BYTES: usize = 1 + 8;
const END_BYTES: usize = 1 + 8 + 4;
/// Sequence numbers are below; the checksum does not cover them.
const SEQUENCES: u64 = 1 << 62;
/// Bytes that are compared at a time to find the end of what was written.
const BLOCK: usize = 4096;

/// A batch that is whole.
struct Batch {
    end: usize,
    sequence: u64,
    /// Number of the commit group, where it is one.
    group: Option<u64>,
}

/// What a journal holds.
#[derive(Debug, PartialEq, Eq)]
struct Scan {
    /// End of the batches that are whole, from the beginning.
    whole: usize,
    /// Number of the last group among them.
    group: Option<u64>,
    /// End of what is not zero.
    written: usize,
    /// What is whole behind the damage.
    behind: Option<Behind>,
    /// Whether the next batch is whole but of an earlier sequence number, which no crash brings about.
    disordered: bool,
}

/// Whole batches behind the damage: the numbers of the first and the last group among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Behind {
    groups: Option<(u64, u64)>,
}

/// Cuts a torn tail off the last journal.
///
/// # Errors
/// When a journal has lost something that was acknowledged, or cannot be read or cut.
pub(super) fn recover(store: &Path) -> Result<(), StorageError> {
    let journals = journals(store)?;
    // Group 1 stands in the very first journal.
    let mut last_group = journals.first().filter(|(number, _)| *number == 0).map(|_| 0);
    for (index, (_, path)) in journals.iter().enumerate() {
        let bytes = fs::read(path).map_err(failed("read", path))?;
        let scan = scan(&bytes);
        let active = index + 1 == journals.len();
        last_group = scan.group.or(last_group);
        let torn = scan.whole < scan.written;
        if scan.disordered || (torn && (!active || acknowledged(&scan, last_group, was_unsynced(store)))) {
            return Err(StorageError::Damaged { path: path.clone(), at: scan.whole as u64 });
        }
        if torn {
            tracing::warn!(
                journal = %path.display(),
                at = scan.whole,
                bytes = scan.written - scan.whole,
                "cut off a torn tail: nothing in it was acknowledged"
            );
            let file = OpenOptions::new().write(true).open(path).map_err(failed("open", path))?;
            file.set_len(scan.whole as u64).and_then(|()| file.sync_all()).map_err(failed("cut", path))?;
            directory::sync(store)?;
        }
    }
    Ok(())
}

/// Whether something was acknowledged behind the damage. A group is written only when the one before is on the disk: so
/// one group may lie behind unflushed writes that were lost, two may not. Without flushing there are no numbers, and the
/// death of a process leaves nothing behind the place where it broke off.
fn acknowledged(scan: &Scan, last_group: Option<u64>, unsynced: bool) -> bool {
    match scan.behind {
        None => false,
        Some(_) if unsynced => true,
        // Where the journal with the group before is gone, the first one behind may be the next.
        Some(Behind { groups }) => groups.is_some_and(|(first, last)| last > last_group.map_or(first, |last| last + 1)),
    }
}

/// The journals, oldest first.
fn journals(store: &Path) -> Result<Vec<(u64, PathBuf)>, StorageError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(store).map_err(failed("list", store))? {
        let path = entry.map_err(failed("list", store))?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if let (Some("jnl"), Some(number)) = (path.extension().and_then(|extension| extension.to_str()), number) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

fn scan(bytes: &[u8]) -> Scan {
    let zeros = [0; BLOCK];
    let block = bytes.chunks(BLOCK).rposition(|block| *block != zeros[..block.len()]);
    let written = block.map_or(0, |block| {
        let start = block * BLOCK;
        let block = &bytes[start..bytes.len().min(start + BLOCK)];
        start + block.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    });
    let bytes = &bytes[..written];
    let (mut whole, mut group, mut sequence, mut disordered) = (0, None, 0, false);
    while let Some(batch) = batch_at(bytes, whole) {
        if whole > 0 && batch.sequence <= sequence {
            disordered = true;
            break;
        }
        whole = batch.end;
        group = batch.group.or(group);
        sequence = batch.sequence;
    }
    let mut behind: Option<Behind> = None;
    let mut at = whole;
    while at < written {
        let Some(batch) = batch_at(bytes, at) else {
            at += 1;
            continue;
        };
        let Behind { groups } = behind.get_or_insert_default();
        if let Some(group) = batch.group {
            *groups = Some((groups.map_or(group, |(first, _)| first), group));
        }
        at = batch.end;
    }
    Scan { whole, group, written, behind, disordered }
}

/// The batch that begins at `at`; nothing where it is not whole.
fn batch_at(bytes: &[u8], at: usize) -> Option<Batch> {
    let (start, mut rest) = bytes.get(at..)?.split_at_checked(START_BYTES)?;
    if start[0] != START {
        return None;
    }
    let entries = u32::from_le_bytes(*start[1..].first_chunk()?);
    let sequence = u64::from_le_bytes(*start[5..].first_chunk()?);
    let first = rest;
    let mut group = None;
    for _ in 0..entries {
        let length = match *rest.first()? {
            ITEM => {
                let head = rest.get(..ITEM_BYTES)?;
                let key = usize::from(u16::from_le_bytes(*head[11..].first_chunk()?));
                let value = usize::try_from(u32::from_le_bytes(*head[17..].first_chunk()?)).ok()?;
                let body = rest.get(ITEM_BYTES..ITEM_BYTES.checked_add(key)?.checked_add(value)?)?;
                if body.get(..key)? == NUMBER_KEY {
                    group = body[key..].first_chunk().copied().map(u64::from_be_bytes);
                }
                ITEM_BYTES + key + value
            }
            CLEAR => CLEAR_BYTES,
            _ => return None,
        };
        rest = rest.get(length..)?;
    }
    let end = rest.get(..END_BYTES)?;
    let hashed = &first[..first.len() - rest.len()];
    let checksum = u64::from_le_bytes(*end[1..].first_chunk()?);
    let whole = sequence < SEQUENCES && end[0] == END && end[9..] == TRAILER && checksum == xxh3_64(hashed);
    whole.then(|| Batch { end: at + START_BYTES + hashed.len() + END_BYTES, sequence, group })
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StorageError {
    let path = path.to_owned();
    move |source| StorageError::File { operation, path, source }
}

/// Where the batches of a journal end.
#[cfg(test)]
pub(super) fn ends(bytes: &[u8]) -> Vec<usize> {
    let next = |at: &usize| batch_at(bytes, *at).map(|batch| batch.end);
    std::iter::successors(next(&0), next).collect()
}
