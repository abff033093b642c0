//! Which endpoints are taken, and whether one consents: before Event Grid is told of it.

use axum::http::StatusCode;
use url::Url;

use super::set_up::not_set_up;
use crate::{
    app::App,
    azure::preflight::{self, Expect, Fault},
    domain::{
        partner::{
            endpoint::EndpointRules,
            settings::{Handshake, Settings},
        },
        product_body::FieldError,
    },
    http::Problem,
};

/// How a preflight ended.
pub(in crate::functions::partners) enum Preflight {
    /// Event Grid's handshake should do as well.
    Passed,
    /// It would not.
    Failed(Fault),
}

/// Which endpoints are taken: none of our own hosts.
pub(in crate::functions::partners) fn rules(app: &App) -> Result<EndpointRules, Problem> {
    let settings = app.settings();
    let partners = &settings.partners;
    let services = [
        Some(&settings.event_grid.endpoint),
        Some(&settings.cosmos.endpoint),
        Some(&settings.storage.endpoint),
        Some(&settings.host_storage.endpoint),
        Some(&settings.schema_registry.endpoint),
        Some(&partners.resource_manager),
        Some(&partners.log_analytics),
        partners.key_vault.as_ref(),
        partners.queues.as_ref(),
    ];
    let host = |url: &Url| match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => Some(format!("{host}:{port}")),
        (Some(host), None) => Some(host.to_owned()),
        (None, _) => None,
    };
    let services: Vec<String> = services.into_iter().flatten().filter_map(host).collect();
    let own = partners.own_hosts.iter().chain(&services).map(String::as_str);
    EndpointRules::new(partners.allow_private, own).map_err(|error| {
        tracing::error!(cause = %error, "the setting Partners__ownHosts is malformed");
        not_set_up("Partners__ownHosts is malformed")
    })
}

/// Asks the endpoint whether it consents, as Event Grid will.
pub(in crate::functions::partners) async fn preflight(app: &App, settings: &Settings) -> Result<Preflight, Problem> {
    let expect = match (&settings.entra, settings.handshake) {
        // Without a token, which only Event Grid gets, it may refuse everything.
        (Some(_), _) => Expect::Anything,
        (None, Handshake::Manual) => Expect::Answer,
        (None, Handshake::Automatic) => Expect::Consent,
    };
    let asked = preflight::preflight(&settings.endpoint, &rules(app)?, expect).await;
    Ok(asked.map_or_else(Preflight::Failed, |()| Preflight::Passed))
}

/// Refuses an endpoint whose name leads to an address that is not public, without asking it. A name that has no address yet may have one
/// when its endpoint is asked, and is judged again then.
pub(in crate::functions::partners) async fn check_public(app: &App, settings: &Settings) -> Result<(), Problem> {
    let rules = rules(app)?;
    if rules.allows_private() {
        return Ok(());
    }
    let judged = preflight::judge(&settings.endpoint, &rules).await;
    judged.err().and_then(|fault| not_public(&fault)).map_or(Ok(()), Err)
}

/// The refusal of an endpoint that is not public, if that is what is wrong with it.
pub(in crate::functions::partners) fn not_public(fault: &Fault) -> Option<Problem> {
    let Fault::NotPublic { why } = fault else { return None };
    Some(Problem::unprocessable(vec![FieldError::new("endpoint", why.as_str())]))
}

/// Why a handshake failed, with a word for the cause.
pub(in crate::functions::partners) fn told_to_programs(fault: &Fault) -> Option<serde_json::Value> {
    serde_json::to_value(fault).ok()
}

/// Refuses a change whose endpoint does not consent: Event Grid would end a subscription that works.
pub(in crate::functions::partners) async fn consents(app: &App, settings: &Settings) -> Result<(), Problem> {
    match preflight(app, settings).await? {
        Preflight::Passed => Ok(()),
        Preflight::Failed(fault) => {
            let detail = format!("The handshake with the endpoint failed, and nothing was changed: {fault}.");
            let problem = Problem::new(StatusCode::CONFLICT, detail).of_kind("handshake-failed");
            Err(problem.with_member("handshake", told_to_programs(&fault).unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[test]
    fn only_an_endpoint_that_nobody_may_reach_is_refused() {
        let why = "one of its addresses is for private networks".to_owned();
        let refused = not_public(&Fault::NotPublic { why }).expect("refused").into_response();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        for fault in [Fault::CannotResolve, Fault::CannotConnect, Fault::TimedOut { seconds: 5 }] {
            assert!(not_public(&fault).is_none(), "{fault}: it is stored, and tried again");
        }
    }
}
