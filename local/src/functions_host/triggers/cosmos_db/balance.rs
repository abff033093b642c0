//! Lease balancing: which leases a processor takes, by the rules of the official change feed processor.

use std::{collections::BTreeMap, time::Duration};

use rand::seq::IndexedRandom as _;
use time::OffsetDateTime;

use super::leases::Lease;

/// The leases that `me` takes at this turn.
///
/// A processor aims at its share, rounded up. Of what has no owner, or one that was silent for `expiration`, it takes all
/// it needs when it is alone, and one at a turn otherwise; even an overbooked one takes one, so that nothing lies idle.
/// Only where nothing is free does it steal, one lease of whoever has most.
pub(super) fn leases_to_take<'l>(
    leases: &'l [Lease],
    me: &str,
    now: OffsetDateTime,
    expiration: Duration,
) -> Vec<&'l Lease> {
    let mut owned: BTreeMap<&str, Vec<&Lease>> = BTreeMap::from([(me, Vec::new())]);
    let mut free = Vec::new();
    for lease in leases {
        match lease.active_owner(now, expiration) {
            Some(owner) => owned.entry(owner).or_default().push(lease),
            None => free.push(lease),
        }
    }
    let target = leases.len().div_ceil(owned.len());
    let needed = target.saturating_sub(owned.get(me).map_or(0, Vec::len));
    let mut random = rand::rng();
    if !free.is_empty() {
        let alone = owned.len() == 1;
        let count = if alone { needed.max(1) } else { 1 };
        return free.choose_multiple(&mut random, count).copied().collect();
    }
    if needed == 0 {
        return Vec::new();
    }
    let most = owned.values().max_by_key(|theirs| theirs.len());
    let worth = target - usize::from(needed > 1);
    most.filter(|theirs| theirs.len() > worth).and_then(|theirs| theirs.first()).copied().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const EXPIRATION: Duration = Duration::from_secs(60);
    const NOW: OffsetDateTime = datetime!(2026-01-05 10:00 UTC);

    proptest! {
        /// Whoever moves when, in the end every lease has a living owner, and nobody idles while another has two.
        #[test]
        fn processors_come_to_a_fair_share(
            owners in prop::collection::vec(0_usize..6, 1..20),
            processors in 1_usize..6,
        ) {
            let mut leases: Vec<Lease> = owners
                .iter()
                .enumerate()
                .map(|(range, owner)| {
                    // Owners beyond the processors are the dead of an earlier life.
                    let at = if *owner < processors { NOW } else { NOW - EXPIRATION };
                    Lease::example(range, &format!("p{owner}"), at)
                })
                .collect();
            let mut moves = 0;
            loop {
                let before = moves;
                for processor in 0..processors {
                    let me = format!("p{processor}");
                    let taken: Vec<String> =
                        leases_to_take(&leases, &me, NOW, EXPIRATION).iter().map(|lease| lease.range().to_owned()).collect();
                    moves += taken.len();
                    for lease in leases.iter_mut().filter(|lease| taken.iter().any(|range| range == lease.range())) {
                        lease.take(&me, NOW);
                    }
                }
                if moves == before {
                    break;
                }
                prop_assert!(moves <= 200, "leases are passed around");
            }
            let counts: Vec<usize> = (0..processors)
                .map(|processor| {
                    let me = format!("p{processor}");
                    leases.iter().filter(|lease| lease.active_owner(NOW, EXPIRATION) == Some(me.as_str())).count()
                })
                .collect();
            prop_assert_eq!(counts.iter().sum::<usize>(), leases.len());
            let target = leases.len().div_ceil(processors);
            prop_assert!(counts.iter().all(|count| *count <= target.max(1)), "{:?}", counts);
        }
    }
}
