//! Managed identity: how this process proves who it is, towards every service. It has no keys.

use std::{sync::Arc, time::Duration};

use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::ClientOptions,
};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use reqwest::RequestBuilder;
use tokio::sync::OnceCell;

use super::http::Http;

/// For a token, the client's repeats included. The endpoint is on the same machine, and answers within a second.
const DEADLINE: Duration = Duration::from_secs(5);

/// The identity of this process, and the HTTP client that goes with it. Clones share both.
#[derive(Clone)]
pub struct Credentials {
    identity: Arc<dyn TokenCredential>,
    http: Http,
}

impl Credentials {
    /// The app's managed identity: the user-assigned one with this client id, else the app's own. Nothing is fetched yet.
    pub fn managed_identity(client_id: Option<String>) -> Self {
        Self::over(Http::default(), client_id)
    }

    /// The same, with an HTTP client that is there.
    pub(crate) fn over(http: Http, client_id: Option<String>) -> Self {
        let identity = Identity { client_id, http: http.clone(), inner: OnceCell::new() };
        Self { identity: Arc::new(identity), http }
    }

    /// Whatever gives tokens, for tests of one adapter.
    #[cfg(test)]
    pub(crate) fn of(identity: Arc<dyn TokenCredential>) -> Self {
        Self { identity, http: Http::default() }
    }

    /// What the official clients take.
    pub fn identity(&self) -> Arc<dyn TokenCredential> {
        Arc::clone(&self.identity)
    }

    pub(crate) fn http(&self) -> Http {
        self.http.clone()
    }

    /// Tokens for `scope`, for requests of our own HTTP client.
    pub(crate) fn bearer(&self, scope: &'static str) -> Bearer {
        Bearer { identity: self.identity(), scope }
    }
}

/// Puts a bearer token on requests.
pub(crate) struct Bearer {
    identity: Arc<dyn TokenCredential>,
    scope: &'static str,
}

impl Bearer {
    /// Adds the token to a request. Credentials keep their tokens, so this is cheap but for the first time.
    ///
    /// # Errors
    /// If no token could be had; repeating may help.
    pub(crate) async fn apply(&self, request: RequestBuilder) -> azure_core::Result<RequestBuilder> {
        let token = self.identity.get_token(&[self.scope], None).await?;
        Ok(request.bearer_auth(token.token.secret()))
    }
}

/// The app's managed identity, set up when a token is first needed: the start has no time for it.
#[derive(Debug)]
struct Identity {
    client_id: Option<String>,
    http: Http,
    inner: OnceCell<Arc<ManagedIdentityCredential>>,
}

#[async_trait::async_trait]
impl TokenCredential for Identity {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let identity = self
            .inner
            .get_or_try_init(|| async {
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id: self.client_id.clone().map(UserAssignedId::ClientId),
                    client_options: ClientOptions { transport: Some(self.http.transport()?), ..Default::default() },
                }))
            })
            .await?;
        // The credential lets every other token wait meanwhile, also those that it has.
        let token = tokio::time::timeout(DEADLINE, identity.get_token(scopes, options)).await;
        token.unwrap_or_else(|_| Err(azure_core::Error::with_message(ErrorKind::Io, "no token came in time")))
    }
}
