//! Message pump: works off a queue the way the host does: takes messages in batches, deletes what succeeded, lets
//! what failed come back, and moves what keeps failing to a poison queue.
//!
//! Source: the WebJobs SDK's queue listener and queue processor.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::{
    clock::Clock,
    functions_host::app::QueueOptions,
    queues::{self, Code, Message, Queues, Receipt},
};

/// How long nobody else gets a message that is in work. It is renewed at half of it.
const VISIBILITY: Duration = Duration::from_secs(600);
/// Pause after the queue service failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How the work on a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handled {
    /// It is done with and goes.
    Done,
    /// It is tried again, or is poison.
    Failed,
    /// It cannot even be read: poison at once.
    Unreadable,
    /// The host is stopping.
    Cancelled,
}

/// A queue and what becomes of its messages.
#[derive(Clone)]
pub(super) struct Pump {
    pub(super) queues: Queues,
    pub(super) queue: String,
    /// Where poison goes; `None` for a queue that is one itself.
    pub(super) poison: Option<String>,
    pub(super) options: QueueOptions,
    pub(super) clock: Clock,
    pub(super) stopping: CancellationToken,
}

impl Pump {
    /// Runs until the host stops. `handle` works on one message.
    pub(super) async fn run<F, W>(self, handle: F)
    where
        F: Fn(Arc<Message>) -> W,
        W: Future<Output = Handled> + Send + 'static,
    {
        let mut working = JoinSet::new();
        loop {
            let has_room = working.len() <= self.options.new_batch_threshold;
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => break,
                Some(ended) = working.join_next() => report(ended),
                () = self.queues.ready(&self.queue), if has_room => {
                    match self.queues.take(&self.queue, self.options.batch_size, VISIBILITY) {
                        Ok(messages) => for message in messages {
                            let message = Arc::new(message);
                            let work = handle(Arc::clone(&message));
                            working.spawn(self.clone().work_on(message, work));
                        },
                        // The queue went away between the two calls.
                        Err(error) if error.code() == Code::QueueNotFound => {}
                        Err(error) => {
                            error!(error = &error as &dyn std::error::Error, "queue {} is held up", self.queue);
                            self.clock.sleep(PAUSE).await;
                        }
                    }
                }
            }
        }
        // Each hears of the stop by itself and gives its message back.
        while let Some(ended) = working.join_next().await {
            report(ended);
        }
    }

    async fn work_on(self, message: Arc<Message>, work: impl Future<Output = Handled>) {
        // A message that came back this often was never settled: the host died over it.
        if message.dequeue_count > self.options.max_dequeue_count && self.poison.is_some() {
            self.settle(&message, message.receipt, Handled::Failed);
            return;
        }
        let mut receipt = message.receipt;
        tokio::pin!(work);
        let handled = loop {
            tokio::select! {
                biased;
                handled = &mut work => break handled,
                () = self.clock.sleep(VISIBILITY / 2) => match self.queues.hide(&self.queue, message.id, receipt, VISIBILITY) {
                    Ok(renewed) => receipt = renewed.receipt,
                    Err(error) => warn!(error = &error as &dyn std::error::Error, "message {} may come twice", message.id),
                },
            }
        };
        self.settle(&message, receipt, handled);
    }

    /// Brings the queue up to date with how the work ended.
    fn settle(&self, message: &Message, receipt: Receipt, handled: Handled) {
        let is_last = message.dequeue_count >= self.options.max_dequeue_count;
        let settled = match (handled, &self.poison) {
            (Handled::Done, _) => self.queues.delete(&self.queue, message.id, receipt),
            (Handled::Unreadable, Some(poison)) => self.bury(message, receipt, poison),
            (Handled::Failed, Some(poison)) if is_last => self.bury(message, receipt, poison),
            (Handled::Failed | Handled::Unreadable, _) => {
                self.release(message, receipt, self.options.visibility_timeout)
            }
            (Handled::Cancelled, _) => self.release(message, receipt, Duration::ZERO),
        };
        if let Err(error) = settled {
            warn!(error = &error as &dyn std::error::Error, "message {} may come again", message.id);
        }
    }

    fn release(&self, message: &Message, receipt: Receipt, pause: Duration) -> Result<(), queues::Error> {
        self.queues.hide(&self.queue, message.id, receipt, pause).map(drop)
    }

    /// Moves a message to the poison queue, which is made where it is missing. It lives there for seven days, as in Azure.
    fn bury(&self, message: &Message, receipt: Receipt, poison: &str) -> Result<(), queues::Error> {
        error!(
            "message {} failed {} of {} times and moves to queue '{poison}'",
            message.id, message.dequeue_count, self.options.max_dequeue_count
        );
        self.queues.create(poison)?;
        self.queues.put(poison, message.text.clone(), None)?;
        self.queues.delete(&self.queue, message.id, receipt)
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!("the work on a message broke off: {error}");
    }
}
