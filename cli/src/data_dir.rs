//! The data directory: one stack at a time, and never somebody else's files.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalogue::Product;
use crate::private;

/// Held by the stack that uses the directory; its presence says that the directory is ours.
const LOCK: &str = "contoso.lock";
/// There once the catalogue is seeded.
const SEEDED: &str = "seeded.json";

/// What is remembered of the catalogue that was seeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeded {
    /// The id of one of its products, to try things with.
    pub example: String,
    /// The categories of its products.
    pub categories: BTreeSet<String>,
}

impl Seeded {
    /// What to remember of these products.
    #[must_use]
    pub fn of(products: &[Product]) -> Self {
        let category = |product: &Product| product.body["category"].as_str().map(str::to_owned);
        Self {
            example: products.first().map(|product| product.id.clone()).unwrap_or_default(),
            categories: products.iter().filter_map(category).collect(),
        }
    }

    /// What was seeded in the data directory at `path`; `None` until all of it is.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        contoso_json::from_slice(&std::fs::read(path.join(SEEDED)).ok()?).ok()
    }
}

/// A data directory that this process alone uses. Dropping it lets the next one in.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// The directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another stack uses it.
    #[error("{path} is in use by another `contoso up`{pid}; stop that one, or choose another --data-dir")]
    InUse {
        /// The directory.
        path: String,
        /// Its process id, where it is known.
        pid: String,
    },
    /// Clearing it could lose what is not ours.
    #[error("--fresh: {path} does not look like a data directory of ours (it has no {LOCK}); remove it yourself")]
    NotOurs {
        /// The directory.
        path: String,
    },
    /// The file system.
    #[error("cannot use the data directory {path}")]
    Io {
        /// The directory.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl DataDir {
    /// Takes the directory, creating it where needed; `fresh` empties it first.
    ///
    /// # Errors
    /// When another stack uses it, it is to be emptied but is not ours, or the file system refuses.
    pub fn open(path: &Path, fresh: bool) -> Result<Self, DataDirError> {
        let name = || path.display().to_string();
        let failed = |source| DataDirError::Io { path: name(), source };
        if fresh && holds_others(path).map_err(failed)? {
            return Err(DataDirError::NotOurs { path: name() });
        }
        private::directory(path).map_err(failed)?;
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataDirError::InUse { path: name(), pid: holder(&mut lock) }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| write!(lock, "{}", std::process::id()))
            .map_err(failed)?;
        if fresh {
            empty(path).map_err(failed)?;
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was seeded here.
    #[must_use]
    pub fn seeded(&self) -> Option<Seeded> {
        Seeded::read(&self.path)
    }

    /// Remembers that a catalogue was seeded. Until then a start seeds again what an interrupted one left undone.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn set_seeded(&self, seeded: &Seeded) -> Result<(), DataDirError> {
        let text = serde_json::to_vec(seeded).unwrap_or_default();
        private::write(&self.path.join(SEEDED), &text)
            .map_err(|source| DataDirError::Io { path: self.path.display().to_string(), source })
    }
}

fn holder(lock: &mut File) -> String {
    let mut pid = String::new();
    match lock.read_to_string(&mut pid) {
        Ok(_) if !pid.is_empty() => format!(" (process {pid})"),
        _ => String::new(),
    }
}

fn holds_others(path: &Path) -> std::io::Result<bool> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some() && !path.join(LOCK).exists()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes everything but the lock, which is held.
fn empty(path: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stack_at_a_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("data");
        let first = DataDir::open(&path, false).expect("free");
        let second = DataDir::open(&path, true).expect_err("taken").to_string();
        assert!(second.contains(&format!("(process {})", std::process::id())), "{second}");
        drop(first);
        DataDir::open(&path, false).expect("free again");
    }

    #[test]
    fn fresh_empties_our_directory_and_no_other() {
        let directory = tempfile::tempdir().expect("a directory");
        let ours = DataDir::open(directory.path(), false).expect("free");
        let seeded = Seeded { example: "1".to_owned(), categories: ["Bags".to_owned()].into() };
        ours.set_seeded(&seeded).expect("written");
        assert_eq!(ours.seeded(), Some(seeded));
        drop(ours);
        assert_eq!(DataDir::open(directory.path(), true).expect("ours").seeded(), None);

        let other = tempfile::tempdir().expect("a directory");
        std::fs::write(other.path().join("thesis.txt"), "years of work").expect("written");
        assert!(matches!(DataDir::open(other.path(), true), Err(DataDirError::NotOurs { .. })));
        assert!(other.path().join("thesis.txt").exists());
    }
}
