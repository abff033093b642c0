//! Projections whose function takes old events as it took them first.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use anyhow::{Context, bail};
use azure_messaging_eventhubs::StartLocation;
use backon::{ExponentialBuilder, Retryable};
use contoso_handlers::{
    app::App,
    function::{BoxFuture, Documents, HubEvent, Projection},
    outcome::Outcome,
    settings::EventHubsSettings,
};
use futures::StreamExt;
use time::OffsetDateTime;

use super::{
    FROM_HUB,
    captured::{self, Captured, Record},
    clear,
    rest::{self, Partition},
    tally::Tally,
};
use crate::{hub::Hub, output};

/// Events given to a function at a time, as the host does.
const BATCH: usize = 500;

/// Events whose effects were written.
pub(super) const APPLIED: &str = "applied";
/// Events that changed nothing, since what is stored has them already.
pub(super) const THERE: &str = "already there";

/// Documents that were made of others.
const MADE: &str = "made of what is stored";

const OUTLIVED: &str = "stored too long ago for what they made to be there still";

type Handle = fn(App, Vec<HubEvent>) -> BoxFuture<Vec<Outcome>>;

/// A function that takes its old events again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replay {
    pub(super) function: &'static str,
    pub(super) hub: &'static str,
    pub(super) consumer_group: &'static str,
    pub(super) handle: Handle,
    /// What expired must not come back, nor what was erased so long ago that the erasure has expired itself: what was stored before its
    /// documents are kept is not given to it.
    pub(super) projection: Projection,
}

/// Gives every event of the hub to the function, partition by partition in their order: those of captured files, then those that only the
/// hub has. With `cleared` its documents are deleted between reading and applying.
pub(super) async fn rebuild(
    app: &App,
    namespace: &EventHubsSettings,
    replay: &Replay,
    cleared: Option<&[Documents]>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let &Replay { hub: hub_name, consumer_group, .. } = replay;
    let hub = Hub::open(namespace, hub_name).await?;
    let of_hub = hub.partitions().await?;
    let mut captured = Captured::list(app, hub_name).await?;
    if let Some(stores) = cleared {
        let mut events = captured.check(app, tally).await?;
        for partition in &of_hub {
            events += u64::from(!hub.state(partition).await?.is_empty);
        }
        if events == 0 {
            bail!("no event of the hub {hub_name} can be read, so that nothing would come back");
        }
        clear::documents(app, stores, &HashSet::new(), tally).await?;
    }
    let bar = output::bar("bytes", captured.bytes());
    let mut partitions: BTreeSet<String> = captured.partitions();
    partitions.extend(of_hub.iter().cloned());
    let since = replay.projection.kept.map(|kept| app.now() - kept);
    for id in &partitions {
        let mut applying = Applying { app, replay, since, batch: Vec::with_capacity(BATCH), tally: &mut *tally };
        let (mut last, mut is_whole) = (-1, captured.is_whole(id));
        for file in captured.of(id) {
            if let Some(readable) = captured::fetch(app, file, applying.tally).await? {
                let mut events = Box::pin(captured::events(app, file, readable, consumer_group)?);
                while let Some(record) = events.next().await {
                    let record = record?;
                    last = record.sequence;
                    applying.tally.events += 1;
                    applying.take(record).await?;
                }
                applying.apply().await?;
                applying.tally.files += 1;
            } else {
                is_whole = false;
            }
            bar.inc(file.length);
        }
        if of_hub.contains(id) {
            // What a file lacks the hub may have still; that it has more than that does no harm.
            let behind = if is_whole { last } else { -1 };
            applying.take_rest(Partition { hub: &hub, hub_name, consumer_group, id }, behind).await?;
        }
    }
    bar.finish_and_clear();
    if let Some(rest) = replay.projection.rest {
        let made = rest(app.clone()).await.map_err(|cause| anyhow::Error::msg(cause.chain()));
        tally.add(MADE, made.context("the rest cannot be made now; running the command again is safe")?);
    }
    Ok(())
}

/// The events of one partition on their way to the function.
struct Applying<'a> {
    app: &'a App,
    replay: &'a Replay,
    since: Option<OffsetDateTime>,
    batch: Vec<HubEvent>,
    tally: &'a mut Tally,
}

impl Applying<'_> {
    async fn take(&mut self, record: Record) -> anyhow::Result<()> {
        if record.enqueued.zip(self.since).is_some_and(|(enqueued, since)| enqueued < since) {
            self.tally.add(OUTLIVED, 1);
            return Ok(());
        }
        match record.event {
            Ok(event) => self.batch.push(event),
            Err(cause) => self.tally.is_bad(cause),
        }
        if self.batch.len() == BATCH { self.apply().await } else { Ok(()) }
    }

    /// Takes what the hub has behind `last`, the last event that was captured; all of it if that is -1.
    async fn take_rest(&mut self, partition: Partition<'_>, last: i64) -> anyhow::Result<()> {
        let state = partition.hub.state(partition.id).await?;
        let until = state.last_enqueued_sequence_number;
        if state.is_empty || until == last {
            return Ok(());
        }
        // A hub that ends before what was captured was made anew: all it has is new.
        let is_known = (state.beginning_sequence_number..until).contains(&last);
        let from = if is_known { StartLocation::SequenceNumber(last) } else { StartLocation::Earliest };
        rest::read(self.app, partition, from, until, async |record| {
            self.tally.add(FROM_HUB, 1);
            self.take(record).await
        })
        .await?;
        self.apply().await
    }

    /// One batch, again and again while the world is broken: everything in it is safe to repeat.
    async fn apply(&mut self) -> anyhow::Result<()> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let attempt = || async {
            let outcomes = (self.replay.handle)(self.app.clone(), batch.clone()).await;
            let is_retry =
                |outcome: &Outcome| if let Outcome::Retry(cause) = outcome { Some(cause.chain()) } else { None };
            match outcomes.iter().find_map(is_retry) {
                Some(cause) => Err(anyhow::Error::msg(cause)),
                None => Ok(outcomes),
            }
        };
        let outcomes = attempt.retry(pauses()).await;
        for outcome in outcomes.context("the events cannot be applied now; running the command again is safe")? {
            match outcome {
                Outcome::Done => self.tally.add(APPLIED, 1),
                Outcome::Skip(reason) if reason == self.replay.projection.there => self.tally.add(THERE, 1),
                Outcome::Skip(reason) => self.tally.add(reason, 1),
                Outcome::Park(cause) => self.tally.is_bad(cause.chain()),
                Outcome::Retry(_) => {}
            }
        }
        Ok(())
    }
}

/// Between attempts at what is safe to repeat.
pub(super) fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).with_max_times(6).with_jitter()
}
