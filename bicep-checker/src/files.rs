//! The Bicep files below a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Every `.bicep` and `.bicepparam` file below a folder, in the order of their paths; hidden folders are left out.
///
/// # Errors
/// If a folder cannot be read.
pub fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(folder, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Links are not followed: one to a folder above would have no end.
        if entry.file_type()?.is_dir() {
            if !is_hidden {
                walk(&path, found)?;
            }
        } else if path.extension().is_some_and(|ending| ending == "bicep" || ending == "bicepparam") {
            found.push(path);
        }
    }
    Ok(())
}
