//! Disk space. A write that finds none stops the engine for good, so writes are refused before that: the stack then
//! goes on as soon as there is room again.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::StorageError;

/// Bytes that stay free for what the engine writes on its own: journals, flushes, compactions.
const RESERVE: u64 = 64 * 1024 * 1024;
/// Bytes of it that removals may use, since they make room.
const FOR_REMOVALS: u64 = RESERVE / 2;
/// With so many bytes left beyond the reserve the disk is not looked at again for [`SURE`]: nothing writes 20 GB/s, and
/// else every write of the stack would ask twice.
const PLENTY: u64 = 1024 * 1024 * 1024;
const SURE: Duration = Duration::from_millis(50);

/// The file system that holds the store.
pub(super) struct Room {
    directory: PathBuf,
    /// There is room until then.
    sure_until: Mutex<Option<Instant>>,
}

impl Room {
    pub(super) fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), sure_until: Mutex::new(None) }
    }

    /// Whether `bytes` more can be written.
    pub(super) fn check(&self, bytes: u64, makes_room: bool) -> Result<(), StorageError> {
        let now = Instant::now();
        let mut sure_until = self.sure_until.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes < PLENTY / 2 && sure_until.is_some_and(|until| now < until) {
            return Ok(());
        }
        // Where the file system does not tell, the engine will.
        let Ok(stat) = rustix::fs::statvfs(&self.directory) else { return Ok(()) };
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let reserve = if makes_room { RESERVE - FOR_REMOVALS } else { RESERVE };
        *sure_until = (free >= RESERVE + PLENTY).then(|| now + SURE);
        if free < reserve.saturating_add(bytes) { Err(StorageError::Full { free }) } else { Ok(()) }
    }
}
