//! From the journal back to a living account.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use super::{
    Error, Replay,
    account::{Account, apply},
    emulator::Emulator,
    etags::{EtagAliases, LastWrite, Place},
    feed_index::FeedIndex,
    journal::{Entry, Journal},
    outcome::{Change, ItemKey},
    request::{ContainerName, Operation},
    responses,
};
use crate::{clock::Clock, storage::Storage};

/// Entries read at a time; between chunks other tasks run and progress is told.
const CHUNK: usize = 256;

/// Where each living item was last written.
type Living = HashMap<(ContainerName, Arc<ItemKey>), LastWrite>;

/// Executes every entry of the journal again.
///
/// # Errors
/// When an entry cannot be read or does something else than it did.
pub(super) async fn recover(
    address: SocketAddr,
    storage: &Storage,
    clock: &Clock,
    progress: &(dyn Fn(Replay) + Send + Sync),
) -> Result<Account, Error> {
    let emulator = Emulator::new(address)?;
    let feeds = FeedIndex::default();
    let journal = Journal::open(storage)?;
    let mut living = Living::new();
    let total = journal.len();
    let mut done = 0;
    while done < total {
        for (sequence, entry) in journal.read(done, CHUNK)? {
            repeat(&emulator, &feeds, &mut living, sequence, &entry).await?;
            done = sequence + 1;
        }
        progress(Replay { done, total });
        tokio::task::yield_now().await;
    }
    let etags = EtagAliases::recover(storage, living.into_values().collect())?;
    Ok(Account::new(emulator, etags, feeds, journal, clock.clone()))
}

async fn repeat(
    emulator: &Emulator,
    feeds: &FeedIndex,
    living: &mut Living,
    sequence: u64,
    entry: &Entry,
) -> Result<(), Error> {
    let unreadable = |reason: String| Error::Unreadable { sequence, reason };
    let request = entry.to_request().ok_or_else(|| unreadable("its head is no request".to_owned()))?;
    let diverged = |difference| Error::Diverged { sequence, operation: request.operation_name(), difference };
    let Operation::Write(write) = request.operation() else {
        return Err(unreadable(format!("{} is no write", request.operation_name())));
    };
    let response = emulator.send(&request, &EtagAliases::default()).await;
    if !write.is_done(response.status()) {
        return Err(diverged(format!("now {}: {}", response.status(), responses::message_of(&response))));
    }
    let change = Change::of(write, &request, &response).map_err(|error| diverged(error.to_string()))?;
    match &change {
        Change::Items { container, lsn, items, .. } => {
            if entry.head.lsn != Some(*lsn) || entry.head.etags.len() != items.len() {
                return Err(diverged(format!("LSN {:?} is now {lsn}", entry.head.lsn)));
            }
            for ((item, state), original) in (0u16..).zip(items).zip(&entry.head.etags) {
                let key = (container.clone(), Arc::clone(&state.key));
                match (&state.etag, original) {
                    (Some(current), Some(original)) => {
                        let place = Place { sequence, item };
                        let write = LastWrite { place, original: original.clone(), current: current.clone() };
                        living.insert(key, write);
                    }
                    _ => {
                        living.remove(&key);
                    }
                }
            }
        }
        Change::ContainerDeleted(gone) => living.retain(|(container, _), _| container != gone),
        Change::DatabaseDeleted(gone) => living.retain(|(container, _), _| container.database != *gone),
        Change::ContainerCreated(_) | Change::Elsewhere | Change::Nothing => {}
    }
    apply(emulator, feeds, &change, entry.head.at_millis).await
}
