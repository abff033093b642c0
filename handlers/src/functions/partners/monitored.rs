//! Azure Monitor, as what knows of deliveries: what must be set for that, and what is said when it does not answer.

use axum::http::StatusCode;

use crate::{app::App, azure::monitor::MonitorError, http::Problem, outcome::Cause};

/// The topic whose deliveries are asked about.
pub(super) fn topic(app: &App) -> Result<&str, Problem> {
    let missing = || {
        let detail = "This service cannot tell of deliveries: its operator has not set EventGrid__topicId.";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    };
    app.settings().partners.topic_id.as_deref().ok_or_else(missing)
}

/// What a partner hears when Azure Monitor cannot be asked.
pub(super) fn unavailable(error: MonitorError) -> Problem {
    let detail = match error {
        MonitorError::NoWorkspace => {
            "This service cannot tell of deliveries: its operator has not set LogAnalytics__workspaceId."
        }
        _ => "Azure Monitor did not answer; try again.",
    };
    tracing::warn!(cause = Cause::from_error("tell of deliveries", error).chain(), "Azure Monitor could not be asked");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
