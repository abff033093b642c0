//! Work on one job: read, publish, store how far it came, until its end, its partner's or ours.

use std::{ops::Range, time::Duration};

use tokio::time::Instant;

use super::choice::Choice;
use crate::{
    app::App,
    captured::CapturedEvents,
    clock,
    domain::partner::{
        redelivery::{AtEnd, Job, JobState, Only, Progress},
        subscription::{State, Subscription},
    },
    events::hubs,
    functions::partner_notifications::{bisect, publish},
    outcome::{Cause, Outcome},
};

/// Progress is stored at least so often, also while nothing is found to send: then it is seen whether the job was cancelled.
const STORE: Duration = Duration::from_secs(2);

/// The subscription is looked at again so often: it may be paused, or select otherwise.
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
    /// The run is over.
    RunOver,
}

/// A job in this worker's hands.
struct Work<'a> {
    app: &'a App,
    worker: &'a str,
    job: Job,
    etag: String,
}

/// Works on a job until it is done, or `ends`; returns its id. What fails is told in the job.
pub(super) async fn work(app: &App, worker: &str, job: Job, etag: String, ends: Instant) -> String {
    let mut work = Work { app, worker, job, etag };
    let stop = match work.run(ends).await {
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
        Stop::RunOver => job.let_go(),
    }
    if let Err(Stop::Failed(_, cause)) = work.store().await {
        // Its lease ends, and another worker goes on from what was stored last.
        tracing::warn!(job = work.job.id, cause = cause.chain(), "a redelivery was not let go");
    }
    work.job.id
}

impl Work<'_> {
    async fn run(&mut self, ends: Instant) -> Result<(), Stop> {
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
                self.publish(std::mem::take(&mut batch), &mut progress).await?;
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
            if Instant::now() >= ends {
                return Err(Stop::RunOver);
            }
            if looked.elapsed() >= LOOK {
                choice.selection = self.subscription().await?.settings.selection;
                looked = Instant::now();
            }
        }
    }

    /// Publishes a batch, and counts what the topic takes and what it never will.
    async fn publish(&self, batch: Vec<cloudevents::Event>, progress: &mut Progress) -> Result<(), Stop> {
        let topic = self.app.event_grid();
        let some = |range: Range<usize>| publish(topic, batch[range].to_vec());
        let all = batch.len() as u64;
        let mut refused = 0;
        for (_, outcome) in bisect(0..batch.len(), some).await {
            match outcome {
                Outcome::Retry(cause) => return Err(Stop::Failed("The topic does not take events just now.", cause)),
                Outcome::Park(cause) => {
                    tracing::warn!(job = self.job.id, cause = cause.chain(), "an event cannot be delivered again");
                    refused += 1;
                }
                Outcome::Done | Outcome::Skip(_) => {}
            }
        }
        progress.sent += all - refused;
        progress.refused += refused;
        Ok(())
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
        let job = &self.job;
        let stored = self.app.stores().partners.subscriptions.read(&job.partner, &job.subscription).await;
        let stored = stored.map_err(|error| unreachable("read the subscription", error))?;
        // One that was made anew under the name did not ask for this.
        let Some(subscription) = stored.map(|stored| stored.value).filter(|found| job.is_about(found)) else {
            return Err(Stop::Ended("The subscription was deleted."));
        };
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
        match stored.filter(|stored| stored.value.is_of(self.worker)) {
            Some(stored) => {
                self.etag = stored.etag;
                Ok(())
            }
            None => Err(Stop::Lost),
        }
    }
}

fn unreachable(operation: &'static str, error: crate::azure::cosmos::CosmosError) -> Stop {
    Stop::Failed("The store does not answer just now.", Cause::from_error(operation, error))
}
