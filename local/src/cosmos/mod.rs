//! Cosmos DB for NoSQL: Microsoft's in-memory emulator behind the service's own HTTP protocol, made durable.
//!
//! The emulator (`azure_data_cosmos_driver::in_memory_emulator`) knows the data plane: items, queries, batches,
//! preconditions, session tokens. What surrounds it here is what a service needs and the emulator lacks:
//!
//! | module | adds |
//! | --- | --- |
//! | `listener` | HTTP/1.1 and HTTP/2, in plain text and over TLS, on each port; `authorization` checks keys and tokens |
//! | `account` | the one way in for every request; writes one at a time, reads without a lock; `emulator` behind it |
//! | `store`, `definitions` | every successful write is stored before it is answered: an item replaces what it was before |
//! | `replay` | at start the emulator is given every definition, then every living item |
//! | `positions`, `etags` | LSNs and ETags that a client holds from before a restart keep their meaning |
//! | `expiry` | time to live, on the stack's clock; what has expired is deleted before anybody can see it |
//! | `change_feed`, `feed_request`, `feed_index` | the latest-version change feed, at a cost that follows the changes, not the data |
//! | `rules`, `patch_limits`, `sql`, `offers`, `bulk`, `batch_patch` | what clients send and the emulator gets wrong or does not know |
//! | `regions`, `levers` | further regions, and what tests do: failures on demand, regions that go away |
//! | `unsupported` | what is refused by name |
//! | `usage` | what requests cost |
//! | `containers` | databases and containers of the topology |
//!
//! # Feed lag, as a client sees it
//!
//! A lease's `ContinuationToken` is the feed's ETag: a quoted logical sequence number (LSN) such as `"42"`, as in Azure.
//! Reading one item of that range from there (`A-IM: Incremental feed`, `x-ms-documentdb-partitionkeyrangeid`,
//! `If-None-Match: "42"`, `x-ms-max-item-count: 1`) answers 304 where the lag is zero. A 200 carries the range's present
//! LSN in the headers `lsn` and `x-ms-session-token` (`<range>:<version>#<lsn>#…`), and `_lsn` in each document; the lag
//! is that LSN minus the first document's `_lsn` plus one: the formula of the official change feed estimators. Idle
//! answers carry both headers too, so `lsn` minus the token's number bounds the lag without reading any document.
//!
//! # Partitions
//!
//! A container has four physical partitions, what the emulator gives one that is created over HTTP, or as many as the
//! topology says. The emulator's cost of a point operation grows with the documents of its partition (it counts them for a header),
//! that of a batch too (it copies them), so a container of many documents should have many.
//!
//! # Known differences
//!
//! After a restart `_ts`, `_etag` and `_rid` of a document are new (`etags` keeps the old ETags valid; resource ids of
//! containers and ranges stay). `_ts` is the system's time, not the stack's clock. Two clients can see a
//! write whose commit is still under way, by point read or query; the change feed of a range never shows one.

mod account;
mod authorization;
mod batch_patch;
mod bulk;
mod change_feed;
mod containers;
mod definitions;
mod emulator;
mod error;
mod etags;
mod expiry;
mod feed_index;
mod feed_request;
mod framed;
mod levers;
mod listener;
mod offers;
mod outcome;
mod patch_limits;
mod positions;
mod regions;
mod replay;
mod request;
mod responses;
mod rules;
mod sql;
mod store;
#[cfg(test)]
mod tests;
mod unsupported;
mod usage;

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::DropGuard;

use self::{
    account::Account,
    listener::Shared,
    regions::{DEFAULT_REGION, Door, Regions},
    request::ContainerName,
    usage::Meter,
};
pub use self::{
    error::Error,
    levers::{Fault, LeverError, Levers, OperationKind, Region},
    regions::UnknownRegion,
    usage::Usage,
};
use crate::{clock::Clock, faults::Faults, identity::Identity, storage::Storage, topology};

/// The account key of Microsoft's emulators, the same on every machine; clients of the local stack use it.
pub const EMULATOR_KEY: &str =
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==";

/// How far a start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Definitions and items so far.
    pub done: u64,
    /// Definitions and items in the store.
    pub total: u64,
}

/// A physical partition of a container: the unit of a change feed lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRange {
    /// Partition key range id, `"0"` and up.
    pub id: String,
    /// Lower bound of the effective partition keys, hexadecimal, inclusive.
    pub min: String,
    /// Upper bound, exclusive.
    pub max: String,
}

/// One page of a range's change feed.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// Documents in order of their last change, each a JSON text with the system properties and `_lsn`. Empty where
    /// nothing changed.
    pub items: Vec<String>,
    /// Where the next read starts; the form of a lease's `ContinuationToken`, such as `"42"` with its quotes.
    pub continuation: String,
    /// The range's present LSN: its distance to `continuation` bounds what is left to read.
    pub lsn: u64,
}

/// The ports of an account: its own, and one for each region where it has several.
pub struct Listeners {
    account: TcpListener,
    regions: Vec<TcpListener>,
}

impl Listeners {
    /// `regions` in the order of the topology's regions; none for an account with one region, which is served at
    /// `account` itself.
    #[must_use]
    pub fn new(account: TcpListener, regions: Vec<TcpListener>) -> Self {
        Self { account, regions }
    }
}

impl From<TcpListener> for Listeners {
    fn from(account: TcpListener) -> Self {
        Self::new(account, Vec::new())
    }
}

/// A running account; clones share it. The last one dropped closes the listener, without any farewell: a kill.
#[derive(Clone)]
pub struct Cosmos {
    account: Arc<Account>,
    address: SocketAddr,
    faults: Faults,
    levers: Levers,
    meter: Meter,
    // Cancels the listener and refuses what open connections still send.
    _running: Arc<DropGuard>,
}

