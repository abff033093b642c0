//! `Heartbeat`: measures how late everything is.
//!
//! Triggered by a timer, every 10 seconds.
//!
//! Promises: document `current` of `site/health` says, as of one moment, how many events each consumer group of the functions staged in
//! this app has not handled, by partition, and how many changes the reader of the catalogue's feed, if staged, has not handled at most.
//! What other apps read they measure. If something cannot be measured, the document stays as it was, with its time. Document `recent` keeps the amounts of the last
//! measurements, from which rates are made.
//!
//! A second delivery measures again; of two runs the one that began later is kept.
//!
//! A group's progress is the checkpoint that the Event Hubs trigger keeps as metadata of a blob; that of the feed is the lease that
//! the Cosmos DB trigger keeps as an item, compared with the session token of each physical partition: see [`crate::domain::lag`].

use std::collections::HashMap;

use crate::{
    app::App,
    azure::{
        blobs::{BlobErrorKind, Blobs},
        cosmos::{Container, CosmosError, Versioned, write_if_newer},
        event_hubs::PartitionInfo,
    },
    domain::{
        lag::{CURRENT, FeedEnd, FeedLag, Health, HubLag, Lease, PartitionEnd, PartitionLag},
        rates::{Measurement, RECENT, Recent},
    },
    outcome::Cause,
    registry::{Function, Trigger},
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function { name: "Heartbeat", trigger: Trigger::Timer { handle: |app, _| Box::pin(handle(app)) } };

/// Where the Event Hubs trigger keeps its checkpoints, in the storage account of the Functions host.
const CHECKPOINTS: &str = "azure-webjobs-eventhub";

async fn handle(app: App) -> Result<(), Cause> {
    let at = app.now();
    let (mut hubs, mut feeds) = (Vec::new(), Vec::new());
    for function in app.functions() {
        match function.trigger {
            Trigger::EventHub { hub, consumer_group, .. } => {
                hubs.push(hub_lag(&app, function.name, hub, consumer_group).await?);
            }
            // There is one.
            Trigger::CosmosDb { .. } => feeds.push(feed_lag(&app).await?),
            Trigger::Http { .. } | Trigger::EventGrid { .. } | Trigger::Timer { .. } => {}
        }
    }
    let health = Health { id: CURRENT.to_owned(), at, hubs, feeds };
    let container = app.cosmos().container("site", "health");
    write_if_newer(&container, CURRENT, CURRENT, &health)
        .await
        .map_err(|error| Cause::from_error("store the health document", error))?;
    keep(&container, Measurement::of(&health))
        .await
        .map_err(|error| Cause::from_error("store the last measurements", error))
}

/// Adds to the last measurements. Two runs at once may lose one of them, which the next rate does not miss.
async fn keep(container: &Container, measurement: Measurement) -> Result<(), CosmosError> {
    let stored = container.read::<Recent>(RECENT, RECENT).await?;
    let recent = stored.map(|stored| stored.value).unwrap_or_default().with(measurement);
    container.upsert(RECENT, RECENT, &recent).await
}

async fn hub_lag(app: &App, function: &str, hub: &str, consumer_group: &str) -> Result<HubLag, Cause> {
    let ends = app
        .hubs()
        .partitions(hub)
        .await
        .map_err(|error| Cause::from_error("read the ends of the hub's partitions", error))?;
    let folder = checkpoint_folder(&app.settings().event_hubs.namespace, hub, consumer_group);
    let checkpoints = checkpoints(app.blobs(), &folder).await?;
    let partitions: Vec<PartitionLag> = ends
        .into_iter()
        .map(|PartitionInfo { id, begin_sequence, last_sequence, last_enqueued }| {
            let checkpoint = checkpoints.get(&id).copied();
            PartitionEnd { partition: id, begin_sequence, last_sequence, last_enqueued }.lag(checkpoint)
        })
        .collect();
    Ok(HubLag {
        hub: hub.to_owned(),
        consumer_group: consumer_group.to_owned(),
        function: function.to_owned(),
        lag: partitions.iter().map(|partition| partition.lag).sum(),
        partitions,
    })
}

/// All in lower case, as the trigger names its blobs.
fn checkpoint_folder(namespace: &str, hub: &str, consumer_group: &str) -> String {
    format!("{namespace}/{hub}/{consumer_group}/checkpoint/").to_lowercase()
}

/// Sequence number of the last handled event, by partition. No container means that no group has begun.
async fn checkpoints(blobs: &Blobs, folder: &str) -> Result<HashMap<String, i64>, Cause> {
    let listed = match blobs.list(CHECKPOINTS, folder).await {
        Err(error) if error.kind == BlobErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|error| Cause::from_error("read the checkpoints", error))?,
    };
    let checkpoint = |(name, metadata): (String, HashMap<String, String>)| {
        let partition = name.strip_prefix(folder)?.to_owned();
        let (_, sequence) = metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case("sequencenumber"))?;
        Some((partition, sequence.parse().ok()?))
    };
    Ok(listed.into_iter().filter_map(|blob| checkpoint((blob.name, blob.metadata))).collect())
}

async fn feed_lag(app: &App) -> Result<FeedLag, Cause> {
    let failed = |error| Cause::from_error("measure the change feed", error);
    let tokens = app.cosmos().container("catalog", "products").session_tokens().await.map_err(failed)?;
    let leases: Vec<Lease> = app
        .cosmos()
        .container("catalog", "leases")
        .query("SELECT c.LeaseToken, c.ContinuationToken FROM c WHERE IS_DEFINED(c.LeaseToken)")
        .await
        .map_err(failed)?;
    let ends = tokens.iter().filter_map(|token| FeedEnd::from_session_token(token)).collect();
    Ok(FeedLag::new("catalog/products", ends, &leases))
}

impl Versioned for Health {
    fn version(&self) -> (i64, i64) {
        (self.at.unix_timestamp(), i64::from(self.at.nanosecond()))
    }
}
