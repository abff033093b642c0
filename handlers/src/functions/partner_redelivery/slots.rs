//! Slots of a worker: which jobs it has, since when, and which of them make room for others.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::partner::{
    PartnerName,
    redelivery::{Job, giving_way},
};

/// Jobs that are worked on at once: each reads files by itself.
const AT_ONCE: usize = 8;

/// How long a job keeps its slot though others wait for one.
const SLICE: Duration = Duration::from_secs(10);

/// How long a job may be worked on now.
pub(super) struct Turn {
    ends: Instant,
    gives_way: AtomicBool,
}

impl Turn {
    /// Whether the job is to be let go.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.ends || self.gives_way.load(Ordering::Relaxed)
    }
}

struct Slot {
    id: String,
    partner: PartnerName,
    since: Instant,
    turn: Arc<Turn>,
}

/// The slots, those that were taken first before others.
#[derive(Default)]
pub(super) struct Slots(Vec<Slot>);

impl Slots {
    /// How many are free.
    pub(super) fn free(&self) -> usize {
        AT_ONCE.saturating_sub(self.0.len())
    }

    /// The ids of the jobs that have one.
    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.0.iter().map(|slot| slot.id.clone()).collect()
    }

    /// Gives one to a job, until `ends` at the latest.
    pub(super) fn take(&mut self, job: &Job, ends: Instant) -> Arc<Turn> {
        let turn = Arc::new(Turn { ends, gives_way: AtomicBool::new(false) });
        let (id, partner) = (job.id.clone(), job.partner.clone());
        self.0.push(Slot { id, partner, since: Instant::now(), turn: Arc::clone(&turn) });
        turn
    }

    /// The job of this id has none any more.
    pub(super) fn leave(&mut self, id: &str) {
        self.0.retain(|slot| slot.id != id);
    }

    /// Has jobs of who has more slots than others give way to those that wait, which stand in the order in which they are taken.
    pub(super) fn make_room(&self, waiting: &[Job]) {
        let going = |slot: &Slot| slot.turn.gives_way.load(Ordering::Relaxed);
        let left: Vec<_> = self.0.iter().filter(|slot| !going(slot)).collect();
        let taken: Vec<_> = left.iter().map(|slot| (&slot.partner, slot.since.elapsed() >= SLICE)).collect();
        for index in giving_way(&taken, waiting, self.0.len() - left.len()) {
            left[index].turn.gives_way.store(true, Ordering::Relaxed);
        }
    }
}
