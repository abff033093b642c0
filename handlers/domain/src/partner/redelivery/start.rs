//! `startFrom`: what a new subscription is to get from before it delivered. The wish is its first gap, which then begins before the
//! subscription was made; the job for it is made once it delivers, however long the first handshake took.

use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use super::{Job, LONGEST, Only, OpenWindow, PER_SECOND, Range, Request};
use crate::partner::subscription::Subscription;

/// A job is made within so long after the subscription first delivered, or never. Jobs are kept for longer, so that an ended one is not made
/// again.
const WITHIN: Duration = Duration::days(14);

/// The id of the job that delivers what came since `startFrom`: always the same one. `None` where it was not asked for.
pub fn start_id(subscription: &Subscription) -> Option<String> {
    let Subscription { partner, name, created, .. } = subscription;
    subscription.started_from()?;
    let hash = Sha256::digest(format!("{partner}/{name}"));
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    Some(format!("rd-{:013}-start-{hash}", created.unix_timestamp_nanos() / 1_000_000))
}

/// That job, if it is time for it: the subscription delivers, and what came before is known.
pub fn start_job(subscription: &Subscription, now: OffsetDateTime) -> Option<Job> {
    let id = start_id(subscription)?;
    let (from, until) = (subscription.started_from()?, subscription.first_delivered()?);
    if !subscription.state.delivers() || now >= until.saturating_add(WITHIN) {
        return None;
    }
    // It may have been paused, or waited for its handshake, for long.
    let range = Range { from: from.max(until.saturating_sub(LONGEST)), until };
    let request = Request {
        from: range.from,
        until: range.until,
        only: Only::Missing,
        rate: PER_SECOND,
        open_window: OpenWindow::Wait,
    };
    Some(Job::new(id, subscription, request, vec![range], now))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::{super::tests::subscription, *};
    use crate::partner::subscription::{MOST_GAPS, PausedBy};

    const NOW: OffsetDateTime = datetime!(2026-03-04 10:15:30 UTC);

    #[test]
    fn the_job_comes_when_the_subscription_delivers_and_is_always_the_same() {
        let plain = subscription(NOW);
        assert_eq!(start_id(&plain), None);
        assert!(start_job(&plain.activated(NOW).expect("active"), NOW).is_none());

        let mut made = plain;
        made.gaps[0].from = NOW - Duration::DAY;
        assert!(start_job(&made, NOW).is_none(), "it waits for the handshake");
        let failed = made.failed("no answer".to_owned(), NOW).expect("failed");
        let late = NOW + Duration::hours(5);
        let active = failed.retry(late).and_then(|tried| tried.activated(late)).expect("active");
        let job = start_job(&active, late).expect("a job");
        assert_eq!(job.ranges, [Range { from: NOW - Duration::DAY, until: late }]);
        assert_eq!(Some(&job.id), start_id(&made).as_ref(), "known from the beginning");

        let paused = active.pause(PausedBy::Partner, None, late).expect("paused");
        assert!(start_job(&paused, late).is_none());
        let again = paused.resume(late).and_then(|tried| tried.activated(late)).expect("active");
        assert_eq!(start_job(&again, late), Some(job));
        assert!(start_job(&again, late + WITHIN).is_none(), "it may have been, and be forgotten");

        let pauses = MOST_GAPS as i64 * 2;
        let (mut often, mut before) = (again.clone(), Subscription { first_delivered: None, ..again });
        for minutes in 1..=pauses {
            let next = |was: &Subscription, at| {
                was.pause(PausedBy::Partner, None, at)
                    .and_then(|paused| paused.resume(at)?.activated(at))
                    .expect("active")
            };
            (often, before) =
                (next(&often, late + Duration::hours(minutes)), next(&before, late + Duration::hours(minutes)));
        }
        assert!(often.gaps[0].until > Some(late), "two gaps are one");
        for often in [&often, &before] {
            let job = start_job(often, late + Duration::hours(pauses)).expect("the same job");
            assert_eq!(job.ranges, [Range { from: NOW - Duration::DAY, until: late }]);
            assert!(start_job(often, late + WITHIN).is_none(), "however often it was paused");
        }

        let after_months = NOW + Duration::days(200);
        made.gaps[0].from = NOW - LONGEST;
        let active = made.failed("no answer".to_owned(), NOW).and_then(|failed| failed.retry(after_months));
        let active = active.and_then(|tried| tried.activated(after_months)).expect("active");
        let job = start_job(&active, after_months).expect("a job");
        assert_eq!(job.ranges, [Range { from: after_months - LONGEST, until: after_months }], "no longer than others");
    }
}
