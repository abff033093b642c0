//! Singleton lock, which lets one host at a time listen for a function: a lease on a blob, laid out as the host does.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::timer_status::CONTAINER;
use crate::blobs::{self, Blobs, Code, Condition, LeaseAction, PutOptions};

/// Seconds that a lock outlives its host.
const SECONDS: u32 = 60;
/// How often the holder renews it.
pub(super) const RENEWAL: Duration = Duration::from_secs(30);
/// How often the others try to get it.
pub(super) const RECOVERY: Duration = Duration::from_secs(60);

/// The lock of one function's listener.
pub(super) struct HostLock {
    blobs: Blobs,
    name: String,
    /// This host. One that starts again under the same id has its lock back at once.
    id: Uuid,
}

impl HostLock {
    pub(super) fn new(blobs: &Blobs, host_id: &str, function: &str, id: Uuid) -> Self {
        Self { blobs: blobs.clone(), name: format!("locks/{host_id}/Host.Functions.{function}.Listener"), id }
    }

    /// Whether this host has the lock now.
    pub(super) fn acquire(&self) -> Result<bool, blobs::Error> {
        self.blobs.create_container(CONTAINER)?;
        let options = PutOptions { condition: Some(Condition::IfAbsent), ..PutOptions::default() };
        match self.blobs.put(CONTAINER, &self.name, Bytes::new(), options) {
            Err(error) if error.code() != Code::BlobAlreadyExists => return Err(error),
            _ => {}
        }
        self.blobs.lease(CONTAINER, &self.name, self.id, LeaseAction::Acquire { seconds: SECONDS })
    }

    /// Whether this host still has the lock.
    pub(super) fn renew(&self) -> Result<bool, blobs::Error> {
        self.blobs.lease(CONTAINER, &self.name, self.id, LeaseAction::Renew)
    }

    pub(super) fn release(&self) -> Result<bool, blobs::Error> {
        self.blobs.lease(CONTAINER, &self.name, self.id, LeaseAction::Release)
    }
}
