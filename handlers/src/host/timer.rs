//! `timerTrigger`.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use serde::{Deserialize, Deserializer};

use super::{
    batch::Report,
    http::panic_text,
    invocation::{Invocation, Malformed, json_text},
    summary::Summary,
};
use crate::{app::App, outcome::Cause, registry::BoxFuture};

/// Longer than any timer here works.
const DEADLINE: Duration = Duration::from_secs(300);

/// What the host says about a timer that fired.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TimerInfo {
    /// Whether a run was missed, and this one makes up for it.
    #[serde(deserialize_with = "flag")]
    pub is_past_due: bool,
    /// When it ran; absent if the host does not keep track.
    pub schedule_status: Option<ScheduleStatus>,
}

/// A timer's past and future, as texts of the host (ISO 8601, local to the host).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScheduleStatus {
    /// The last run; year 1 if it never ran.
    pub last: String,
    /// The next run.
    pub next: String,
    /// When this status was written.
    pub last_updated: String,
}

pub(super) async fn invoke(
    app: &App,
    function: &'static str,
    handle: fn(App, TimerInfo) -> BoxFuture<Result<(), Cause>>,
    invocation: &Invocation<'_>,
) -> Result<axum::response::Response, Malformed> {
    let summary = Summary::start(function);
    let text = json_text(invocation.trigger()?).map_err(Malformed::value("the timer"))?;
    let info: TimerInfo = contoso_json::from_str(&text).map_err(Malformed::value("the timer"))?;
    let run = AssertUnwindSafe(async { handle(app.clone(), info).await }).catch_unwind();
    let result = match tokio::time::timeout(DEADLINE, run).await {
        Ok(Ok(result)) => result.map_err(|cause| cause.chain()),
        Ok(Err(panic)) => Err(format!("the function panicked: {}", panic_text(&*panic))),
        Err(_) => Err(format!("the function did not finish within {DEADLINE:?}")),
    };
    let report = match result {
        Ok(()) => Report { done: 1, ..Report::default() },
        Err(cause) => Report { retried: 1, retry_cause: Some(cause), ..Report::default() },
    };
    Ok(summary.finish(1, &report, None))
}

/// A boolean, or the text of one.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Plain(bool),
        Text(String),
    }
    Ok(match Flag::deserialize(deserializer)? {
        Flag::Plain(flag) => flag,
        Flag::Text(text) => text.eq_ignore_ascii_case("true"),
    })
}
