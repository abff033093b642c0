//! Durability of commits: with or without flushing to the disk.

/// How far a commit reaches before it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// Handed to the operating system: survives the death of the process.
    #[default]
    Process,
    /// Flushed to the disk: survives a power cut.
    Always,
}
