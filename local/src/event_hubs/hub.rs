//! One event hub: its partitions, its consumer groups, and which partition an event without one goes to.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
};

use contoso_partitioner::partition;

use super::{
    error::Error,
    log::{HubRecord, LogStore, Partition},
    receivers::Receivers,
};
use crate::{clock::Clock, storage::Storage, topology};

/// The consumer group that every hub has.
const DEFAULT_GROUP: &str = "$Default";

const MILLIS_PER_HOUR: i64 = 3_600_000;

/// One event hub.
pub struct Hub {
    name: String,
    created_millis: i64,
    count: NonZeroU32,
    partitions: Vec<Partition>,
    groups: Vec<String>,
    capture: Option<topology::Capture>,
    next: AtomicUsize,
    receivers: Receivers,
}

impl Hub {
    /// Opens the hub with what the store holds of it.
    pub(super) fn open(
        topology: &topology::Hub,
        storage: &Storage,
        clock: &Clock,
        tail_bytes: usize,
    ) -> Result<Self, Error> {
        let count = check(topology)?;
        let wanted = HubRecord { created_millis: clock.now_millis(), partitions: count.get() };
        let record = LogStore::hub(storage, &topology.name, wanted)?;
        if record.partitions != wanted.partitions {
            return Err(Error::PartitionsChanged {
                hub: topology.name.clone(),
                stored: record.partitions,
                wanted: wanted.partitions,
            });
        }
        let retention = i64::from(topology.retention_hours) * MILLIS_PER_HOUR;
        let open = |index| {
            let store = LogStore::open(storage, &topology.name, index)?;
            Partition::open(&topology.name, index, store, clock, retention, tail_bytes)
        };
        let partitions = (0..count.get()).map(open).collect::<Result<_, _>>()?;
        let default = std::iter::once(DEFAULT_GROUP.to_owned());
        Ok(Self {
            name: topology.name.clone(),
            created_millis: record.created_millis,
            count,
            partitions,
            groups: default.chain(topology.consumer_groups.iter().cloned()).collect(),
            capture: topology.capture.clone(),
            next: AtomicUsize::new(0),
            receivers: Receivers::default(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it was first opened, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn created_millis(&self) -> i64 {
        self.created_millis
    }

    /// Its partitions, in the order of their ids.
    #[must_use]
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The partition with this id.
    #[must_use]
    pub fn partition(&self, id: &str) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.id() == id)
    }

    /// Whether the hub has this consumer group, in whatever case; `$Default` always.
    #[must_use]
    pub fn has_consumer_group(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group.eq_ignore_ascii_case(name))
    }

    /// The consumer group with this name in whatever case, as the hub spells it.
    pub(super) fn consumer_group(&self, name: &str) -> Option<&str> {
        self.groups.iter().find(|group| group.eq_ignore_ascii_case(name)).map(String::as_str)
    }

    /// Its consumer groups, `$Default` first.
    #[must_use]
    pub fn consumer_groups(&self) -> &[String] {
        &self.groups
    }

    /// What is captured of it, if anything.
    #[must_use]
    pub fn capture(&self) -> Option<&topology::Capture> {
        self.capture.as_ref()
    }

    /// The partition for a publication that names none: by its key, or else the next in turn.
    #[must_use]
    pub fn choose(&self, key: Option<&str>) -> &Partition {
        let index = match key {
            Some(key) => usize::try_from(partition(key, self.count)).unwrap_or(0),
            None => self.next.fetch_add(1, Ordering::Relaxed) % self.partitions.len(),
        };
        &self.partitions[index]
    }

    pub(super) fn receivers(&self) -> &Receivers {
        &self.receivers
    }
}

/// Holds the topology against the limits of the standard tier.
fn check(topology: &topology::Hub) -> Result<NonZeroU32, Error> {
    let refuse = |problem: &str| Err(Error::Topology { hub: topology.name.clone(), problem: problem.to_owned() });
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if topology.name.is_empty() || topology.name.len() > 256 || !topology.name.chars().all(legal) {
        return refuse("a hub's name is 1 to 256 letters, digits, periods, hyphens and underscores");
    }
    if !(1..=168).contains(&topology.retention_hours) {
        return refuse("retention is 1 to 168 hours");
    }
    if topology.consumer_groups.len() > 19 {
        return refuse("a hub has at most 20 consumer groups, $Default included");
    }
    if topology.consumer_groups.iter().any(|group| group.is_empty() || group.len() > 50) {
        return refuse("the name of a consumer group is 1 to 50 characters");
    }
    match NonZeroU32::new(topology.partitions) {
        Some(count) if count.get() <= 32 => Ok(count),
        _ => refuse("a hub has 1 to 32 partitions"),
    }
}
