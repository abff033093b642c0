//! What the app must be set up with for subscriptions, and the answers where it is not.

use axum::http::StatusCode;

use crate::{app::App, azure::key_vault::MasterKeyError, http::Problem};

/// The id of the master key that new secrets are derived from.
pub(in crate::functions::partners) async fn current_master(app: &App) -> Result<String, Problem> {
    let keys = app.master_keys().current().await.map_err(|error| unset(&error))?;
    Ok(keys.current().to_owned())
}

/// The answer where master keys are missing.
pub(in crate::functions::partners) fn unset(error: &MasterKeyError) -> Problem {
    tracing::error!(cause = %error, "secrets of webhooks cannot be derived");
    match error {
        MasterKeyError::NotSet => not_set_up("neither Partners__keyVaultUri nor Partners__masterKeys is set"),
        MasterKeyError::Malformed(_) | MasterKeyError::Unknown(_) => {
            not_set_up("its master keys are not as they should be")
        }
        MasterKeyError::OutOfReach(_) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The key vault did not answer; send the request again later.")
        }
    }
}

/// The answer where a setting is missing.
pub(in crate::functions::partners) fn not_set_up(what: &str) -> Problem {
    let detail = format!("This app is not set up for subscriptions: {what}.");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).of_kind("not-set-up")
}

/// The topic's resource id.
pub(in crate::functions::partners) fn topic(app: &App) -> Result<&str, Problem> {
    app.settings().partners.topic_id.as_deref().ok_or_else(|| not_set_up("EventGrid__topicId is not set"))
}
