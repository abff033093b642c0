//! Azure Key Vault: the master keys that secrets of subscriptions are derived from (`GET {vault}/secrets/{name}`, api-version 7.4).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use contoso_json::Plain;
use tokio::sync::Mutex;
use url::Url;

use super::{
    credentials::{Bearer, Credentials},
    http::Http,
};
use crate::{
    domain::partner::webhook_secret::{MasterKeys, MasterKeysError, UnknownMaster},
    settings::{Hidden, PartnerSettings},
};

const API_VERSION: &str = "7.4";
const SCOPE: &str = "https://vault.azure.net/.default";
const DEADLINE: Duration = Duration::from_secs(5);

/// The secret of the vault.
pub const SECRET: &str = "partner-master-keys";

/// How long what was read is used. After a rotation, subscriptions are signed with the old key for as long.
const KEPT: Duration = Duration::from_secs(600);
/// How soon the vault may be asked again for a key that it did not have.
const ASKED_AGAIN: Duration = Duration::from_secs(10);

/// Where the master keys come from; cloning shares what was read.
#[derive(Clone)]
pub struct MasterKeySource(Arc<Inner>);

struct Inner {
    from: From,
    bearer: Bearer,
    http: Http,
    read: Mutex<Option<(Instant, Arc<MasterKeys>)>>,
}

enum From {
    Setting(Hidden),
    Vault(Url),
    Nowhere,
}

