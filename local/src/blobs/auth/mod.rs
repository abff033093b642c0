//! Who is calling: shared key or shared access signature, checked against the account's key.

mod sas;
mod shared_key;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use time::OffsetDateTime;

use super::{
    error::{Code, Failure},
    http::request::Call,
};

pub(super) use self::sas::Need;
use self::sas::Sas;

/// The key every local storage account has. It is public knowledge and protects nothing but the habit of signing.
///
/// Source: "Use the Azurite emulator", well-known storage account and key.
pub(super) const WELL_KNOWN_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// An account and its key.
pub(super) struct Account {
    pub(super) name: String,
    key: Vec<u8>,
}

/// What the caller has shown.
#[derive(Debug)]
pub(super) enum Grant {
    /// The account key: everything.
    Key,
    Sas(Sas),
}

impl Account {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            // The constant is valid; were it not, no signature could match.
            key: BASE64_STANDARD.decode(WELL_KNOWN_KEY).unwrap_or_default(),
        }
    }

    /// Checks the signature of a request. `now` is the stack's time, which decides whether a shared access signature
    /// has run out.
    ///
    /// # Errors
    /// `401` without a signature, `403` with a wrong one.
    pub(super) fn authenticate(&self, call: &Call, now: OffsetDateTime) -> Result<Grant, Failure> {
        if let Some(authorization) = call.header("authorization")? {
            shared_key::check(self, call, authorization)?;
            return Ok(Grant::Key);
        }
        if call.query.get("sig").is_some() {
            return Sas::check(self, call, now).map(Grant::Sas);
        }
        Err(Code::NoAuthenticationInformation.into())
    }

    /// Whether `signature` (Base64) is that of `text`.
    fn signed(&self, text: &str, signature: &str) -> bool {
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

impl Grant {
    /// Whether this covers an operation.
    ///
    /// # Errors
    /// `403` with the service's code for what is missing.
    pub(super) fn covers(&self, need: Need, call: &Call) -> Result<(), Failure> {
        match self {
            Self::Key => Ok(()),
            Self::Sas(sas) => sas.covers(need, call),
        }
    }

    /// Whether this also covers replacing a blob that is there, as against creating one.
    pub(super) fn may_overwrite(&self) -> bool {
        match self {
            Self::Key => true,
            Self::Sas(sas) => sas.may_write(),
        }
    }

    /// Whether the signature may replace headers of the answer (`rsct` and its like).
    pub(super) fn overrides_headers(&self) -> bool {
        matches!(self, Self::Sas(sas) if sas.is_for_one_resource())
    }
}
