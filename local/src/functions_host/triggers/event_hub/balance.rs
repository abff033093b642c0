//! Load balancing: which partition a processor claims next, by the rules of the official load balancer.
//!
//! A fair share of `p` partitions among `n` processors is `p / n` or one more. Unclaimed and expired partitions are
//! claimed first; only then does a processor that is short steal from one that has more than it should.

use std::{collections::BTreeMap, time::Duration};

use rand::seq::IndexedRandom as _;
use time::OffsetDateTime;

/// Who said last that a partition is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ownership {
    pub(super) partition: String,
    /// Empty where it was given back.
    pub(super) owner: String,
    pub(super) etag: String,
    pub(super) modified: OffsetDateTime,
}

impl Ownership {
    fn is_active(&self, now: OffsetDateTime, expiration: Duration) -> bool {
        !self.owner.is_empty() && now - self.modified < expiration
    }
}

/// The partition that `me` should claim now; `None` in balance.
pub(super) fn next_claim<'p>(
    partitions: &[&'p str],
    ownerships: &[Ownership],
    me: &str,
    now: OffsetDateTime,
    expiration: Duration,
) -> Option<&'p str> {
    let mut owned: BTreeMap<&str, Vec<&'p str>> = BTreeMap::from([(me, Vec::new())]);
    let mut unclaimed = Vec::new();
    for partition in partitions {
        let active = ownerships.iter().find(|known| known.partition == *partition && known.is_active(now, expiration));
        match active {
            Some(ownership) => owned.entry(&ownership.owner).or_default().push(partition),
            None => unclaimed.push(*partition),
        }
    }
    let share = partitions.len() / owned.len();
    let mine = owned.remove(me).map_or(0, |mine| mine.len());
    if mine > share {
        return None;
    }
    let mut random = rand::rng();
    if !unclaimed.is_empty() {
        return unclaimed.choose(&mut random).copied();
    }
    let of_those_with = |enough: &dyn Fn(usize) -> bool| -> Vec<&'p str> {
        owned.values().filter(|theirs| enough(theirs.len())).flatten().copied().collect()
    };
    let too_many = of_those_with(&|count| count > share + 1);
    if !too_many.is_empty() {
        return too_many.choose(&mut random).copied();
    }
    // Who is below the share has to get it from somewhere; who has it would only pass the surplus around.
    if mine < share { of_those_with(&|count| count == share + 1).choose(&mut random).copied() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const EXPIRATION: Duration = Duration::from_secs(60);
    const START: OffsetDateTime = datetime!(2026-01-05 10:00 UTC);

    fn claim(ownerships: &mut Vec<Ownership>, partition: &str, owner: &str, now: OffsetDateTime) {
        ownerships.retain(|known| known.partition != partition);
        let (partition, owner) = (partition.to_owned(), owner.to_owned());
        ownerships.push(Ownership { partition, owner, etag: String::new(), modified: now });
    }

    #[test]
    fn what_is_given_back_or_expired_is_claimed_and_what_is_held_is_not() {
        let mut ownerships = Vec::new();
        claim(&mut ownerships, "0", "other", START);
        let next = |ownerships: &[Ownership], now| next_claim(&["0"], ownerships, "me", now, EXPIRATION);
        assert_eq!(next(&ownerships, START + Duration::from_secs(59)), None);
        assert_eq!(next(&ownerships, START + Duration::from_secs(60)), Some("0"));
        claim(&mut ownerships, "0", "", START);
        assert_eq!(next(&ownerships, START), Some("0"));
    }

    proptest! {
        /// Whoever moves when, in the end every partition has an owner and no processor has two more than another.
        #[test]
        fn processors_come_to_a_fair_share(
            count in 1_usize..33,
            processors in 1_usize..6,
            claims in prop::collection::vec((0_usize..33, 0_usize..6), 0..40),
        ) {
            let names: Vec<String> = (0..count).map(|index| index.to_string()).collect();
            let partitions: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut ownerships = Vec::new();
            for (partition, owner) in claims {
                // The dead of an earlier life have owners beyond the processors; theirs expired.
                let at = if owner < processors { START } else { START - EXPIRATION };
                claim(&mut ownerships, partitions[partition % count], &format!("p{owner}"), at);
            }
            let mut moves = 0;
            loop {
                let before = moves;
                for processor in 0..processors {
                    let me = format!("p{processor}");
                    if let Some(partition) = next_claim(&partitions, &ownerships, &me, START, EXPIRATION) {
                        claim(&mut ownerships, partition, &me, START);
                        moves += 1;
                    }
                }
                if moves == before {
                    break;
                }
                prop_assert!(moves <= 200, "partitions are passed around");
            }
            let counts: Vec<usize> = (0..processors)
                .map(|processor| ownerships.iter().filter(|known| known.owner == format!("p{processor}")).count())
                .collect();
            prop_assert_eq!(counts.iter().sum::<usize>(), count);
            let (least, most) = (counts.iter().min(), counts.iter().max());
            prop_assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{:?}", counts);
        }
    }
}
