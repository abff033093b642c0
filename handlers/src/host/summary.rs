//! The one line per invocation.

use std::{fmt::Write as _, time::Instant};

use axum::response::Response;
use time::Duration;

use super::{
    batch::Report,
    response::{problem, success},
};

/// An invocation that is running.
pub(super) struct Summary {
    function: &'static str,
    started: Instant,
}

impl Summary {
    pub(super) fn start(function: &'static str) -> Self {
        Self { function, started: Instant::now() }
    }

    /// Logs what became of the records and answers the host: a failure if one of them must come again. `lag` is the age of the oldest.
    pub(super) fn finish(self, records: usize, report: &Report, lag: Option<Duration>) -> Response {
        let Report { done, skipped, parked, retried, .. } = *report;
        let function = self.function;
        let ms = self.started.elapsed().as_millis();
        let lag_ms = lag.map(Duration::whole_milliseconds);
        let mut line =
            format!("{records} records: {done} done, {skipped} skipped, {parked} parked, {retried} to come again");
        if let Some(cause) = &report.parked_cause {
            // A string takes any text.
            _ = write!(line, "; parked because: {cause}");
        }
        match &report.retry_cause {
            Some(cause) => {
                tracing::error!(function, records, done, skipped, parked, retried, ms, lag_ms, cause, "invocation");
                problem(500, "Records must come again", &format!("{line}; to come again because: {cause}"))
            }
            None => {
                match report.parked_cause.as_deref() {
                    Some(cause) => {
                        tracing::warn!(
                            function,
                            records,
                            done,
                            skipped,
                            parked,
                            retried,
                            ms,
                            lag_ms,
                            cause,
                            "invocation"
                        );
                    }
                    None => tracing::info!(function, records, done, skipped, parked, retried, ms, lag_ms, "invocation"),
                }
                success(&line)
            }
        }
    }
}
