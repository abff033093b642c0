//! Whose turn it is: workers have few places, and one partner's many jobs must not keep all others waiting.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::Job;
use crate::partner::PartnerName;

/// The most jobs of one partner that are worked on at once.
pub const MOST_OF_A_PARTNER: usize = 4;

/// Those of the unfinished jobs that a worker takes next, in this order; `working` are the ids of those that it has.
///
/// Each partner's first comes before any partner's second, counting those that are worked on. Of one partner, and among partners, who was worked
/// on or asked longest ago comes first.
pub fn in_turn(unfinished: Vec<Job>, working: &BTreeSet<String>, now: OffsetDateTime) -> Vec<Job> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut due = Vec::new();
    for job in unfinished {
        if working.contains(&job.id) || job.is_leased(now) {
            *taken.entry(job.partner.as_str().to_owned()).or_default() += 1;
        } else if job.is_due(now) {
            due.push(job);
        }
    }
    due.sort_by_key(|job| job.worked.unwrap_or(job.created));
    let place = |job: Job| {
        let taken = taken.entry(job.partner.as_str().to_owned()).or_default();
        *taken += 1;
        (*taken, job)
    };
    let mut places: Vec<_> = due.into_iter().map(place).filter(|(place, _)| *place <= MOST_OF_A_PARTNER).collect();
    // Stable: within a place the order stays.
    places.sort_by_key(|(place, _)| *place);
    places.into_iter().map(|(_, job)| job).collect()
}

/// Which places are given up where none is free, by their index in `taken`: whose each is, and whether it was had for long enough. They
/// are for the jobs that wait, in their order; the first `promised` of those get the places that are being given up already.
///
/// A job gives way to one whose partner has fewer places, and first of all one of who has most; so in the end partners have as many
/// as each other, or take turns.
pub fn giving_way(taken: &[(&PartnerName, bool)], waiting: &[Job], promised: usize) -> Vec<usize> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (partner, _) in taken {
        *places.entry(partner.as_str()).or_default() += 1;
    }
    let mut left: Vec<usize> = (0..taken.len()).filter(|index| taken[*index].1).collect();
    let mut given = Vec::new();
    for (place, job) in waiting.iter().enumerate() {
        let wants = job.partner.as_str();
        if place >= promised {
            let of = |index: usize| places.get(taken[index].0.as_str()).copied().unwrap_or_default();
            // Of several the first, who has it longest.
            let most = left.iter().copied().rev().max_by_key(|index| of(*index));
            let has = places.get(wants).copied().unwrap_or_default();
            let Some(index) = most.filter(|index| of(*index) > has) else { continue };
            left.retain(|one| *one != index);
            places.entry(taken[index].0.as_str()).and_modify(|places| *places -= 1);
            given.push(index);
        }
        *places.entry(wants).or_default() += 1;
    }
    given
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::{
        super::{Only, OpenWindow, PER_SECOND, Range, Request, tests::subscription},
        *,
    };

    const NOW: OffsetDateTime = datetime!(2026-03-04 10:15:30 UTC);

    fn job(partner: &str, id: &str, minutes: i64) -> Job {
        let mut subscription = subscription(NOW);
        subscription.partner = partner.to_owned().try_into().expect("a name");
        let range = Range { from: NOW - Duration::DAY, until: NOW };
        let request = Request {
            from: range.from,
            until: range.until,
            only: Only::All,
            rate: PER_SECOND,
            open_window: OpenWindow::Stop,
        };
        Job::new(id.to_owned(), &subscription, request, vec![range], NOW - Duration::minutes(minutes))
    }

    fn ids(jobs: Vec<Job>, working: &[&str]) -> Vec<String> {
        let working = working.iter().map(|id| (*id).to_owned()).collect();
        in_turn(jobs, &working, NOW).into_iter().map(|job| job.id).collect()
    }

    #[test]
    fn one_partners_many_jobs_do_not_keep_others_waiting() {
        let mut jobs: Vec<_> = (0..9).map(|number| job("acme", &format!("a{number}"), 90 - number)).collect();
        jobs.push(job("other", "o1", 2));
        jobs.push(job("third", "t1", 1));
        assert_eq!(ids(jobs.clone(), &[]), ["a0", "o1", "t1", "a1", "a2", "a3"]);
        assert_eq!(ids(jobs.clone(), &["a0", "a1", "o1"]), ["t1", "a2", "a3"]);
        // Another worker has four of them.
        for job in &mut jobs[..4] {
            job.claim("another", NOW);
        }
        assert_eq!(ids(jobs, &[]), ["o1", "t1"]);
    }

    #[test]
    fn who_has_most_places_gives_one_up_for_who_waits() {
        let name = |name: &str| PartnerName::try_from(name.to_owned()).expect("a name");
        let (acme, other) = (name("acme"), name("other"));
        let long = |count| [vec![(&acme, true); count], vec![(&other, true); 8 - count]].concat();
        let third: Vec<_> = (0..4).map(|number| job("third", &format!("t{number}"), 3)).collect();
        assert_eq!(giving_way(&long(4), &third[..1], 0), [0], "had longest");
        assert_eq!(giving_way(&long(4), &third, 0), [0, 4, 1], "then each has two or three");
        assert_eq!(giving_way(&long(6), &third[..1], 0), [0]);
        assert_eq!(giving_way(&long(4)[1..], &third[..1], 1), [] as [usize; 0], "one is on its way");
        assert_eq!(giving_way(&long(4)[1..], &third[..2], 1), [3], "and one more is wanted");
        let mut new = long(4);
        new[0].1 = false;
        assert_eq!(giving_way(&new, &third[..1], 0), [1], "a turn has a length");
        assert_eq!(giving_way(&[(&acme, false); 8], &third, 0), [] as [usize; 0]);
        assert_eq!(giving_way(&long(4), &[job("acme", "a9", 1)], 0), [] as [usize; 0], "nothing would be fairer");
        // One place each, and nine who want one: they take turns.
        let eight: Vec<_> = (0..8).map(|number| name(&format!("p-{number}"))).collect();
        let taken: Vec<_> = eight.iter().map(|partner| (partner, true)).collect();
        assert_eq!(giving_way(&taken, &third, 0), [0]);
    }

    #[test]
    fn what_was_worked_on_last_comes_last() {
        let mut jobs = vec![job("acme", "a1", 30), job("acme", "a2", 20), job("other", "o1", 10)];
        jobs[0].claim("one", NOW - Duration::minutes(5));
        jobs[0].let_go();
        assert_eq!(ids(jobs.clone(), &[]), ["a2", "o1", "a1"]);
        jobs[1].wait("for a window", NOW);
        assert_eq!(ids(jobs, &[]), ["o1", "a1"], "a job that waits has no turn");
    }
}
