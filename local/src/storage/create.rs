//! Atomic creation: a new store appears whole or not at all.

use std::{
    fs,
    io::{Error as IoError, ErrorKind},
    path::Path,
};

use super::{StorageError, directory, engine::engine, mode::Sync};

/// Stands in the store's directory since it was last opened without flushing each commit.
const UNSYNCED: &str = "unsynced";

/// Makes the store where there is none. The engine makes its files one by one and does not start on some of them, so it
/// makes them beside, and one rename brings them in.
pub(super) fn create(store: &Path) -> Result<(), StorageError> {
    if store.exists() {
        return Ok(());
    }
    let failed = |operation, path: &Path| {
        let path = path.to_owned();
        move |source| StorageError::File { operation, path, source }
    };
    let parent = store.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed("create", parent))?;
    let draft = store.with_extension("new");
    match fs::remove_dir_all(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("remove", &draft)(error)),
        _ => {}
    }
    drop(engine(&draft)?);
    fs::rename(&draft, store).map_err(failed("create", store))?;
    directory::sync(parent)?;
    // The directory of the stack may be as new as the store.
    match parent.canonicalize().ok().as_deref().and_then(Path::parent) {
        Some(above) => directory::sync(above),
        None => Ok(()),
    }
}

/// Whether the store was last opened without flushing each commit.
pub(super) fn was_unsynced(store: &Path) -> bool {
    store.join(UNSYNCED).exists()
}

/// Notes how commits are flushed from now on.
pub(super) fn note_mode(store: &Path, sync: Sync) -> Result<(), StorageError> {
    let marker = store.join(UNSYNCED);
    let noted = match (sync, marker.exists()) {
        (Sync::Process, false) => fs::write(&marker, []),
        (Sync::Always, true) => fs::remove_file(&marker),
        _ => return Ok(()),
    };
    noted.map_err(|source: IoError| StorageError::File { operation: "write", path: marker, source })?;
    directory::sync(store)
}
