//! Recovery at start: from the store back to an account in memory.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::{
    cosmos::{
        emulator::{
            change::Change,
            etags::{EtagAliases, LastWrite},
            hosted::Emulator,
            item::{ItemVersion, Summary},
        },
        error::Error,
        feed::{
            index::{ContainerFeed, FeedIndex, RangeFeed},
            lsns::LsnTranslation,
        },
        store::{
            definitions::Entry,
            rows::{Item, Store, row_key},
        },
        wire::{
            request::{ContainerName, Operation, PARTITION_KEY, RANGE_ID, Request, encode},
            responses,
        },
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
    pub(in crate::cosmos) emulator: Emulator,
    pub(in crate::cosmos) etags: EtagAliases,
    pub(in crate::cosmos) feeds: FeedIndex,
    pub(in crate::cosmos) store: Store,
}

/// Makes every definition again, in the order in which they were made, then loads every living item.
///
/// # Errors
/// When something cannot be read or does something else than it did.
pub(in crate::cosmos) async fn recover(
    address: SocketAddr,
    storage: &Storage,
    progress: &(dyn Fn(Replay) + Send + Sync),
) -> Result<Recovered, Error> {
    let store = Store::open(storage)?;
    let total = store.definitions() + store.items()?;
    let mut recovery = Recovery {
        emulator: Emulator::new(address)?,
        feeds: FeedIndex::default(),
        living: Vec::new(),
        replay: Replay { done: 0, total },
        progress,
    };
    let mut next = 0;
    while next < store.definitions() {
        for (sequence, entry) in store.read_definitions(next, CHUNK)? {
            recovery.define(sequence, entry).await?;
            next = sequence + 1;
        }
        recovery.tell().await;
    }
    for name in recovery.feeds.names() {
        if let Some(feed) = recovery.feeds.container(&name) {
            for range in feed.ranges() {
                recovery.load(&store, &name, &feed, range).await?;
            }
        }
    }
    let Recovery { emulator, feeds, living, .. } = recovery;
    let etags = EtagAliases::recover(storage, living)?;
    Ok(Recovered { emulator, etags, feeds, store })
}

struct Recovery<'a> {
    emulator: Emulator,
    feeds: FeedIndex,
    living: Vec<LastWrite>,
    replay: Replay,
    progress: &'a (dyn Fn(Replay) + Send + Sync),
}

impl Recovery<'_> {
    async fn define(&mut self, sequence: u64, entry: Entry) -> Result<(), Error> {
        let what = || format!("definition {sequence}");
        let unreadable = |reason: String| Error::Unreadable { what: what(), reason };
        let request = entry.to_request().ok_or_else(|| unreadable("it is no request".to_owned()))?;
        let Operation::Write(write) = request.operation() else {
            return Err(unreadable(format!("{} is no write", request.operation_name())));
        };
        let diverged = |difference| Error::Diverged { what: what(), operation: request.operation_name(), difference };
        let response = self.emulator.send(&request, &EtagAliases::default()).await;
        if !write.is_done(response.status()) {
            return Err(diverged(format!("now {}: {}", response.status(), responses::message_of(&response))));
        }
        let change = Change::of(write, &request, &response, &self.emulator).await?;
        if let Change::ContainerCreated { definition, .. } = &change
            && entry.rid() != Some(definition.rid.as_str())
        {
            return Err(diverged(format!("container {:?} is now {}", entry.rid(), definition.rid)));
        }
        self.feeds.apply(change, 0);
        self.replay.done += 1;
        Ok(())
    }

    async fn load(
        &mut self,
        store: &Store,
        name: &ContainerName,
        feed: &ContainerFeed,
        range: &RangeFeed,
    ) -> Result<(), Error> {
        let id = range.bounds().id.as_str();
        let path = format!("dbs/{}/colls/{}/docs", encode(&name.database), encode(&name.container));
        let mut loaded = Vec::new();
        let mut last: Option<ItemVersion> = None;
        loop {
            let items = store.read_items(feed.rid(), id, last, CHUNK)?;
            let Some(end) = items.last().map(|item| item.version) else { break };
            last = Some(end);
            for item in items {
                loaded.push(item.version.lsn);
                let current = self.write(&path, id, &item).await?;
                let row = row_key(feed.rid(), id, item.version);
                self.living.push(LastWrite { row, original: item.etag.clone(), current });
                let ttl = Summary::of(&item.body).and_then(|body| body.ttl().ok().flatten());
                feed.restore(range, item.key, item.version, item.at_millis, ttl);
                self.replay.done += 1;
            }
            self.tell().await;
        }
        let lsn = store.lsn(feed.rid(), id)?;
        range.loaded(LsnTranslation::new(loaded, lsn), lsn);
        Ok(())
    }

    /// Gives the emulator an item, and returns its ETag of this life.
    async fn write(&self, path: &str, range: &str, item: &Item) -> Result<String, Error> {
        let what = || format!("item {} of partition key {}", item.key.id, item.key.partition_key);
        let headers = HeaderMap::from_iter([
            (PARTITION_KEY.clone(), item.key.header()),
            (HeaderName::from_static("x-ms-documentdb-is-upsert"), HeaderValue::from_static("true")),
            (HeaderName::from_static("prefer"), HeaderValue::from_static("return=minimal")),
        ]);
        let request = Request::new(Method::POST, path, headers, item.body.clone());
        let response = self.emulator.send(&request, &EtagAliases::default()).await;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let diverged = |difference| Error::Diverged { what: what(), operation: request.operation_name(), difference };
        if !response.status().is_success() || header(RANGE_ID.as_str()) != Some(range) {
            let found = header(RANGE_ID.as_str()).unwrap_or("none");
            let said = responses::message_of(&response);
            return Err(diverged(format!("{} in range {found}, not {range}: {said}", response.status())));
        }
        header("etag").map(str::to_owned).ok_or_else(|| diverged("it has no ETag".to_owned()))
    }

    async fn tell(&self) {
        (self.progress)(self.replay);
        tokio::task::yield_now().await;
    }
}
