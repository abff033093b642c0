//! The one way in: every request, from the listener or from within the stack, is answered here.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{
    Error, change_feed,
    emulator::Emulator,
    etags::EtagAliases,
    feed_index::FeedIndex,
    journal::{Entry, Journal},
    outcome::Change,
    request::{Operation, PARTITION_KEY, Request, Write},
    responses, rules,
};
use crate::clock::Clock;

/// A durable account.
pub(super) struct Account {
    emulator: Emulator,
    etags: EtagAliases,
    feeds: FeedIndex,
    clock: Clock,
    writer: Mutex<Writer>,
    stopped: CancellationToken,
}

/// What only one write at a time may touch, so that the journal's order is the order of commit.
struct Writer {
    journal: Journal,
    /// A write that the emulator made and the store then refused. Its client was told so; it is stored before
    /// anything else is written, since every later LSN counts on it.
    unstored: Option<(Entry, Change)>,
}

impl Account {
    pub(super) fn new(
        emulator: Emulator,
        etags: EtagAliases,
        feeds: FeedIndex,
        journal: Journal,
        clock: Clock,
    ) -> Self {
        let writer = Mutex::new(Writer { journal, unstored: None });
        Self { emulator, etags, feeds, clock, writer, stopped: CancellationToken::new() }
    }

    pub(super) fn feeds(&self) -> &FeedIndex {
        &self.feeds
    }

    /// Cancelled when the account is to answer no more.
    pub(super) fn stopped(&self) -> &CancellationToken {
        &self.stopped
    }

    /// Returns when the write under way, if any, is stored or has failed.
    pub(super) async fn settled(&self) {
        drop(self.writer.lock().await);
    }

    /// Answers a request whose sender may make it.
    pub(super) async fn answer(self: &Arc<Self>, request: Arc<Request>) -> Response<Bytes> {
        match request.operation() {
            Operation::Read => self.read(&request).await,
            Operation::ChangeFeed => change_feed::answer(self, &request).await,
            Operation::Write(write) => {
                let task = tokio::spawn({
                    // A task of its own: a client that hangs up must not stop a write between emulator and journal.
                    let (account, request) = (Arc::clone(self), Arc::clone(&request));
                    async move { account.write(write, &request).await }
                });
                task.await.unwrap_or_else(|_| {
                    responses::unavailable(&request, "The write was interrupted; it may have been applied.")
                })
            }
        }
    }

    /// Passes a request that changes nothing to the emulator.
    pub(super) async fn read(&self, request: &Request) -> Response<Bytes> {
        self.emulator.send(request, &self.etags).await
    }

    /// A batch body with ETags of earlier lives replaced; none where it has none.
    pub(super) fn resolve_batch_etags(&self, body: &[u8]) -> Option<Bytes> {
        if self.etags.is_empty() {
            return None;
        }
        rules::with_batch_etags(body, |etag| self.etags.resolve(etag))
    }

    async fn write(&self, write: Write, request: &Request) -> Response<Bytes> {
        if write.is_item_write() && !request.headers.contains_key(&PARTITION_KEY) {
            return responses::bad_request(request, "The header x-ms-documentdb-partitionkey is required.");
        }
        let mut writer = self.writer.lock().await;
        if self.stopped.is_cancelled() {
            return responses::unavailable(request, "The account is stopped; nothing was written.");
        }
        if let Err(error) = self.store_leftover(&mut writer).await {
            return responses::unavailable(request, &format!("{error}; nothing was written."));
        }
        let prepared = match rules::prepare(self, write, request).await {
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
        let change = Change::of(write, request, response)
            .map_err(|error| Error::Emulator { operation: request.operation_name(), reason: error.to_string() })?;
        let (lsn, etags) = match &change {
            Change::Nothing => return Ok(()),
            Change::Items { lsn, items, .. } => (Some(*lsn), items.iter().map(|item| item.etag.clone()).collect()),
            _ => (None, Vec::new()),
        };
        let at_millis = self.clock.now_millis();
        let entry = match (write == Write::Batch).then(|| rules::without_batch_conditions(&request.body)).flatten() {
            Some(body) => Entry { body, ..Entry::new(request, at_millis, lsn, etags) },
            None => Entry::new(request, at_millis, lsn, etags),
        };
        writer.unstored = Some((entry, change));
        self.store_leftover(writer).await
    }

    /// Stores the write that the emulator made last, if that has not been done.
    async fn store_leftover(&self, writer: &mut Writer) -> Result<(), Error> {
        if let Some((entry, change)) = &writer.unstored {
            writer.journal.append(entry)?;
            apply(&self.emulator, &self.feeds, change, entry.head.at_millis).await?;
            writer.unstored = None;
        }
        Ok(())
    }
}

/// Brings the feeds up to date with a stored write.
pub(super) async fn apply(
    emulator: &Emulator,
    feeds: &FeedIndex,
    change: &Change,
    at_millis: i64,
) -> Result<(), Error> {
    match change {
        Change::Items { container, range, lsn, items } => feeds.record(container, range, *lsn, at_millis, items),
        Change::ContainerCreated(name) => {
            let (rid, ranges) = emulator.ranges(name).await?;
            feeds.add(name.clone(), rid, ranges);
        }
        Change::ContainerDeleted(name) => feeds.remove(|other| other == name),
        Change::DatabaseDeleted(database) => feeds.remove(|name| name.database == *database),
        Change::Elsewhere | Change::Nothing => {}
    }
    Ok(())
}
