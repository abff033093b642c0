//! All clicks of one partition: those in captured files, then those that only the hub has.

use anyhow::bail;
use azure_messaging_eventhubs::{StartLocation, models::EventHubPartitionProperties};
use contoso_handlers::{
    app::App,
    domain::trends::{
        coverage::{Coverage, Follows},
        minute::Minute,
        window::SequencedClick,
    },
    functions::trends::sequenced_click,
    outcome::Outcome,
};
use futures::StreamExt;
use indicatif::ProgressBar;

use super::{
    super::{
        FROM_HUB,
        captured::{self, Captured, Record},
        rest::{self, Partition},
        tally::Tally,
    },
    CONSUMER_GROUP, HUB,
    spool::Spool,
};
use crate::hub::Hub;

/// What was read of a partition.
pub(super) struct Log<'a> {
    app: &'a App,
    hub: &'a Hub,
    partition: &'a str,
    coverage: Coverage,
    spool: Spool,
    /// Sequence number of the last event that the hub had when it was asked last.
    hub_end: i64,
    /// Whether clicks were handed out: a gap is then too late to begin anew.
    is_in_use: bool,
}

impl<'a> Log<'a> {
    /// Reads the partition as far as it goes now; `None` if the hub was made anew since it was captured, which is told.
    pub(super) async fn read(
        app: &'a App,
        hub: &'a Hub,
        partition: &'a str,
        captured: &Captured,
        bar: &ProgressBar,
        tally: &mut Tally,
    ) -> anyhow::Result<Option<Self>> {
        let (coverage, spool) = (Coverage::default(), Spool::new()?);
        let state = hub.state(partition).await?;
        let hub_end = state.last_enqueued_sequence_number;
        let mut log = Self { app, hub, partition, coverage, spool, hub_end, is_in_use: false };
        for file in captured.of(partition) {
            if let Some(readable) = captured::fetch(app, file, tally).await? {
                let mut events = Box::pin(captured::events(app, file, readable, CONSUMER_GROUP)?);
                while let Some(record) = events.next().await {
                    let record = record?;
                    tally.events += 1;
                    log.fill(&state, record.sequence, tally).await?;
                    log.take(record, tally)?;
                }
                tally.files += 1;
            }
            bar.inc(file.length);
        }
        log.read_on(i64::MAX, tally).await?;
        if log.hub_end < log.end() {
            let cause = format!(
                "it ends at event {}, but was captured up to {}: the hub was made anew, and its captured files must be moved away \
                 before its windows can be rebuilt; none of them was changed",
                log.hub_end,
                log.end()
            );
            tally.leave_out(&format!("partition {partition} of the hub {HUB}"), &cause);
            return Ok(None);
        }
        Ok(Some(log))
    }

    /// Sequence number of the last event that the hub had when it was asked last.
    pub(super) fn hub_end(&self) -> i64 {
        self.hub_end
    }

    /// Sequence number of the last event read.
    pub(super) fn end(&self) -> i64 {
        self.coverage.end()
    }

    /// Whether all clicks of a minute were read, as far as they are stored.
    pub(super) fn holds(&self, minute: Minute) -> bool {
        self.coverage.holds(minute)
    }

    /// The hours of which there are clicks.
    pub(super) fn hours(&self) -> Vec<i64> {
        self.spool.hours()
    }

    /// Hands out the clicks of an hour behind `place`, and moves that to their end.
    pub(super) fn clicks(
        &mut self,
        hour: i64,
        place: &mut u64,
        each: impl FnMut(SequencedClick) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.is_in_use = true;
        self.spool.read(hour, place, each)
    }

    /// Reads from the hub what captured files leave out before the event `next`, if the hub, as it was, has all of that: a file that
    /// cannot be read then makes no gap.
    async fn fill(&mut self, hub: &EventHubPartitionProperties, next: i64, tally: &mut Tally) -> anyhow::Result<()> {
        let missing = self.end() + 1..next;
        let has_all = !hub.is_empty
            && hub.beginning_sequence_number <= missing.start
            && missing.end <= hub.last_enqueued_sequence_number + 1;
        if missing.is_empty() || !has_all { Ok(()) } else { self.read_on(next - 1, tally).await }
    }

    /// Reads on from the hub, up to the event `until` or to the end of what the hub has.
    pub(super) async fn read_on(&mut self, until: i64, tally: &mut Tally) -> anyhow::Result<()> {
        if until <= self.end() {
            return Ok(());
        }
        let state = self.hub.state(self.partition).await?;
        self.hub_end = state.last_enqueued_sequence_number;
        let until = until.min(self.hub_end);
        if until <= self.end() {
            return Ok(());
        }
        if state.is_empty || state.beginning_sequence_number > until {
            // Nothing is left of what was stored since: the gap reaches to the end.
            self.coverage = Coverage::default();
            return self.begin_anew(until, tally);
        }
        let is_kept = state.beginning_sequence_number <= self.end();
        let from = if is_kept { StartLocation::SequenceNumber(self.end()) } else { StartLocation::Earliest };
        let partition = Partition { hub: self.hub, hub_name: HUB, consumer_group: CONSUMER_GROUP, id: self.partition };
        rest::read(self.app, partition, from, until, async |record| {
            tally.add(FROM_HUB, 1);
            self.take(record, tally)
        })
        .await
    }

    fn take(&mut self, record: Record, tally: &mut Tally) -> anyhow::Result<()> {
        let Record { sequence, enqueued, event } = record;
        let Some(enqueued) = enqueued else {
            // Whether it counts, nobody can say: to the event behind it, it is a gap.
            tally.is_bad(format!("event {sequence} of partition {} does not say when it was stored", self.partition));
            return Ok(());
        };
        match self.coverage.take(sequence, enqueued) {
            Follows::Next => {}
            Follows::Again => return Ok(()),
            Follows::Gap => self.begin_anew(sequence, tally)?,
        }
        match event.map(|event| sequenced_click(&event)) {
            Ok(Ok((_, click))) => self.spool.push(&click)?,
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
