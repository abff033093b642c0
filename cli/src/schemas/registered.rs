//! Reading versions from a registry.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::{
    failure::{self, CallError},
    identity::SignedIn,
};

/// The schema group of all our contracts.
pub const GROUP: &str = "contoso";
/// What a token for the registry is for.
pub(super) const RESOURCE: &str = "https://eventhubs.azure.net";
pub(super) const API_VERSION: &str = "2023-07-01";
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// A version that a registry holds.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The registry's number.
    pub version: u32,
    /// Its id.
    pub id: String,
    /// As it was registered.
    pub text: String,
}

/// Every version that the registry at `endpoint` holds of a schema, oldest first. None if it does not know the name.
///
/// # Errors
/// When the registry does not answer, or refuses.
pub async fn versions(deployment: &SignedIn, endpoint: &str, name: &str) -> Result<Vec<Registered>, CallError> {
    let path = format!("{GROUP}/schemas/{name}/versions");
    let operation = || format!("read the versions of the schema {name}");
    let text = async |answer: Response| {
        answer.text().await.map_err(|source| CallError::Send { operation: operation(), source })
    };
    let Some(listed) = get(deployment, endpoint, &path).await? else { return Ok(Vec::new()) };
    // A list that is none is an empty one: then registering says what is wrong.
    let listed: Value = contoso_json::from_str(&text(listed).await?).unwrap_or_default();
    // Documented is the one name, and the official client for Python reads the other.
    let numbers = ["schemaVersions", "Value"].iter().find_map(|list| listed[*list].as_array());
    let numbers = numbers.into_iter().flatten().filter_map(|number| u32::try_from(number.as_u64()?).ok());
    let mut versions = Vec::new();
    for version in numbers {
        let Some(answer) = get(deployment, endpoint, &format!("{path}/{version}")).await? else { continue };
        let id = answer.headers().get("schema-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        versions.push(Registered { version, id, text: text(answer).await? });
    }
    Ok(versions)
}

async fn get(deployment: &SignedIn, endpoint: &str, path: &str) -> Result<Option<Response>, CallError> {
    let operation = || format!("read {path} of the schema registry");
    let url = format!("{}/$schemaGroups/{path}", endpoint.trim_end_matches('/'));
    let request = deployment.request(Method::GET, &url, RESOURCE).await?;
    let request = request.query(&[("api-version", API_VERSION)]).timeout(DEADLINE);
    let answer = request.send().await.map_err(|source| CallError::Send { operation: operation(), source })?;
    match answer.status() {
        StatusCode::NOT_FOUND => Ok(None),
        status if status.is_success() => Ok(Some(answer)),
        _ => Err(failure::refused(operation(), answer).await),
    }
}
