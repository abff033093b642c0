//! Traces and how functions do, as the pages' port tells of them in JSON and `contoso trace` prints them.

use std::time::Duration;

use contoso_handlers::domain::trace_context::{TraceContext, event_hash};
use contoso_local::telemetry::{KEPT, Span, SpanStatus, Telemetry, Trace, TraceId, TraceSummary, TracedSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// Where the pages' port tells of telemetry.
pub const PATH: &str = "/telemetry";

/// The attribute that names a function, and the one that an event is found by: docs/telemetry.md.
pub const FUNCTION: &str = "contoso.function";
const EVENT: &str = "contoso.event.hash";

/// What other programs have instead (OpenTelemetry semantic conventions for messaging).
const MESSAGE: &str = "messaging.message.id";

/// Most spans of a trace that are told.
const MOST_SPANS: usize = 1_000;

/// A trace: every span after what caused it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waterfall {
    /// Id of the trace.
    pub id: String,
    /// When the first span began.
    #[serde(with = "time::serde::rfc3339")]
    pub start: OffsetDateTime,
    /// From then to the end of the last span, in milliseconds.
    pub duration_ms: f64,
    /// Number of spans; those beyond the first thousand are not told.
    pub count: usize,
    /// The spans.
    pub spans: Vec<Row>,
}

/// A span of a waterfall.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The span that caused it, which need not be among these.
    pub parent: Option<String>,
    /// How many causes before it are.
    pub depth: usize,
    /// From the trace's start to its own, in milliseconds.
    pub offset_ms: f64,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// What was done.
    pub name: String,
    /// `server`, `client`, `producer`, `consumer` or `internal`.
    pub kind: String,
    /// Who did it.
    pub service: String,
    /// Whether it failed.
    pub failed: bool,
    /// Why, where that is told.
    pub cause: Option<String>,
    /// Everything else that is told of it.
    pub attributes: Map<String, Value>,
}

/// A trace in a line.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recent {
    id: String,
    name: String,
    #[serde(with = "time::serde::rfc3339")]
    start: OffsetDateTime,
    duration_ms: f64,
    spans: usize,
    failed: usize,
}

/// Something that failed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    function: String,
    cause: Option<String>,
    outcome: Option<String>,
    /// Id of its trace.
    trace: String,
}

/// The trace of an id or of a `traceparent`, or of the event with that id.
pub fn find(telemetry: &Telemetry, id: &str) -> Option<Waterfall> {
    let of_parent = TraceContext::parse(id, None).map(|parent| format!("{:032x}", parent.trace_id));
    let by_id = of_parent.as_deref().unwrap_or(id).parse().ok().and_then(|id: TraceId| telemetry.trace(id));
    let by_event = || {
        let found = telemetry.trace_with(EVENT, &event_hash(id)).or_else(|| telemetry.trace_with(MESSAGE, id));
        found.and_then(|id| telemetry.trace(id))
    };
    by_id.or_else(by_event).map(|trace| Waterfall::of(&trace))
}

/// What to say of an id that nothing is known of.
pub fn unknown(id: &str) -> String {
    format!(
        "no span of a trace or an event {id:?} is kept: spans are for {} minutes, those that came first go first beyond 64 MiB, \
         and they come about a second after they end",
        KEPT.as_secs() / 60
    )
}

/// Traces that are looked at for a list.
const LOOKED_AT: usize = 500;

/// The traces whose spans came last; of those at first the ones in which something caused something. Each invocation and each
/// read of a page is a trace of its own, and would hide them.
pub fn recent(telemetry: &Telemetry, most: usize) -> Vec<Recent> {
    let (several, single): (Vec<_>, Vec<_>) =
        telemetry.recent(LOOKED_AT).into_iter().partition(|trace| trace.spans > 1);
    several.into_iter().chain(single).take(most).map(Recent::from).collect()
}

/// The spans of functions that failed last.
pub fn failures(telemetry: &Telemetry, most: usize) -> Vec<Failure> {
    let failed = telemetry.spans(most, |span| span.failed() && span.attributes.get(FUNCTION).is_some());
    let text = |span: &Span, name| span.attributes.text(name).map(str::to_owned);
    let told = failed.iter().map(|span| Failure {
        at: span.end(),
        function: text(span, FUNCTION).unwrap_or_default(),
        cause: cause(span),
        outcome: text(span, "contoso.outcome"),
        trace: span.trace.to_string(),
    });
    told.collect()
}

impl Waterfall {
    fn of(trace: &Trace) -> Self {
        Self {
            id: trace.id.to_string(),
            start: trace.start,
            duration_ms: milliseconds(trace.duration),
            count: trace.spans.len(),
            spans: trace.spans.iter().take(MOST_SPANS).map(Row::of).collect(),
        }
    }
}

impl Row {
    fn of(TracedSpan { depth, offset, span }: &TracedSpan) -> Self {
        Self {
            id: span.id.to_string(),
            parent: span.parent.map(|parent| parent.to_string()),
            depth: *depth,
            offset_ms: milliseconds(*offset),
            duration_ms: milliseconds(span.duration),
            name: span.name.clone(),
            kind: span.kind.name().to_owned(),
            service: span.service().to_owned(),
            failed: span.failed(),
            cause: cause(span).filter(|_| span.failed()),
            attributes: span.attributes.to_json(),
        }
    }
}

impl From<TraceSummary> for Recent {
    fn from(trace: TraceSummary) -> Self {
        let TraceSummary { id, name, start, duration, spans, failed } = trace;
        Self { id: id.to_string(), name, start, duration_ms: milliseconds(duration), spans, failed }
    }
}

/// Why a span failed: what we say, what its status says, or the status of the answer.
fn cause(span: &Span) -> Option<String> {
    let told = |name: &str| {
        span.attributes.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let message = match &span.status {
        SpanStatus::Failed(message) if !message.is_empty() => Some(message.clone()),
        _ => None,
    };
    let status = || told("http.response.status_code").map(|status| format!("answered {status}"));
    told("contoso.cause").or(message).or_else(|| told("error.type")).or_else(status)
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
