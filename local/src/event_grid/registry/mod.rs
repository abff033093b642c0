//! Registry of subscriptions: stored, and alive in memory.

mod live;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use fjall::Keyspace;
use tokio::sync::Notify;

use self::live::State;
pub(crate) use self::live::Subscription;
use super::{
    error::Error,
    event::Schema,
    names::Source,
    queue::Queue,
    subscription::{ProvisioningState, Record},
};
use crate::storage::Storage;

/// All subscriptions, by source and name.
pub(crate) struct Registry {
    storage: Storage,
    stored: Keyspace,
    queue: Queue,
    live: RwLock<BTreeMap<(Source, String), Arc<Subscription>>>,
    changed: Notify,
}

impl Registry {
    /// Loads what is stored. `input` is the schema of a source's events, `None` for a source that no longer exists: its
    /// subscriptions and their pending deliveries are dropped.
    pub(crate) fn open(
        storage: &Storage,
        queue: &Queue,
        input: impl Fn(&Source) -> Option<Schema>,
    ) -> Result<Self, Error> {
        let failed = "open its subscriptions";
        let stored = storage.keyspace("event-grid-subscriptions").map_err(Error::storage(failed))?;
        let mut live = BTreeMap::new();
        for entry in stored.iter() {
            let (key, value) = entry.into_inner().map_err(Error::storage(failed))?;
            let record: Record = contoso_json::from_slice(&value).map_err(|source| Error::Damaged {
                what: "subscription",
                id: format!("{key:?}"),
                source,
            })?;
            let Some(input) = input(&record.source) else {
                tracing::warn!(subscription = %record.name, "dropped: its topic is no longer in the topology");
                let mut batch = storage.batch();
                batch.remove(&stored, key);
                batch.commit_unsynced().map_err(Error::storage(failed))?;
                continue;
            };
            let place = place(&record.source, &record.name);
            let name = record.name.clone();
            let subscription = Subscription::new(record, input)
                .map_err(|reason| Error::Topology { what: format!("stored subscription `{name}`"), reason })?;
            live.insert(place, Arc::new(subscription));
        }
        let known: Vec<u64> = live.values().map(|subscription| subscription.id).collect();
        queue.purge_all_but(|id| known.contains(&id))?;
        Ok(Self {
            storage: storage.clone(),
            stored,
            queue: queue.clone(),
            live: RwLock::new(live),
            changed: Notify::new(),
        })
    }

    /// Waits until a subscription is made or changed, if none was since this was asked last. For one who asks.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn live(&self) -> RwLockReadGuard<'_, BTreeMap<(Source, String), Arc<Subscription>>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, source: &Source, name: &str) -> Option<Arc<Subscription>> {
        self.live().get(&place(source, name)).cloned()
    }

    /// The subscriptions of `source`, by name.
    pub(crate) fn of(&self, source: &Source) -> Vec<Arc<Subscription>> {
        self.live().values().filter(|subscription| subscription.source == *source).cloned().collect()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Subscription>> {
        self.live().values().cloned().collect()
    }

    /// Makes a subscription; one of that name must not exist.
    pub(crate) fn create(
        &self,
        source: &Source,
        name: &str,
        input: Schema,
        fill: impl FnOnce(&mut Record),
    ) -> Result<Arc<Subscription>, Error> {
        let mut record = Record {
            id: self.queue.ticket(),
            name: name.to_owned(),
            source: source.clone(),
            in_force: None,
            proposed: None,
            state: ProvisioningState::Creating,
            deployed: false,
        };
        fill(&mut record);
        self.store(&record)?;
        let subscription = Subscription::new(record, input)
            .map_err(|reason| Error::Topology { what: format!("subscription `{name}`"), reason })?;
        let subscription = Arc::new(subscription);
        self.live.write().unwrap_or_else(PoisonError::into_inner).insert(place(source, name), subscription.clone());
        self.changed.notify_one();
        Ok(subscription)
    }

    /// Changes a subscription, in the store first.
    pub(crate) fn change(&self, subscription: &Subscription, change: impl FnOnce(&mut Record)) -> Result<(), Error> {
        let mut state = subscription.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut record = state.record.clone();
        change(&mut record);
        let changed = State::new(record, subscription.input)
            .map_err(|reason| Error::Topology { what: format!("subscription `{}`", subscription.name), reason })?;
        self.store(&changed.record)?;
        *state = changed;
        drop(state);
        subscription.wake(None);
        self.changed.notify_one();
        Ok(())
    }

    /// Deletes a subscription with everything that waits for it.
    pub(crate) fn remove(&self, subscription: &Subscription) -> Result<(), Error> {
        let mut batch = self.storage.batch();
        batch.remove(&self.stored, subscription.id.to_be_bytes());
        batch.commit().map_err(Error::storage("delete a subscription"))?;
        self.live
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&place(&subscription.source, &subscription.name));
        subscription.gone.cancel();
        self.queue.purge(subscription.id)
    }

    fn store(&self, record: &Record) -> Result<(), Error> {
        let value = serde_json::to_vec(record).map_err(|source| Error::Damaged {
            what: "subscription",
            id: record.name.clone(),
            source,
        })?;
        let mut batch = self.storage.batch();
        batch.insert(&self.stored, record.id.to_be_bytes(), value);
        batch.commit().map_err(Error::storage("store a subscription"))
    }
}

/// Moves `proposed` into force.
pub(crate) fn accept(record: &mut Record) {
    if let Some(properties) = record.proposed.take() {
        record.in_force = Some(properties);
    }
    record.state = ProvisioningState::Succeeded;
}

/// Drops `proposed`: what was in force stays so, and without it the subscription has failed.
pub(crate) fn reject(record: &mut Record) {
    if record.in_force.is_some() {
        record.proposed = None;
        record.state = ProvisioningState::Succeeded;
    } else {
        record.state = ProvisioningState::Failed;
    }
}

/// Names are compared without regard to case, as Resource Manager does.
fn place(source: &Source, name: &str) -> (Source, String) {
    (source.clone(), name.to_lowercase())
}
