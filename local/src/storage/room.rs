//! Room on the disk. A write that finds none stops the engine for good, so writes are refused before that: the stack then
//! goes on as soon as there is room again.

use std::path::{Path, PathBuf};

use super::StorageError;

/// Bytes that stay free for what the engine writes on its own: journals, flushes, compactions.
const RESERVE: u64 = 64 * 1024 * 1024;
/// Bytes of it that removals may use, since they make room.
const FOR_REMOVALS: u64 = RESERVE / 2;

/// The file system that holds the store.
pub(super) struct Room {
    directory: PathBuf,
}

impl Room {
    pub(super) fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Whether `bytes` more can be written.
    pub(super) fn check(&self, bytes: u64, makes_room: bool) -> Result<(), StorageError> {
        // Where the file system does not tell, the engine will.
        let Ok(stat) = rustix::fs::statvfs(&self.directory) else { return Ok(()) };
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let reserve = if makes_room { RESERVE - FOR_REMOVALS } else { RESERVE };
        if free < reserve.saturating_add(bytes) { Err(StorageError::Full { free }) } else { Ok(()) }
    }
}
