//! How this process proves who it is: the only place that chooses.
//!
//! The rule is one: an identity, unless a setting gives a key, or gives an address that cannot take a token because it is in plain
//! text. A token is never sent over plain HTTP or AMQP.

use std::sync::Arc;

use azure_core::{
    credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions},
    http::{ClientOptions, policies::Policy},
    time::{Duration, OffsetDateTime},
};
use azure_data_cosmos::CosmosCredential;
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use reqwest::{RequestBuilder, header::HeaderValue};
use tokio::sync::OnceCell;

use super::{http::Http, shared_key::SharedKey};
use crate::settings::Settings;

/// The credentials of every service.
pub struct Credentials {
    identity: Arc<dyn TokenCredential>,
    http: Http,
    settings: Settings,
}

/// How requests to blob storage are authenticated.
pub(super) struct BlobAuth {
    pub(super) token: Option<Arc<dyn TokenCredential>>,
    pub(super) policy: Option<Arc<dyn Policy>>,
}

impl Credentials {
    /// Credentials as the settings ask for; nothing is fetched yet.
    pub fn new(settings: &Settings) -> Self {
        let http = Http::default();
        let identity = Identity { client_id: settings.client_id.clone(), http: http.clone(), inner: OnceCell::new() };
        Self { identity: Arc::new(identity), http, settings: settings.clone() }
    }

    pub(crate) fn http(&self) -> Http {
        self.http.clone()
    }

    pub(super) fn event_hubs(&self) -> Arc<dyn TokenCredential> {
        match &self.settings.event_hubs.custom_endpoint {
            Some(_) => Arc::new(NoIdentity),
            None => Arc::clone(&self.identity),
        }
    }

    pub(super) fn cosmos(&self) -> CosmosCredential {
        match &self.settings.cosmos.key {
            Some(key) => CosmosCredential::from(key.clone()),
            None => CosmosCredential::from(Arc::clone(&self.identity)),
        }
    }

    pub(super) fn blobs(&self) -> BlobAuth {
        match &self.settings.storage.key {
            Some(key) => {
                let policy = SharedKey::new(&self.settings.storage.endpoint, key.clone());
                BlobAuth { token: None, policy: Some(Arc::new(policy)) }
            }
            None => BlobAuth { token: Some(Arc::clone(&self.identity)), policy: None },
        }
    }

    pub(super) fn event_grid(&self) -> Auth {
        match &self.settings.event_grid.key {
            Some(key) => Auth::Key { header: "aeg-sas-key", key: key.clone() },
            None => self.token("https://eventgrid.azure.net/.default"),
        }
    }

    pub(crate) fn schema_registry(&self) -> Auth {
        match self.settings.schema_registry.endpoint.scheme() {
            "https" => self.token("https://eventhubs.azure.net/.default"),
            _ => Auth::Nothing,
        }
    }

    fn token(&self, scope: &'static str) -> Auth {
        Auth::Token { credential: Arc::clone(&self.identity), scope }
    }
}

/// What a request of our own HTTP client carries.
pub(crate) enum Auth {
    /// Nothing.
    Nothing,
    /// A key in a header.
    Key {
        /// The header's name.
        header: &'static str,
        /// Its value.
        key: Secret,
    },
    /// A bearer token.
    Token {
        /// Who gives it.
        credential: Arc<dyn TokenCredential>,
        /// What it is for.
        scope: &'static str,
    },
}

impl Auth {
    /// Adds the proof to a request. Credentials keep their tokens, so this is cheap but for the first time.
    ///
    /// # Errors
    /// If no token could be had; repeating may help.
    pub(crate) async fn apply(&self, request: RequestBuilder) -> azure_core::Result<RequestBuilder> {
        Ok(match self {
            Self::Nothing => request,
            Self::Key { header, key } => {
                let mut value = HeaderValue::from_str(key.secret()).map_err(|_| {
                    azure_core::Error::with_message(
                        azure_core::error::ErrorKind::Credential,
                        format!("the key for {header} is no header value"),
                    )
                })?;
                value.set_sensitive(true);
                request.header(*header, value)
            }
            Self::Token { credential, scope } => {
                let token = credential.get_token(&[scope], None).await?;
                request.bearer_auth(token.token.secret())
            }
        })
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
        identity.get_token(scopes, options).await
    }
}

/// What the AMQP client is given for an endpoint in plain text, which takes any token.
#[derive(Debug)]
struct NoIdentity;

#[async_trait::async_trait]
impl TokenCredential for NoIdentity {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        // Far from expiry: the client's refresh task spins when a token has less than six minutes to live.
        Ok(AccessToken::new("none", OffsetDateTime::now_utc() + Duration::hours(24)))
    }
}
