//! The data directory: one stack at a time, and never somebody else's files.

use std::{
    collections::BTreeSet,
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use contoso_local::stack::Ports;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{catalogue::Product, private};

/// The data directory unless told otherwise.
pub const DEFAULT: &str = ".contoso";
/// What a stack in the background logs.
pub const LOG: &str = "up.log";

/// Held by the stack that uses the directory; its presence says that the directory is ours.
const LOCK: &str = "contoso.lock";
/// There once the catalogue is seeded.
const SEEDED: &str = "seeded.json";
/// There once `--ports auto` has chosen.
const PORTS: &str = "ports.json";

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
    #[error(
        "{path} is in use by another `contoso up`{pid}; `contoso stop --data-dir {path}` stops that one, or choose another --data-dir"
    )]
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
    /// Takes the directory, creating it where needed. If it is to be emptied (`fresh`) it must be ours; nothing is removed
    /// before [`empty`](Self::empty).
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
        match try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataDirError::InUse { path: name(), pid: holder(&mut lock) }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| write!(lock, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Removes what is kept, but for the lock, which is held, and the log, which may be written already.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn empty(&self) -> Result<(), DataDirError> {
        empty(&self.path).map_err(|source| self.failed(source))
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
        private::write(&self.path.join(SEEDED), &text).map_err(|source| self.failed(source))
    }

    /// The ports that a stack chose here last; `None` where none did, or where they cannot be read: they are a convenience.
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        contoso_json::from_slice(&std::fs::read(self.path.join(PORTS)).ok()?).ok()
    }

    /// Remembers the ports for the next stack here.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn set_ports(&self, ports: Ports) -> Result<(), DataDirError> {
        let text = serde_json::to_vec(&ports).unwrap_or_default();
        private::write(&self.path.join(PORTS), &text).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> DataDirError {
        DataDirError::Io { path: self.path.display().to_string(), source }
    }
}

/// The data directory to look at: `chosen`, or the nearest [`DEFAULT`] at or above the current directory that a stack has used.
#[must_use]
pub fn locate(chosen: Option<&Path>) -> PathBuf {
    let nearest = || {
        let here = std::env::current_dir().ok()?;
        here.ancestors().map(|directory| directory.join(DEFAULT)).find(|path| path.join(LOCK).is_file())
    };
    chosen.map(Path::to_owned).or_else(nearest).unwrap_or_else(|| PathBuf::from(DEFAULT))
}

/// The `contoso up` that uses a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process, where it is known for certain: not in the first moments of a start.
    pub pid: Option<u32>,
    /// When it took the directory.
    pub since: OffsetDateTime,
}

impl Holder {
    /// Who uses the directory at `path` now; `None` where nobody does, as where there is no directory.
    ///
    /// # Errors
    /// When the file system refuses to tell.
    pub fn of(path: &Path) -> Result<Option<Self>, DataDirError> {
        let failed = |source| DataDirError::Io { path: path.display().to_string(), source };
        let file = path.join(LOCK);
        let mut lock = match File::open(&file) {
            Ok(lock) => lock,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // The lock says whether somebody is there; the process id may be left over from one that was killed.
        match lock.try_lock_shared() {
            Ok(()) => return Ok(None),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let since = lock.metadata().and_then(|metadata| metadata.modified()).map_err(failed)?.into();
        let mut pid = String::new();
        lock.read_to_string(&mut pid).map_err(failed)?;
        Ok(Some(Self { pid: pid.trim().parse().ok().filter(|pid| has_open(*pid, &file)), since }))
    }
}

/// Whether a process has the file open, where the system tells (Linux).
fn has_open(pid: u32, file: &Path) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let Ok(file) = file.canonicalize() else { return false };
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.into_iter().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == file))
}

/// Takes the lock. Whoever only looks who has it holds it for a moment, so one refusal is not believed.
fn try_lock(lock: &File) -> Result<(), TryLockError> {
    const LOOKS: u32 = 5;
    for _ in 1..LOOKS {
        match lock.try_lock() {
            #[expect(
                clippy::disallowed_methods,
                reason = "a lock held by somebody who looks is free again in a moment"
            )]
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            other => return other,
        }
    }
    lock.try_lock()
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

fn empty(path: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if [LOCK, LOG].iter().any(|kept| entry.file_name() == *kept) {
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
    fn the_holder_is_who_has_the_lock_and_nobody_once_it_is_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("data");
        assert_eq!(Holder::of(&path).expect("no directory"), None);
        let held = DataDir::open(&path, false).expect("free");
        let holder = Holder::of(&path).expect("readable").expect("held");
        assert_eq!(holder.pid, Some(std::process::id()));
        assert!((crate::clock::now() - holder.since).abs() < time::Duration::minutes(1), "{}", holder.since);
        drop(held);
        assert_eq!(Holder::of(&path).expect("readable"), None, "the process id still stands there");
        DataDir::open(&path, false).expect("asking leaves no lock");
    }

    #[test]
    fn a_process_id_that_is_left_over_is_nobody() {
        let directory = tempfile::tempdir().expect("a directory");
        let held = DataDir::open(directory.path(), false).expect("free");
        // As in the moment between taking the lock and writing there.
        std::fs::write(directory.path().join(LOCK), "1").expect("written");
        assert_eq!(Holder::of(directory.path()).expect("readable").expect("held").pid, None);
        drop(held);
    }

    #[test]
    fn ports_are_remembered_until_they_are_forgotten() {
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = DataDir::open(directory.path(), false).expect("free");
        assert_eq!(data_dir.ports(), None);
        data_dir.set_ports(Ports::defaults()).expect("written");
        assert_eq!(data_dir.ports(), Some(Ports::defaults()));
        data_dir.empty().expect("emptied");
        assert_eq!(data_dir.ports(), None);
    }

    #[test]
    fn fresh_empties_our_directory_and_no_other() {
        let directory = tempfile::tempdir().expect("a directory");
        let ours = DataDir::open(directory.path(), false).expect("free");
        let seeded = Seeded { example: "1".to_owned(), categories: ["Bags".to_owned()].into() };
        ours.set_seeded(&seeded).expect("written");
        assert_eq!(ours.seeded(), Some(seeded));
        drop(ours);
        let ours = DataDir::open(directory.path(), true).expect("ours");
        assert!(ours.seeded().is_some(), "what else may be wrong is looked at first");
        ours.empty().expect("emptied");
        assert_eq!(ours.seeded(), None);

        let other = tempfile::tempdir().expect("a directory");
        std::fs::write(other.path().join("thesis.txt"), "years of work").expect("written");
        assert!(matches!(DataDir::open(other.path(), true), Err(DataDirError::NotOurs { .. })));
        assert!(other.path().join("thesis.txt").exists());
    }
}
