//! What clients wrote down, and whether the log has it.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::Value;

use super::PARTITIONS;
use crate::crash::log::Log;

/// What the clients of one round wrote down.
pub(in crate::crash) struct Told {
    lines: Vec<String>,
    round: usize,
}

impl Told {
    pub(super) fn new(lines: Vec<String>, round: usize) -> Self {
        Self { lines, round }
    }

    /// How many batches were acknowledged, and how many events were read.
    pub(in crate::crash) fn counts(&self) -> (usize, usize) {
        (self.told().count(), self.saw().count())
    }

    /// Every acknowledged batch is there, whole and once, in the order in which its writer sent it; and what readers saw
    /// is where they saw it. In each partition all of it lies behind `from`.
    pub(in crate::crash) fn holds_in(self, log: &Log, from: &[usize]) {
        let round = self.round;
        let told: HashSet<(u64, u64)> = self.told().collect();
        let mut found: HashMap<(u64, u64), usize> = HashMap::new();
        for partition in 0..PARTITIONS {
            let mut last: HashMap<u64, u64> = HashMap::new();
            let mut batch: Vec<Sent> = Vec::new();
            for event in &log.partition(partition)[from.get(partition).copied().unwrap_or_default()..] {
                let body = event.decode().expect("an event").body;
                let Some(sent) = Sent::of(&body).filter(|sent| sent.round == round) else {
                    assert!(batch.is_empty(), "partition {partition}: something stands within {batch:?}");
                    continue;
                };
                let at = (partition, event.sequence);
                assert!(
                    sent.index == batch.len() && batch.iter().all(|first| first.is_with(&sent)),
                    "{at:?}: {sent:?}"
                );
                let whole = sent.index + 1 == sent.of;
                batch.push(sent);
                if whole && let Some(sent) = batch.drain(..).next_back() {
                    // What nobody was told of may be stored late, from a connection that was given up.
                    if told.contains(&(sent.writer, sent.number)) {
                        let before = last.insert(sent.writer, sent.number);
                        assert!(before.is_none_or(|before| before < sent.number), "{at:?}: {sent:?} after {before:?}");
                    }
                    assert_eq!(found.insert((sent.writer, sent.number), partition), None, "{at:?}: {sent:?} again");
                }
            }
            assert!(batch.is_empty(), "partition {partition} ends within {batch:?}");
        }
        for batch in told {
            assert!(found.contains_key(&batch), "round {round}: {batch:?} was acknowledged and is lost");
        }
        for [partition, sequence, offset, content] in self.saw() {
            let index = |number: u64| usize::try_from(number).expect("an index");
            let event = log.partition(index(partition)).get(index(sequence));
            let event =
                event.unwrap_or_else(|| panic!("round {round}: {sequence} of {partition} was read and is lost"));
            let body = event.decode().expect("an event").body;
            let stored = (event.offset.cast_unsigned(), digest(&body));
            assert_eq!(stored, (offset, content), "round {round}: {sequence} of {partition} was something else");
        }
    }

    /// Writer and number of each acknowledged batch.
    fn told(&self) -> impl Iterator<Item = (u64, u64)> {
        self.numbers("told").map(|[writer, number]| (writer, number))
    }

    /// Partition, sequence number, offset and digest of each event that was read.
    fn saw(&self) -> impl Iterator<Item = [u64; 4]> {
        self.numbers("saw")
    }

    fn numbers<const N: usize>(&self, kind: &str) -> impl Iterator<Item = [u64; N]> {
        let of_kind = self.lines.iter().filter_map(move |line| line.strip_prefix(kind));
        of_kind.map(|line| {
            let numbers = line.split_whitespace().map(|word| word.parse().expect("a number"));
            numbers.collect::<Vec<u64>>().try_into().expect("so many numbers")
        })
    }
}

/// One event as a writer sent it.
#[derive(Debug)]
struct Sent {
    round: usize,
    writer: u64,
    number: u64,
    /// Its place in the batch, and the size of that.
    index: usize,
    of: usize,
}

impl Sent {
    fn of(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let number = |name: &str| body["crash"][name].as_u64();
        let index = |name: &str| number(name).and_then(|number| usize::try_from(number).ok());
        Some(Self {
            round: index("round")?,
            writer: number("writer")?,
            number: number("number")?,
            index: index("index")?,
            of: index("of")?,
        })
    }

    fn is_with(&self, other: &Self) -> bool {
        (self.writer, self.number, self.of) == (other.writer, other.number, other.of)
    }
}

pub(super) fn digest(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}
