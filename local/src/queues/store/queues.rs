//! Queues: create, describe, list, delete.

use super::{Index, Queue, QueueRecord, Store, encode};
use crate::{
    queues::{error::Failure, names::QueueName},
    storage_account::{Code, Metadata},
};

/// What is known of a queue.
#[derive(Clone, Debug)]
pub(in crate::queues) struct Description {
    pub(in crate::queues) metadata: Metadata,
    /// Messages that have not ended, visible or not.
    pub(in crate::queues) messages: usize,
}

impl Store {
    /// Creates a queue; `false` where it was there with the same metadata.
    ///
    /// # Errors
    /// [`Code::QueueAlreadyExists`] where it has other metadata.
    pub(in crate::queues) fn create(&self, name: &QueueName, metadata: Metadata) -> Result<bool, Failure> {
        let mut state = self.lock();
        if let Some(queue) = state.queues.get(name.as_str()) {
            return if queue.record.metadata == metadata { Ok(false) } else { Err(Code::QueueAlreadyExists.into()) };
        }
        let record = QueueRecord { number: state.last_number + 1, metadata };
        let mut batch = self.storage.batch();
        batch.insert(&self.queues, name.as_str(), encode(&record, "queue")?);
        batch.commit()?;
        state.last_number = record.number;
        state.queues.insert(name.as_str().to_owned(), Queue { record, index: Index::default() });
        drop(state);
        self.announce();
        Ok(true)
    }

    /// Removes the queue with everything in it.
    ///
    /// # Errors
    /// [`Code::QueueNotFound`].
    pub(in crate::queues) fn delete(&self, name: &QueueName) -> Result<(), Failure> {
        let mut state = self.lock();
        let number = state.queue(name)?.record.number;
        let mut batch = self.storage.batch();
        batch.remove(&self.queues, name.as_str());
        batch.commit()?;
        state.queues.remove(name.as_str());
        drop(state);
        self.remove_messages_or_warn(number);
        Ok(())
    }

    /// # Errors
    /// [`Code::QueueNotFound`].
    pub(in crate::queues) fn describe(&self, name: &QueueName) -> Result<Description, Failure> {
        let state = self.lock();
        let queue = state.queue(name)?;
        let messages = queue.index.count(self.clock.now_millis());
        Ok(Description { metadata: queue.record.metadata.clone(), messages })
    }

    /// # Errors
    /// [`Code::QueueNotFound`].
    pub(in crate::queues) fn set_metadata(&self, name: &QueueName, metadata: Metadata) -> Result<(), Failure> {
        let mut state = self.lock();
        let queue = state.queue_mut(name)?;
        let record = QueueRecord { metadata, ..queue.record.clone() };
        let mut batch = self.storage.batch();
        batch.insert(&self.queues, name.as_str(), encode(&record, "queue")?);
        batch.commit()?;
        queue.record = record;
        Ok(())
    }

    /// At most `limit` queues from the name `from` on whose names start with `prefix`, and the name to go on with.
    pub(in crate::queues) fn list(
        &self,
        prefix: &str,
        from: &str,
        limit: usize,
    ) -> (Vec<(String, Metadata)>, Option<String>) {
        let state = self.lock();
        let start = if from > prefix { from } else { prefix };
        let mut found = state
            .queues
            .range::<str, _>((std::ops::Bound::Included(start), std::ops::Bound::Unbounded))
            .take_while(|(name, _)| name.starts_with(prefix));
        let page =
            found.by_ref().take(limit).map(|(name, queue)| (name.clone(), queue.record.metadata.clone())).collect();
        (page, found.next().map(|(name, _)| name.clone()))
    }
}
