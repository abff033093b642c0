//! Exporters that never hold anything up: what a receiver does not take is dropped, counted, and said once.
//!
//! The SDK has a thread with a bounded queue for each signal. What does not fit its queue is dropped there without a count, so the queue
//! is watched here, and its own bound never met.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{LogBatch, LogExporter, LogProcessor, SdkLogRecord},
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};
use tokio::runtime::Handle;

use crate::azure::http::Http;

/// Items that wait for a receiver.
const WAITING: usize = 2_000;

/// The SDK's own queue, which is never full: what it drops would wait here for ever.
pub(super) const SDK_QUEUE: usize = 2_048;

/// The process's HTTP client, on its runtime: the exporters' threads have none.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) http: Http,
    pub(super) runtime: Handle,
    /// After which a receiver that took a request and says nothing counts as away.
    pub(super) timeout: Duration,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.http.client()?.clone();
        let sending = async move {
            // What a refusal means, and whether to try again, the exporter knows.
            let answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        };
        // A timer is made on the runtime too.
        let timeout = self.timeout;
        self.runtime.spawn(async move { tokio::time::timeout(timeout, sending).await }).await??
    }
}

/// What was dropped of one signal, and what waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    signal: &'static str,
    waiting: AtomicUsize,
    dropped: AtomicU64,
    is_away: AtomicBool,
}

impl Queue {
    pub(super) fn new(signal: &'static str) -> Arc<Self> {
        Arc::new(Self { signal, ..Self::default() })
    }

    /// The signal's name, and how many of its items were dropped.
    pub(super) fn dropped(&self) -> (&'static str, u64) {
        (self.signal, self.dropped.load(Ordering::Relaxed))
    }

    /// Whether there is room for one more; if not, it counts as dropped.
    fn takes(&self) -> bool {
        let has_room = self.waiting.fetch_add(1, Ordering::Relaxed) < WAITING;
        if !has_room {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    fn exported(&self, items: usize, result: &OTelSdkResult) {
        self.waiting.fetch_sub(items, Ordering::Relaxed);
        match result {
            Ok(()) => self.is_away.store(false, Ordering::Relaxed),
            Err(error) => {
                self.dropped.fetch_add(items as u64, Ordering::Relaxed);
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    let signal = self.signal;
                    tracing::warn!(signal, cause = %error, "telemetry is not taken; what waits is dropped");
                }
            }
        }
    }
}

/// A processor or exporter whose items are counted.
#[derive(Debug)]
pub(super) struct Counted<T> {
    pub(super) inner: T,
    pub(super) queue: Arc<Queue>,
}

impl<T: SpanProcessor> SpanProcessor for Counted<T> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.queue.takes() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<T: SpanExporter> SpanExporter for Counted<T> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let items = batch.len();
        let result = self.inner.export(batch).await;
        self.queue.exported(items, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<T: LogProcessor> LogProcessor for Counted<T> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.queue.takes() {
            self.inner.emit(record, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<T: LogExporter> LogExporter for Counted<T> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let items = batch.iter().count();
        let result = self.inner.export(batch).await;
        self.queue.exported(items, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