impl Cosmos {
    /// Loads what is stored, creates what the topology names and is missing, then serves `listener`.
    ///
    /// `progress` hears from time to time how far the loading has come.
    ///
    /// # Errors
    /// When the store cannot be read or does not repeat, the topology contradicts what exists, or there are not as many
    /// ports as regions.
    pub async fn start(
        topology: &topology::Cosmos,
        identity: &Identity,
        listeners: impl Into<Listeners>,
        storage: &Storage,
        clock: &Clock,
        progress: &(dyn Fn(Replay) + Send + Sync),
    ) -> Result<Self, Error> {
        let Listeners { account: listener, regions: regional } = listeners.into();
        let address = address_of(&listener)?;
        let (regions, doors) = regions(topology, address, regional)?;
        let account = Arc::new(replay::recover(address, storage, clock, progress).await?);
        containers::create_missing(&account, topology).await?;
        let running = account.stopped().clone().drop_guard();
        tokio::spawn(Arc::clone(&account).sweep());
        let levers = Levers::new(Arc::clone(&regions));
        let faults = responses::faults();
        let meter = Meter::default();
        let shared = Shared {
            account: Arc::clone(&account),
            regions,
            levers: levers.clone(),
            meter: meter.clone(),
            faults: faults.clone(),
            identity: identity.clone(),
        };
        let main = if doors.is_empty() { Door::Region(0) } else { Door::Global };
        let doors = doors.into_iter().enumerate().map(|(number, listener)| (listener, Door::Region(number)));
        for (listener, door) in std::iter::once((listener, main)).chain(doors) {
            let address = address_of(&listener)?;
            listener::serve(listener, address, door, &shared).map_err(unusable)?;
        }
        Ok(Self { account, address, faults, levers, meter, _running: Arc::new(running) })
    }

    /// What tests can do to the account.
    #[must_use]
    pub fn levers(&self) -> &Levers {
        &self.levers
    }

    /// What requests on one container cost so far.
    #[must_use]
    pub fn usage(&self, database: &str, container: &str) -> Usage {
        self.meter.of(database, container)
    }

    /// Where the account listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Faults that strike requests to the account.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The account endpoint that clients are given.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The account key that clients sign with, base64.
    #[must_use]
    pub fn key(&self) -> &'static str {
        EMULATOR_KEY
    }

    /// Executes one request of the REST protocol in process, exactly as the listener would (stored, conditions
    /// checked) but without a signature: for the other services of the stack.
    ///
    /// # Errors
    /// When the account has been stopped. A refusal of the request is a response, not an error.
    pub async fn execute(
        &self,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, Error> {
        let operation = format!("{method} {path_and_query}");
        if self.account.stopped().is_cancelled() {
            return Err(Error::Refused {
                operation,
                status: StatusCode::SERVICE_UNAVAILABLE,
                message: "the account is stopped".to_owned(),
            });
        }
        Ok(self.account.answer(Arc::new(request::Request::new(method, path_and_query, headers, body))).await)
    }

    /// The ranges of a container, each to be read on its own.
    ///
    /// # Errors
    /// When the container does not exist.
    pub async fn feed_ranges(&self, database: &str, container: &str) -> Result<Vec<FeedRange>, Error> {
        let name = ContainerName::new(database, container);
        let feed = self.account.feeds().container(&name).ok_or_else(|| change_feed::no_container(&name))?;
        Ok(feed.ranges().iter().map(|range| range.bounds().clone()).collect())
    }

    /// Reads the latest-version change feed of one range; no continuation means from the beginning.
    ///
    /// A page holds whole transactions, so it can exceed `max_items` by the rest of a batch; it also ends near 4 MB.
    ///
    /// # Errors
    /// When the container or range does not exist, or the continuation is not one of this feed.
    pub async fn change_feed(
        &self,
        database: &str,
        container: &str,
        range_id: &str,
        continuation: Option<&str>,
        max_items: usize,
    ) -> Result<FeedPage, Error> {
        let name = ContainerName::new(database, container);
        change_feed::read(&self.account, &name, range_id, continuation, max_items).await
    }

    /// Hears of every write to a container (a count that only grows), so that who waits for changes need not poll.
    #[must_use]
    pub fn grown(&self, database: &str, container: &str) -> watch::Receiver<u64> {
        self.account.feeds().grown(&ContainerName::new(database, container))
    }

    /// Stops the listener; open connections are answered 503 from now on, and a write under way completes first.
    pub async fn stop(&self) {
        self.account.stopped().cancel();
        self.account.settled().await;
    }
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(unusable)
}

fn unusable(source: std::io::Error) -> Error {
    Error::Emulator { operation: "listening".to_owned(), reason: source.to_string() }
}

/// The regions of the topology, each with its port; a single region has the account's.
fn regions(
    topology: &topology::Cosmos,
    address: SocketAddr,
    listeners: Vec<TcpListener>,
) -> Result<(Arc<Regions>, Vec<TcpListener>), Error> {
    let names: Vec<&str> = match topology.regions.as_slice() {
        [] => vec![DEFAULT_REGION],
        names => names.iter().map(String::as_str).collect(),
    };
    let addresses = match listeners.as_slice() {
        [] => vec![address],
        listeners => listeners.iter().map(address_of).collect::<Result<_, _>>()?,
    };
    let distinct: std::collections::HashSet<_> = names.iter().collect();
    if names.len() != addresses.len() || distinct.len() != names.len() {
        let reason = format!("there are {} ports for the regions {}", addresses.len(), names.join(", "));
        return Err(Error::Topology { resource: "the regions".to_owned(), reason });
    }
    Ok((Arc::new(Regions::new(names.into_iter().map(str::to_owned).zip(addresses).collect())), listeners))
}
