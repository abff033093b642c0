//! `cosmosDBTrigger`: one loop per feed range. The lease moves on after a failed invocation too.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{error, warn};
use url::{Host, Url};

use super::event_hub_payload::List;
use super::leases::{Lease, LeaseError, Leases};
use crate::clock::Clock;
use crate::cosmos::{Cosmos, FeedPage};
use crate::functions_host::app::{AppError, CosmosDbTrigger, Function};
use crate::functions_host::invocation::{
    Compact, Dates, Failure, Invoker, Metadata, Outcome, Payload, QuotedJson, Value,
};
use crate::functions_host::levers::Rewind;

/// Where a range without a continuation starts unless it starts from the beginning.
const NOW: &str = "*";
/// Items of a page when the function leaves the number to the service.
const SERVICE_PAGE: usize = 1000;
/// Pause after Cosmos DB failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The change feed of one function.
#[derive(Clone)]
pub(crate) struct Feed {
    function: Arc<Function>,
    cosmos: Cosmos,
    leases: Leases,
    /// Feed ranges of the monitored container.
    pub(crate) ranges: Vec<String>,
}

impl Feed {
    /// Checks that both containers are there, and creates the lease container where the function asks for it.
    pub(crate) async fn open(
        function: &Arc<Function>,
        trigger: &CosmosDbTrigger,
        cosmos: &Cosmos,
        owner: String,
    ) -> Result<Self, AppError> {
        let fault = |field: &str, problem: String| function.error(field, problem);
        // Anything else would silently be served from here.
        let is_local = Url::parse(&trigger.endpoint).is_ok_and(|url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        });
        if !is_local {
            return Err(fault(
                "connection",
                format!("{} is not on this machine; only the local account is watched", trigger.endpoint),
            ));
        }
        let ranges = cosmos.feed_ranges(&trigger.database, &trigger.container).await.map_err(|error| {
            fault("containerName", format!("cannot watch {}/{}: {error}", trigger.database, trigger.container))
        })?;
        let leases = Leases::new(cosmos, trigger, owner);
        let unusable = |error: LeaseError| fault("leaseContainerName", error.to_string());
        if !leases.exists().await.map_err(unusable)? {
            if !trigger.create_lease_container {
                let name = format!("{}/{}", trigger.lease_database, trigger.lease_container);
                return Err(fault(
                    "leaseContainerName",
                    format!("{name} does not exist, and createLeaseContainerIfNotExists is not set"),
                ));
            }
            leases.create().await.map_err(unusable)?;
        }
        Ok(Self {
            function: Arc::clone(function),
            cosmos: cosmos.clone(),
            leases,
            ranges: ranges.into_iter().map(|range| range.id).collect(),
        })
    }

    /// Processes one range until the host stops.
    pub(in crate::functions_host) async fn run(
        self,
        trigger: &CosmosDbTrigger,
        range: &str,
        invoker: &Invoker,
        mut rewinds: mpsc::Receiver<Rewind<u64>>,
    ) {
        let stopping = &invoker.stopping;
        let clock = &invoker.clock;
        // Stopping between two batches is harmless; within an invocation the invoker itself says "cancelled".
        let Some(mut lease) = stopping.run_until_cancelled(self.acquire(range, clock)).await else { return };
        let mut position = lease.continuation.clone().or_else(|| (!trigger.from_beginning).then(|| NOW.to_owned()));
        let mut changes = self.cosmos.grown(&trigger.database, &trigger.container);
        loop {
            changes.mark_unchanged();
            let Some(page) = stopping.run_until_cancelled(self.page(trigger, range, position.as_deref())).await else {
                return;
            };
            if page.items.is_empty() {
                // A page may end before a write that is not stored yet; whether that write comes is then still open.
                let complete = page.continuation.trim_matches('"') == page.lsn.to_string();
                position = Some(page.continuation);
                let idle = async {
                    // A poll that cannot find anything is not made; when it would be made stays the same.
                    loop {
                        clock.sleep(trigger.poll_delay).await;
                        if !complete || changes.has_changed().unwrap_or(true) {
                            break;
                        }
                    }
                };
                let rewind = tokio::select! {
                    biased;
                    () = stopping.cancelled() => return,
                    Some(rewind) = rewinds.recv() => Some(rewind),
                    () = idle => None,
                };
                if let Some(Rewind { position: lsn, done }) = rewind {
                    let continuation = format!("\"{lsn}\"");
                    let stored = self.leases.advance(&mut lease, &continuation, clock.now()).await;
                    if stored.is_ok() {
                        position = Some(continuation);
                    }
                    // Who asked may not be waiting for the answer.
                    let _unheard = done.send(stored.map_err(|error| error.to_string()));
                }
                continue;
            }
            match self.invoke(invoker, &page.items).await {
                Outcome::Cancelled => return,
                Outcome::Succeeded(_) => {}
                Outcome::Failed(_) => warn!(
                    "'Functions.{}': a batch of {} changes is lost; the lease of range {range} moves on",
                    self.function.name,
                    page.items.len()
                ),
            }
            if stopping.run_until_cancelled(self.advance(&mut lease, &page.continuation, clock)).await.is_none() {
                return;
            }
            position = Some(page.continuation);
        }
    }

    async fn acquire(&self, range: &str, clock: &Clock) -> Lease {
        loop {
            match self.leases.acquire(range, clock.now()).await {
                Ok(lease) => return lease,
                Err(error) => self.pause(&error).await,
            }
        }
    }

    async fn advance(&self, lease: &mut Lease, continuation: &str, clock: &Clock) {
        while let Err(error) = self.leases.advance(lease, continuation, clock.now()).await {
            self.pause(&error).await;
        }
    }

    async fn page(&self, trigger: &CosmosDbTrigger, range: &str, position: Option<&str>) -> FeedPage {
        let max_items = trigger.max_items.unwrap_or(SERVICE_PAGE);
        loop {
            let page = self.cosmos.change_feed(&trigger.database, &trigger.container, range, position, max_items);
            match page.await {
                Ok(page) => return page,
                Err(error) => self.pause(&error).await,
            }
        }
    }

    async fn pause(&self, error: &(impl std::error::Error + Sync)) {
        error!("'Functions.{}': the change feed cannot go on: {error}", self.function.name);
        tokio::time::sleep(PAUSE).await;
    }

    async fn invoke(&self, invoker: &Invoker, items: &[String]) -> Outcome {
        let payload = payload(&self.function.binding, items)
            .map_err(|problem| Failure::Binding { parameter: self.function.binding.clone(), problem });
        invoker.run(&self.function, "New changes on container", payload).await
    }
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
