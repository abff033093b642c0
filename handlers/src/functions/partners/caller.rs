//! Who calls, and whether it may.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};

use crate::{
    domain::partner::{
        PartnerName,
        api_key::{KeyId, Scope},
    },
    http::Problem,
};

/// Who calls: known since the gate, which no request passes without a key that counts.
#[derive(Clone, Debug)]
pub(in crate::functions) struct Caller {
    /// The partner whose key it is, which is the one that the path names.
    pub(in crate::functions) partner: PartnerName,
    /// The key.
    pub(super) key: KeyId,
    /// What the key may be used for.
    pub(super) scope: Scope,
}

impl Caller {
    /// Refuses a key that may only look. The gate asks for every request that is neither `GET` nor a preview.
    pub(super) fn require_write(&self) -> Result<(), Problem> {
        match self.scope {
            Scope::Write => Ok(()),
            Scope::Read => {
                Err(Problem::new(StatusCode::FORBIDDEN, "This key may only read.").of_kind("key-may-only-read"))
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let passed = parts.extensions.get::<Self>().cloned();
        passed.ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "The request has no key."))
    }
}
