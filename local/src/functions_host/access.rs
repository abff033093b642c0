//! Authorization of triggers: what the app's identity has to be allowed before one listens.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{
    app::{BlobTrigger, CosmosDbTrigger, EventHubTrigger, QueueTrigger},
    front::SECRETS,
    triggers::{CHECKPOINTS, HOSTS, NewBlobs},
};
use crate::{
    clock::Clock,
    identity::{Action, Caller, Forbidden},
};

/// Pause before a listener that was refused tries again.
const PAUSE: Duration = Duration::from_secs(60);

/// What a listener needs: an action on a scope such as `storage/blobs/azure-webjobs-hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    action: Action,
    scope: String,
}

impl Need {
    pub(crate) fn new(action: Action, scope: impl Into<String>) -> Self {
        Self { action, scope: scope.into() }
    }

    /// Of an `eventHubTrigger`: to read the hub, and its checkpoints and ownership. A role on its group does not do: the trigger asks the hub
    /// for its partitions (azure-functions-eventhubs-extension, issue 125).
    pub(super) fn of_event_hub(trigger: &EventHubTrigger) -> Vec<Self> {
        let hub = format!("eventHubs/{}", trigger.hub);
        vec![Self::new(Action::EventHubsListen, hub), Self::new(Action::BlobWrite, blobs(CHECKPOINTS))]
    }

    /// Of a `cosmosDBTrigger`: to read the container, and its leases. A role on the containers does not do: the feed's processor reads
    /// the database itself (azure-cosmos-dotnet-v3, issue 3638).
    pub(super) fn of_cosmos_db(trigger: &CosmosDbTrigger) -> Vec<Self> {
        let monitored = format!("cosmos/{}", trigger.database);
        let leases = format!("cosmos/{}/{}", trigger.lease_database, trigger.lease_container);
        vec![Self::new(Action::CosmosRead, monitored), Self::new(Action::CosmosWrite, leases)]
    }

    /// Of a `queueTrigger`: its messages.
    pub(super) fn of_queue(trigger: &QueueTrigger) -> Vec<Self> {
        vec![Self::new(Action::QueueProcess, format!("storage/queues/{}", trigger.queue))]
    }

    /// Of a `blobTrigger` that scans: to read its container, and its receipts.
    pub(super) fn of_blob(trigger: &BlobTrigger) -> Vec<Self> {
        vec![Self::new(Action::BlobRead, blobs(&trigger.container)), Self::new(Action::BlobWrite, blobs(HOSTS))]
    }

    /// Of the queue in which a host of blob triggers notes what is new, and of that for what keeps failing.
    pub(super) fn of_new_blobs(new_blobs: &NewBlobs) -> Vec<Self> {
        let own = format!("storage/queues/{}", new_blobs.queue());
        let poison = format!("storage/queues/{}", NewBlobs::POISON);
        let of_own = [Action::QueueWrite, Action::QueueSend, Action::QueueProcess];
        of_own.into_iter().map(|action| Self::new(action, &own)).chain([Self::new(Action::QueueSend, poison)]).collect()
    }

    /// Of a host that asks for keys: the container that holds them.
    pub(super) fn of_keys() -> Self {
        Self::new(Action::BlobWrite, blobs(SECRETS))
    }

    /// Of a `timerTrigger`: its lock and its status.
    pub(super) fn of_timer() -> Vec<Self> {
        vec![Self::new(Action::BlobWrite, blobs(HOSTS))]
    }
}

fn blobs(container: &str) -> String {
    format!("storage/blobs/{container}")
}

/// In whose name the triggers listen.
#[derive(Clone)]
pub(super) struct Access {
    /// `None` where nothing is asked: the stack runs without identities.
    pub(super) caller: Option<Caller>,
    pub(super) clock: Clock,
    pub(super) stopping: CancellationToken,
}

impl Access {
    /// Whether `need` is allowed, asked once.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn check(&self, need: &Need) -> Result<(), Forbidden> {
        self.caller.as_ref().map_or(Ok(()), |caller| caller.may(need.action, &need.scope))
    }

    /// Waits, in silence, until `needs` are allowed to the host itself; `false` where it stops meanwhile.
    pub(super) async fn granted_to_host(&self, needs: &[Need]) -> bool {
        while needs.iter().any(|need| self.check(need).is_err()) {
            if self.stopping.run_until_cancelled(self.clock.sleep(PAUSE)).await.is_none() {
                return false;
            }
        }
        true
    }

    /// Waits until everything in `needs` is allowed to the listener of `function`. What is missing is said as often as it
    /// is tried, as the real host does; `false` where the host stops meanwhile.
    pub(super) async fn granted(&self, function: &str, needs: &[Need]) -> bool {
        let Some(caller) = &self.caller else { return true };
        let mut refused = false;
        loop {
            let Some(forbidden) = needs.iter().find_map(|need| caller.may(need.action, &need.scope).err()) else {
                if refused {
                    info!("The listener for function 'Functions.{function}' may start now.");
                }
                return true;
            };
            refused = true;
            error!(
                "The listener for function 'Functions.{function}' was unable to start. 403 (Forbidden): {forbidden} \
                 It is tried again in {PAUSE:?}."
            );
            if self.stopping.run_until_cancelled(self.clock.sleep(PAUSE)).await.is_none() {
                return false;
            }
        }
    }
}
