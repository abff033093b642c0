//! A receiver of OTLP that keeps what it gets as it came, for a decoder that nobody here wrote.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::python;

/// The receiver; it ends with the test's runtime.
#[derive(Clone, Default)]
pub(crate) struct Otlp {
    requests: Arc<Mutex<Vec<Value>>>,
    refuses: Arc<AtomicBool>,
}

impl Otlp {
    /// Starts one; the environment of a handler that sends to it, soon and all.
    pub(crate) async fn start() -> (Self, Vec<(String, String)>) {
        let receiver = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let routes = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ];
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        (receiver, environment)
    }

    /// Takes metrics alone from now on: logs are refused, and traces never answered.
    pub(crate) fn refuse(&self) {
        self.refuses.store(true, Ordering::Relaxed);
    }

    /// What was sent so far: `spans`, `metrics` (name → points), `logs`, `resources`.
    pub(crate) async fn decoded(&self) -> Value {
        let lines: Vec<String> = self.requests.lock().expect("no panic").iter().map(Value::to_string).collect();
        let said = tokio::task::spawn_blocking(move || python::run_client_with("otlp_decode.py", &lines.join("\n")))
            .await
            .expect("no panic");
        serde_json::from_str(&said).expect("JSON")
    }
}

async fn take(State(receiver): State<Otlp>, uri: Uri, body: Bytes) -> StatusCode {
    if receiver.refuses.load(Ordering::Relaxed) {
        match uri.path() {
            "/v1/metrics" => {}
            "/v1/traces" => std::future::pending().await,
            _ => return StatusCode::BAD_REQUEST,
        }
    }
    let request = json!({ "path": uri.path(), "body": BASE64.encode(&body) });
    receiver.requests.lock().expect("no panic").push(request);
    StatusCode::OK
}
