//! Spans, as they are kept.

use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, Span as SpanMessage,
    span::{Event as EventMessage, Link as LinkMessage, SpanKind},
    status::StatusCode,
};
use time::OffsetDateTime;

use super::{
    attributes::{Attributes, Resource},
    ids::{SpanId, TraceId},
};

/// One piece of work.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its trace.
    pub trace: TraceId,
    /// Its own id.
    pub id: SpanId,
    /// What caused it; none where it is the first.
    pub parent: Option<SpanId>,
    /// What is done.
    pub name: String,
    /// Its part in a conversation.
    pub kind: Kind,
    /// When it began, by the clock of who sends.
    pub start: OffsetDateTime,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub status: SpanStatus,
    /// Attributes.
    pub attributes: Attributes,
    /// What happened meanwhile.
    pub events: Vec<SpanEvent>,
    /// Spans of other traces that it has to do with.
    pub links: Vec<Link>,
    /// Who sent it.
    pub resource: Arc<Resource>,
}

/// Part of a span in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Within a process.
    Internal,
    /// Answers a request.
    Server,
    /// Makes a request.
    Client,
    /// Sends a message.
    Producer,
    /// Takes a message.
    Consumer,
}

/// How a span ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanStatus {
    /// Nobody said that it failed.
    Ok,
    /// It failed; the text may be empty.
    Failed(String),
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanEvent {
    /// When.
    pub at: OffsetDateTime,
    /// What.
    pub name: String,
    /// Attributes.
    pub attributes: Attributes,
}

/// Another span that this one has to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its trace.
    pub trace: TraceId,
    /// Its id.
    pub span: SpanId,
}

impl Kind {
    /// As the protocol's name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

impl Span {
    /// The spans of a message that have ids, and how many have none.
    pub(super) fn read_all(message: ResourceSpans) -> (Vec<Self>, usize) {
        let resource = Arc::new(Attributes::of_resource(message.resource));
        let mut all = 0;
        let spans = message.scope_spans.into_iter().flat_map(|scope| scope.spans).inspect(|_| all += 1);
        let read: Vec<_> = spans.filter_map(|span| Self::read(span, &resource)).collect();
        let without_ids = all - read.len();
        (read, without_ids)
    }

    fn read(message: SpanMessage, resource: &Arc<Resource>) -> Option<Self> {
        let nanoseconds = message.end_time_unix_nano.saturating_sub(message.start_time_unix_nano);
        Some(Self {
            trace: TraceId::read(&message.trace_id)?,
            id: SpanId::read(&message.span_id)?,
            parent: SpanId::read(&message.parent_span_id),
            kind: match message.kind() {
                SpanKind::Unspecified | SpanKind::Internal => Kind::Internal,
                SpanKind::Server => Kind::Server,
                SpanKind::Client => Kind::Client,
                SpanKind::Producer => Kind::Producer,
                SpanKind::Consumer => Kind::Consumer,
            },
            start: instant(message.start_time_unix_nano),
            duration: Duration::from_nanos(nanoseconds),
            status: match message.status {
                Some(status) if status.code() == StatusCode::Error => SpanStatus::Failed(status.message),
                _ => SpanStatus::Ok,
            },
            name: message.name,
            attributes: Attributes::read(message.attributes),
            events: message.events.into_iter().map(SpanEvent::read).collect(),
            links: message.links.iter().filter_map(Link::read).collect(),
            resource: Arc::clone(resource),
        })
    }

    /// When it ended.
    #[must_use]
    pub fn end(&self) -> OffsetDateTime {
        self.start.saturating_add(self.duration.try_into().unwrap_or(time::Duration::MAX))
    }

    /// Whether it failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.status != SpanStatus::Ok
    }

    /// `service.name` of who sent it.
    #[must_use]
    pub fn service(&self) -> &str {
        self.resource.text("service.name").unwrap_or("unknown_service")
    }

    /// Bytes in memory, roughly, without the resource.
    pub(super) fn size(&self) -> usize {
        let message = if let SpanStatus::Failed(message) = &self.status { message.len() } else { 0 };
        let events =
            self.events.iter().map(|event| size_of::<SpanEvent>() + event.name.len() + event.attributes.size());
        size_of::<Self>()
            + self.name.len()
            + message
            + self.attributes.size()
            + events.sum::<usize>()
            + self.links.len() * size_of::<Link>()
    }
}

impl SpanEvent {
    fn read(message: EventMessage) -> Self {
        Self {
            at: instant(message.time_unix_nano),
            name: message.name,
            attributes: Attributes::read(message.attributes),
        }
    }
}

impl Link {
    fn read(message: &LinkMessage) -> Option<Self> {
        Some(Self { trace: TraceId::read(&message.trace_id)?, span: SpanId::read(&message.span_id)? })
    }
}

/// A moment of the wire: nanoseconds since the Unix epoch, which end in the year 2554.
pub(super) fn instant(nanoseconds: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds.into()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
