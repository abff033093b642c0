//! All clicks of one partition: those in captured files, then those that only the hub has.

use std::time::Duration;

use anyhow::{Context, bail};
use azure_messaging_eventhubs::StartLocation;
use contoso_handlers::app::App;
use contoso_handlers::domain::trends::coverage::{Coverage, Follows};
use contoso_handlers::domain::trends::minute::Minute;
use contoso_handlers::domain::trends::window::Fact;
use contoso_handlers::functions::trends::fact;
use contoso_handlers::outcome::Outcome;
use contoso_handlers::registry::Position;
use futures::StreamExt;
use indicatif::ProgressBar;
use time::OffsetDateTime;

use super::super::captured::{self, Captured, Record};
use super::super::tally::Tally;
use super::spool::Spool;
use super::{CONSUMER_GROUP, HUB};
use crate::hub::{self, Hub};

/// An event that the hub has comes within this time.
const DEADLINE: Duration = Duration::from_secs(30);

/// What was read of a partition.
pub(super) struct Log<'a> {
    app: &'a App,
    hub: &'a Hub,
    partition: &'a str,
    coverage: Coverage,
    spool: Spool,
    /// Whether facts were handed out: a gap is then too late to begin anew.
    is_in_use: bool,
}

impl<'a> Log<'a> {
    /// Reads the partition as far as it goes now.
    pub(super) async fn read(
        app: &'a App,
        hub: &'a Hub,
        partition: &'a str,
        captured: &Captured,
        bar: &ProgressBar,
        tally: &mut Tally,
    ) -> anyhow::Result<Self> {
        let (coverage, spool) = (Coverage::default(), Spool::new()?);
        let mut log = Self { app, hub, partition, coverage, spool, is_in_use: false };
        for file in captured.files().filter(|entry| entry.file.partition == partition) {
            let mut events = Box::pin(captured::events(app, file, CONSUMER_GROUP).await?);
            while let Some(record) = events.next().await {
                tally.events += 1;
                log.take(record?, tally)?;
            }
            tally.files += 1;
            bar.inc(file.length);
        }
        let last = hub.state(partition).await?.last_enqueued_sequence_number;
        if last < log.coverage.end() {
            bail!(
                "partition {partition} of the hub {HUB} ends at {last}, but was captured up to {}: it was made anew, and its captured \
                 files must be moved away before its windows can be rebuilt; nothing was changed",
                log.coverage.end()
            );
        }
        log.read_on(last, tally).await?;
        Ok(log)
    }

    /// Sequence number of the last event read.
    pub(super) fn end(&self) -> i64 {
        self.coverage.end()
    }

    /// Whether all clicks of a minute were read, as far as they are stored.
    pub(super) fn holds(&self, minute: Minute) -> bool {
        self.coverage.holds(minute)
    }

    /// The hours of which there are facts.
    pub(super) fn hours(&self) -> Vec<i64> {
        self.spool.hours()
    }

    /// Hands out the facts of an hour behind `place`, and moves that to their end.
    pub(super) fn facts(
        &mut self,
        hour: i64,
        place: &mut u64,
        each: impl FnMut(Fact) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.is_in_use = true;
        self.spool.read(hour, place, each)
    }

    /// Reads on from the hub, up to the event `until`, which the hub has.
    pub(super) async fn read_on(&mut self, until: i64, tally: &mut Tally) -> anyhow::Result<()> {
        if until <= self.end() {
            return Ok(());
        }
        let state = self.hub.state(self.partition).await?;
        if state.is_empty || state.beginning_sequence_number > until {
            // Nothing is left of what was stored since: the gap reaches to the end.
            self.coverage = Coverage::default();
            return self.begin_anew(until, tally);
        }
        let is_kept = state.beginning_sequence_number <= self.end();
        let from = if is_kept { StartLocation::SequenceNumber(self.end()) } else { StartLocation::Earliest };
        let partition = self.partition;
        let failed =
            || format!("cannot receive partition {partition} of the hub {HUB}; running the command again is safe");
        let receiver = self.hub.receive(self.partition, from).await?;
        let mut events = Box::pin(receiver.stream_events());
        loop {
            let next = tokio::time::timeout(DEADLINE, events.next()).await;
            let Some(received) = next.with_context(failed)? else { break };
            let received = received.with_context(failed)?;
            let sequence = received.sequence_number().with_context(failed)?;
            let enqueued = received.enqueued_time().map(OffsetDateTime::from);
            let position = Position {
                hub: HUB.to_owned(),
                consumer_group: CONSUMER_GROUP.to_owned(),
                partition: self.partition.to_owned(),
                sequence,
                offset: String::new(),
                enqueued: enqueued.unwrap_or(OffsetDateTime::UNIX_EPOCH),
            };
            let event = captured::hub_event(self.app, hub::incoming(&received), position).await?;
            tally.add(super::FROM_HUB, 1);
            self.take(Record { sequence, enqueued, event }, tally)?;
            if sequence >= until {
                return Ok(());
            }
        }
        bail!(
            "the hub {HUB} ended partition {} before event {until}; running the command again is safe",
            self.partition
        )
    }

    fn take(&mut self, record: Record, tally: &mut Tally) -> anyhow::Result<()> {
        let Record { sequence, enqueued, event } = record;
        let Some(enqueued) = enqueued else {
            bail!("event {sequence} of partition {} does not say when it was stored", self.partition)
        };
        match self.coverage.take(sequence, enqueued) {
            Follows::Next => {}
            Follows::Again => return Ok(()),
            Follows::Gap => self.begin_anew(sequence, tally)?,
        }
        match event.map(|event| fact(&event)) {
            Ok(Ok((_, fact))) => self.spool.push(&fact)?,
            Ok(Err(Outcome::Park(cause) | Outcome::Retry(cause))) => tally.is_bad(cause.chain()),
            Ok(Err(Outcome::Done | Outcome::Skip(_))) => {}
            Err(cause) => tally.is_bad(cause),
        }
        Ok(())
    }

    /// Forgets what lies before a gap.
    fn begin_anew(&mut self, sequence: i64, tally: &mut Tally) -> anyhow::Result<()> {
        if self.is_in_use {
            bail!("the hub {HUB} lost events before {sequence}; running the command again is safe");
        }
        tally.add(super::GAPS, 1);
        self.spool = Spool::new()?;
        Ok(())
    }
}
