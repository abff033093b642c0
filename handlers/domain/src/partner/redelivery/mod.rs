//! Redelivery: events that were captured are sent once more to one subscription alone, as a job that is asked for, watched and cancelled.
//!
//! What is asked for is frozen when it is ([`Request`], [`Job::ranges`]); what the subscription selects is not: events are judged by its
//! selection of today.

mod range;
mod request;
mod start;
mod turn;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

pub use self::{
    range::{Range, covers},
    request::{LONGEST, MOST_PER_SECOND, Only, OpenWindow, PER_SECOND, Request},
    start::{start_id, start_job},
    turn::{MOST_OF_A_PARTNER, giving_way, in_turn},
};
use super::{PartnerName, SubscriptionName, subscription::Subscription};
use crate::capture::Cursor;

/// Extension attribute of an event that was sent by a job: the job's id.
pub const ATTRIBUTE: &str = "redelivery";

/// A worker that wrote nothing for so long is dead, and another takes its job.
pub const LEASE: Duration = Duration::seconds(30);

/// Between two looks at a capture window that is not closed, or at a subscription that is not ready.
const LOOK_AGAIN: Duration = Duration::seconds(15);

/// A job that waits for the end of its range to be captured ends so long behind it, whatever is missing: the longest window (15 minutes)
/// was closed long ago, so Capture itself does not work.
const LONGEST_WAIT: Duration = Duration::hours(2);

/// The pause behind a failure, and the longest that it becomes by doubling.
const PAUSES: (Duration, Duration) = (Duration::seconds(5), Duration::minutes(2));

/// The stored document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Unique; younger jobs have greater ids.
    pub id: String,
    /// Whose subscription.
    pub partner: PartnerName,
    /// Which subscription gets the events.
    pub subscription: SubscriptionName,
    /// When that was made: one of the same name that was made later is another.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    subscription_made: Option<OffsetDateTime>,
    /// What was asked for.
    pub request: Request,
    /// Of the requested time, what counts: all of it, or the subscription's gaps.
    pub ranges: Vec<Range>,
    /// Of a job of failed events, what the log of failures was when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<FailureLog>,
    /// How it stands.
    pub state: JobState,
    /// What was done.
    #[serde(default)]
    pub progress: Progress,
    /// What was read of the captured files.
    pub cursor: Cursor,
    /// The time before which nothing is missing, once that is clear. Earlier than the end of what was asked for if the job ended before the
    /// last windows were captured.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub complete_until: Option<OffsetDateTime>,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When a worker first took it.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub started: Option<OffsetDateTime>,
    /// When a worker last took it.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    worked: Option<OffsetDateTime>,
    /// When it ended, however it did.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ended: Option<OffsetDateTime>,
    /// Why it waits, or failed: in words for the partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<Lease>,
    /// Not taken up before.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    not_before: Option<OffsetDateTime>,
    /// Failures in a row.
    #[serde(default)]
    failures: u32,
}

/// What the topic's log of failed deliveries was when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureLog {
    /// What failed later may not have been in it: it comes minutes behind.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
    /// Failed attempts of the time that was asked for which do not tell their event; none of those is sent again.
    pub without_id: u64,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobState {
    /// For a worker, or for what its reason says.
    Waiting,
    /// A worker sends.
    Running,
    /// All was sent.
    Done,
    /// The partner ended it.
    Cancelled,
    /// It cannot go on.
    Failed,
}

/// What a job did so far. Behind a failure some events are sent and counted twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Captured events that were looked at.
    pub read: u64,
    /// Those that the request and the selection of today match.
    pub matched: u64,
    /// Those that the topic took while the subscription delivered.
    pub sent: u64,
    /// Those that the topic took when the subscription was about to be paused or deleted, or to fail, which ended the job: whether they
    /// reached anybody is not known.
    #[serde(default)]
    pub uncertain: u64,
    /// Those that the topic will never take.
    pub refused: u64,
    /// Records and files that cannot be read.
    pub left_out: u64,
}

/// Who works on a job, and until when nobody else may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    worker: String,
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
}

