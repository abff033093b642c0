//! Settings of the process itself, which are read before and apart from the others: logging and telemetry, and which functions are off.

use std::time::Duration;

use super::environment::variable;

/// `CONTOSO_LOG`: what to log, as `level` or `target=level,…`. Read apart from the rest, since logging starts before all else.
pub fn log_filter() -> Option<String> {
    variable(LOG).filter(|value| !value.is_empty())
}

pub(super) const LOG: &str = "CONTOSO_LOG";

/// `AzureWebJobs.<Function>.Disabled`: whether the Functions host of this app leaves a function alone, as apps of the same package do
/// with each other's. Where setting names cannot have dots, it is written with underscores.
pub fn is_disabled(function: &str) -> bool {
    let name = disabled(function);
    let value = variable(&name).or_else(|| variable(&name.replace('.', "_")));
    value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

pub(super) fn disabled(function: &str) -> String {
    format!("AzureWebJobs.{function}.Disabled")
}

/// What OpenTelemetry's own variables say, as far as it is not the SDK that reads them. Read apart from the rest, like the filter.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces, metrics and logs go by OTLP, for example `http://127.0.0.1:4318`; nowhere without it,
    /// or if `OTEL_SDK_DISABLED` is `true`.
    pub endpoint: Option<String>,
    /// `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`: which traces that begin here are recorded; all by default.
    pub sampler: Option<(String, Option<String>)>,
    /// `OTEL_EXPORTER_OTLP_TIMEOUT` (milliseconds): how long a receiver may take to answer; 10 seconds by default.
    pub timeout: Duration,
}

impl TelemetrySettings {
    /// Reads the environment of this process.
    pub fn from_env() -> Self {
        Self::read(variable)
    }

    /// Reads settings by name; an empty value counts as absent.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| lookup(name).filter(|value| !value.is_empty());
        let is_off = value("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Self {
            endpoint: value("OTEL_EXPORTER_OTLP_ENDPOINT").filter(|_| !is_off),
            sampler: value("OTEL_TRACES_SAMPLER").map(|name| (name, value("OTEL_TRACES_SAMPLER_ARG"))),
            timeout: value("OTEL_EXPORTER_OTLP_TIMEOUT")
                .and_then(|text| text.parse().ok())
                .map_or(Duration::from_secs(10), Duration::from_millis),
        }
    }
}
