//! Log lines, one per event. The host takes stdout as information, and stderr as warnings where a line says so and as errors
//! otherwise: warnings and errors go there, all else to stdout. Where a receiver is named, it gets them too, without what may name
//! somebody: the causes, which quote ids.

use std::{fmt, panic};

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger};
use tokio::runtime::Handle;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{self as lines, writer::MakeWriterExt as _},
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

use super::{Telemetry, export::Transport, pipeline::Pipeline, sampling::Sampling};
use crate::{
    azure::http::Http,
    settings::{self, TelemetrySettings},
};

/// The clients below us report each of their own retries; ours are in the invocation's line.
const DEFAULT: &str = "warn,contoso_handlers=info,contoso_handler=info,fe2o3_amqp=error,azure_messaging_eventhubs=error,azure_core_amqp=error";

/// Targets of our own lines.
const OWN: [&str; 2] = ["contoso_handlers", "contoso_handler"];

/// Fields that a receiver gets, which say what and how much, but not whose. As attributes they begin with `contoso.`.
const TOLD: [(&str, &str); 10] = [
    ("function", "contoso.function"),
    ("records", "contoso.records"),
    ("done", "contoso.done"),
    ("skipped", "contoso.skipped"),
    ("parked", "contoso.parked"),
    ("retried", "contoso.retried"),
    ("ms", "contoso.ms"),
    ("lag_ms", "contoso.lag_ms"),
    ("status", "contoso.status"),
    ("signal", "contoso.signal"),
];

/// Starts logging with the filter `CONTOSO_LOG`, or a default if that is absent or malformed; panics are logged too. Where settings
/// name a receiver, traces and metrics go to it too, sent on `runtime`.
pub fn start(settings: &TelemetrySettings, runtime: &Handle) -> Telemetry {
    let asked = settings::log_filter();
    let filter: Option<Targets> = asked.as_deref().unwrap_or(DEFAULT).parse().ok();
    let malformed = filter.is_none();
    let writer = std::io::stderr.with_max_level(Level::WARN).or_else(std::io::stdout);
    let lines = lines::layer().compact().with_ansi(false).with_target(false).with_writer(writer);
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let sampling = settings.sampler.as_ref().map(|(name, argument)| Sampling::parse(name, argument.as_deref()));
    let (sampling, unknown) = match sampling.transpose() {
        Ok(sampling) => (sampling.unwrap_or_default(), None),
        Err(error) => (Sampling::default(), Some(error)),
    };
    let http = Http::default();
    let transport = Transport { http: http.clone(), runtime: runtime.clone(), timeout: settings.timeout };
    let pipeline = settings.endpoint.as_ref().map(|_| Pipeline::new(transport, sampling)).transpose();
    let (pipeline, refused) = match pipeline {
        Ok(pipeline) => (pipeline, None),
        Err(error) => (None, Some(error)),
    };
    let told = pipeline.as_ref().map(|pipeline| Told(pipeline.logs().logger("contoso-handlers")));
    // Fails only if a subscriber is set already, which is then as good.
    _ = tracing_subscriber::registry().with(lines).with(told).with(filter).try_init();
    if malformed {
        tracing::warn!("CONTOSO_LOG is malformed; logging at level info");
    }
    if let Some(error) = unknown {
        tracing::warn!(cause = %error, "every trace is recorded");
    }
    if let Some(error) = refused {
        tracing::warn!(cause = %error, "OTEL_EXPORTER_OTLP_ENDPOINT is of no use; telemetry is off");
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        // What it says is in the answer or the dead letter of the record that met it.
        tracing::error!(place, "panic");
    }));
    Telemetry { pipeline: pipeline.map(Into::into), http }
}

/// Our own lines as log records.
struct Told(SdkLogger);

impl<S: Subscriber> Layer<S> for Told {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if !OWN.iter().any(|own| metadata.target().starts_with(own)) {
            return;
        }
        let mut record = self.0.create_log_record();
        let (severity, text) = match *metadata.level() {
            Level::ERROR => (Severity::Error, "ERROR"),
            Level::WARN => (Severity::Warn, "WARN"),
            Level::INFO => (Severity::Info, "INFO"),
            Level::DEBUG => (Severity::Debug, "DEBUG"),
            Level::TRACE => (Severity::Trace, "TRACE"),
        };
        record.set_severity_number(severity);
        record.set_severity_text(text);
        record.set_target(metadata.target());
        event.record(&mut Fields(&mut record));
        self.0.emit(record);
    }
}

struct Fields<'a>(&'a mut SdkLogRecord);

impl Fields<'_> {
    fn tell(&mut self, field: &Field, value: impl Into<AnyValue>) {
        if let Some((_, name)) = TOLD.iter().find(|(told, _)| *told == field.name()) {
            self.0.add_attribute(*name, value);
        }
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A message is a text of the source; a test sees that none has arguments.
        if field.name() == "message" {
            self.0.set_body(format!("{value:?}").into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.tell(field, value.to_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.tell(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.tell(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.tell(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.tell(field, i64::try_from(value).unwrap_or(i64::MAX));
    }
}
