//! Singleton lock, which lets one host at a time listen for a function, and that of the primary host: a lease on a blob, laid
//! out as the host does.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use uuid::Uuid;

use super::timer_status::CONTAINER;
use crate::{
    blobs::{self, Blobs, Code, Condition, LeaseAction, PutOptions},
    functions_host::invocation::Invoker,
};

/// Seconds that a lock outlives its host.
const SECONDS: u32 = 60;
/// How often the holder renews it.
pub(super) const RENEWAL: Duration = Duration::from_secs(30);
/// How often the others try to get it.
pub(super) const RECOVERY: Duration = Duration::from_secs(60);

/// Names the holder in the lock's metadata.
const HOLDER: &str = "functioninstance";

/// The lock of one function's listener, or of the host itself.
pub(crate) struct HostLock {
    blobs: Blobs,
    name: String,
    /// This host. One that starts again under the same id has its lock back at once.
    id: Uuid,
}

impl HostLock {
    pub(super) fn new(blobs: &Blobs, host_id: &str, function: &str, id: Uuid) -> Self {
        Self { blobs: blobs.clone(), name: format!("locks/{host_id}/Host.Functions.{function}.Listener"), id }
    }

    /// Of the primary host.
    pub(crate) fn of_host(blobs: &Blobs, host_id: &str, id: Uuid) -> Self {
        Self { blobs: blobs.clone(), name: format!("locks/{host_id}/host"), id }
    }

    /// Tries to be the primary host until the host stops. Locally nothing depends on it: it is there for who looks which
    /// instance is the primary one.
    pub(crate) async fn hold(self, invoker: Invoker) {
        loop {
            let held = match self.renew() {
                Ok(true) => Ok(true),
                _ => self.acquire(),
            };
            if let Err(error) = &held {
                tracing::error!("the host cannot ask for its lock: {error}");
            }
            let pause = if matches!(held, Ok(true)) { RENEWAL } else { RECOVERY };
            tokio::select! {
                biased;
                () = invoker.stopping.cancelled() => break,
                () = invoker.clock.sleep(pause) => {}
            }
        }
        if invoker.leaving.is_cancelled()
            && let Err(error) = self.release()
        {
            tracing::warn!("the host could not give its lock back: {error}");
        }
    }

    /// Whether this host has the lock now.
    pub(super) fn acquire(&self) -> Result<bool, blobs::Error> {
        self.blobs.create_container(CONTAINER)?;
        let options = PutOptions { condition: Some(Condition::IfAbsent), ..PutOptions::default() };
        match self.blobs.put(CONTAINER, &self.name, Bytes::new(), options) {
            Err(error) if error.code() != Code::BlobAlreadyExists => return Err(error),
            _ => {}
        }
        let holder = BTreeMap::from([(HOLDER.to_owned(), self.id.to_string())]);
        // A lease refuses it, and then the holder stays, who may be this host.
        if let Err(error) = self.blobs.set_metadata(CONTAINER, &self.name, holder, None) {
            tracing::debug!("{error}");
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
