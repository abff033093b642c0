//! Telemetry: what this process tells of itself. Log lines always; traces, metrics and logs by OTLP where a receiver is named
//! (OpenTelemetry Protocol, protobuf over HTTP). docs/telemetry.md lists every span, metric and attribute.
//!
//! Attributes say which function, which hub and what became of a record, in words that stand in the source: never whose record, what
//! is in it, or the text of an error, which may quote either.

mod export;
mod instruments;
mod logging;
mod pipeline;
mod sampling;
mod span;

use std::sync::Arc;

use opentelemetry::{KeyValue, trace::Link};
use time::OffsetDateTime;

use self::pipeline::Pipeline;
pub use self::{
    instruments::{Instruments, Request},
    logging::start,
    span::{SpanKind, Traced},
};
use crate::{azure::http::Http, domain::trace_context::TraceContext};

/// Traces and metrics of this process, if anyone is to get them; cloning shares them.
#[derive(Clone, Default)]
pub struct Telemetry {
    pipeline: Option<Arc<Pipeline>>,
    http: Http,
}

impl Telemetry {
    /// None: trace context passes through, and nothing else costs anything.
    pub fn off() -> Self {
        Self::default()
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.pipeline.is_some()
    }

    /// Counters and histograms of a function.
    pub fn instruments(&self, function: &'static str) -> Option<Arc<Instruments>> {
        self.pipeline.as_ref().map(|pipeline| pipeline.instruments(function))
    }

    /// Notes what a Cosmos DB operation cost (request units).
    pub fn request_charge(&self, container: &'static str, operation: &'static str, units: f64) {
        if let Some(pipeline) = &self.pipeline {
            let attributes =
                [KeyValue::new("db.collection.name", container), KeyValue::new("db.operation.name", operation)];
            pipeline.request_charge(units, &attributes);
        }
    }

    /// Begins a span below `parent`, or a trace without one. Where it is not sampled, nothing is recorded and the parent's context
    /// passes through.
    pub fn begin(
        &self,
        name: impl Into<std::borrow::Cow<'static, str>>,
        kind: SpanKind,
        parent: Option<&TraceContext>,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Traced {
        match &self.pipeline {
            Some(pipeline) => pipeline.begin(name, kind, parent, attributes),
            None => Traced::passing(parent.cloned()),
        }
    }

    /// Begins the span of an invocation that began at `began`: with links to the spans of its records, so it is recorded if one of them is.
    pub fn batch(
        &self,
        function: &'static str,
        parent: Option<&TraceContext>,
        began: OffsetDateTime,
        attributes: Vec<KeyValue>,
        links: Vec<Link>,
    ) -> Traced {
        match &self.pipeline {
            Some(pipeline) => pipeline.batch(function, parent, began, attributes, links),
            None => Traced::passing(None),
        }
    }

    /// What is not sent yet is sent, as far as that takes no longer than a moment. Blocks; the runtime must go on meanwhile.
    pub fn stop(&self) {
        if let Some(pipeline) = &self.pipeline {
            pipeline.stop();
        }
    }

    /// The HTTP client of the exporters, which others may share.
    pub(crate) fn http(&self) -> Http {
        self.http.clone()
    }
}
