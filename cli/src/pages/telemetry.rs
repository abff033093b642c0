//! What the app told of itself, for the operations page, `contoso trace` and Prometheus.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Json, Response},
    routing::get,
};
use contoso_local::telemetry::{Growth, Histogram, KEPT, Telemetry, WINDOW};
use serde::Serialize;
use serde_json::json;

use crate::traces::{self, FUNCTION, PATH};

/// Traces and failures of a list.
const LISTED: usize = 50;

/// How one function did in the last minutes.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Did {
    function: String,
    /// Records a second; calls where it takes calls; invocations where nothing else is told.
    per_second: f64,
    /// Those of them that failed.
    failed_per_second: f64,
    /// From an event to its effect, in seconds.
    lag: Option<Quantiles>,
    /// Of an invocation, in seconds.
    duration: Option<Quantiles>,
}

#[derive(Serialize)]
struct Quantiles {
    p50: f64,
    p99: f64,
}

pub(super) fn router(telemetry: Telemetry) -> Router {
    Router::new()
        .route(&format!("{PATH}/traces"), get(list))
        .route(&format!("{PATH}/traces/{{id}}"), get(trace))
        .route(&format!("{PATH}/functions"), get(functions))
        .route("/metrics", get(metrics))
        .with_state(telemetry)
}

async fn list(State(telemetry): State<Telemetry>) -> Response {
    fresh(&json!({ "keptSeconds": KEPT.as_secs(), "traces": traces::recent(&telemetry, LISTED) }))
}

async fn trace(State(telemetry): State<Telemetry>, Path(id): Path<String>) -> Response {
    match traces::find(&telemetry, &id) {
        Some(trace) => fresh(&trace),
        None => {
            let problem = json!({ "status": 404, "title": "Not Found", "detail": traces::unknown(&id) });
            let kind = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
            (StatusCode::NOT_FOUND, kind, problem.to_string()).into_response()
        }
    }
}

async fn functions(State(telemetry): State<Telemetry>) -> Response {
    fresh(&json!({
        "windowSeconds": WINDOW.as_secs(),
        "functions": did(&telemetry),
        "failures": traces::failures(&telemetry, LISTED),
    }))
}

async fn metrics(State(telemetry): State<Telemetry>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry.prometheus())
}

/// Every function of which metrics tell, by its name.
fn did(telemetry: &Telemetry) -> Vec<Did> {
    let mut all: BTreeMap<String, Did> = BTreeMap::new();
    // What tells most comes last: an invocation may hold many records.
    for (metric, outcome, failed) in [
        ("faas.invoke_duration", "error.type", (|_| true) as fn(&str) -> bool),
        ("http.server.request.duration", "http.response.status_code", |status| status.starts_with('5')),
        ("contoso.records", "contoso.outcome", |outcome| matches!(outcome, "parked" | "retried")),
    ] {
        for (function, growth) in by_function(telemetry, metric, &[FUNCTION, outcome]) {
            let did = all.entry(function).or_default();
            did.per_second = sum(growth.iter());
            let is_failed = |growth: &&Growth| growth.by.get(1).and_then(Option::as_deref).is_some_and(failed);
            did.failed_per_second = sum(growth.iter().filter(is_failed));
        }
    }
    for metric in ["http.server.request.duration", "faas.invoke_duration", "contoso.lag"] {
        for (function, growth) in by_function(telemetry, metric, &[FUNCTION]) {
            let did = all.entry(function).or_default();
            let quantiles = growth.first().and_then(|growth| Quantiles::of(&growth.values));
            if quantiles.is_some() {
                *(if metric == "contoso.lag" { &mut did.lag } else { &mut did.duration }) = quantiles;
            }
        }
    }
    all.into_iter().map(|(function, did)| Did { function, ..did }).collect()
}

/// Rates together. Of none it is 0, where `Iterator::sum` gives -0.
fn sum<'a>(growth: impl Iterator<Item = &'a Growth>) -> f64 {
    growth.fold(0.0, |sum, growth| sum + growth.rate())
}

fn by_function(telemetry: &Telemetry, metric: &str, by: &[&str]) -> BTreeMap<String, Vec<Growth>> {
    let mut functions: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for growth in telemetry.growth(metric, by) {
        if let Some(function) = growth.by.first().cloned().flatten() {
            functions.entry(function).or_default().push(growth);
        }
    }
    functions
}

impl Quantiles {
    fn of(values: &Histogram) -> Option<Self> {
        Some(Self { p50: values.quantile(0.5)?, p99: values.quantile(0.99)? })
    }
}

fn fresh(body: &impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
