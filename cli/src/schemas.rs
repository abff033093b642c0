//! Registering the contracts, which must happen before a handler starts: the handler only reads.

use std::time::Duration;

use contoso_handlers::events::contracts::{ALL, Contract};
use reqwest::{Method, StatusCode, header::CONTENT_TYPE};

use crate::{
    failure::{self, CallError},
    identity::SignedIn,
};

/// The schema group of all our contracts.
pub const GROUP: &str = "contoso";
/// What a token for the registry is for.
const RESOURCE: &str = "https://eventhubs.azure.net";
const API_VERSION: &str = "2023-07-01";
const DEADLINE: Duration = Duration::from_secs(10);

/// Registers every contract in the registry at `endpoint`, as an identity with the role for it. What is registered already stays as it is, so repeating is safe.
///
/// # Errors
/// When the registry does not answer, or refuses a schema, for instance as incompatible with an earlier version.
pub async fn register(deployment: &SignedIn, endpoint: &str) -> Result<(), CallError> {
    for contract in ALL {
        register_one(deployment, endpoint, contract).await?;
    }
    Ok(())
}

async fn register_one(deployment: &SignedIn, endpoint: &str, contract: &Contract) -> Result<(), CallError> {
    let operation = || format!("register the schema {}", contract.name);
    let url = format!("{}/$schemaGroups/{GROUP}/schemas/{}", endpoint.trim_end_matches('/'), contract.name);
    let response = deployment
        .request(Method::PUT, &url, RESOURCE)
        .await?
        .query(&[("api-version", API_VERSION)])
        .header(CONTENT_TYPE, "application/json; serialization=Avro")
        .timeout(DEADLINE)
        .body(contract.schema)
        .send()
        .await
        .map_err(|source| CallError::Send { operation: operation(), source })?;
    // The status of a refusal is not documented: everything but the one of success is one.
    match response.status() {
        StatusCode::NO_CONTENT => Ok(()),
        _ => Err(failure::refused(operation(), response).await),
    }
}
