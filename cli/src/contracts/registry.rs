//! Reading what is registered: the newest version of a schema, from the stack's registry or Azure's.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::Value;

use crate::{
    failure::{self, CallError},
    identity::SignedIn,
    schemas::registered::GROUP,
};

/// What a token for a registry is for.
const RESOURCE: &str = "https://eventhubs.azure.net";
const API_VERSION: &str = "2023-07-01";
const DEADLINE: Duration = Duration::from_secs(10);
/// A schema is at most 1 MiB in the service.
const LARGEST: u64 = 2 << 20;

/// A schema registry, and who asks it.
pub struct Registry {
    address: String,
    caller: Caller,
}

enum Caller {
    Stack(SignedIn),
    Token { http: Client, token: String },
}

impl Registry {
    /// The registry of a running stack, asked as an identity of its.
    #[must_use]
    pub fn of_stack(signed_in: SignedIn, address: &str) -> Self {
        Self { address: address.trim_end_matches('/').to_owned(), caller: Caller::Stack(signed_in) }
    }

    /// Any registry, asked with a token.
    ///
    /// # Errors
    /// When the address is none that a token may be sent to: `https`, or plain text on this machine.
    pub fn elsewhere(address: &str, token: &str) -> anyhow::Result<Self> {
        let url: Url = address
            .parse()
            .with_context(|| format!("{address:?} is no address such as https://NAMESPACE.servicebus.windows.net"))?;
        let is_here = url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        ensure!(url.scheme() == "https" || is_here, "{address} is not https: a token is not sent in plain text");
        let http = Client::builder().timeout(Duration::from_secs(30)).build().context("cannot set up TLS")?;
        let caller = Caller::Token { http, token: token.trim().to_owned() };
        Ok(Self { address: address.trim_end_matches('/').to_owned(), caller })
    }

    async fn get(&self, path: &str) -> Result<RequestBuilder, CallError> {
        let url = format!("{}{path}", self.address);
        let request = match &self.caller {
            Caller::Stack(signed_in) => signed_in.request(Method::GET, &url, RESOURCE).await?,
            Caller::Token { http, token } => http.get(url).bearer_auth(token),
        };
        Ok(request.query(&[("api-version", API_VERSION)]).timeout(DEADLINE))
    }

    async fn text(&self, operation: &str, path: &str) -> anyhow::Result<String> {
        let sent = self.get(path).await?.send().await;
        let response = sent.map_err(|source| CallError::Send { operation: operation.to_owned(), source })?;
        if !response.status().is_success() {
            return Err(failure::refused(operation.to_owned(), response).await.into());
        }
        ensure!(
            response.content_length().is_none_or(|length| length <= LARGEST),
            "cannot {operation}: the answer is larger than any schema"
        );
        Ok(response.text().await.map_err(|source| CallError::Send { operation: operation.to_owned(), source })?)
    }
}

/// The text of the newest version of the schema `name`.
///
/// # Errors
/// When it is not registered, or the registry does not answer.
pub async fn latest(registry: &Registry, name: &str) -> anyhow::Result<String> {
    let versions = format!("/$schemaGroups/{GROUP}/schemas/{name}/versions");
    let listed = registry.text(&format!("list the versions of the schema {name}"), &versions).await?;
    let listed: Value =
        contoso_json::from_str(&listed).with_context(|| format!("the versions of {name} are no JSON"))?;
    // Versions of the interface differ in the name.
    let list =
        ["schemaVersions", "SchemaVersions", "Value", "value"].iter().find_map(|member| listed[*member].as_array());
    let newest = list.into_iter().flatten().filter_map(Value::as_u64).max();
    let newest = newest.with_context(|| format!("the registry lists no version of {name}"))?;
    registry.text(&format!("read version {newest} of the schema {name}"), &format!("{versions}/{newest}")).await
}
