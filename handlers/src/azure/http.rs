//! The HTTP client of everything that lets us bring our own: Event Grid, the schema registry, blob storage and the identity endpoint.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use azure_core::{error::ErrorKind, http::Transport};
use reqwest::{Client, redirect};

/// One client for all of them, made at first use: each trust store takes milliseconds to load, and megabytes to keep.
#[derive(Clone, Debug, Default)]
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

    /// The client, as the Azure clients take it.
    ///
    /// # Errors
    /// If TLS cannot be set up on this machine.
    pub(super) fn transport(&self) -> azure_core::Result<Transport> {
        let client = self
            .client()
            .map_err(|error| azure_core::Error::with_error(ErrorKind::Other, error, "cannot set up TLS"))?;
        Ok(Transport::new(Arc::new(client.clone())))
    }
}
