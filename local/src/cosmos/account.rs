//! The account: emulator, store and feed index as one. Reads take no lock; writes go one at a time, and each is stored
//! before it is answered.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    cosmos::{
        emulator::{
            change::Change,
            etags::EtagAliases,
            hosted::Emulator,
            item::{ItemKey, canonical_partition_key},
            rules,
        },
        error::Error,
        feed::{
            index::{ContainerFeed, FeedIndex},
            translation,
        },
        store::{
            definitions::Entry,
            replay::Recovered,
            rows::{Store, StoredWrite},
        },
        wire::{
            request::{ContainerName, PARTITION_KEY, Request, Write, encode},
            responses,
        },
    },
};

/// Items that expire in one commit.
const EXPIRED_AT_A_TIME: usize = 256;
/// Bytes that no single write reaches: an item, and a batch with all its items, has at most 2 MiB.
const LARGEST_WRITE: u64 = 4 << 20;
/// Time between two looks for expired items.
const SWEEP: Duration = Duration::from_secs(1);

/// A durable account.
pub(super) struct Account {
    emulator: Emulator,
    etags: EtagAliases,
    feeds: FeedIndex,
    clock: Clock,
    writer: Mutex<Writer>,
    stopped: CancellationToken,
}

/// What only one write at a time may touch, so that what is stored comes in the order of commit.
struct Writer {
    store: Store,
    /// Writes that the emulator made and the store then refused. Their client was told so; they are stored before
    /// anything else is written, since every later LSN counts on them.
    unstored: Vec<StoredWrite>,
    /// Why nothing can be written any more: the emulator made a write of which it is unclear what has to be stored.
    broken: Option<String>,
}

impl Account {
    /// An account as it was recovered.
    pub(super) fn new(recovered: Recovered, clock: Clock) -> Self {
        let Recovered { emulator, etags, feeds, store } = recovered;
        let writer = Mutex::new(Writer { store, unstored: Vec::new(), broken: None });
        Self { emulator, etags, feeds, clock, writer, stopped: CancellationToken::new() }
    }

    pub(super) fn feeds(&self) -> &FeedIndex {
        &self.feeds
    }

    #[cfg(test)]
    pub(super) fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Cancelled when the account is to answer no more.
    pub(super) fn stopped(&self) -> &CancellationToken {
        &self.stopped
    }

    /// Returns when the write under way, if any, is stored or has failed.
    pub(super) async fn settled(&self) {
        drop(self.writer.lock().await);
    }

    /// Removes what has expired in a container, so that nothing shows it any more.
    ///
    /// # Errors
    /// When that cannot be stored.
    pub(super) async fn expire(self: &Arc<Self>, name: &ContainerName) -> Result<(), Error> {
        let is_due = |feed: &ContainerFeed| feed.expiry().is_due(self.clock.now_millis());
        if !self.feeds.container(name).is_some_and(|feed| is_due(&feed)) {
            return Ok(());
        }
        let task = tokio::spawn({
            let (account, name) = (Arc::clone(self), name.clone());
            async move {
                let mut writer = account.writer.lock().await;
                if account.stopped.is_cancelled() {
                    return Ok(());
                }
                account.expire_locked(&mut writer, &name).await
            }
        });
        task.await.unwrap_or_else(|error| {
            Err(Error::Emulator { operation: format!("expiring items of {name}"), reason: error.to_string() })
        })
    }

