//! Recovery at start: from the store back to an account in memory.

use std::sync::Arc;

use crate::{
    cosmos::{
        data::{
            catalogue::{Catalogue, Change},
            container::Container,
            item::Version,
            ranges::FeedRange,
        },
        error::Error,
        store::{definitions::Entry, rows::Store},
        wire::request::Operation,
    },
    storage::Storage,
};

/// Rows read at a time; between chunks other tasks run and progress is told.
const CHUNK: usize = 256;

/// How far a start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Definitions and items so far.
    pub done: u64,
    /// Definitions and items in the store.
    pub total: u64,
}

/// What an account is made of, as the store has it.
pub(in crate::cosmos) struct Recovered {
    pub(in crate::cosmos) catalogue: Catalogue,
    pub(in crate::cosmos) store: Store,
}

/// Makes every definition again, in the order in which they were made, then loads every living item.
///
/// # Errors
/// When something cannot be read or does something else than it did.
pub(in crate::cosmos) async fn recover(
    storage: &Storage,
    now_millis: i64,
    progress: &(dyn Fn(Replay) + Send + Sync),
) -> Result<Recovered, Error> {
    let store = Store::open(storage)?;
    let total = store.definitions() + store.items()?;
    let replay = Replay { done: 0, total };
    let mut recovery = Recovery { catalogue: Catalogue::default(), replay, now_millis, progress };
    let mut next = 0;
    while next < store.definitions() {
        for (sequence, entry) in store.read_definitions(next, CHUNK)? {
            recovery.define(sequence, &entry)?;
            next = sequence + 1;
        }
        recovery.tell().await;
    }
    let containers: Vec<Arc<Container>> = recovery.catalogue.containers().map(Arc::clone).collect();
    for container in containers {
        for (number, range) in container.ranges.iter().enumerate() {
            recovery.load(&store, &container, number, range).await?;
        }
    }
    Ok(Recovered { catalogue: recovery.catalogue, store })
}

struct Recovery<'a> {
    catalogue: Catalogue,
    replay: Replay,
    now_millis: i64,
    progress: &'a (dyn Fn(Replay) + Send + Sync),
}

impl Recovery<'_> {
    fn define(&mut self, sequence: u64, entry: &Entry) -> Result<(), Error> {
        let what = || format!("definition {sequence}");
        let unreadable = |reason: String| Error::Unreadable { what: what(), reason };
        let request = entry.to_request().ok_or_else(|| unreadable("it is no request".to_owned()))?;
        let Operation::Write(write) = request.operation() else {
            return Err(unreadable(format!("{} is no write", request.operation_name())));
        };
        let diverged = |difference| Error::Diverged { what: what(), operation: request.operation_name(), difference };
        let change = self
            .catalogue
            .plan(write, &request, entry.stamp(self.now_millis), entry.partitions())
            .map_err(|refusal| diverged(format!("now {}: {}", refusal.status, refusal.message)))?;
        if let Change::CreateContainer { container, .. } = &change
            && entry.rid() != Some(container.id.to_string().as_str())
        {
            return Err(diverged(format!("container {:?} is now {}", entry.rid(), container.id)));
        }
        self.catalogue.apply(change);
        self.replay.done += 1;
        Ok(())
    }

    async fn load(
        &mut self,
        store: &Store,
        container: &Container,
        number: usize,
        range: &FeedRange,
    ) -> Result<(), Error> {
        let mut next_number = store.next_number(container)?.max(container.state().next_number());
        let mut last: Option<Version> = None;
        loop {
            let loaded = store.read_items(container, &range.id, last, CHUNK, &mut next_number)?;
            let Some(end) = loaded.last().map(|loaded| loaded.item.version) else { break };
            last = Some(end);
            store.renew(container, &range.id, &loaded, next_number)?;
            for loaded in loaded {
                if container.range_of(loaded.item.key.effective()) != number {
                    let what = format!("item {} of range {} of {}", loaded.item.key.id(), range.id, container.id);
                    return Err(Error::Unreadable { what, reason: "it belongs into another range".to_owned() });
                }
                container.restore(number, loaded.item);
                self.replay.done += 1;
            }
            self.tell().await;
        }
        container.loaded(number, store.lsn(container, &range.id)?, next_number);
        Ok(())
    }

    async fn tell(&self) {
        (self.progress)(self.replay);
        tokio::task::yield_now().await;
    }
}
