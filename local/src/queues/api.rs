//! In-process API of queues: the same store, without the wire.

use std::time::Duration;

use uuid::Uuid;

use super::{
    Queues,
    error::{Error, Failure},
    message::{Message, Receipt, moment},
    names::QueueName,
    store::{Life, Store},
};
use crate::storage_account::Metadata;

impl Queues {
    fn store(&self) -> &Store {
        &self.inner.service.store
    }

    fn on<T>(
        &self,
        operation: &'static str,
        queue: &str,
        work: impl FnOnce(&Store, &QueueName) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        QueueName::new(queue)
            .map_err(Failure::from)
            .and_then(|name| work(self.store(), &name))
            .map_err(|cause| Error::new(operation, queue, cause))
    }

    /// Creates a queue; `false` where it was there, with whatever metadata.
    ///
    /// # Errors
    /// An impossible name; a failing store.
    pub fn create(&self, queue: &str) -> Result<bool, Error> {
        self.on("create queue", queue, |store, name| match store.describe(name) {
            Ok(_) => Ok(false),
            Err(_) => store.create(name, Metadata::new()),
        })
    }

    /// Puts a message that can be taken at once and lives for `life`, or for seven days.
    ///
    /// # Errors
    /// A missing queue, a text of more than 64 KiB, a failing store.
    pub fn put(&self, queue: &str, text: String, life: Option<Duration>) -> Result<Message, Error> {
        let life = life.map_or_else(Life::default, Life::For);
        self.on("put a message into queue", queue, |store, name| store.put(name, text, Duration::ZERO, life))
    }

    /// Puts a message that never expires.
    ///
    /// # Errors
    /// As [`Queues::put`].
    pub fn put_forever(&self, queue: &str, text: String) -> Result<Message, Error> {
        self.on("put a message into queue", queue, |store, name| store.put(name, text, Duration::ZERO, Life::Forever))
    }

    /// Takes up to `count` visible messages, which nobody else gets for `timeout`.
    ///
    /// # Errors
    /// A missing queue; a failing store.
    pub fn take(&self, queue: &str, count: usize, timeout: Duration) -> Result<Vec<Message>, Error> {
        self.on("take messages from queue", queue, |store, name| store.take(name, count, timeout))
    }

    /// Up to `count` visible messages, which stay as they are.
    ///
    /// # Errors
    /// A missing queue; a failing store.
    pub fn peek(&self, queue: &str, count: usize) -> Result<Vec<Message>, Error> {
        self.on("peek at queue", queue, |store, name| store.peek(name, count))
    }

    /// Messages of a queue, visible or not.
    ///
    /// # Errors
    /// A missing queue.
    pub fn count(&self, queue: &str) -> Result<usize, Error> {
        self.on("count the messages of queue", queue, |store, name| Ok(store.describe(name)?.messages))
    }

    /// Lets a taken message be taken again after `timeout`; its new receipt is in the answer.
    ///
    /// # Errors
    /// A missing queue or message, a receipt that is not the last; a failing store.
    pub fn hide(&self, queue: &str, id: Uuid, receipt: Receipt, timeout: Duration) -> Result<Message, Error> {
        self.on("update a message of queue", queue, |store, name| store.update(name, id, receipt, timeout, None))
    }

    /// Deletes a taken message.
    ///
    /// # Errors
    /// A missing queue or message, a receipt that is not the last; a failing store.
    pub fn delete(&self, queue: &str, id: Uuid, receipt: Receipt) -> Result<(), Error> {
        self.on("delete a message of queue", queue, |store, name| store.delete_message(name, id, receipt))
    }

    /// Resolves when a message of `queue` can be taken. The queue need not be there yet.
    pub async fn ready(&self, queue: &str) {
        let Ok(name) = QueueName::new(queue) else { return std::future::pending().await };
        let store = self.store();
        let mut news = store.news();
        loop {
            let next = store.next_visible(&name);
            if next.is_some_and(|next| next <= store.clock().now_millis()) {
                return;
            }
            let visible = async {
                match next {
                    Some(next) => store.clock().sleep_until(moment(next)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender lives in the store, so an error cannot happen here.
                _ = news.changed() => {}
                () = visible => {}
            }
        }
    }
}
