//! An account: its name and key, and who vouches for identities.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::identity::Identity;

/// The key every local storage account has. It is public knowledge and protects nothing but the habit of signing.
///
/// Source: "Use the Azurite emulator", well-known storage account and key.
pub(crate) const WELL_KNOWN_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Audience of the tokens that every storage account takes.
const AUDIENCE: &str = "https://storage.azure.com";

/// An account as one of its services sees it.
pub(crate) struct Account {
    pub(crate) name: String,
    key: Vec<u8>,
    pub(super) identity: Identity,
    /// What tokens may be meant for.
    pub(super) audiences: [String; 2],
}

impl Account {
    /// `service` is `blob` or `queue`.
    pub(crate) fn new(name: &str, service: &str, identity: &Identity) -> Self {
        Self {
            name: name.to_owned(),
            identity: identity.clone(),
            audiences: [AUDIENCE.to_owned(), format!("https://{name}.{service}.core.windows.net")],
            // The constant is valid; were it not, no signature could match.
            key: BASE64_STANDARD.decode(WELL_KNOWN_KEY).unwrap_or_default(),
        }
    }

    /// Whether `signature` (Base64) is that of `text`.
    pub(super) fn signed(&self, text: &str, signature: &str) -> bool {
        let Ok(signature) = BASE64_STANDARD.decode(signature) else {
            return false;
        };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return false;
        };
        mac.update(text.as_bytes());
        mac.verify_slice(&signature).is_ok()
    }
}
