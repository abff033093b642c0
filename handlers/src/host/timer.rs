//! `timerTrigger`.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use opentelemetry::KeyValue;

use super::{
    http::panic_text,
    invocation::{Invocation, Malformed, json_text},
    report::Report,
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
    handle: fn(App, TimerInfo) -> BoxFuture<Result<(), Cause>>,
    summary: Summary<'_>,
    invocation: &Invocation<'_>,
) -> Result<axum::response::Response, Malformed> {
    let text = json_text(invocation.trigger()?).map_err(Malformed::value("the timer"))?;
    let mut info: TimerInfo = contoso_json::from_str(&text).map_err(Malformed::value("the timer"))?;
    let mut span = summary.record(None, Vec::new);
    info.trace = span.context().cloned();
    let run = AssertUnwindSafe(async { handle(app.clone(), info).await }).catch_unwind();
    let result = match tokio::time::timeout(DEADLINE, run).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => {
            Err(Cause::of("the function panicked", format!("the function panicked: {}", panic_text(&*panic))))
        }
        Err(_) => Err(Cause::of(
            "the function did not finish in time",
            format!("the function did not finish within {DEADLINE:?}"),
        )),
    };
    let mut report = match result {
        Ok(()) => Report { done: 1, ..Report::default() },
        Err(cause) => {
            span.set(KeyValue::new("contoso.cause", cause.label()));
            span.fail(cause.label());
            let ends = [(("retried", cause.label()), 1)].into();
            Report { retried: 1, retry_cause: Some(cause.chain()), ends, ..Report::default() }
        }
    };
    span.set(KeyValue::new("contoso.outcome", if report.retried == 0 { "done" } else { "retried" }));
    report.links.extend(span.link());
    span.end(app.now());
    Ok(summary.finish(1, &report, None))
}