/// There are no master keys, or not the one that is asked for. The texts hold nothing of a key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// Neither setting is there.
    #[error("no master keys: set Partners__keyVaultUri, or Partners__masterKeys on a laptop")]
    NotSet,
    /// They are not written as they should be.
    #[error("the master keys are malformed")]
    Malformed(#[source] MasterKeysError),
    /// A subscription's secret is of a key that was taken away.
    #[error("a master key is missing")]
    Unknown(#[source] UnknownMaster),
    /// The vault did not answer with them. Repeating may help.
    #[error("the key vault did not answer with the secret {SECRET}: {0}")]
    OutOfReach(String),
}

impl MasterKeySource {
    /// The keys that `settings` name; nothing is read yet. The vault wins: a setting left from a laptop must not.
    pub(crate) fn new(settings: &PartnerSettings, credentials: &Credentials) -> Self {
        let from = match (&settings.key_vault, &settings.master_keys) {
            (Some(vault), _) => From::Vault(vault.clone()),
            (None, Some(keys)) => From::Setting(keys.clone()),
            (None, None) => From::Nowhere,
        };
        let (bearer, http) = (credentials.bearer(SCOPE), credentials.http());
        Self(Arc::new(Inner { from, bearer, http, read: Mutex::default() }))
    }

    /// The keys, read at most ten minutes ago.
    ///
    /// # Errors
    /// As [`MasterKeyError`] says.
    pub async fn current(&self) -> Result<Arc<MasterKeys>, MasterKeyError> {
        self.younger_than(KEPT).await
    }

    /// What `derive` makes of the keys; they are read again if one is missing, as after a rotation.
    ///
    /// # Errors
    /// As [`MasterKeyError`] says.
    pub async fn derive<T>(
        &self,
        derive: impl Fn(&MasterKeys) -> Result<T, UnknownMaster>,
    ) -> Result<T, MasterKeyError> {
        match derive(&*self.current().await?) {
            Err(_) => derive(&*self.younger_than(ASKED_AGAIN).await?).map_err(MasterKeyError::Unknown),
            Ok(derived) => Ok(derived),
        }
    }

    async fn younger_than(&self, age: Duration) -> Result<Arc<MasterKeys>, MasterKeyError> {
        // Held while the vault is asked, so that it is asked once.
        let mut read = self.0.read.lock().await;
        if let Some((at, keys)) = read.as_ref()
            && at.elapsed() < age
        {
            return Ok(Arc::clone(keys));
        }
        let told = self.text().await;
        let keys = match told.and_then(|text| MasterKeys::parse(&text).map_err(MasterKeyError::Malformed)) {
            Ok(keys) => Arc::new(keys),
            // A vault that is out of reach for a while, or holds a mistyped text, does not stop what works with the keys that are known.
            Err(error) => match read.as_ref() {
                None => return Err(error),
                Some((_, known)) => {
                    tracing::warn!(cause = %error, "the master keys that are known are used");
                    Arc::clone(known)
                }
            },
        };
        *read = Some((Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }

    async fn text(&self) -> Result<String, MasterKeyError> {
        let vault = match &self.0.from {
            From::Nowhere => return Err(MasterKeyError::NotSet),
            From::Setting(Hidden(text)) => return Ok(text.clone()),
            From::Vault(vault) => vault,
        };
        let out_of_reach = |reason: String| MasterKeyError::OutOfReach(reason);
        let mut address = vault.clone();
        address.set_path(&format!("/secrets/{SECRET}"));
        address.query_pairs_mut().append_pair("api-version", API_VERSION);
        let client = self.0.http.client().map_err(|error| out_of_reach(error.to_string()))?;
        let request = client.get(address).timeout(DEADLINE);
        let request = self.0.bearer.apply(request).await.map_err(|error| out_of_reach(error.to_string()))?;
        let response = request.send().await.map_err(|error| out_of_reach(error.without_url().to_string()))?;
        if !response.status().is_success() {
            return Err(out_of_reach(format!("status {}", response.status())));
        }
        let read: Result<Plain, _> = response.json().await; // json: as plain data
        let Plain(read) = read.map_err(|error| out_of_reach(error.without_url().to_string()))?;
        read["value"].as_str().map(str::to_owned).ok_or_else(|| out_of_reach("no value".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{Json, Router, extract::Query, http::StatusCode, response::IntoResponse, routing::get};
    use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;
    use crate::settings::Settings;

    #[derive(Debug)]
    struct Anyone;

    #[async_trait::async_trait]
    impl TokenCredential for Anyone {
        async fn get_token(
            &self,
            scopes: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            assert_eq!(scopes, [SCOPE]);
            Ok(AccessToken { token: Secret::new("token"), expires_on: OffsetDateTime::UNIX_EPOCH })
        }
    }

    fn settings(vault: Option<String>, keys: Option<&str>) -> PartnerSettings {
        let settings = Settings::read(|name| match name {
            "Partners__keyVaultUri" => vault.clone(),
            "Partners__masterKeys" => keys.map(str::to_owned),
            name => crate::settings::tests::lookup(name),
        });
        settings.expect("settings").partners
    }

    const OLD: &str = "old:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
    const BOTH: &str =
        "new:cXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXE=\nold:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

    /// A vault that gives each of these answers once, and the last one from then on.
    async fn vault(answers: &'static [Option<&'static str>]) -> String {
        let asked = Arc::new(AtomicUsize::new(0));
        let answer = move |Query(query): Query<std::collections::HashMap<String, String>>| {
            let place = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            async move {
                assert_eq!(query.get("api-version").map(String::as_str), Some(API_VERSION));
                match answers[place] {
                    Some(keys) => Json(json!({ "value": keys, "id": "x" })).into_response(),
                    None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().route("/secrets/partner-master-keys", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn source(settings: &PartnerSettings) -> MasterKeySource {
        MasterKeySource::new(settings, &Credentials::of(Arc::new(Anyone)))
    }

    #[tokio::test]
    async fn the_vault_wins_and_is_asked_again_when_it_may_have_changed() {
        let source = source(&settings(Some(vault(&[Some(OLD), Some(BOTH), None]).await), Some("laptop:left")));
        assert_eq!(source.current().await.expect("keys").current(), "old");
        assert_eq!(source.current().await.expect("keys").current(), "old", "not asked again");
        assert_eq!(source.younger_than(Duration::ZERO).await.expect("keys").current(), "new", "after the rotation");
        assert_eq!(source.younger_than(Duration::ZERO).await.expect("keys").current(), "new", "out of reach");
    }

    #[tokio::test]
    async fn what_is_missing_is_named_and_no_key_is() {
        let error = source(&settings(None, None)).current().await.expect_err("none");
        assert!(error.to_string().contains("Partners__keyVaultUri"), "{error}");
        let out_of_reach = source(&settings(Some(vault(&[None]).await), None)).current().await.expect_err("none");
        assert!(matches!(out_of_reach, MasterKeyError::OutOfReach(_)), "{out_of_reach}");
        let settings = settings(None, Some("old:s3cr3t"));
        assert!(!format!("{settings:?}").contains("s3cr3t"), "{settings:?}");
        let malformed = source(&settings).current().await.expect_err("malformed");
        assert!(!format!("{malformed:?}").contains("s3cr3t"), "{malformed:?}");
    }
}
