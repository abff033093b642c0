//! OTLP over HTTP ("OTLP Specification", "OTLP/HTTP").

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::{
    encoding::{Encoding, LIMIT, Refusal, Rejected, unpacked},
    kept::Kept,
    log::Log,
    span::Span,
};

/// Messages that are read at a time: of bytes that say nothing they make a hundred times as many in memory.
static READERS: Semaphore = Semaphore::const_new(1);

/// A message with items of one signal.
trait Export: Message + Default + DeserializeOwned + 'static {
    /// Keeps its items; what is not kept of them.
    fn keep(self, kept: &Kept) -> Rejected;
}

pub(super) fn router(kept: Kept) -> Router {
    Router::new()
        .route("/v1/traces", post(take::<ExportTraceServiceRequest>))
        .route("/v1/metrics", post(take::<ExportMetricsServiceRequest>))
        .route("/v1/logs", post(take::<ExportLogsServiceRequest>))
        .with_state(kept)
}

async fn take<T: Export>(State(kept): State<Kept>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let encoding = Encoding::of(&parts.headers);
    // Who sends something else gets to read why in the form that most can read.
    let shown = encoding.as_ref().copied().unwrap_or(Encoding::Json);
    let outcome = match encoding {
        Ok(encoding) => received::<T>(encoding, parts.headers, body, kept).await,
        Err(refusal) => Err(refusal),
    };
    let (status, body) = match outcome {
        Ok(rejected) => (StatusCode::OK, shown.response(&rejected)),
        Err(refusal) => {
            tracing::debug!(path = parts.uri.path(), %refusal, "telemetry refused");
            (refusal.status(), shown.refusal(&refusal))
        }
    };
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static(shown.media_type()))], body).into_response()
}

async fn received<T: Export>(
    encoding: Encoding,
    headers: HeaderMap,
    body: Body,
    kept: Kept,
) -> Result<Rejected, Refusal> {
    let body = whole(body).await?;
    let turn = READERS.acquire().await.map_err(|_| Refusal::Stopping)?;
    let work = move || {
        // Until it is done, whether or not somebody still waits for the answer.
        let _turn = turn;
        Ok(encoding.read::<T>(&unpacked(&headers, body)?)?.keep(&kept))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Refusal::Stopping))
}

async fn whole(body: Body) -> Result<Bytes, Refusal> {
    let read = Limited::new(body, LIMIT).collect().await;
    read.map(http_body_util::Collected::to_bytes).map_err(|error| match error.downcast_ref::<LengthLimitError>() {
        Some(_) => Refusal::TooLarge,
        None => Refusal::Broken(error.to_string()),
    })
}

impl Export for ExportTraceServiceRequest {
    fn keep(self, kept: &Kept) -> Rejected {
        let mut count = 0;
        for message in self.resource_spans {
            let (spans, without_ids) = Span::read_all(message);
            count += without_ids;
            kept.retained().add_spans(spans, kept.clock.now());
        }
        Rejected { count, name: "rejectedSpans", why: "spans without the ids of trace and span" }
    }
}

impl Export for ExportMetricsServiceRequest {
    fn keep(self, kept: &Kept) -> Rejected {
        let mut count = 0;
        for message in self.resource_metrics {
            let mut retained = kept.retained();
            count += retained.series.add(message, kept.clock.now());
            retained.make_room();
        }
        Rejected { count, name: "rejectedDataPoints", why: "points without a value, or with buckets that do not fit" }
    }
}

impl Export for ExportLogsServiceRequest {
    fn keep(self, kept: &Kept) -> Rejected {
        for message in self.resource_logs {
            kept.retained().add_logs(Log::read_all(message), kept.clock.now());
        }
        Rejected { count: 0, name: "rejectedLogRecords", why: "" }
    }
}
