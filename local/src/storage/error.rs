//! Errors: why the store does not open, or does not take a write.

use std::path::PathBuf;

/// The store failed: the disk is full or broken, or the directory is in use.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Opening the data directory failed.
    #[error("cannot open the data directory {path}: is another stack using it?")]
    Open {
        /// The directory.
        path: String,
        /// What the engine said.
        source: Box<fjall::Error>,
    },
    /// The file system refused something outside of the engine.
    #[error("cannot {operation} {path}; nothing was stored, repeating is safe", path = path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A journal is damaged before its end: what lies behind the damage was acknowledged and would be lost.
    #[error(
        "the journal {path} is damaged at byte {at}, and what lies behind was acknowledged; restore the data directory, \
         start with an empty one, or give up what lies behind with: truncate --size {at} {path}",
        path = path.display()
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Where its undamaged part ends.
        at: u64,
    },
    /// The disk is nearly full. What is there stays readable.
    #[error(
        "the disk of the data directory has {free} bytes left, too few to write safely; nothing was stored, repeating \
         is safe and works once there is room"
    )]
    Full {
        /// Bytes that are free.
        free: u64,
    },
    /// A write failed at the disk. It may turn out to be stored after the next start, like every write of which nobody
    /// was told.
    #[error(
        "the local store stopped at a failed write ({reason}); what was acknowledged is kept, whether this write was \
         stored shows after a restart, repeating it then is safe"
    )]
    Stopped {
        /// What failed.
        reason: String,
    },
    /// The engine failed at reading or at making a keyspace.
    #[error("the local store failed: {0}; nothing was stored, repeating is safe")]
    Engine(#[source] Box<fjall::Error>),
}

impl From<fjall::Error> for StorageError {
    fn from(error: fjall::Error) -> Self {
        Self::Engine(Box::new(error))
    }
}
