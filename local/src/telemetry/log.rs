//! Log records, as they are kept.

use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};
use serde_json::Value;
use time::OffsetDateTime;

use super::{
    attributes::{self, Attributes, Resource},
    ids::{SpanId, TraceId},
    span::instant,
};

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// When it happened, or was noticed where nobody knows.
    pub at: OffsetDateTime,
    /// From 1 (trace) to 24 (fatal): information from 9, warnings from 13, errors from 17; 0 where nobody said.
    pub severity: i32,
    /// What happened.
    pub body: Value,
    /// Attributes.
    pub attributes: Attributes,
    /// The trace it belongs to.
    pub trace: Option<TraceId>,
    /// The span it belongs to.
    pub span: Option<SpanId>,
    /// Who sent it.
    pub resource: Arc<Resource>,
}

impl Log {
    pub(super) fn read_all(message: ResourceLogs) -> Vec<Self> {
        let resource = Arc::new(Attributes::of_resource(message.resource));
        let records = message.scope_logs.into_iter().flat_map(|scope| scope.log_records);
        records.map(|record| Self::read(record, &resource)).collect()
    }

    fn read(record: LogRecord, resource: &Arc<Resource>) -> Self {
        let at = if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
        Self {
            at: instant(at),
            severity: record.severity_number,
            body: attributes::value(record.body),
            attributes: Attributes::read(record.attributes),
            trace: TraceId::read(&record.trace_id),
            span: SpanId::read(&record.span_id),
            resource: Arc::clone(resource),
        }
    }

    /// Bytes in memory, roughly, without the resource.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + attributes::size(&self.body) + self.attributes.size()
    }
}
