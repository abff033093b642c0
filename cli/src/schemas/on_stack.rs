//! What the registry of a running stack holds.

use std::path::Path;

use contoso_handlers::events::contracts;

use super::{registered, stored::Schema};
use crate::{
    endpoints,
    identity::{DEPLOYMENT, SignedIn},
};

/// The registry of a running stack, read as who deploys.
pub struct Registry {
    deployment: SignedIn,
    endpoint: String,
}

impl Registry {
    /// The registry of the stack whose endpoints stand in `file`, or of the nearest one.
    ///
    /// # Errors
    /// When no stack runs.
    pub fn of(file: Option<&Path>) -> anyhow::Result<Self> {
        let endpoints = endpoints::read(&endpoints::locate(file)?)?;
        let deployment = SignedIn::new(&endpoints, DEPLOYMENT)?;
        Ok(Self { deployment, endpoint: endpoints.event_hubs.schema_registry })
    }

    /// Versions that are registered and not stored in the checkout: label and text.
    ///
    /// # Errors
    /// When the registry does not answer.
    pub async fn unknown_versions_of(&self, schema: &Schema) -> anyhow::Result<Vec<(String, String)>> {
        let Some(contract) = contracts::ALL.into_iter().find(|contract| contract.path == schema.path) else {
            return Ok(Vec::new());
        };
        let versions = registered::versions(&self.deployment, &self.endpoint, contract.name).await?;
        let is_stored = |text: &str| {
            schema.versions.iter().any(|stored| contoso_schema_checker::is_same(&stored.text, text).unwrap_or(false))
        };
        let unknown = versions.into_iter().filter(|registered| !is_stored(&registered.text));
        Ok(unknown.map(|registered| (format!("registry v{}", registered.version), registered.text)).collect())
    }
}
