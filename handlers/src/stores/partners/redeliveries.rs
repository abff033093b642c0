//! Container `partners/redeliveries`: jobs that deliver events again, one document a job, and beside a job of single events one document
//! with their ids, `<job>.events`. Documents expire.

use std::{collections::BTreeSet, num::NonZeroU32};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored, repeat_lost_races},
    domain::partner::{PartnerName, SubscriptionName, redelivery::Job},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "partners", container: "redeliveries" };

/// How long the container keeps a document after its last write.
pub const KEPT: time::Duration = time::Duration::days(30);

/// The jobs.
pub struct Redeliveries(Container);

/// The events of a job that sends single ones.
#[derive(Serialize, Deserialize)]
struct EventIds {
    id: String,
    partner: PartnerName,
    events: BTreeSet<String>,
}

impl Redeliveries {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// A job of a partner.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(&self, partner: &PartnerName, id: &str) -> Result<Option<Stored<Job>>, CosmosError> {
        self.0.read(partner.as_str(), id).await
    }

    /// Stores a new job, and before it the ids of the events that it is about, if it is about single ones.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn create(&self, job: &Job, events: Option<BTreeSet<String>>) -> Result<(), CosmosError> {
        if let Some(events) = events {
            let ids = EventIds { id: events_of(&job.id), partner: job.partner.clone(), events };
            self.0.upsert(job.partner.as_str(), &ids.id, &ids).await?;
        }
        self.0.create(job.partner.as_str(), &job.id, job).await.map(drop)
    }

    /// Forgets a job, whoever works on it.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn forget(&self, job: &Job) -> Result<(), CosmosError> {
        self.0.delete(job.partner.as_str(), &job.id, None).await
    }

    /// The ids of the events that a job is about; none if it is not about single ones.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn events(&self, job: &Job) -> Result<Option<BTreeSet<String>>, CosmosError> {
        let stored = self.0.read::<EventIds>(job.partner.as_str(), &events_of(&job.id)).await?;
        Ok(stored.map(|stored| stored.value.events))
    }

    /// Stores a job in place of the one that was read under `etag`, and returns its new ETag.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if another writer was there first.
    pub async fn replace(&self, job: &Job, etag: &str) -> Result<String, CosmosError> {
        self.0.replace(job.partner.as_str(), &job.id, job, etag).await
    }

    /// Changes a job beside its worker; `None` if there is none, or `change` leaves it as it is.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn change(
        &self,
        partner: &PartnerName,
        id: &str,
        change: impl Fn(&mut Job) -> bool,
    ) -> Result<Option<Job>, CosmosError> {
        let change = &change;
        repeat_lost_races(|| async move {
            let Some(Stored { value: mut job, etag }) = self.read(partner, id).await? else { return Ok(None) };
            if !change(&mut job) {
                return Ok(None);
            }
            self.replace(&job, &etag).await.map(|_| Some(job))
        })
        .await
    }

    /// Jobs of a subscription, the youngest first, at most `most` that are older than the one named `before`.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn of(
        &self,
        partner: &PartnerName,
        subscription: &SubscriptionName,
        before: Option<&str>,
        most: NonZeroU32,
    ) -> Result<Vec<Job>, CosmosError> {
        // Greater than any id.
        let before = before.unwrap_or("~");
        let sql = "SELECT * FROM c WHERE c.subscription = @subscription AND c.id < @before ORDER BY c.id DESC";
        let parameters = [("@subscription", json!(subscription)), ("@before", json!(before))];
        let mut jobs: Vec<Job> = Vec::new();
        let mut continuation = None;
        loop {
            let page =
                self.0.query_partition(partner.as_str(), sql, &parameters, most, continuation.as_deref()).await?;
            jobs.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() || jobs.len() >= most.get() as usize {
                jobs.truncate(most.get() as usize);
                return Ok(jobs);
            }
        }
    }

    /// The ids of a subscription's jobs that have not ended.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn unfinished_of(
        &self,
        partner: &PartnerName,
        subscription: &SubscriptionName,
    ) -> Result<Vec<String>, CosmosError> {
        let sql = "SELECT VALUE c.id FROM c WHERE c.subscription = @subscription AND c.state IN ('waiting', 'running')";
        let parameters = [("@subscription", json!(subscription))];
        let size = NonZeroU32::MIN.saturating_add(99);
        let mut ids = Vec::new();
        let mut continuation = None;
        loop {
            let page =
                self.0.query_partition(partner.as_str(), sql, &parameters, size, continuation.as_deref()).await?;
            ids.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(ids);
            }
        }
    }

    /// Every job, of whichever partner, that has not ended.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn unfinished(&self) -> Result<Vec<Job>, CosmosError> {
        self.0.query("SELECT * FROM c WHERE c.state IN ('waiting', 'running')").await
    }
}

fn events_of(job: &str) -> String {
    format!("{job}.events")
}
