//! Telemetry: what apps say about themselves by the OpenTelemetry protocol, kept for a while and asked for in process.
//!
//! OTLP over HTTP at `/v1/traces`, `/v1/metrics` and `/v1/logs`, as protobuf or JSON, with or without gzip ("OTLP
//! Specification"; gRPC is not served). Whoever reaches the port may send, as with a collector on a laptop. Nothing is on
//! the disk: of spans and log records the last hour is kept, of metrics the newest point of each series and what rates of
//! the last minutes need, all of it within 64 MiB; the oldest goes first.
//!
//! It knows the protocol and no app: which attribute names an event or a function is for the caller to say.
//!
//! - [`Telemetry`] is the handle: it starts the service and answers questions.
//! - `http` and `encoding` are the wire, `attributes`, `span` and `log` what comes in, [`Trace`] what becomes of spans.
//! - `metrics` holds series, `retained` everything within its bounds, `prometheus` writes series as text.

mod attributes;
mod encoding;
mod http;
mod ids;
mod kept;
mod log;
mod metrics;
mod prometheus;
mod retained;
mod span;
#[cfg(test)]
mod tests;
mod trace;

use std::{fmt, io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

pub use self::{
    attributes::{Attributes, Resource},
    ids::{InvalidId, SpanId, TraceId},
    log::Log,
    metrics::{Growth, Histogram, Reading, Series, Summary, WINDOW},
    retained::KEPT,
    span::{Kind, Link, Span, SpanEvent, SpanStatus},
    trace::{Trace, TraceSummary, TracedSpan},
};
use self::{kept::Kept, metrics::FRESH};
use crate::{
    clock::Clock,
    transport::{HttpServer, Tls},
};

/// The running service; clones share it.
#[derive(Clone)]
pub struct Telemetry {
    server: Arc<HttpServer>,
    kept: Kept,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Receives on `listener`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(tls: &Tls, listener: TcpListener, clock: &Clock) -> io::Result<Self> {
        let kept = Kept::new(clock);
        let server = HttpServer::start("telemetry", listener, http::router(kept.clone()), tls)?;
        Ok(Self { server: Arc::new(server), kept })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://127.0.0.1:PORT`: the value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// A trace; `None` where none of its spans is kept.
    #[must_use]
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        let spans = self.kept.retained().trace(id)?;
        Some(Trace::of(id, spans))
    }

    /// The newest trace with a span that has `value` as its attribute `attribute`, such as the id of a message.
    #[must_use]
    pub fn trace_with(&self, attribute: &str, value: &str) -> Option<TraceId> {
        let found = self.spans(1, |span| span.attributes.text(attribute) == Some(value));
        found.first().map(|span| span.trace)
    }

    /// The traces whose spans came last, newest first, at most `most`.
    #[must_use]
    pub fn recent(&self, most: usize) -> Vec<TraceSummary> {
        let traces = self.kept.retained().recent(most);
        traces.iter().filter_map(|(id, spans)| TraceSummary::of(*id, spans)).collect()
    }

    /// Spans that are `wanted`, those that came last first, at most `most`.
    #[must_use]
    pub fn spans(&self, most: usize, wanted: impl Fn(&Span) -> bool) -> Vec<Arc<Span>> {
        self.kept.retained().spans().filter(|span| wanted(span)).take(most).cloned().collect()
    }

    /// Log records that are `wanted`, those that came last first, at most `most`.
    #[must_use]
    pub fn logs(&self, most: usize, wanted: impl Fn(&Log) -> bool) -> Vec<Arc<Log>> {
        self.kept.retained().logs().filter(|log| wanted(log)).take(most).cloned().collect()
    }

    /// By how much the counters or histograms of the name `metric` grew within [`WINDOW`], summed over all series that have the
    /// same values of the attributes `by`.
    #[must_use]
    pub fn growth(&self, metric: &str, by: &[&str]) -> Vec<Growth> {
        let now = self.kept.clock.now();
        self.kept.retained().series.growth(metric, by, now)
    }

    /// The series of which somebody told within [`WINDOW`], in Prometheus' text format 0.0.4.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let since = self.kept.clock.now() - FRESH;
        prometheus::text(self.kept.retained().series.iter().filter(|series| series.received >= since))
    }

    /// Stops listening and waits a moment for requests under way.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}
