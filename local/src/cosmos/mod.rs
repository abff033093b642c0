//! Cosmos DB for NoSQL behind the service's own HTTP protocol, in memory and durable.
//!
//! | room | holds |
//! | --- | --- |
//! | here | `listener`: a port; `gateway`: the one way in for every request; `containers`: those of the topology |
//! | `serve/` | each operation of the protocol: `items`, `batch`, `bulk`, `feeds`, `queries`, `change_feed`, `definitions`, `ranges`, `offers`; `scope`: what part of a container a request reads; `sessions`: tokens and LSNs of its answer; `paging`: continuations |
//! | `store/` | `account`: what there is and its store as one, reads beside each other, writes one at a time, each stored before it shows and is answered; `rids`: what has which resource id; durability: `rows` has every living item as it was last written, `definitions` the log of databases and containers; `replay` gives both back at start |
//! | `data/` | what there is, without input or output: `catalogue` (databases, containers, offers), `definition`, `offer`, `container` (items by key, creation and change), `order` and `log` of a range, `scan`, `indexing` (what may be sorted by), `computed` (properties), `item`, `document`, `item_key`, `operation` (what writes make of items), `patch`, `unique_keys`, `expiry`, `ranges`, `resource_id`, `charge` |
//! | `wire/` | the protocol: `request`, `responses`, `refusal`, `texts` (of errors), `authorization` (tokens and roles), `signature` (by key), `resource_ids` (links by `_self`), `owner` (whose child an answer is about), `account_document`, `container_definition`, `query_body`, `named_ranges`, `unsupported` (what is refused by name), `regions`, `levers` (what tests do), `operation_kind`, `usage` (what requests cost) |
//!
//! A file uses only what is beside it or below its room in this table, and `error`; a request goes down it: `listener` → `gateway` →
//! `serve` → `store::account`, and what it changes to `store::rows` and then to `data::container`. Queries are the package
//! `contoso-cosmos-query`'s.
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
//! A container has one physical partition up to 10,000 request units a second, and one more for each further 10,000, or as many
//! as the topology says. That is how it looks to feeds, session tokens and LSNs, and decided when it is made; its items lie in
//! one map, so that no operation is dearer for their number.
//!
//! # Known differences
//!
//! A container's ranges stay as they are when its throughput is raised: nothing splits. ETags are random; those of a document,
//! its `_ts` (the stack's clock) and its `_rid` are stored with it.

mod containers;
mod data;
mod error;
mod gateway;
mod listener;
mod serve;
mod store;
#[cfg(test)]
mod tests;
mod wire;

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::DropGuard;

pub use self::data::ranges::FeedRange;
pub use self::error::Error;
pub use self::serve::change_feed::FeedPage;
pub use self::store::replay::Replay;
pub use self::wire::authorization::EMULATOR_KEY;
pub use self::wire::levers::{Fault, LeverError, Levers};
pub use self::wire::operation_kind::OperationKind;
pub use self::wire::regions::{Region, UnknownRegion};
pub use self::wire::usage::Usage;
use self::{
    listener::Shared,
    serve::change_feed,
    store::{account::Account, replay},
    wire::{
        regions::{self, Endpoint, Regions},
        request::{ContainerName, Request},
        resource_ids::{self, Address},
        responses,
        usage::Meter,
    },
};
use crate::{clock::Clock, faults::Faults, identity::Identity, storage::Storage, topology};

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
        let (regions, regional) = regions(topology, address, regional)?;
        let recovered = replay::recover(storage, clock.now_millis(), progress).await?;
        let account = Arc::new(Account::new(recovered, clock.clone()));
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
        let main = if regional.is_empty() { Endpoint::Region(0) } else { Endpoint::Global };
        let regional = regional.into_iter().enumerate().map(|(number, port)| (port, Endpoint::Region(number)));
        for (listener, endpoint) in std::iter::once((listener, main)).chain(regional) {
            let address = address_of(&listener)?;
            listener::serve(listener, address, endpoint, &shared).map_err(Error::Listening)?;
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
        let request = Request::new(method, path_and_query, headers, body);
        let request = match resource_ids::address(&request, &*self.account) {
            Address::Ids(by_names) => *by_names,
            _ => request,
        };
        Ok(gateway::answer(&self.account, Arc::new(request)).await)
    }

    /// The ranges of a container, each to be read on its own.
    ///
    /// # Errors
    /// When the container does not exist.
    pub async fn feed_ranges(&self, database: &str, container: &str) -> Result<Vec<FeedRange>, Error> {
        let name = ContainerName::new(database, container);
        let container = self.account.container(&name).map_err(|_| change_feed::no_container(&name))?;
        Ok(container.ranges.clone())
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
        self.account.grown(&ContainerName::new(database, container))
    }

    /// Stops the listener; open connections are answered 503 from now on, and a write under way completes first.
    pub async fn stop(&self) {
        self.account.stopped().cancel();
        self.account.settled().await;
    }
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(Error::Listening)
}

/// The regions of the topology, each with its port; a single region has the account's.
fn regions(
    topology: &topology::Cosmos,
    address: SocketAddr,
    listeners: Vec<TcpListener>,
) -> Result<(Arc<Regions>, Vec<TcpListener>), Error> {
    let names: Vec<&str> = match topology.regions.as_slice() {
        [] => vec![regions::DEFAULT],
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
