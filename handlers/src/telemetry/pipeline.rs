//! The OpenTelemetry SDK, set up for one receiver.

use std::{
    borrow::Cow,
    collections::HashMap,
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Context, KeyValue,
    metrics::MeterProvider as _,
    trace::{Link, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::{ExporterBuildError, LogExporter, MetricExporter, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    logs::{self, BatchLogProcessor, SdkLoggerProvider},
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{self, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider},
};
use time::OffsetDateTime;

use super::{
    export::{Counted, Queue, SDK_QUEUE, Transport},
    instruments::{All, Instruments},
    sampling::Sampling,
    span::{Traced, span_context},
};
use crate::domain::trace_context::TraceContext;

/// What our instruments are called together; the instrumentation scope.
const SCOPE: &str = "contoso-handlers";

/// Links of a batch's span: as many as a host's largest batch has records.
const MOST_LINKS: u32 = 5_000;

/// How long the end of the process waits for what is not sent yet, for each signal.
const LAST_SEND: Duration = Duration::from_secs(2);

pub(super) struct Pipeline {
    tracer: SdkTracer,
    sampling: Sampling,
    all: All,
    functions: Mutex<HashMap<&'static str, Arc<Instruments>>>,
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    logs: SdkLoggerProvider,
}

impl Pipeline {
    /// Sets up exporters as `OTEL_EXPORTER_OTLP_*` say. Nothing is sent yet.
    pub(super) fn new(transport: Transport, sampling: Sampling) -> Result<Self, ExporterBuildError> {
        let resource = Resource::builder()
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
            ])
            .with_service_name("contoso-handler")
            .build();
        let (spans, lines) = (Queue::new("traces"), Queue::new("logs"));
        let exporter = SpanExporter::builder().with_http().with_http_client(transport.clone()).build()?;
        let processor = BatchSpanProcessor::builder(Counted { inner: exporter, queue: spans.clone() })
            .with_batch_config(trace::BatchConfigBuilder::default().with_max_queue_size(SDK_QUEUE).build())
            .build();
        let traces = SdkTracerProvider::builder()
            .with_span_processor(Counted { inner: processor, queue: spans.clone() })
            // Spans that are not sampled are not begun.
            .with_sampler(Sampler::AlwaysOn)
            .with_max_links_per_span(MOST_LINKS)
            .with_resource(resource.clone())
            .build();
        let exporter = LogExporter::builder().with_http().with_http_client(transport.clone()).build()?;
        let processor = BatchLogProcessor::builder(Counted { inner: exporter, queue: lines.clone() })
            .with_batch_config(logs::BatchConfigBuilder::default().with_max_queue_size(SDK_QUEUE).build())
            .build();
        let logs = SdkLoggerProvider::builder()
            .with_log_processor(Counted { inner: processor, queue: lines.clone() })
            .with_resource(resource.clone())
            .build();
        let exporter = MetricExporter::builder().with_http().with_http_client(transport).build()?;
        let metrics = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter).build())
            .with_resource(resource)
            .build();
        let meter = metrics.meter(SCOPE);
        // Metrics that are not taken are part of the next ones.
        meter
            .u64_observable_counter("contoso.telemetry.dropped")
            .with_unit("{item}")
            .with_description("spans and log lines that the receiver did not take")
            .with_callback(move |observer| {
                for queue in [&spans, &lines] {
                    let (signal, dropped) = queue.dropped();
                    observer.observe(dropped, &[KeyValue::new("contoso.signal", signal)]);
                }
            })
            .build();
        Ok(Self {
            tracer: traces.tracer(SCOPE),
            sampling,
            all: All::new(&meter),
            functions: Mutex::default(),
            traces,
            metrics,
            logs,
        })
    }

    pub(super) fn logs(&self) -> &SdkLoggerProvider {
        &self.logs
    }

    pub(super) fn instruments(&self, function: &'static str) -> Arc<Instruments> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(functions.entry(function).or_insert_with(|| Arc::new(Instruments::new(&self.all, function))))
    }

    pub(super) fn request_charge(&self, units: f64, attributes: &[KeyValue]) {
        self.all.request_charge.record(units, attributes);
    }

    pub(super) fn begin(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        parent: Option<&TraceContext>,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Traced {
        let takes = |parent| match kind {
            SpanKind::Server => self.sampling.takes_from_outside(parent),
            _ => self.sampling.takes(parent),
        };
        let context = match parent {
            Some(parent) if takes(parent) => Context::new().with_remote_span_context(span_context(parent)),
            Some(parent) => {
                let is_sampled = kind != SpanKind::Server && parent.is_sampled;
                return Traced::passing(Some(TraceContext { is_sampled, ..parent.clone() }));
            }
            None => match self.sampling.root() {
                (_, true) => Context::new(),
                // The decision goes with what is caused, so that nobody decides otherwise further on.
                (trace_id, false) => {
                    #[expect(clippy::cast_possible_truncation, reason = "another random number, of half the size")]
                    let span_id = NonZeroU64::new(trace_id.get() as u64).unwrap_or(NonZeroU64::MIN);
                    return Traced::passing(Some(TraceContext { trace_id, span_id, is_sampled: false, state: None }));
                }
            },
        };
        let span = self.tracer.span_builder(name).with_kind(kind).with_attributes(attributes());
        Traced::recorded(self.tracer.build_with_context(span, &context))
    }

    pub(super) fn batch(
        &self,
        function: &'static str,
        parent: Option<&TraceContext>,
        began: OffsetDateTime,
        attributes: Vec<KeyValue>,
        links: Vec<Link>,
    ) -> Traced {
        let parent = parent.filter(|parent| parent.is_sampled).map(span_context);
        let context = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        let span = self
            .tracer
            .span_builder(format!("{function} batch"))
            .with_kind(SpanKind::Consumer)
            .with_start_time(SystemTime::from(began))
            .with_attributes(attributes)
            .with_links(links);
        Traced::recorded(self.tracer.build_with_context(span, &context))
    }

    pub(super) fn stop(&self) {
        // A receiver that is away was said before.
        _ = self.traces.shutdown_with_timeout(LAST_SEND);
        _ = self.logs.shutdown_with_timeout(LAST_SEND);
        _ = self.metrics.shutdown_with_timeout(LAST_SEND);
    }
}
