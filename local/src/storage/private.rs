//! File permissions: what is stored its user alone may read, since it holds keys.

use std::{
    fs::{self, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// What group and others may do.
const SHARED: u32 = 0o077;

/// Takes a directory of ours, and all that is in it, from everybody but its owner: an earlier version, or a wider mask
/// for new files, may have let others read it. Links are left alone, and so is where they lead.
///
/// # Errors
/// When the file system refuses; what goes away meanwhile is nobody's any more.
pub fn tighten(path: &Path) -> io::Result<()> {
    match tighten_tree(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn tighten_tree(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if found.is_symlink() {
        return Ok(());
    }
    let mode = found.permissions().mode();
    if mode & SHARED != 0 {
        fs::set_permissions(path, Permissions::from_mode(mode & !SHARED))?;
    }
    if found.is_dir() {
        fs::read_dir(path)?.try_for_each(|entry| tighten(&entry?.path()))?;
    }
    Ok(())
}
