//! The HTTP client of the services that have no Rust client: Event Grid and the schema registry.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{Client, redirect};

/// One client for all of them, made at first use: loading the trust store costs more time and memory than all else at start.
#[derive(Clone, Default)]
pub(crate) struct Http(Arc<OnceLock<Client>>);

impl Http {
    /// The client.
    ///
    /// # Errors
    /// If TLS cannot be set up on this machine.
    pub(crate) fn client(&self) -> Result<&Client, reqwest::Error> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        // A redirect would carry keys and events to another host.
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .redirect(redirect::Policy::none())
            .tcp_nodelay(true)
            .build()?;
        Ok(self.0.get_or_init(|| client))
    }
}
