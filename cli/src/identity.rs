//! Acting in the name of an identity of the topology: the commands have no keys to what takes tokens only.

use std::{os::unix::process::CommandExt, process::Command, time::Duration};

use anyhow::Context;
use contoso_local::{identity::Credentials, stack::Endpoints};
use reqwest::{Certificate, Client, Method, RequestBuilder};
use serde::Deserialize;

use crate::{
    environment,
    failure::{self, CallError},
};

/// The identity of the app.
pub const APP: &str = "contoso-events";
/// Deploys: registers schemas, makes event subscriptions.
pub const DEPLOYMENT: &str = "deployment";
/// Looks at everything, and changes nothing.
pub const OPERATOR: &str = "operator";
/// Reads captured events, and writes what is made of them.
pub const REBUILD: &str = "rebuild";
/// Lets partners join, and gives them keys.
pub const PARTNER_MANAGER: &str = "partner-manager";
/// Puts sales files there as a partner does, and reads what became of them.
pub const SALES_PARTNER: &str = "sales-partner";

/// The one version of the identity endpoint.
const API_VERSION: &str = "2019-08-01";
const DEADLINE: Duration = Duration::from_secs(10);

/// An identity, and a client that trusts the stack.
pub struct SignedIn {
    http: Client,
    credentials: Credentials,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

impl SignedIn {
    /// As the identity `name` of the running stack.
    ///
    /// # Errors
    /// When the stack has no such identity, or its certificate cannot be read.
    pub fn new(endpoints: &Endpoints, name: &str) -> anyhow::Result<Self> {
        let file = &endpoints.ca_certificate;
        let certificate = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let certificate = Certificate::from_pem(&certificate).context("the stack's certificate is not usable")?;
        let http = Client::builder().add_root_certificate(certificate).build().context("cannot set up TLS")?;
        Ok(Self { http, credentials: credentials(endpoints, name)?.clone() })
    }

    /// With a client of the caller's.
    #[cfg(test)]
    pub(crate) fn with(http: Client, credentials: Credentials) -> Self {
        Self { http, credentials }
    }

    /// A request with a token for `resource`, such as `https://management.azure.com`.
    ///
    /// # Errors
    /// When the identity endpoint gives no token.
    pub async fn request(&self, method: Method, url: &str, resource: &str) -> Result<RequestBuilder, CallError> {
        Ok(self.http.request(method, url).bearer_auth(self.token(resource).await?))
    }

    /// The client, for requests that carry a token in a way of their own.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.http
    }

    /// A token for `resource`, such as `https://eventhubs.azure.net`.
    ///
    /// # Errors
    /// When the identity endpoint gives none.
    pub async fn token(&self, resource: &str) -> Result<String, CallError> {
        let operation = || format!("get a token for {resource}");
        let Credentials { endpoint, header, .. } = &self.credentials;
        let answer = self
            .http
            .get(endpoint)
            .query(&[("api-version", API_VERSION), ("resource", resource)])
            .header("X-IDENTITY-HEADER", header)
            .timeout(DEADLINE)
            .send()
            .await
            .map_err(|source| CallError::Send { operation: operation(), source })?;
        if !answer.status().is_success() {
            return Err(failure::refused(operation(), answer).await);
        }
        let token = answer.json::<Token>().await; // json: a type without open ends
        let token = token.map_err(|source| CallError::Send { operation: operation(), source })?;
        Ok(token.access_token)
    }
}

/// Goes on as a process that has the identity `name`, with the variables an app of that identity has: the handler's own
/// clients then work here as they do there, TLS and tokens included. Returns where this is that process.
///
/// # Errors
/// When the stack has no such identity, or the program cannot start itself again.
pub fn sign_in(endpoints: &Endpoints, name: &str) -> anyhow::Result<()> {
    let Credentials { endpoint, header, .. } = credentials(endpoints, name)?;
    let authority = endpoints.ca_certificate.to_str().context("the path of the stack's certificate is not UTF-8")?;
    let wanted = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IDENTITY_HEADER", header), ("SSL_CERT_FILE", authority)];
    if wanted.iter().all(|(name, value)| environment::text(name).is_some_and(|set| set == *value)) {
        return Ok(());
    }
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let error = Command::new(program).args(std::env::args_os().skip(1)).envs(wanted).exec();
    Err(error).context("cannot start this program in the identity's environment")
}

fn credentials<'a>(endpoints: &'a Endpoints, name: &str) -> anyhow::Result<&'a Credentials> {
    endpoints.identities.get(name).with_context(|| format!("the stack's topology has no identity `{name}`"))
}
