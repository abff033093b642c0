//! Connection limit: a port has a bounded number of slots for connections; when all are taken, the one that has been
//! silent longest makes room.
//!
//! So whoever opens connections and says nothing takes slots only from others of that kind: one that speaks at once is
//! served at once, however many are silent beside it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::files;

/// Connections of a port at once, where few and where many files may be open.
const FEWEST: u64 = 256;
const MOST: u64 = 4096;
/// Those of them that have yet to finish a handshake or the head of a request.
const MOST_SILENT: u64 = 1024;
/// Open files of the process for each slot of each port: of those files all ports and the store live.
const FILES_FOR_A_SLOT: u64 = 24;

/// The slots of one port.
pub(crate) struct Slots {
    ledger: Mutex<Ledger>,
    freed: Notify,
    most: u64,
    most_silent: u64,
}

#[derive(Default)]
struct Ledger {
    taken: u64,
    turns: u64,
    /// Oldest first; the token tells a connection to go.
    silent: BTreeMap<u64, CancellationToken>,
    idle: BTreeMap<u64, CancellationToken>,
}

impl Ledger {
    /// Sends away who is silent longest, or else who is idle longest; says whether there was anyone.
    fn make_room(&mut self) -> bool {
        let longest = self.silent.pop_first().or_else(|| self.idle.pop_first());
        let Some((_, gone)) = longest else { return false };
        self.taken -= 1;
        gone.cancel();
        true
    }

    fn turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
    }
}

impl Slots {
    /// As many as the process's limit of open files bears.
    pub(crate) fn new() -> Arc<Self> {
        let share = files::limit() / FILES_FOR_A_SLOT;
        Self::bounded(share.clamp(FEWEST, MOST), (share / 2).clamp(FEWEST / 2, MOST_SILENT))
    }

    /// `most` slots, at most `most_silent` of them for connections that have yet to say something whole.
    pub(super) fn bounded(most: u64, most_silent: u64) -> Arc<Self> {
        Arc::new(Self { ledger: Mutex::default(), freed: Notify::new(), most, most_silent })
    }

    /// Takes a slot for a new connection, which is silent. Waits only where every other one is being served.
    pub(crate) async fn take(self: &Arc<Self>) -> Slot {
        loop {
            if let Some(slot) = self.try_take() {
                return slot;
            }
            self.freed.notified().await;
        }
    }

    fn try_take(self: &Arc<Self>) -> Option<Slot> {
        let mut ledger = self.ledger();
        let full = ledger.taken >= self.most || ledger.silent.len() as u64 >= self.most_silent;
        if full && !ledger.make_room() {
            return None;
        }
        ledger.taken += 1;
        let (turn, evicted) = (ledger.turn(), CancellationToken::new());
        ledger.silent.insert(turn, evicted.clone());
        drop(ledger);
        Some(Slot { slots: Arc::clone(self), doing: Doing::Silent(turn), evicted })
    }

    /// Sends one connection away, for want of files; says whether there was one that could go.
    pub(crate) fn make_room(&self) -> bool {
        self.ledger().make_room()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot of one connection. Dropping it frees it.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    doing: Doing,
    evicted: CancellationToken,
}

/// What a connection does, with its turn among those that do the same.
#[derive(Clone, Copy)]
enum Doing {
    /// Has yet to finish a handshake, or the head of a request.
    Silent(u64),
    /// Is between requests.
    Idle(u64),
    /// Is being served.
    Busy,
}

impl Slot {
    /// A slot that nobody else wants.
    #[cfg(test)]
    pub(crate) fn alone() -> Self {
        Slots::bounded(1, 1).try_take().expect("a free slot")
    }

    /// Cancelled when the connection has to go.
    pub(crate) fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }

    /// From now on the connection owes the rest of a handshake or head.
    pub(crate) fn silent(&mut self) {
        self.change(|ledger, evicted| {
            let turn = ledger.turn();
            ledger.silent.insert(turn, evicted);
            Doing::Silent(turn)
        });
    }

    /// From now on the connection owes nothing, nor is it owed anything.
    pub(crate) fn idle(&mut self) {
        self.change(|ledger, evicted| {
            let turn = ledger.turn();
            ledger.idle.insert(turn, evicted);
            Doing::Idle(turn)
        });
        self.slots.freed.notify_one();
    }

    /// From now on the connection is being served, and stays.
    pub(crate) fn busy(&mut self) {
        self.change(|_, _| Doing::Busy);
    }

    fn change(&mut self, to: impl FnOnce(&mut Ledger, CancellationToken) -> Doing) {
        let mut ledger = self.slots.ledger();
        if self.doing.leave(&mut ledger) {
            self.doing = to(&mut ledger, self.evicted.clone());
        }
    }
}

impl Doing {
    /// Strikes it from the ledger; `false` where it was sent away before.
    fn leave(self, ledger: &mut Ledger) -> bool {
        match self {
            Self::Silent(turn) => ledger.silent.remove(&turn).is_some(),
            Self::Idle(turn) => ledger.idle.remove(&turn).is_some(),
            Self::Busy => true,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut ledger = self.slots.ledger();
        if self.doing.leave(&mut ledger) {
            ledger.taken -= 1;
            drop(ledger);
            self.slots.freed.notify_one();
        }
    }
}
