//! The account: what it holds and its store as one. Reads take no part in the order of writes; these go one at a time, and each
//! is stored before it shows and before it is answered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use tokio::sync::{self, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    cosmos::{
        data::{
            catalogue::{Catalogue, Change},
            container::{Container, State},
            definition::Stamp,
            item::{Item, ItemChange, Transaction},
            offer::Throughput,
        },
        error::Error,
        store::{
            definitions::Entry,
            replay::Recovered,
            rows::{Store, StoredWrite},
        },
        wire::{
            refusal::Refusal,
            request::{ContainerName, Request, Write},
        },
    },
};

/// Items that expire in one commit.
const EXPIRED_AT_A_TIME: usize = 256;
/// Bytes that no single write reaches: an item has at most 2 MiB, all items of a batch at most 4 MiB, and each some bytes of
/// key and head more.
const LARGEST_WRITE: u64 = 6 << 20;
/// Time between two looks for expired items.
const SWEEP: Duration = Duration::from_secs(1);

/// A durable account.
pub(in crate::cosmos) struct Account {
    catalogue: RwLock<Catalogue>,
    growth: Mutex<HashMap<ContainerName, watch::Sender<u64>>>,
    clock: Clock,
    /// What only one write at a time may touch, so that what is stored comes in the order of commit.
    writer: sync::Mutex<Store>,
    stopped: CancellationToken,
}

/// Why a write was not made.
pub(in crate::cosmos) enum Unwritten {
    Refused(Refusal),
    /// 503, and why; it says whether the write may show later.
    Unavailable(String),
}

impl From<Refusal> for Unwritten {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A write that was made, in its container.
pub(in crate::cosmos) struct Written<T> {
    pub(in crate::cosmos) container: Arc<Container>,
    /// What the work gave.
    pub(in crate::cosmos) value: T,
    /// Number of the range, and its LSN.
    pub(in crate::cosmos) range: usize,
    pub(in crate::cosmos) lsn: u64,
}

impl Account {
    /// An account as it was recovered.
    pub(in crate::cosmos) fn new(recovered: Recovered, clock: Clock) -> Self {
        let Recovered { catalogue, store } = recovered;
        Self {
            catalogue: RwLock::new(catalogue),
            growth: Mutex::default(),
            clock,
            writer: sync::Mutex::new(store),
            stopped: CancellationToken::new(),
        }
    }

    pub(in crate::cosmos) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What there is. Not to be kept while something is awaited.
    pub(in crate::cosmos) fn catalogue(&self) -> RwLockReadGuard<'_, Catalogue> {
        self.catalogue.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// 404 where there is none of this name.
    pub(in crate::cosmos) fn container(&self, name: &ContainerName) -> Result<Arc<Container>, Refusal> {
        self.catalogue().container(name)
    }

    /// Cancelled when the account is to answer no more.
    pub(in crate::cosmos) fn stopped(&self) -> &CancellationToken {
        &self.stopped
    }

    /// Returns when the write under way, if any, is stored or has failed.
    pub(in crate::cosmos) async fn settled(&self) {
        drop(self.writer.lock().await);
    }

    /// A count of writes to the container, from now on.
    pub(in crate::cosmos) fn grown(&self, name: &ContainerName) -> watch::Receiver<u64> {
        let mut growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        growth.entry(name.clone()).or_default().subscribe()
    }

    fn tell_growth(&self, name: &ContainerName) {
        if let Some(sender) = self.growth.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            sender.send_modify(|writes| *writes += 1);
        }
    }

    /// Removes what has expired in a container, so that nothing shows it any more.
    ///
    /// # Errors
    /// When that cannot be stored.
    pub(in crate::cosmos) async fn expire(self: &Arc<Self>, name: &ContainerName) -> Result<(), Error> {
        let is_due = |container: Arc<Container>| container.state().expiry().is_due(self.clock.now_millis());
        if !self.container(name).is_ok_and(is_due) {
            return Ok(());
        }
        let task = tokio::spawn({
            let (account, name) = (Arc::clone(self), name.clone());
            async move {
                let mut store = account.writer.lock().await;
                if account.stopped.is_cancelled() {
                    return Ok(());
                }
                account.expire_locked(&mut store, &name)
            }
        });
        task.await.unwrap_or_else(|error| {
            Err(Error::Interrupted { operation: format!("expiring items of {name}"), reason: error.to_string() })
        })
    }

