//! Work on one job: read, publish, store how far it came, until its end, its partner's or ours.

use std::{ops::Range, time::Duration};

use tokio::time::Instant;

use super::{choice::Choice, slots::Turn};
use crate::{
    app::App,
    captured::CapturedEvents,
    clock,
    domain::partner::{
        redelivery::{AtEnd, Job, JobState, Only, Progress},
        selection::Selection,
        subscription::{State, Subscription},
    },
    events::hubs,
    functions::partner_notifications::{bisect, publish},
    outcome::{Cause, Outcome},
};

/// Progress is stored at least so often, also while nothing is found to send: then it is seen whether the job was cancelled.
const STORE: Duration = Duration::from_secs(2);

/// The subscription is looked at so often while there is nothing to send: it may be paused, or select otherwise. What is sent is sent between
/// two looks.
const LOOK: Duration = Duration::from_secs(10);

/// Why the work on a job stops before its end.
enum Stop {
    /// The job is no longer this worker's: it was cancelled, or another has it.
    Lost,
    /// Something around it does not work.
    Failed(&'static str, Cause),
    /// It cannot go on.
    Ended(&'static str),
    /// It waits, for what takes its time.
    Waits(&'static str),
    /// Its turn is over.
    TurnOver,
}

/// A job in this worker's hands.
struct Work<'a> {
    app: &'a App,
    worker: &'a str,
    job: Job,
    etag: String,
    turn: &'a Turn,
}

/// Works on a job until it is done, or its turn is over; returns its id. What fails is told in the job.
pub(super) async fn work(app: &App, worker: &str, job: Job, etag: String, turn: &Turn) -> String {
    let mut work = Work { app, worker, job, etag, turn };
    let stop = match work.run().await {
        Ok(()) => return work.job.id,
        Err(stop) => stop,
    };
    let now = app.now();
    let job = &mut work.job;
    match stop {
        Stop::Lost => return work.job.id,
        Stop::Failed(reason, cause) => {
            tracing::warn!(job = job.id, cause = cause.chain(), "a redelivery is put off");
            job.put_off(reason, now);
        }
        Stop::Ended(reason) => job.end(JobState::Failed, Some(reason), now),
        Stop::Waits(reason) => job.wait(reason, now),
        Stop::TurnOver => job.let_go(),
    }
    if let Err(Stop::Failed(_, cause)) = work.store().await {
        // Its lease ends, and another worker goes on from what was stored last.
        tracing::warn!(job = work.job.id, cause = cause.chain(), "a redelivery was not let go");
    }
    work.job.id
}

impl Work<'_> {
    async fn run(&mut self) -> Result<(), Stop> {
        let events = match self.job.request.only {
            Only::All | Only::Missing => None,
            Only::Failed => {
                let stored = self.app.stores().partners.redeliveries.events(&self.job).await;
                let stored = stored.map_err(|error| unreachable("read the job's events", error))?;
                Some(stored.ok_or(Stop::Ended("What the job was to send is no longer stored."))?)
            }
            Only::Event(ref id) => Some([id.clone()].into()),
        };
        let selection = self.subscription().await?.settings.selection;
        let job = &self.job;
        let mut choice = Choice::new(&job.partner, &job.subscription, selection, job.ranges.clone(), events);
        let from = job.cursor.clone();
        let mut captured = CapturedEvents::of(self.app, hubs::PRODUCTS, from, job.until())
            .await
            .map_err(|cause| Stop::Failed("The captured events cannot be read just now.", cause))?;
        let before = job.progress;
        let mut progress = before;
        let rate = usize::from(job.request.rate);
        let (mut stored, mut looked) = (Instant::now(), Instant::now());
        let mut next_at = Instant::now();
        let mut batch = Vec::new();
        loop {
            let next = captured.next().await;
            let next = next.map_err(|cause| Stop::Failed("The captured events cannot be read just now.", cause));
            // What was found before a failure is sent all the same, so that it is not read again.
            let (is_at_end, failure) = match next {
                Ok(Some(event)) => {
                    progress.read += 1;
                    if let Some(event) = choice.pick(event, Some(&self.job.id)) {
                        progress.matched += 1;
                        batch.push(event);
                    }
                    (false, None)
                }
                Ok(None) => (true, None),
                Err(stop) => (false, Some(stop)),
            };
            progress.left_out = before.left_out + captured.left_out();
            let is_due = is_at_end || failure.is_some() || batch.len() >= rate || stored.elapsed() >= STORE;
            if !is_due {
                continue;
            }
            if !batch.is_empty() {
                clock::pause(next_at.saturating_duration_since(Instant::now())).await;
                // So many events are a second's worth at most.
                let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
                next_at = Instant::now() + Duration::from_secs(1) * count / u32::from(self.job.request.rate).max(1);
                choice.selection = self.send(std::mem::take(&mut batch), &mut progress).await?;
                looked = Instant::now();
            }
            self.job.advance(captured.cursor().clone(), progress, self.app.now());
            if is_at_end {
                return self.finish(captured.complete_until()).await;
            }
            self.store().await?;
            stored = Instant::now();
            if let Some(stop) = failure {
                return Err(stop);
            }
            if self.turn.is_over() {
                return Err(Stop::TurnOver);
            }
            if looked.elapsed() >= LOOK {
                choice.selection = self.subscription().await?.settings.selection;
                looked = Instant::now();
            }
        }
    }

    /// Publishes a batch while the subscription delivers, and returns what that selects. It is looked at before and after: what was published
    /// while a pause came between may have reached nobody, and does not count as sent. If it delivers again, the batch is published again.
    async fn send(&mut self, batch: Vec<cloudevents::Event>, progress: &mut Progress) -> Result<Selection, Stop> {
        let mut taken = 0;
        loop {
            let before = match self.subscription().await {
                Err(Stop::Ended(reason)) => {
                    self.job.progress = Progress { uncertain: progress.uncertain + taken, ..*progress };
                    return Err(Stop::Ended(reason));
                }
                seen => seen?,
            };
            let counted = self.publish(&batch).await?;
            let Some(after) = self.stored().await?.filter(|after| after.state.delivers() && after.gaps == before.gaps)
            else {
                taken = counted.sent;
                continue;
            };
            progress.sent += counted.sent;
            progress.refused += counted.refused;
            return Ok(after.settings.selection);
        }
    }

    /// Publishes a batch; returns how many the topic took, and how many it never will.
    async fn publish(&self, batch: &[cloudevents::Event]) -> Result<Progress, Stop> {
        let topic = self.app.event_grid();
        let some = |range: Range<usize>| publish(topic, batch[range].to_vec());
        let mut counted = Progress { sent: batch.len() as u64, ..Progress::default() };
        for (_, outcome) in bisect(0..batch.len(), some).await {
            match outcome {
                Outcome::Retry(cause) => return Err(Stop::Failed("The topic does not take events just now.", cause)),
                Outcome::Park(cause) => {
                    tracing::warn!(job = self.job.id, cause = cause.chain(), "an event cannot be delivered again");
                    counted.sent -= 1;
                    counted.refused += 1;
                }
                Outcome::Done | Outcome::Skip(_) => {}
            }
        }
        Ok(counted)
    }

    /// All that is captured was read.
    async fn finish(&mut self, complete_until: time::OffsetDateTime) -> Result<(), Stop> {
        let now = self.app.now();
        match self.job.at_end(complete_until, now) {
            AtEnd::Wait => Err(Stop::Waits("The last events are not captured yet; the job goes on once they are.")),
            AtEnd::Done => {
                let until = self.job.until();
                let reason = if complete_until < until {
                    Some("The last events were not captured yet: nothing is missing before completeUntil.")
                } else if self.job.complete_until < Some(until) {
                    Some("The log of failures comes minutes behind: what failed after completeUntil may not be in it.")
                } else {
                    None
                };
                self.job.end(JobState::Done, reason, now);
                self.store().await
            }
        }
    }

    /// The subscription as it is now, if events can be delivered to it.
    async fn subscription(&self) -> Result<Subscription, Stop> {
        let Some(subscription) = self.stored().await? else { return Err(Stop::Ended("The subscription was deleted.")) };
        match subscription.state {
            State::Active => Ok(subscription),
            State::Creating | State::Updating | State::AwaitingManualAction => {
                Err(Stop::Waits("The subscription is not active yet; the job goes on once it is."))
            }
            State::Paused { .. } => Err(Stop::Ended("The subscription was paused.")),
            State::Failed { .. } | State::Stuck { .. } => Err(Stop::Ended("The subscription failed.")),
            State::Deleting => Err(Stop::Ended("The subscription was deleted.")),
        }
    }

    /// The subscription as it is stored. One that was made anew under the name did not ask for this.
    async fn stored(&self) -> Result<Option<Subscription>, Stop> {
        let job = &self.job;
        let stored = self.app.stores().partners.subscriptions.read(&job.partner, &job.subscription).await;
        let stored = stored.map_err(|error| unreachable("read the subscription", error))?;
        Ok(stored.map(|stored| stored.value).filter(|found| job.is_about(found)))
    }

    /// Stores how far the job is, unless it is no longer this worker's.
    async fn store(&mut self) -> Result<(), Stop> {
        match self.app.stores().partners.redeliveries.replace(&self.job, &self.etag).await {
            Ok(etag) => {
                self.etag = etag;
                Ok(())
            }
            // Cancelled, or another worker has it; or it was this very write, whose answer was lost and which was sent again.
            Err(error) if error.is_lost_race() => self.read_again().await,
            Err(error) => Err(unreachable("store the job", error)),
        }
    }

    async fn read_again(&mut self) -> Result<(), Stop> {
        let stored = self.app.stores().partners.redeliveries.read(&self.job.partner, &self.job.id).await;
        let stored = stored.map_err(|error| unreachable("read the job", error))?;
        match stored {
            Some(stored) if stored.value.is_of(self.worker) => {
                self.etag = stored.etag;
                Ok(())
            }
            Some(_) => {
                let store = &self.app.stores().partners.redeliveries;
                let mine = &self.job;
                let changed = store.change(&mine.partner, &mine.id, |job| job.counted_late(mine)).await;
                changed.map_err(|error| unreachable("store what was sent last", error))?;
                Err(Stop::Lost)
            }
            None => Err(Stop::Lost),
        }
    }
}

fn unreachable(operation: &'static str, error: crate::azure::cosmos::CosmosError) -> Stop {
    Stop::Failed("The store does not answer just now.", Cause::from_error(operation, error))
}
