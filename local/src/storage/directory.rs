//! Directory sync: a file that was flushed is still lost in a power cut where its directory was not.

use std::{fs::File, io, path::Path};

use super::StorageError;

/// Flushes the names in `directory` to the disk.
pub(super) fn flush(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The same, for the store.
pub(super) fn sync(directory: &Path) -> Result<(), StorageError> {
    flush(directory).map_err(|source| StorageError::File {
        operation: "flush the directory",
        path: directory.to_owned(),
        source,
    })
}
