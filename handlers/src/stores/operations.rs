//! Container `analytics/operations`: what operators did, and to what. Documents expire after 400 days.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Page},
    domain::dead_letter::Filter,
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "analytics", container: "operations" };

/// How long the container keeps a document.
pub const KEPT: time::Duration = time::Duration::days(400);

/// The one partition: operators do little.
const DEAD_LETTERS: &str = "dead-letters";

/// Letters that an entry names; it counts the others.
pub const MOST_NAMED: usize = 100;

/// What was done with dead letters.
pub struct Operations(Container);

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Sorts by time.
    pub id: String,
    /// What it was done to.
    topic: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who, as the caller said: a function key names nobody.
    pub by: String,
    /// What.
    pub action: Action,
    /// Why, as the caller said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// By which filter the letters were chosen, if by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// How many letters were chosen.
    pub count: usize,
    /// The first of them.
    pub letters: Vec<String>,
    /// The batch of replays, which says what became of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// What became of letters that were dropped; absent while it lasts, and for ever where the app ended meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Letters were thrown away.
    Drop,
    /// Records were to be given to their functions once more.
    Replay,
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// Letters that are gone by it.
    pub dropped: usize,
    /// Letters that were not there.
    pub gone: usize,
    /// Letters that were written again meanwhile, and stay.
    pub changed: usize,
    /// Letters that could not be dropped, and stay.
    pub failed: usize,
}

impl Entry {
    /// An entry of this moment, of something that begins.
    pub fn new(action: Action, by: String, letters: &[&str], at: OffsetDateTime) -> Self {
        Self {
            id: format!("{:020}-{}", at.unix_timestamp_nanos(), Uuid::new_v4().simple()),
            topic: DEAD_LETTERS.to_owned(),
            at,
            by,
            action,
            reason: None,
            filter: None,
            count: letters.len(),
            letters: letters.iter().take(MOST_NAMED).map(|id| (*id).to_owned()).collect(),
            batch: None,
            ended: None,
        }
    }
}

impl Operations {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// Adds an entry, or writes it again with its end.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn write(&self, entry: &Entry) -> Result<(), CosmosError> {
        self.0.upsert(&entry.topic, &entry.id, entry).await
    }

    /// Entries, the newest first: those before the entry with the id `before`, if one is given.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn page(&self, before: Option<&str>, size: NonZeroU32) -> Result<Page<Entry>, CosmosError> {
        let sql = "SELECT * FROM c WHERE c.id < @before ORDER BY c.id DESC";
        let before = json!(before.unwrap_or("~"));
        self.0.query_partition(DEAD_LETTERS, sql, &[("@before", before)], size, None).await
    }
}
