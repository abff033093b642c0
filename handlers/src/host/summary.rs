//! What an invocation says of itself: one line, an answer to the host, a span that links to those of its records, and metrics.

use std::{fmt::Write as _, sync::Arc, time::Instant};

use axum::response::Response;
use opentelemetry::{KeyValue, trace::Link};
use time::{Duration, OffsetDateTime};

use super::{
    report::Report,
    response::{problem, success},
};
use crate::{
    clock,
    domain::trace_context::TraceContext,
    telemetry::{Instruments, SpanKind, Telemetry, Traced},
};

/// Who is called, by what.
#[derive(Clone, Copy)]
pub(super) struct Called {
    pub(super) function: &'static str,
    /// `faas.trigger`.
    pub(super) trigger: &'static str,
}

/// An invocation that is running.
pub(super) struct Summary<'a> {
    called: Called,
    started: Instant,
    began: OffsetDateTime,
    /// The host's own span.
    parent: Option<TraceContext>,
    telemetry: &'a Telemetry,
    pub(super) instruments: Option<Arc<Instruments>>,
}

impl<'a> Summary<'a> {
    pub(super) fn start(telemetry: &'a Telemetry, called: Called, parent: Option<TraceContext>) -> Self {
        let instruments = telemetry.instruments(called.function);
        Self { called, started: Instant::now(), began: clock::now(), parent, telemetry, instruments }
    }

    /// Begins the span of a record, below the context that came with it.
    pub(super) fn record(&self, parent: Option<&TraceContext>, about: impl FnOnce() -> Vec<KeyValue>) -> Traced {
        let Called { function, trigger } = self.called;
        self.telemetry.begin(function, SpanKind::Consumer, parent, || {
            let mut attributes =
                vec![KeyValue::new("contoso.function", function), KeyValue::new("faas.trigger", trigger)];
            attributes.extend(about());
            attributes
        })
    }

    /// Logs what became of the records and answers the host: a failure if one of them must come again. `lag` is the age of the oldest.
    pub(super) fn finish(self, records: usize, report: &Report, lag: Option<Duration>) -> Response {
        let Report { done, skipped, parked, retried, .. } = *report;
        let function = self.called.function;
        let ms = self.started.elapsed().as_millis();
        let lag_ms = lag.map(Duration::whole_milliseconds);
        let mut line =
            format!("{records} records: {done} done, {skipped} skipped, {parked} parked, {retried} to come again");
        if let Some(cause) = &report.parked_cause {
            // A string takes any text.
            _ = write!(line, "; parked because: {cause}");
        }
        let _within = self.measure(records, report);
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

    /// Metrics of the invocation, and its span if one of its records has one or the host's is recorded. Lines that are logged while the
    /// guard lives are of that span.
    fn measure(&self, records: usize, report: &Report) -> Option<opentelemetry::ContextGuard> {
        let instruments = self.instruments.as_ref()?;
        let Called { function, trigger } = self.called;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        instruments.done(count(report.done));
        for ((outcome, cause), records) in &report.ends {
            instruments.ended(outcome, cause, *records);
        }
        instruments.retried(report.tried_again);
        let failure = report.failure();
        instruments.invocation(trigger, count(records), self.started.elapsed(), failure);
        let is_sampled = |parent: &TraceContext| parent.is_sampled;
        if report.links.is_empty() && !self.parent.as_ref().is_some_and(is_sampled) {
            return None;
        }
        let attributes = vec![
            KeyValue::new("contoso.function", function),
            KeyValue::new("faas.trigger", trigger),
            KeyValue::new("messaging.batch.message_count", i64::try_from(records).unwrap_or(i64::MAX)),
        ];
        let links: Vec<Link> = report.links.clone();
        let mut span = self.telemetry.batch(function, self.parent.as_ref(), self.began, attributes, links);
        if let Some(failure) = failure {
            span.fail(failure);
        }
        let guard = span.attach();
        span.end(clock::now());
        guard
    }
}
