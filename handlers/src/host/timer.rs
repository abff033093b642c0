//! `timerTrigger`.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;

use super::{
    batch::Report,
    http::panic_text,
    invocation::{Invocation, Malformed, json_text},
    summary::Summary,
};
use crate::{
    app::App,
    function::{BoxFuture, TimerInfo},
    outcome::Cause,
};

/// Longer than any timer here works.
const DEADLINE: Duration = Duration::from_secs(300);

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
