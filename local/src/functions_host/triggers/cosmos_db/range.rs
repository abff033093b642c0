//! Partition supervisor: the loop over one feed range. The lease moves on after a failed invocation too.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::{super::event_hub_payload::List, Feed, Processor, leases::Lease};
use crate::{
    cosmos::FeedPage,
    functions_host::{
        app::FeedStart,
        invocation::{Compact, Dates, Failure, Metadata, Outcome, Payload, QuotedJson, Value},
    },
};

/// Where a range without a continuation starts unless it starts from the beginning.
const NOW: &str = "*";
/// Items of a page when the function leaves the number to the service.
const SERVICE_PAGE: usize = 1000;
/// Pause after Cosmos DB failed.
const PAUSE: Duration = Duration::from_secs(1);

impl Processor {
    /// Reads a range until its lease is `lost` or the host stops.
    pub(super) async fn read(self: Arc<Self>, range: String, lease: Arc<Mutex<Lease>>, lost: CancellationToken) {
        let reading = self.until_lost(&range, &lease, &lost);
        // Stopping between two batches is harmless; within an invocation the invoker itself heeds it.
        if self.invoker.stopping.run_until_cancelled(reading).await.is_none() {
            debug!("'Functions.{}' stopped reading range {range}", self.feed.function.name);
        }
    }

    async fn until_lost(&self, range: &str, lease: &Mutex<Lease>, lost: &CancellationToken) {
        let Feed { function, trigger, cosmos, .. } = &self.feed;
        let mut position = lease.lock().await.continuation.clone();
        // The start matters only before the lease has a continuation.
        let mut since = None;
        if position.is_none() {
            match trigger.start {
                FeedStart::Beginning => {}
                FeedStart::Now => position = Some(NOW.to_owned()),
                FeedStart::Time(time) => since = Some(time.unix_timestamp()),
            }
        }
        let mut changes = cosmos.grown(&trigger.database, &trigger.container);
        loop {
            changes.mark_unchanged();
            let page = lost.run_until_cancelled(self.page(range, position.as_deref()));
            let Some(mut page) = page.await.filter(|_| !lost.is_cancelled()) else { return };
            if page.items.is_empty() {
                // A page may end before a write that is not stored yet; whether that write comes is then still open.
                let complete = page.continuation.trim_matches('"') == page.lsn.to_string();
                position = Some(page.continuation);
                let idle = async {
                    // A poll that cannot find anything is not made; when it would be made stays the same.
                    loop {
                        self.invoker.clock.sleep(trigger.poll_delay).await;
                        if !complete || changes.has_changed().unwrap_or(true) {
                            break;
                        }
                    }
                };
                if lost.run_until_cancelled(idle).await.is_none() {
                    return;
                }
                continue;
            }
            if let Some(since) = since {
                page.items.retain(|item| written_at(item) >= since);
                if page.items.is_empty() {
                    position = Some(page.continuation);
                    continue;
                }
            }
            let outcome = self.invoke(&page.items, lost).await;
            if matches!(outcome, Outcome::Cancelled) || lost.is_cancelled() {
                return;
            }
            if let Outcome::Failed(_) = outcome {
                warn!(
                    "'Functions.{}': a batch of {} changes is lost; the lease of range {range} moves on",
                    function.name,
                    page.items.len()
                );
            }
            if !self.advance(lease, &page.continuation).await {
                lost.cancel();
                return;
            }
            position = Some(page.continuation);
        }
    }

    /// Moves the lease on; `false` where it is lost.
    async fn advance(&self, lease: &Mutex<Lease>, continuation: &str) -> bool {
        loop {
            let now = self.invoker.clock.now();
            match self.feed.leases.advance(&mut *lease.lock().await, continuation, now).await {
                Ok(held) => return held,
                Err(error) => self.pause(&error).await,
            }
        }
    }

    async fn page(&self, range: &str, position: Option<&str>) -> FeedPage {
        let Feed { trigger, cosmos, .. } = &self.feed;
        let max_items = trigger.max_items.unwrap_or(SERVICE_PAGE);
        loop {
            match cosmos.change_feed(&trigger.database, &trigger.container, range, position, max_items).await {
                Ok(page) => return page,
                Err(error) => self.pause(&error).await,
            }
        }
    }

    async fn pause(&self, error: &(impl std::error::Error + Sync)) {
        error!("'Functions.{}': the change feed cannot go on: {error}", self.feed.function.name);
        crate::clock::pause(PAUSE).await;
    }

    async fn invoke(&self, items: &[String], lost: &CancellationToken) -> Outcome {
        let function = &self.feed.function;
        let payload = payload(&function.binding, items)
            .map_err(|problem| Failure::Binding { parameter: function.binding.clone(), problem });
        self.invoker.run_while(function, "New changes on container", payload, lost).await
    }
}

/// When an item was written, in seconds since the Unix epoch; what does not say is taken for new.
fn written_at(item: &str) -> i64 {
    #[derive(Deserialize)]
    struct Stamp {
        #[serde(rename = "_ts")]
        seconds: i64,
    }

    contoso_json::from_str::<Stamp>(item).map_or(i64::MAX, |stamp| stamp.seconds)
}

/// A string that holds the text of a JSON array, so that a handler parses twice. The trigger has no binding data.
pub(crate) fn payload<'a, T: AsRef<str>>(binding: &'a str, items: &'a [T]) -> Result<Payload<'a>, String> {
    let documents = items
        .iter()
        .map(|item| Compact::new(item.as_ref(), Dates::Rewritten))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    let mut metadata = Metadata::default();
    metadata.add_sys();
    Ok(Payload {
        data: (binding, Value::text(QuotedJson(List(documents)))),
        metadata,
        size_hint: items.iter().map(|item| item.as_ref().len() * 3 / 2).sum(),
    })
}

/// Builds the call for a run by hand, whose input stands for the array of documents.
pub(crate) fn payload_by_hand<'a>(binding: &'a str, input: &'a str) -> Payload<'a> {
    let mut metadata = Metadata::default();
    metadata.add_sys();
    let data = match Compact::new(input, Dates::Rewritten) {
        Ok(documents) => Value::text(QuotedJson(documents)),
        Err(_) => Value::json(input),
    };
    Payload { data: (binding, data), metadata, size_hint: input.len() * 3 / 2 }
}
