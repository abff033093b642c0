//! The engine (fjall), as this store sets it.

use std::path::Path;

use fjall::{Database, KeyspaceCreateOptions};

use super::{StorageError, memtables};
use crate::files;

/// Bytes of blocks that are kept for reading, for all keyspaces together. Readers at the end of a hub have a cache of
/// their own, and so has the operating system.
const CACHE: u64 = 16 << 20;

/// Files of tables that stay open, where as many may be; otherwise one in four of those that the process may have open.
const OPEN_TABLES: usize = 900;

/// The engine on an existing or new directory.
pub(super) fn engine(directory: &Path) -> Result<Database, StorageError> {
    let tables = usize::try_from(files::limit() / 4).unwrap_or(OPEN_TABLES).clamp(16, OPEN_TABLES);
    Database::builder(directory)
        .cache_size(CACHE)
        .max_cached_files(Some(tables))
        .open()
        .map_err(|source| StorageError::Open { path: directory.display().to_string(), source: source.into() })
}

pub(super) fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(memtables::ENGINE_ASKS_AT)
}
