//! Identities of a caller: who a function that is not forwarded is told the request comes from.

use serde::Serialize;

/// The key that a caller brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PresentedKey {
    /// `Admin`, `Function` or `System`.
    pub(crate) level: &'static str,
    /// The key's name.
    pub(crate) name: String,
}

const CLAIMS: &str = "http://schemas.microsoft.com/2017/07/functions/claims/";
const TEXT: &str = "http://www.w3.org/2001/XMLSchema#string";
const ISSUER: &str = "LOCAL AUTHORITY";

/// A `ClaimsIdentity`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ClaimsIdentity {
    authentication_type: Option<&'static str>,
    is_authenticated: bool,
    actor: (),
    bootstrap_context: (),
    claims: Vec<Claim>,
    label: (),
    name: (),
    name_claim_type: &'static str,
    role_claim_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Claim {
    issuer: &'static str,
    original_issuer: &'static str,
    properties: serde_json::Map<String, serde_json::Value>,
    r#type: String,
    value: String,
    value_type: &'static str,
}

/// Who calls: with a key its level, that it may invoke, and its name; without one nobody.
pub(super) fn identity(key: Option<&PresentedKey>) -> ClaimsIdentity {
    let claim = |kind: &str, value: &str| Claim {
        issuer: ISSUER,
        original_issuer: ISSUER,
        properties: serde_json::Map::new(),
        r#type: format!("{CLAIMS}{kind}"),
        value: value.to_owned(),
        value_type: TEXT,
    };
    let of_key =
        |key: &PresentedKey| vec![claim("authlevel", key.level), claim("invoke", "true"), claim("keyid", &key.name)];
    ClaimsIdentity {
        authentication_type: key.map(|_| "WebJobsAuthLevel"),
        is_authenticated: key.is_some(),
        actor: (),
        bootstrap_context: (),
        claims: key.map(of_key).unwrap_or_default(),
        label: (),
        name: (),
        name_claim_type: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
        role_claim_type: "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
    }
}
