//! Who is calling: shared key or shared access signature, checked against the account's key, or an identity's token.

mod sas;
mod shared_key;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use time::OffsetDateTime;

use super::{Call, Code, Query, Refusal};
use crate::identity::{Action, Caller, Identity, InvalidToken};

use self::sas::Sas;
pub(crate) use self::sas::WITH_ENCRYPTION_SCOPE;

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
    identity: Identity,
    /// What tokens may be meant for.
    audiences: [String; 2],
}

/// What an operation asks of a signature or a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// `s`, `c` or `o`: on what the operation works.
    pub(crate) resource: char,
    /// One of these permissions is enough.
    pub(crate) permissions: &'static str,
    /// What a role must allow.
    pub(crate) action: Action,
}

/// What a shared access signature reaches.
#[derive(Debug)]
pub(crate) enum Scope {
    /// Resource types of an account signature.
    Account(String),
    /// One container or queue.
    Container,
    /// One blob.
    Object,
}

/// What a service's addresses name, as signatures of one resource see it.
pub(crate) trait Resource {
    /// The service among the signed services (`ss`).
    const LETTER: char;

    /// The fields that a signature of this resource signs, in order, and its reach.
    ///
    /// # Errors
    /// Where the signature is of another kind of resource.
    fn signed(&self, account: &str, query: &Query) -> Result<(Vec<String>, Scope), Refusal>;

    /// What a role must be on, as `storage/blobs/CONTAINER`.
    fn path(&self) -> String;

    /// Whether a signature of one resource, which matched, reaches an operation here.
    fn is_reached(&self, scope: &Scope, need: Need) -> bool;
}

/// What the caller has shown.
#[derive(Debug)]
pub(crate) enum Grant {
    /// The account key: everything.
    Key,
    Sas(Sas),
    /// An identity, which may do what its roles allow.
    Identity(Caller),
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

    /// Checks the signature or the token of a request. `now` is the stack's time, which decides whether a shared access signature
    /// has run out.
    ///
    /// # Errors
    /// `401` without a signature, `403` with a wrong one.
    pub(crate) fn authenticate<T: Resource>(&self, call: &Call<T>, now: OffsetDateTime) -> Result<Grant, Refusal> {
        if let Some(authorization) = call.header("authorization")? {
            return match authorization.split_once(' ') {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => self.identify(call, token.trim()),
                _ => shared_key::check(self, call, authorization).map(|()| Grant::Key),
            };
        }
        if call.query.get("sig").is_some() {
            return Sas::check(self, call, now).map(Grant::Sas);
        }
        Err(Code::NoAuthenticationInformation.into())
    }

    /// Source: "Authorize with Microsoft Entra ID": tokens come over https only.
    fn identify<T>(&self, call: &Call<T>, token: &str) -> Result<Grant, Refusal> {
        let audiences = self.audiences.each_ref().map(String::as_str);
        match self.identity.authenticate_request(call.secure, token, &audiences) {
            Ok(caller) => Ok(Grant::Identity(caller)),
            Err(plain @ InvalidToken::PlainText) => Err(Refusal::new(Code::AuthenticationFailed, plain.to_string())),
            Err(invalid) => Err(Refusal::new(Code::InvalidAuthenticationInfo, invalid.to_string())),
        }
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
    pub(crate) fn covers<T: Resource>(&self, need: Need, call: &Call<T>) -> Result<(), Refusal> {
        match self {
            Self::Key => Ok(()),
            Self::Sas(sas) => sas.covers(need, call),
            Self::Identity(caller) => caller
                .may(need.action, &call.target.path())
                .map_err(|forbidden| Refusal::new(Code::AuthorizationPermissionMismatch, forbidden.to_string())),
        }
    }

    /// Whether this also covers replacing a blob that is there, as against creating one.
    pub(crate) fn may_overwrite(&self) -> bool {
        match self {
            Self::Key | Self::Identity(_) => true,
            Self::Sas(sas) => sas.may_write(),
        }
    }

    /// Whether the signature may replace headers of the answer (`rsct` and its like).
    pub(crate) fn overrides_headers(&self) -> bool {
        matches!(self, Self::Sas(sas) if sas.is_for_one_resource())
    }
}
