//! Authentication: shared key or shared access signature, checked against the account's key, or an identity's token.

mod account;
mod need;
mod sas;
mod shared_key;

use time::OffsetDateTime;

pub(crate) use self::account::{Account, WELL_KNOWN_KEY};
pub(crate) use self::need::{Need, Resource, Scope};
use self::sas::Sas;
pub(crate) use self::sas::WITH_ENCRYPTION_SCOPE;
use super::{Call, Code, Refusal};
use crate::identity::{Caller, InvalidToken};

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
