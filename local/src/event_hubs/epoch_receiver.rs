//! Epoch receivers in process, under the rules that hold for a link: readers with an epoch displace each other.

use std::fmt;

use tokio_util::sync::CancellationToken;

use super::{hub::Hub, log::Partition, receivers::Registration};

/// The right to read a partition for a consumer group. Dropping it gives the right back.
pub struct EpochReceiver {
    _registration: Registration,
}

impl fmt::Debug for EpochReceiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EpochReceiver")
    }
}

/// A reader with a higher epoch has the partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HigherEpoch(String);

impl Hub {
    /// Becomes the reader with `epoch`: others with the same or a lower one have to give way, links included.
    /// `displaced` is cancelled should another take it.
    ///
    /// # Errors
    /// When a reader with a higher epoch has it.
    pub fn receive_with_epoch(
        &self,
        group: &str,
        partition: &Partition,
        epoch: i64,
        displaced: CancellationToken,
    ) -> Result<EpochReceiver, HigherEpoch> {
        self.receivers()
            .admit(group, partition, Some(epoch), move |_, _| displaced.cancel())
            .map(|registration| EpochReceiver { _registration: registration })
            .map_err(|refusal| HigherEpoch(refusal.description))
    }
}
