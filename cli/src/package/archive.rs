//! The zip that is deployed.

use std::{
    fs::File,
    io::{Cursor, Seek, Write},
    path::{Path, PathBuf},
};

use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::{PackageError, Staged};

impl Staged {
    /// Writes the deployment package beside the staged app, `<app>.zip`, and returns its path.
    ///
    /// The handler's entry is executable (plans that run the package read-only take the mode from the zip) and settings
    /// for local use stay out. The same files give the same bytes: entries are sorted and carry no time.
    ///
    /// # Errors
    /// When a staged file cannot be read or the zip cannot be written.
    pub fn zip(&self) -> Result<PathBuf, PackageError> {
        let path = self.directory.with_extension("zip");
        // Written aside and renamed, so that nobody deploys half a package.
        let unfinished = self.directory.with_extension("zip.part");
        let failed = |source: std::io::Error| PackageError::Write { file: path.display().to_string(), source };
        let mut file = File::create(&unfinished).map_err(failed)?;
        write(&mut file, &self.directory, &self.deployed, &self.handler).map_err(failed)?;
        std::fs::rename(&unfinished, &path).map_err(failed)?;
        Ok(path)
    }
}

/// Writes `files`, relative to `directory`, as a zip; `handler` is the one that may run.
fn write(target: &mut (impl Write + Seek), directory: &Path, files: &[PathBuf], handler: &Path) -> std::io::Result<()> {
    let mut files: Vec<(String, &PathBuf)> =
        files.iter().map(|file| (file.to_string_lossy().replace('\\', "/"), file)).collect();
    files.sort();
    let mut zip = ZipWriter::new(target);
    for (name, file) in files {
        let mode = if file == handler { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(mode);
        zip.start_file(name, options)?;
        std::io::copy(&mut Cursor::new(std::fs::read(directory.join(file))?), &mut zip)?;
    }
    zip.finish()?.flush()
}
