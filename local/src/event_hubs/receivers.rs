//! Epochs: who reads which partition, and who has to give way.
//!
//! Per consumer group and partition there is either one receiver with an epoch, which displaces all others unless
//! theirs is higher, or up to five without.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    amqp::condition::{Condition, Refusal},
    log::Partition,
};

/// Receivers without epoch that a partition of a group takes at once.
const MAX_WITHOUT_EPOCH: usize = 5;

/// The receivers of one hub.
#[derive(Clone, Default)]
pub(super) struct Receivers {
    active: Arc<Mutex<HashMap<GroupPartition, Vec<ActiveReceiver>>>>,
}

/// Consumer group, in lower case, and partition.
type GroupPartition = (String, String);

struct ActiveReceiver {
    id: u64,
    epoch: Option<i64>,
    displace: Box<dyn FnOnce(u64, Refusal) + Send>,
}

/// A receiver's right to read. Dropping it gives the right back.
pub(super) struct Registration {
    id: u64,
    key: GroupPartition,
    receivers: Receivers,
    partition: Partition,
}

impl Receivers {
    /// Admits a receiver. `displace` is called, once and with
    /// the receiver's number, should another take it away.
    pub(super) fn admit(
        &self,
        group: &str,
        partition: &Partition,
        epoch: Option<i64>,
        displace: impl FnOnce(u64, Refusal) + Send + 'static,
    ) -> Result<Registration, Refusal> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = (group.to_lowercase(), partition.id().to_owned());
        let mut active = self.lock();
        let taken = active.entry(key.clone()).or_default();
        let current = taken.iter().filter_map(|receiver| receiver.epoch).max();
        match (epoch, current) {
            (None, Some(current)) => {
                return Err(Refusal::new(
                    Condition::LinkStolen,
                    format!(
                        "Receiver with epoch {current} is reading this partition, so one without an epoch is not admitted."
                    ),
                ));
            }
            (Some(new), Some(current)) if new < current => {
                return Err(Refusal::new(
                    Condition::LinkStolen,
                    format!(
                        "Receiver with epoch {current} is reading this partition, so one with the lower epoch {new} is not admitted."
                    ),
                ));
            }
            (Some(new), _) => {
                for receiver in taken.drain(..) {
                    let reason = format!(
                        "New receiver with epoch {new} takes this partition, so this receiver is disconnected."
                    );
                    (receiver.displace)(receiver.id, Refusal::new(Condition::LinkStolen, reason));
                }
            }
            (None, None) if taken.len() >= MAX_WITHOUT_EPOCH => {
                return Err(Refusal::new(
                    Condition::ResourceLimitExceeded,
                    format!(
                        "{MAX_WITHOUT_EPOCH} receivers without epoch, the most there may be, read this partition in this consumer group."
                    ),
                ));
            }
            (None, None) => {}
        }
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        taken.push(ActiveReceiver { id, epoch, displace: Box::new(displace) });
        Ok(Registration { id, key, receivers: self.clone(), partition: partition.clone() })
    }

    /// Takes a partition away from all its receivers; says how many there were.
    pub(super) fn steal(&self, group: &str, partition: &str) -> usize {
        let taken = self.lock().remove(&(group.to_lowercase(), partition.to_owned())).unwrap_or_default();
        let count = taken.len();
        for receiver in taken {
            let reason = "A new receiver takes this partition, so this receiver is disconnected.";
            (receiver.displace)(receiver.id, Refusal::new(Condition::LinkStolen, reason));
        }
        count
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GroupPartition, Vec<ActiveReceiver>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    /// Number of this receiver, unique in the process.
    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut active = self.receivers.lock();
        if let Some(taken) = active.get_mut(&self.key) {
            taken.retain(|receiver| receiver.id != self.id);
            if taken.is_empty() {
                active.remove(&self.key);
            }
        }
        drop(active);
        self.partition.forget(self.id);
    }
}
