//! The receiver over its port, and what is kept of what comes.

mod bounds;
mod metrics;
mod spans;
mod wire;

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    resource::v1::Resource as ResourceMessage,
    trace::v1::{ResourceSpans, ScopeSpans, Span as SpanMessage},
};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::Telemetry;
use crate::{clock::Clock, identity::Identity, transport::Hosts};

pub(super) const PROTOBUF: &str = "application/x-protobuf";
pub(super) const JSON: &str = "application/json";

/// A receiver on a port of its own.
pub(super) struct Fixture {
    pub(super) telemetry: Telemetry,
    pub(super) clock: Clock,
    pub(super) http: reqwest::Client,
    _identity: Identity,
    _data: TempDir,
}

impl Fixture {
    pub(super) async fn start() -> Self {
        let data = TempDir::new().expect("a directory");
        let listener = || async { TcpListener::bind("127.0.0.1:0").await.expect("a port") };
        let identity = Identity::start(&[], data.path(), listener().await, &Hosts::default()).expect("an authority");
        let clock = Clock::default();
        let telemetry = Telemetry::start(identity.tls(), listener().await, &clock).expect("a receiver");
        Self { telemetry, clock, http: reqwest::Client::new(), _identity: identity, _data: data }
    }

    /// Sends a body as it is; status, media type and body of the answer.
    pub(super) async fn post(
        &self,
        path: &str,
        media: &str,
        packed: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> (u16, String, Vec<u8>) {
        let mut request = self.http.post(format!("{}{path}", self.telemetry.endpoint())).header("content-type", media);
        if let Some(packed) = packed {
            request = request.header("content-encoding", packed);
        }
        let answer = request.body(body).send().await.expect("an answer");
        let media = answer.headers().get("content-type").map_or("", |media| media.to_str().expect("text")).to_owned();
        (answer.status().as_u16(), media, answer.bytes().await.expect("a body").to_vec())
    }

    /// Sends spans of one service, as protobuf.
    pub(super) async fn send(&self, spans: Vec<SpanMessage>) {
        let message = prost::Message::encode_to_vec(&request("shop", spans));
        assert_eq!(self.post("/v1/traces", PROTOBUF, None, message).await.0, 200);
    }
}

pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(body).expect("written");
    packed.finish().expect("packed")
}

pub(super) fn text(name: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    KeyValue { key: name.to_owned(), value: Some(value), ..KeyValue::default() }
}

pub(super) fn resource(service: &str) -> Option<ResourceMessage> {
    Some(ResourceMessage { attributes: vec![text("service.name", service)], ..ResourceMessage::default() })
}

pub(super) fn request(service: &str, spans: Vec<SpanMessage>) -> ExportTraceServiceRequest {
    let scope = Some(InstrumentationScope { name: "tests".to_owned(), ..InstrumentationScope::default() });
    let scope_spans = vec![ScopeSpans { scope, spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { resource: resource(service), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}

/// A span of a second, numbered within its trace; a parent of 0 is none.
pub(super) fn span(trace: u8, id: u8, parent: u8, name: &str) -> SpanMessage {
    SpanMessage {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
        name: name.to_owned(),
        start_time_unix_nano: 1_700_000_000_000_000_000 + u64::from(id) * 1_000_000,
        end_time_unix_nano: 1_700_000_001_000_000_000 + u64::from(id) * 1_000_000,
        ..SpanMessage::default()
    }
}
