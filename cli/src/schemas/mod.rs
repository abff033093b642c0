//! Schemas of events: their stored versions, and registering those, which must happen before a handler starts: the handler only reads.

pub mod on_stack;
mod published;
pub mod registered;
pub mod stored;

use contoso_handlers::events::contracts::{ALL, Contract};
use contoso_schema_checker::{Old, check, is_same};
use reqwest::{Method, StatusCode, header::CONTENT_TYPE};

pub use self::registered::GROUP;
use self::registered::{API_VERSION, DEADLINE, RESOURCE};
use crate::{
    failure::{self, CallError},
    identity::SignedIn,
};

/// Contracts cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The registry does not answer, or refuses.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The registry holds a version that nobody stored here, and that does not go together with what is to be registered.
    #[error(
        "the registry holds version {version} of {name}, which this checkout does not know and the newest version breaks: {finding}. \
         `contoso schemas check --stack` says more; a fresh --data-dir has an empty registry"
    )]
    Breaks {
        /// Which schema.
        name: &'static str,
        /// The registry's number.
        version: u32,
        /// The first finding.
        finding: String,
    },
}

/// Registers every contract in the registry at `endpoint`, as an identity with the role for it: its stored versions, oldest first. What is
/// registered already stays as it is, so repeating is safe. What the registry holds beyond the stored versions is looked at before.
///
/// # Errors
/// When the registry does not answer, or refuses a schema, for instance as incompatible with an earlier version.
pub async fn register(deployment: &SignedIn, endpoint: &str) -> Result<(), RegisterError> {
    for contract in ALL {
        let versions = published::versions(contract);
        let held = registered::versions(deployment, endpoint, contract.name).await?;
        goes_with(contract, &versions, &held)?;
        for text in versions {
            register_one(deployment, endpoint, contract, text).await?;
        }
    }
    Ok(())
}

/// Refuses a contract that breaks readers of a version that the registry holds and the checkout does not.
fn goes_with(contract: &Contract, versions: &[String], held: &[registered::Registered]) -> Result<(), RegisterError> {
    for registered in held {
        // Stored versions were compared when they were landed.
        if versions.iter().any(|text| is_same(text, &registered.text).unwrap_or(false)) {
            continue;
        }
        let label = format!("registry v{}", registered.version);
        let report = check(&[Old { label: &label, text: &registered.text }], "the new version", contract.schema);
        let finding = match &report {
            Ok(report) => report.breaks().next().map(|finding| finding.line(contract.name, "new version")),
            Err(error) => Some(error.to_string()),
        };
        if let Some(finding) = finding {
            return Err(RegisterError::Breaks { name: contract.name, version: registered.version, finding });
        }
    }
    Ok(())
}

async fn register_one(
    deployment: &SignedIn,
    endpoint: &str,
    contract: &Contract,
    text: String,
) -> Result<(), CallError> {
    let operation = || format!("register the schema {}", contract.name);
    let url = format!("{}/$schemaGroups/{GROUP}/schemas/{}", endpoint.trim_end_matches('/'), contract.name);
    let response = deployment
        .request(Method::PUT, &url, RESOURCE)
        .await?
        .query(&[("api-version", API_VERSION)])
        .header(CONTENT_TYPE, "application/json; serialization=Avro")
        .timeout(DEADLINE)
        .body(text)
        .send()
        .await
        .map_err(|source| CallError::Send { operation: operation(), source })?;
    // The status of a refusal is not documented: everything but the one of success is one.
    match response.status() {
        StatusCode::NO_CONTENT => Ok(()),
        _ => Err(failure::refused(operation(), response).await),
    }
}

#[cfg(test)]
mod tests {
    use contoso_handlers::events::contracts::CLICK_RECORDED;

    use super::*;

    /// A version that somebody registered by hand counts like a stored one.
    #[test]
    fn what_the_registry_holds_is_looked_at_before() {
        let versions = published::versions(&CLICK_RECORDED);
        assert_eq!(versions.last().map(String::as_str), Some(CLICK_RECORDED.schema));
        let held = |text: &str| {
            let (id, text) = (String::new(), text.to_owned());
            goes_with(&CLICK_RECORDED, &versions, &[registered::Registered { version: 7, id, text }])
        };
        assert!(held(CLICK_RECORDED.schema).is_ok());
        let (before, field) = CLICK_RECORDED.schema.rsplit_once(']').expect("fields");
        let with = |more: &str| format!("{before},{more}]{field}");
        assert!(held(&with(r#"{"name":"device","type":"string","default":""}"#)).is_ok());
        let error = held(&with(r#"{"name":"device","type":"string"}"#)).expect_err("its readers need it").to_string();
        assert!(error.contains("version 7") && error.contains("device"), "{error}");
    }
}
