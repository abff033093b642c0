//! `cosmosDBTrigger`: a change feed processor per function that shares the feed ranges with the processors of other
//! hosts.
//!
//! Each range has a lease in the lease container. Who owns it renews it, and who finds it silent for the expiration
//! interval takes it over; every write is guarded by the item's ETag, so that a processor that lost a lease cannot move
//! it on. What the loser has in flight ends without that, so those changes come again.

mod balance;
mod leases;
mod range;

use std::{collections::BTreeMap, sync::Arc};

use time::OffsetDateTime;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use url::{Host, Url};

use self::{
    balance::leases_to_take,
    leases::{Lease, LeaseError, Leases},
};
use crate::{
    cosmos::Cosmos,
    functions_host::{
        app::{AppError, CosmosDbTrigger, Function},
        invocation::Invoker,
        rewinds::Rewind,
    },
};

#[cfg(test)]
pub(crate) use range::payload;
pub(crate) use range::payload_by_hand;

/// The change feed of one function.
pub(crate) struct Feed {
    function: Arc<Function>,
    trigger: CosmosDbTrigger,
    cosmos: Cosmos,
    leases: Leases,
    /// Feed ranges of the monitored container.
    ranges: Vec<String>,
}

/// A range that is being read.
struct Running {
    lease: Arc<Mutex<Lease>>,
    lost: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Ends the reading. An invocation under way is waited for; it moves nothing on.
    async fn end(self) -> Arc<Mutex<Lease>> {
        self.lost.cancel();
        if let Err(error) = self.task.await {
            error!("the reader of a feed range failed: {error}");
        }
        self.lease
    }
}

/// A feed with what it takes to run it.
struct Processor {
    feed: Feed,
    invoker: Invoker,
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
            trigger: trigger.clone(),
            cosmos: cosmos.clone(),
            leases,
            ranges: ranges.into_iter().map(|range| range.id).collect(),
        })
    }

    /// Runs until the host stops, then gives back what it owns if the stop is orderly.
    pub(in crate::functions_host) async fn run(self, invoker: Invoker, mut rewinds: mpsc::Receiver<Rewind<u64>>) {
        let stopping = invoker.stopping.clone();
        let clock = invoker.clock.clone();
        let this = Arc::new(Processor { feed: self, invoker });
        let trigger = &this.feed.trigger;
        let mut running = BTreeMap::<String, Running>::new();
        let (mut acquire_at, mut renew_at) = (clock.now(), clock.now() + trigger.renew_interval);
        while !stopping.is_cancelled() {
            if clock.now() >= renew_at {
                this.renew(&running).await;
                renew_at = clock.now() + trigger.renew_interval;
            }
            if clock.now() >= acquire_at {
                if let Err(error) = this.acquire(&mut running, clock.now()).await {
                    error!("'Functions.{}' cannot balance its leases: {error}", this.feed.function.name);
                }
                acquire_at = clock.now() + trigger.acquire_interval;
            }
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                Some(Rewind { position, done }) = rewinds.recv() => {
                    let rewound = this.rewind(&mut running, position).await;
                    // Who asked may not be waiting for the answer.
                    let _unheard = done.send(rewound);
                }
                () = clock.sleep_until(acquire_at.min(renew_at)) => {}
            }
        }
        for (_, running) in running {
            let lease = running.end().await;
            if this.invoker.leaving.is_cancelled() {
                let mut lease = lease.lock().await;
                if let Err(error) = this.feed.leases.release(&mut lease, clock.now()).await {
                    warn!("'Functions.{}' could not give a lease back: {error}", this.feed.function.name);
                }
            }
        }
    }
}

impl Processor {
    /// Renews what this host owns; a lease that another took is lost.
    async fn renew(&self, running: &BTreeMap<String, Running>) {
        for (range, running) in running {
            let mut lease = running.lease.lock().await;
            match self.feed.leases.renew(&mut lease, self.invoker.clock.now()).await {
                Ok(true) => {}
                Ok(false) => self.lost(range, running),
                Err(error) => error!("'Functions.{}' cannot renew a lease: {error}", self.feed.function.name),
            }
        }
    }

    fn lost(&self, range: &str, running: &Running) {
        if !running.lost.is_cancelled() {
            info!("'Functions.{}' lost the lease of range {range} to another host", self.feed.function.name);
            running.lost.cancel();
        }
    }

    /// Looks at every lease, drops what is lost, and takes its share of the rest.
    async fn acquire(
        self: &Arc<Self>,
        running: &mut BTreeMap<String, Running>,
        now: OffsetDateTime,
    ) -> Result<(), LeaseError> {
        let Feed { leases, trigger, function, .. } = &self.feed;
        running.retain(|_, running| !running.task.is_finished());
        let mut all = Vec::with_capacity(self.feed.ranges.len());
        for range in &self.feed.ranges {
            let lease = leases.read_or_create(range, now).await?;
            if let Some(reading) = running.get(range)
                && !lease.is_owned_by(leases.owner())
            {
                self.lost(range, reading);
            }
            all.push(lease);
        }
        let mine = all.iter().filter(|lease| lease.is_owned_by(leases.owner()) && !running.contains_key(lease.range()));
        let taken = leases_to_take(&all, leases.owner(), now, trigger.expiration_interval);
        let wanted: Vec<Lease> = mine.chain(taken).cloned().collect();
        for mut lease in wanted {
            let range = lease.range().to_owned();
            if !running.contains_key(&range) && leases.take(&mut lease, now).await? {
                info!("'Functions.{}' took the lease of range {range} of '{}'", function.name, trigger.container);
                self.start(&range, Arc::new(Mutex::new(lease)), running);
            }
        }
        Ok(())
    }

    fn start(self: &Arc<Self>, range: &str, lease: Arc<Mutex<Lease>>, running: &mut BTreeMap<String, Running>) {
        let lost = CancellationToken::new();
        let reading = Arc::clone(self).read(range.to_owned(), Arc::clone(&lease), lost.clone());
        running.insert(range.to_owned(), Running { lease, lost, task: tokio::spawn(reading) });
    }

    /// Moves the leases back while nobody reads. The error is for people.
    async fn rewind(self: &Arc<Self>, running: &mut BTreeMap<String, Running>, lsn: u64) -> Result<(), String> {
        let mut outcome = Ok(());
        for range in &self.feed.ranges {
            let Some(reading) = running.remove(range) else {
                outcome = Err(format!("another host reads range {range}"));
                continue;
            };
            let lease = reading.end().await;
            let continuation = format!("\"{lsn}\"");
            let moved =
                self.feed.leases.advance(&mut *lease.lock().await, &continuation, self.invoker.clock.now()).await;
            match moved {
                Ok(true) => {}
                Ok(false) => outcome = Err(format!("another host took range {range}")),
                Err(error) => outcome = Err(error.to_string()),
            }
            self.start(range, lease, running);
        }
        outcome
    }
}
