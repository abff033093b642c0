//! `Heartbeat`: measures how late everything is.
//!
//! Triggered by a timer, every 10 seconds.
//!
//! Promises: document `current` of `site/health` says, as of one moment, how many events each consumer group of the functions staged in
//! this app, and not disabled in it, has not handled, by partition, and how many changes the reader of the catalogue's feed, if it is one
//! of them, has not handled at most; it names all functions that this app serves. What other apps read they measure. If something cannot be measured, the document stays as it was,
//! with its time. Document `recent` keeps the amounts of the last measurements, from which rates are made.
//!
//! A second delivery measures again; of two runs the one that began later is kept.
//!
//! A group's progress is the checkpoint that the Event Hubs trigger keeps as metadata of a blob; that of the feed is the lease that
//! the Cosmos DB trigger keeps as an item, compared with the session token of each physical partition: see [`crate::domain::lag`]. All of
//! it can be read by the roles of the functions that are measured, so this one brings that on `site/health` alone.

use crate::{
    app::{App, Reads},
    azure::hub_reader::PartitionInfo,
    domain::{
        lag::{CURRENT, FeedEnd, FeedLag, Health, HubLag, PartitionEnd, PartitionLag},
        rates::Measurement,
    },
    function::{Function, Trigger},
    outcome::Cause,
    stores::{catalogue, checkpoints},
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("Heartbeat", Trigger::Timer { handle: |app, _| Box::pin(handle(app)) });

async fn handle(app: App) -> Result<(), Cause> {
    let at = app.now();
    let (mut hubs, mut feeds) = (Vec::new(), Vec::new());
    for served in app.served() {
        match served.reads {
            Reads::Hub { hub, consumer_group } => {
                hubs.push(hub_lag(&app, served.function, hub, consumer_group).await?);
            }
            // There is one.
            Reads::ChangeFeed => feeds.push(feed_lag(&app).await?),
            Reads::Nothing => {}
        }
    }
    let functions = app.served().iter().map(|served| served.function.to_owned()).collect();
    let health = Health { id: CURRENT.to_owned(), at, functions, hubs, feeds };
    let store = &app.stores().health;
    let measurement = Measurement::of(&health);
    store.write(health).await.map_err(|error| Cause::from_error("store the health document", error))?;
    let kept = store.add(measurement).await;
    kept.map_err(|error| Cause::from_error("store the last measurements", error))
}

async fn hub_lag(app: &App, function: &str, hub: &str, consumer_group: &str) -> Result<HubLag, Cause> {
    let ends = app
        .hubs()
        .partitions(hub)
        .await
        .map_err(|error| Cause::from_error("read the ends of the hub's partitions", error))?;
    let namespace = &app.settings().event_hubs.namespace;
    let checkpoints = checkpoints::read(app.host_blobs(), namespace, hub, consumer_group)
        .await
        .map_err(|error| Cause::from_error("read the checkpoints", error))?;
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

async fn feed_lag(app: &App) -> Result<FeedLag, Cause> {
    let failed = |error| Cause::from_error("measure the change feed", error);
    let feed = &app.stores().catalogue;
    let tokens = feed.session_tokens().await.map_err(failed)?;
    let leases = feed.leases().await.map_err(failed)?;
    let ends = tokens.iter().filter_map(|token| FeedEnd::from_session_token(token)).collect();
    Ok(FeedLag::new(&catalogue::NAME.to_string(), ends, &leases))
}
