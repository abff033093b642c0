//! Atomic replacement of small files outside of the engine.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::directory;

/// Sets the content of a file: whoever reads it, after a crash or a power cut too, finds the old content or the new one,
/// and the new one once this has returned. `mode` is the file's, such as `0o600`.
///
/// # Errors
/// When the disk refuses; then the old content stays.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    // The directory may be as new as the file.
    path.ancestors().skip(1).take(2).filter(|above| !above.as_os_str().is_empty()).try_for_each(directory::flush)
}
