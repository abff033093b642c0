//! Names on the disk: a file that was flushed is still lost in a power cut where its directory was not.

use std::fs::File;
use std::path::Path;

use super::StorageError;

/// Flushes the names in `directory` to the disk.
pub(super) fn sync(directory: &Path) -> Result<(), StorageError> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|source| StorageError::File {
        operation: "flush the directory",
        path: directory.to_owned(),
        source,
    })
}