/// What a worker does once it has read all that is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// Nothing more is to come, or is to be waited for.
    Done,
    /// The last windows are not captured.
    Wait,
}

impl Job {
    /// A job that no worker has taken. `ranges` are of the time that `request` names.
    pub fn new(
        id: String,
        subscription: &Subscription,
        request: Request,
        ranges: Vec<Range>,
        now: OffsetDateTime,
    ) -> Self {
        let from = ranges.iter().map(|range| range.from).min().unwrap_or(request.from);
        Self {
            id,
            partner: subscription.partner.clone(),
            subscription: subscription.name.clone(),
            subscription_made: Some(subscription.created),
            request,
            ranges,
            log: None,
            state: JobState::Waiting,
            progress: Progress::default(),
            cursor: Cursor::starting(from),
            complete_until: None,
            created: now,
            started: None,
            worked: None,
            ended: None,
            reason: None,
            lease: None,
            not_before: None,
            failures: 0,
        }
    }

    /// Whether a worker may take it: it has not ended, has not to wait, and nobody works on it.
    pub fn is_due(&self, now: OffsetDateTime) -> bool {
        !self.has_ended() && self.not_before.is_none_or(|not_before| not_before <= now) && !self.is_leased(now)
    }

    /// Whether a worker has it now.
    fn is_leased(&self, now: OffsetDateTime) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.until > now)
    }

    /// Whether it was asked for about this subscription, and not about an earlier one of its name.
    pub fn is_about(&self, subscription: &Subscription) -> bool {
        self.partner == subscription.partner
            && self.subscription == subscription.name
            && self.subscription_made.is_none_or(|made| made == subscription.created)
    }

    /// Whether nothing more happens to it.
    pub fn has_ended(&self) -> bool {
        !matches!(self.state, JobState::Waiting | JobState::Running)
    }

    /// The end of the last of its ranges.
    pub fn until(&self) -> OffsetDateTime {
        self.ranges.iter().map(|range| range.until).max().unwrap_or(self.request.until)
    }

    /// Whether an event that the hub stored at this time is one of those that were asked for. Captured files tell whole seconds; of an unknown
    /// time are few, and none should be missed.
    pub fn covers(&self, enqueued: Option<OffsetDateTime>) -> bool {
        covers(&self.ranges, enqueued)
    }

    /// A worker takes it, or goes on with it: the lease begins anew.
    pub fn claim(&mut self, worker: &str, now: OffsetDateTime) {
        self.state = JobState::Running;
        self.started.get_or_insert(now);
        self.worked = Some(now);
        self.reason = None;
        self.not_before = None;
        self.lease = Some(Lease { worker: worker.to_owned(), until: now.saturating_add(LEASE) });
    }

    /// Whether this worker has it, and may store its progress.
    pub fn is_of(&self, worker: &str) -> bool {
        self.state == JobState::Running && self.lease.as_ref().is_some_and(|lease| lease.worker == worker)
    }

    /// What was read and sent is stored.
    pub fn advance(&mut self, cursor: Cursor, progress: Progress, now: OffsetDateTime) {
        self.cursor = cursor;
        self.progress = progress;
        self.failures = 0;
        if let Some(lease) = &mut self.lease {
            lease.until = now.saturating_add(LEASE);
        }
    }

    /// Its worker lets go of it, and any may take it at once.
    pub fn let_go(&mut self) {
        self.state = JobState::Waiting;
        self.lease = None;
    }

    /// Something around it does not work: the next try comes later, and later still if that fails too.
    pub fn put_off(&mut self, reason: &str, now: OffsetDateTime) {
        self.let_go();
        let doubled = 1_i32 << self.failures.min(6);
        self.failures = self.failures.saturating_add(1);
        self.reason = Some(reason.to_owned());
        self.not_before = Some(now.saturating_add((PAUSES.0 * doubled).min(PAUSES.1)));
    }

    /// It waits for something that takes its time.
    pub fn wait(&mut self, reason: &str, now: OffsetDateTime) {
        self.let_go();
        self.reason = Some(reason.to_owned());
        self.not_before = Some(now.saturating_add(LOOK_AGAIN));
    }

    /// All that is captured was read, and nothing is missing before `complete_until`, or before what the log of failures had.
    pub fn at_end(&mut self, complete_until: OffsetDateTime, now: OffsetDateTime) -> AtEnd {
        let until = self.until();
        let known = self.log.map_or(complete_until, |log| complete_until.min(log.until));
        self.complete_until = Some(known.min(until));
        let waits = self.request.open_window == OpenWindow::Wait && now < until.saturating_add(LONGEST_WAIT);
        if complete_until < until && waits { AtEnd::Wait } else { AtEnd::Done }
    }

    /// It has ended, and nobody works on it any more.
    pub fn end(&mut self, state: JobState, reason: Option<&str>, now: OffsetDateTime) {
        self.state = state;
        self.reason = reason.map(str::to_owned);
        self.ended = Some(now);
        self.lease = None;
        self.not_before = None;
    }

    /// Its worker was sending while the partner ended it: what `by`, the worker's own copy, has counted until then counts. `false` if
    /// it ended otherwise, or another worker had it last.
    pub fn counted_late(&mut self, by: &Self) -> bool {
        let is_its = self.state == JobState::Cancelled && self.worked == by.worked && self.progress != by.progress;
        if is_its {
            self.progress = by.progress;
            self.cursor = by.cursor.clone();
        }
        is_its
    }

    /// The partner ends it; `false` if it had ended, otherwise than by this.
    pub fn cancel(&mut self, now: OffsetDateTime) -> bool {
        if !self.has_ended() {
            self.end(JobState::Cancelled, None, now);
        }
        self.state == JobState::Cancelled
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;
    use crate::partner::{endpoint::EndpointRules, settings::Settings};

    const NOW: OffsetDateTime = datetime!(2026-03-04 10:15:30 UTC);

    pub(super) fn subscription(made: OffsetDateTime) -> Subscription {
        let settings = json!({ "endpoint": "https://ok.example/" });
        let settings = Settings::parse(settings.as_object().expect("an object"), &EndpointRules::default());
        let name = |text: &str| text.to_owned();
        let (partner, subscription) = (name("acme").try_into(), name("prices").try_into());
        let (partner, subscription) = (partner.expect("a name"), subscription.expect("a name"));
        Subscription::new(partner, subscription, settings.expect("settings"), "m", false, made)
    }

    fn job(open_window: OpenWindow) -> Job {
        let range = Range { from: NOW - Duration::hours(1), until: NOW };
        let request = Request { from: range.from, until: range.until, only: Only::All, rate: PER_SECOND, open_window };
        Job::new("j-1".to_owned(), &subscription(NOW), request, vec![range], NOW)
    }

    #[test]
    fn one_worker_has_a_job_until_it_is_silent_for_too_long() {
        let mut job = job(OpenWindow::Stop);
        assert!(job.is_due(NOW));
        job.claim("one", NOW);
        assert!(job.is_of("one") && !job.is_of("two") && !job.is_due(NOW + LEASE - Duration::SECOND));
        job.advance(Cursor::starting(NOW), Progress { sent: 5, ..Progress::default() }, NOW + Duration::seconds(20));
        assert!(!job.is_due(NOW + LEASE), "each stored step begins the lease anew");
        let late = NOW + LEASE + Duration::seconds(20);
        assert!(job.is_due(late));
        job.claim("two", late);
        assert!(!job.is_of("one") && job.is_of("two"));
        assert_eq!((job.progress.sent, job.started), (5, Some(NOW)));
        assert_eq!(serde_json::from_value::<Job>(serde_json::to_value(&job).expect("JSON")).expect("its own"), job);
    }

    #[test]
    fn what_was_being_sent_while_a_job_was_cancelled_counts() {
        let mut stored = job(OpenWindow::Stop);
        stored.claim("one", NOW);
        let mut workers = stored.clone();
        assert!(stored.cancel(NOW));
        workers.advance(Cursor::starting(NOW), Progress { sent: 3, ..Progress::default() }, NOW);
        assert!(stored.counted_late(&workers));
        assert_eq!((stored.progress.sent, stored.state), (3, JobState::Cancelled));
        assert!(!stored.counted_late(&workers), "once");

        let mut others = job(OpenWindow::Stop);
        others.claim("two", NOW + LEASE);
        assert!(!others.counted_late(&workers), "it has not ended");
        others.cancel(NOW + LEASE);
        assert!(!others.counted_late(&workers), "another had it last");
    }

    #[test]
    fn failures_in_a_row_are_tried_again_ever_more_slowly() {
        let mut job = job(OpenWindow::Stop);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            job.claim("one", NOW);
            job.put_off("the topic is busy", NOW);
            assert_eq!((job.state, job.reason.as_deref()), (JobState::Waiting, Some("the topic is busy")));
            pauses.push((0..200).find(|second| job.is_due(NOW + Duration::seconds(*second))).expect("not for ever"));
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 120, 120]);
        job.claim("one", NOW);
        job.advance(Cursor::starting(NOW), Progress::default(), NOW);
        job.put_off("the topic is busy", NOW);
        assert!(job.is_due(NOW + Duration::seconds(5)), "some work in between");
    }

    #[test]
    fn a_window_that_is_open_is_waited_for_or_told() {
        let behind = NOW - Duration::minutes(3);
        let mut stops = job(OpenWindow::Stop);
        assert_eq!(stops.at_end(behind, NOW), AtEnd::Done);
        assert_eq!(stops.complete_until, Some(behind));
        let mut waits = job(OpenWindow::Wait);
        assert_eq!(waits.at_end(behind, NOW), AtEnd::Wait);
        assert_eq!(waits.at_end(NOW + Duration::SECOND, NOW), AtEnd::Done);
        assert_eq!(waits.complete_until, Some(NOW), "never behind what was asked for");
        assert_eq!(waits.at_end(behind, NOW + LONGEST_WAIT), AtEnd::Done, "not for ever");
    }

    #[test]
    fn what_failed_is_known_as_far_as_the_log_was() {
        let mut job = job(OpenWindow::Wait);
        let until = NOW - Duration::minutes(10);
        job.log = Some(FailureLog { until, without_id: 2 });
        assert_eq!(job.at_end(NOW, NOW), AtEnd::Done, "the log is not read again");
        assert_eq!(job.complete_until, Some(until));
    }

    #[test]
    fn a_job_is_not_about_a_later_subscription_of_the_same_name() {
        let job = job(OpenWindow::Stop);
        assert!(job.is_about(&subscription(NOW)));
        assert!(!job.is_about(&subscription(NOW + Duration::MINUTE)));
        let mut stored = serde_json::to_value(&job).expect("JSON");
        assert!(stored.as_object_mut().expect("an object").remove("subscriptionMade").is_some());
        let old: Job = serde_json::from_value(stored).expect("one that was stored before this was");
        assert!(old.is_about(&subscription(NOW + Duration::MINUTE)));
    }

    #[test]
    fn a_cancelled_job_stays_so_and_an_ended_one_is_not_cancelled() {
        let mut job = job(OpenWindow::Stop);
        job.claim("one", NOW);
        assert!(job.cancel(NOW) && job.cancel(NOW + Duration::HOUR));
        assert_eq!((job.ended, job.is_of("one"), job.is_due(NOW + Duration::DAY)), (Some(NOW), false, false));
        job.end(JobState::Done, None, NOW);
        assert!(!job.cancel(NOW));
    }

    #[test]
    fn what_is_outside_the_ranges_is_not_sent() {
        let mut job = job(OpenWindow::Stop);
        let gap = |from: i64, until: i64| Range {
            from: NOW - Duration::milliseconds(from * 1000 - 500),
            until: NOW - Duration::seconds(until),
        };
        job.ranges = vec![gap(600, 500), gap(100, 50)];
        let covered = |seconds: i64| job.covers(Some(NOW - Duration::seconds(seconds)));
        assert_eq!(
            [601, 600, 501, 500, 300, 100, 51, 50].map(covered),
            [false, true, true, false, false, true, true, false]
        );
        assert!(job.covers(None));
        assert_eq!(job.until(), NOW - Duration::seconds(50));
    }
}
