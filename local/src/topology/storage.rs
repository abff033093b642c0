//! Storage account: what it holds, and for how long.

use serde::Deserialize;

/// The storage account. In Azure there are two: containers whose names begin with `azure-webjobs-` are the Functions host's own, in an
/// account of each app.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StorageAccount {
    /// Blob containers that exist from the start.
    #[serde(default)]
    pub containers: Vec<String>,
    /// Queues that exist from the start.
    #[serde(default)]
    pub queues: Vec<String>,
    /// How long files are kept, by lifecycle rules in Azure. The stack has no such rules and keeps them.
    #[serde(default)]
    pub retention: Vec<Retention>,
}

/// A lifecycle rule for the files of one container.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Retention {
    /// The container.
    pub container: String,
    /// What names of its files begin with; empty for all of them.
    #[serde(default)]
    pub prefix: String,
    /// Whether its files can name a person: then they are never immutable, and go soon.
    pub personal: bool,
    /// Days after the last write until a file moves to the cool tier; absent means never.
    pub cool_after_days: Option<u32>,
    /// Days after the last write until a file is deleted. Soft delete keeps it for its own days longer.
    pub delete_after_days: u32,
}
