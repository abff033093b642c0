//! State of the port: everything that a request may need.

use std::{collections::BTreeMap, sync::Arc};

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
    /// `None` where keys are not asked for.
    pub(crate) keys: Option<Keys>,
    pub(crate) timers: BTreeMap<String, TimerHandle>,
    pub(in crate::functions_host) levers: Levers,
    pub(super) blob_webhook: BlobWebhook,
    pub(super) routes: Routes,
    pub(super) hosts: Hosts,
}

impl Front {
    pub(in crate::functions_host) fn new(
        app: App,
        invoker: Invoker,
        host_id: String,
        keys: Option<Keys>,
        timers: BTreeMap<String, TimerHandle>,
        levers: Levers,
        blob_webhook: BlobWebhook,
    ) -> Self {
        let routes = Routes::new(&app);
        Self { app, invoker, host_id, keys, timers, levers, blob_webhook, routes, hosts: Hosts::default() }
    }

    /// On a port that answers to `hosts`.
    pub(in crate::functions_host) fn on(self, hosts: &Hosts) -> Self {
        Self { hosts: hosts.clone(), ..self }
    }

    pub(super) fn enabled(&self, name: &str) -> Option<&Arc<Function>> {
        self.app.enabled().find(|function| function.name == name)
    }
}
