//! Registering the contracts, which must happen before a handler starts: the handler only reads.

use std::time::Duration;

use contoso_handlers::events::contracts::{ALL, Contract};
use reqwest::{Client, StatusCode, header::CONTENT_TYPE};

use crate::failure::{self, CallError};

/// The schema group of all our contracts.
pub const GROUP: &str = "contoso";
const API_VERSION: &str = "2023-07-01";
const DEADLINE: Duration = Duration::from_secs(10);

/// Registers every contract in the registry at `endpoint`. What is registered already stays as it is, so repeating is safe.
///
/// # Errors
/// When the registry does not answer, or refuses a schema, for instance as incompatible with an earlier version.
pub async fn register(http: &Client, endpoint: &str) -> Result<(), CallError> {
    for contract in ALL {
        register_one(http, endpoint, contract).await?;
    }
    Ok(())
}

async fn register_one(http: &Client, endpoint: &str, contract: &Contract) -> Result<(), CallError> {
    let operation = || format!("register the schema {}", contract.name);
    let url = format!("{}/$schemaGroups/{GROUP}/schemas/{}", endpoint.trim_end_matches('/'), contract.name);
    let response = http
        .put(url)
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