    /// Removes what has expired, once a second of the stack's clock, until the account is stopped. Requests do not wait
    /// for it: each first removes what has expired in its container.
    pub(in crate::cosmos) async fn sweep(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stopped.cancelled() => return,
                () = self.clock.sleep(SWEEP) => {}
            }
            let names: Vec<ContainerName> = self.catalogue().containers().map(|it| it.name.clone()).collect();
            for name in names {
                if let Err(error) = self.expire(&name).await {
                    tracing::warn!(%error, container = %name, "cosmos: cannot remove expired items");
                }
            }
        }
    }

    /// Makes what `work` says of the items of a container, and stores it, to the end even if the client hangs up meanwhile.
    /// `work` gets the time, too.
    ///
    /// # Errors
    /// Why it was not made.
    pub(in crate::cosmos) async fn write_items<T: Send + 'static>(
        self: &Arc<Self>,
        name: ContainerName,
        only_deletes: bool,
        work: impl FnOnce(&Container, &State, i64) -> Result<(Transaction, T), Refusal> + Send + 'static,
    ) -> Result<Written<T>, Unwritten> {
        // A task of its own: a client that hangs up must not stop a write between store and memory.
        let account = Arc::clone(self);
        let task = tokio::spawn(async move {
            let mut store = account.writer.lock().await;
            account.ready(&mut store, Some(&name), only_deletes)?;
            let container = account.container(&name)?;
            let (transaction, value) = work(&container, &container.state(), account.clock.now_millis())?;
            let range = transaction.range;
            if !transaction.changes.is_empty() {
                account.commit(&mut store, &container, transaction).map_err(unclear)?;
            }
            Ok(Written { lsn: container.lsn(range), container, value, range })
        });
        task.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Makes a change of definitions, and stores it.
    ///
    /// # Errors
    /// Why it was not made.
    pub(in crate::cosmos) async fn define(
        self: &Arc<Self>,
        write: Write,
        request: &Arc<Request>,
    ) -> Result<(), Unwritten> {
        let (account, request) = (Arc::clone(self), Arc::clone(request));
        let task = tokio::spawn(async move {
            let mut store = account.writer.lock().await;
            let only_deletes = matches!(write, Write::DeleteContainer | Write::DeleteDatabase);
            account.ready(&mut store, None, only_deletes)?;
            let stamp = Stamp::new(account.clock.now_millis());
            let change = account.catalogue().plan(write, &request, stamp.clone(), None)?;
            change.throughput().map_or(Ok(()), Throughput::check_most)?;
            let made = match &change {
                Change::CreateContainer { container, .. } => {
                    let ranges = u32::try_from(container.ranges.len()).unwrap_or(u32::MAX);
                    Some((container.id.to_string(), ranges))
                }
                _ => None,
            };
            let is_gone = |container: &&Arc<Container>| match &change {
                Change::DeleteContainer(name) => container.name == *name,
                Change::DeleteDatabase(name) => container.name.database == *name,
                _ => false,
            };
            let gone = account.catalogue().containers().filter(is_gone).map(Arc::clone).collect();
            let entry = Entry::new(&request, &stamp, made);
            store.commit(&[StoredWrite::Definition { entry, gone }]).map_err(unclear)?;
            account.catalogue.write().unwrap_or_else(PoisonError::into_inner).apply(change);
            Ok(())
        });
        task.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Whether a write can be made now. A delete makes room.
    fn ready(&self, store: &mut Store, name: Option<&ContainerName>, only_deletes: bool) -> Result<(), Unwritten> {
        if self.stopped.is_cancelled() {
            return Err(Unwritten::Unavailable("The account is stopped; nothing was written.".to_owned()));
        }
        let expired = name.map_or(Ok(()), |name| self.expire_locked(store, name));
        let bytes = if only_deletes { 0 } else { LARGEST_WRITE };
        expired
            .and_then(|()| store.check(bytes, only_deletes))
            .map_err(|error| Unwritten::Unavailable(format!("{error}; nothing was written.")))
    }

    fn commit(&self, store: &mut Store, container: &Arc<Container>, transaction: Transaction) -> Result<(), Error> {
        self.commit_all(store, container, vec![transaction])
    }

    fn commit_all(
        &self,
        store: &mut Store,
        container: &Arc<Container>,
        transactions: Vec<Transaction>,
    ) -> Result<(), Error> {
        let stored = |transaction| StoredWrite::Items { container: Arc::clone(container), transaction };
        let writes: Vec<StoredWrite> = transactions.into_iter().map(stored).collect();
        store.commit(&writes)?;
        for write in &writes {
            if let StoredWrite::Items { container, transaction } = write {
                container.apply(transaction);
                self.tell_growth(&container.name);
            }
        }
        Ok(())
    }

    /// Deletes what has expired in a container, each item by a write of its own.
    fn expire_locked(&self, store: &mut Store, name: &ContainerName) -> Result<(), Error> {
        let Ok(container) = self.container(name) else { return Ok(()) };
        loop {
            let transactions = due(&container, self.clock.now_millis());
            if transactions.is_empty() {
                return Ok(());
            }
            self.commit_all(store, &container, transactions)?;
        }
    }

    /// The name of the container with a resource id.
    pub(in crate::cosmos) fn named(&self, id: &str) -> Option<Arc<Container>> {
        self.catalogue().containers().find(|container| container.id.to_string() == id).map(Arc::clone)
    }
}

/// Deletions of what is due, not yet made.
fn due(container: &Container, now_millis: i64) -> Vec<Transaction> {
    let state = container.state();
    let mut lsns: HashMap<usize, u64> = HashMap::new();
    let items = state.expiry().due(now_millis, EXPIRED_AT_A_TIME);
    let items: Vec<Arc<Item>> = items.iter().filter_map(|key| state.get(key).map(Arc::clone)).collect();
    let deletion = |item: Arc<Item>| {
        let range = container.range_of(item.key.effective());
        let lsn = lsns.entry(range).or_insert_with(|| state.lsn(range));
        *lsn += 1;
        let changes = vec![ItemChange { key: item.key.clone(), before: Some(item), after: None }];
        Transaction { range, lsn: *lsn, changes, next_number: state.next_number() }
    };
    items.into_iter().map(deletion).collect()
}

/// Of a write that failed. The store refuses before it writes where the disk is full.
fn unclear(error: Error) -> Unwritten {
    if error.is_full() {
        return Unwritten::Unavailable(format!("{error}; nothing was written."));
    }
    Unwritten::Unavailable(format!("{error}; the write may become visible later, read before repeating."))
}

fn interrupted() -> Unwritten {
    Unwritten::Unavailable("The write was interrupted; it may have been applied.".to_owned())
}
