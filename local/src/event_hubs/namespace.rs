//! A namespace: its hubs, who may use them, and the tasks that serve them.

use std::{net::SocketAddr, sync::Arc};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{access::Access, hub::Hub, switchboard::Switchboard};
use crate::clock::Clock;

/// A running namespace. Clones share it.
#[derive(Clone)]
pub struct EventHubs {
    pub(super) shared: Arc<Shared>,
}

/// What its clones share.
pub(super) struct Shared {
    pub(super) namespace: String,
    pub(super) address: SocketAddr,
    pub(super) hubs: Vec<Arc<Hub>>,
    pub(super) access: Access,
    pub(super) switchboard: Switchboard,
    pub(super) clock: Clock,
    pub(super) stopping: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl EventHubs {
    pub(super) fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Name of the namespace, such as `contoso` in `contoso.servicebus.windows.net`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.shared.namespace
    }

    /// The hub with this name, in whatever case.
    #[must_use]
    pub fn hub(&self, name: &str) -> Option<&Hub> {
        self.shared_hub(name).map(Arc::as_ref)
    }

    /// All hubs, in the order of the topology.
    pub fn hubs(&self) -> impl Iterator<Item = &Hub> {
        self.shared.hubs.iter().map(Arc::as_ref)
    }

    /// Closes all connections and stops listening. Returns once everything has ended.
    pub async fn stop(&self) {
        self.shared.stopping.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Runs `task` until it ends or the hubs stop.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.shared.stopping.clone();
        self.shared.tasks.spawn(async move { stopping.run_until_cancelled(task).await });
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    pub(super) fn access(&self) -> &Access {
        &self.shared.access
    }

    pub(super) fn switchboard(&self) -> &Switchboard {
        &self.shared.switchboard
    }

    pub(super) fn shared_hub(&self, name: &str) -> Option<&Arc<Hub>> {
        self.shared.hubs.iter().find(|hub| hub.name().eq_ignore_ascii_case(name))
    }
}
