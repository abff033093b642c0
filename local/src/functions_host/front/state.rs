//! State of the port: everything that a request may need.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{keys::Keys, routes::Routes};
use crate::{
    functions_host::{
        app::{App, Function},
        invocation::Invoker,
        rewinds::Levers,
        triggers::{BlobWebhook, TimerHandle},
    },
    transport::Hosts,
};

/// Everything a request may need.
pub(crate) struct Front {
    pub(crate) app: App,
    pub(crate) invoker: Invoker,
    pub(crate) host_id: String,
    /// This host among those of the app.
    pub(crate) instance: Uuid,
    pub(crate) started: Instant,
    /// Cancelled where the host is to be started anew.
    pub(crate) restart: CancellationToken,
    /// `None` where keys are not asked for.
    pub(crate) keys: Option<Keys>,
    pub(crate) timers: BTreeMap<String, TimerHandle>,
    pub(in crate::functions_host) levers: Levers,
    pub(in crate::functions_host) blob_webhook: BlobWebhook,
    pub(in crate::functions_host) routes: Routes,
    pub(in crate::functions_host) hosts: Hosts,
}

impl Front {
    pub(super) fn enabled(&self, name: &str) -> Option<&Arc<Function>> {
        self.app.enabled().find(|function| function.name == name)
    }
}