    /// Removes what has expired, once a second of the stack's clock, until the account is stopped. Requests do not wait
    /// for it: each first removes what has expired in its container.
    pub(super) async fn sweep(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stopped.cancelled() => return,
                () = self.clock.sleep(SWEEP) => {}
            }
            for name in self.feeds.names() {
                if let Err(error) = self.expire(&name).await {
                    tracing::warn!(%error, container = %name, "cosmos: cannot remove expired items");
                }
            }
        }
    }

    /// Passes a request that changes nothing to the emulator.
    pub(super) async fn read(&self, request: &Request) -> Response<Bytes> {
        let feed = match request.segments().as_slice() {
            ["dbs", _, "colls", _, "docs" | "pkranges", ..] => {
                request.container().and_then(|name| self.feeds.container(&name))
            }
            _ => None,
        };
        let Some(feed) = feed else { return self.emulator.send(request, &self.etags).await };
        let mut response = self.emulator.send(&translation::incoming(&feed, request), &self.etags).await;
        translation::outgoing(&feed, request, &mut response);
        response
    }

    /// Makes a write and stores it, to the end even if the client hangs up meanwhile.
    pub(super) async fn write_through(self: &Arc<Self>, write: Write, request: &Arc<Request>) -> Response<Bytes> {
        let task = tokio::spawn({
            // A task of its own: a client that hangs up must not stop a write between emulator and store.
            let (account, request) = (Arc::clone(self), Arc::clone(request));
            async move { account.write(write, &request).await }
        });
        task.await
            .unwrap_or_else(|_| responses::unavailable(request, "The write was interrupted; it may have been applied."))
    }

    async fn write(&self, write: Write, request: &Request) -> Response<Bytes> {
        if write.is_item_write() && request.header(&PARTITION_KEY).and_then(canonical_partition_key).is_none() {
            let message = "The header x-ms-documentdb-partitionkey is required, a JSON array.";
            return responses::bad_request(request, message);
        }
        let mut writer = self.writer.lock().await;
        if self.stopped.is_cancelled() {
            return responses::unavailable(request, "The account is stopped; nothing was written.");
        }
        let ready = match request.container() {
            Some(name) => self.expire_locked(&mut writer, &name).await,
            None => self.store_leftover(&mut writer),
        };
        // Asked before the emulator does it: what it has done shows to readers. A delete makes room.
        let ready = ready.and_then(|()| match write {
            Write::DeleteItem => writer.store.check(0, true),
            _ => writer.store.check(LARGEST_WRITE, false),
        });
        if let Err(error) = ready {
            return responses::unavailable(request, &format!("{error}; nothing was written."));
        }
        let prepared = match rules::prepare(&self.emulator, &self.etags, write, request).await {
            Ok(prepared) => prepared,
            Err(refusal) => return refusal,
        };
        let request = prepared.as_ref().unwrap_or(request);
        let response = self.read(request).await;
        if !write.is_done(response.status()) {
            return response;
        }
        match self.store(&mut writer, write, request, &response).await {
            Ok(()) => response,
            Err(error) => {
                let message = format!("{error}; the write may become visible later, read before repeating.");
                responses::unavailable(request, &message)
            }
        }
    }

    /// Stores what the emulator has just done.
    async fn store(
        &self,
        writer: &mut Writer,
        write: Write,
        request: &Request,
        response: &Response<Bytes>,
    ) -> Result<(), Error> {
        let change = match Change::of(write, request, response, &self.emulator).await {
            Ok(change) => change,
            Err(error) => {
                writer.broken = Some(error.to_string());
                return Err(error);
            }
        };
        let definition = match &change {
            Change::Nothing => return Ok(()),
            Change::Items { .. } => None,
            Change::ContainerCreated { definition, .. } => Some(Entry::new(request, Some(definition.rid.clone()))),
            _ => Some(Entry::new(request, None)),
        };
        writer.unstored.push(StoredWrite { change, at_millis: self.clock.now_millis(), definition });
        self.store_leftover(writer)
    }

    /// Stores the writes that the emulator made last, if that has not been done.
    fn store_leftover(&self, writer: &mut Writer) -> Result<(), Error> {
        if let Some(reason) = &writer.broken {
            return Err(Error::Broken { reason: reason.clone() });
        }
        if !writer.unstored.is_empty() {
            writer.store.commit(&writer.unstored, &self.feeds)?;
            for done in writer.unstored.drain(..) {
                self.feeds.apply(done.change, done.at_millis);
            }
        }
        Ok(())
    }

    /// Deletes what has expired in a container, by ordinary deletes.
    async fn expire_locked(&self, writer: &mut Writer, name: &ContainerName) -> Result<(), Error> {
        self.store_leftover(writer)?;
        loop {
            let Some(feed) = self.feeds.container(name) else { return Ok(()) };
            let due = feed.expiry().due(self.clock.now_millis(), EXPIRED_AT_A_TIME);
            if due.is_empty() {
                return Ok(());
            }
            for key in due {
                let request = delete_of(name, &key);
                let response = self.read(&request).await;
                if !Write::DeleteItem.is_done(response.status()) {
                    writer.broken = Some(format!("an expired item could not be deleted: {}", response.status()));
                    break;
                }
                match Change::of(Write::DeleteItem, &request, &response, &self.emulator).await {
                    Ok(change) => {
                        let at_millis = self.clock.now_millis();
                        writer.unstored.push(StoredWrite { change, at_millis, definition: None });
                    }
                    Err(error) => writer.broken = Some(error.to_string()),
                }
            }
            self.store_leftover(writer)?;
        }
    }
}

fn delete_of(name: &ContainerName, key: &ItemKey) -> Request {
    let path = format!("dbs/{}/colls/{}/docs/{}", encode(&name.database), encode(&name.container), encode(&key.id));
    let headers = HeaderMap::from_iter([(PARTITION_KEY.clone(), key.header())]);
    Request::new(Method::DELETE, &path, headers, Bytes::new())
}
