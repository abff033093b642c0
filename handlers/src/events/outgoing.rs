//! A CloudEvent about to be sent, before and after it is encoded.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::contracts::Contract;
use crate::domain::trace_context::TraceContext;

/// An event about to be sent; its type and schema are the contract's.
pub struct Outgoing<'a, T> {
    /// Unique within `source`, and derived from the cause, so that a repeat has the same id.
    pub id: String,
    /// The producing domain, a URI reference.
    pub source: &'a str,
    /// The aggregate's id.
    pub subject: Option<String>,
    /// When it happened.
    pub time: Option<OffsetDateTime>,
    /// Further attributes, for example `partitionkey` and `sequence`.
    pub extensions: BTreeMap<String, String>,
    /// The span that causes the event; sent as `traceparent` and `tracestate`.
    pub trace: Option<TraceContext>,
    /// What the data promises.
    pub schema: &'static Contract,
    /// The data; its fields are the schema's.
    pub data: &'a T,
}

/// An event in its form on a hub, ready to be sent.
#[derive(Debug, Clone)]
pub struct HubMessage {
    /// The event's id, also the AMQP message id.
    pub id: String,
    /// Application properties.
    pub properties: Vec<(String, String)>,
    /// Content type of `body`.
    pub content_type: String,
    /// The data.
    pub body: Vec<u8>,
}
