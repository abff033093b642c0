//! What a trigger says of its records.

use std::future::Future;

use opentelemetry::KeyValue;
use time::OffsetDateTime;

use crate::{
    dead_letters::DeadLetter, domain::trace_context::TraceContext, events::DecodeError, function::Order, outcome::Cause,
};

/// The records of one invocation.
pub(in crate::host) trait Records: Sync {
    /// A decoded record, as the function takes it.
    type Item: Send;

    /// What waits behind a record at Retry.
    fn order(&self) -> Order {
        Order::Key
    }

    fn len(&self) -> usize;

    /// Decodes a record. Called again if the record is tried again.
    fn decode(&self, index: usize) -> impl Future<Output = Result<Self::Item, DecodeError>> + Send;

    /// What the record must keep its order among.
    fn key<'i>(&self, item: &'i Self::Item) -> Option<&'i str>;

    /// What telemetry shows of a record.
    fn about<'i>(&'i self, item: &'i Self::Item) -> About<'i>;

    /// What telemetry shows of every record: where the batch is from.
    fn origin(&self) -> Vec<KeyValue>;

    /// The context that a record came with which could not be decoded, as far as that can be read.
    fn came_with(&self, _index: usize) -> Option<TraceContext> {
        None
    }

    /// Tells a record which context its effects are of.
    fn adopt(_item: &mut Self::Item, _trace: &TraceContext) {}

    /// What is kept of a bad record.
    fn dead_letter(&self, index: usize, cause: &Cause) -> DeadLetter;
}

/// What telemetry shows of a record.
pub(in crate::host) struct About<'i> {
    /// The context that it came with.
    pub(in crate::host) trace: Option<&'i TraceContext>,
    /// When what it tells of happened.
    pub(in crate::host) happened: Option<OffsetDateTime>,
    /// Its CloudEvents id and type, if it is an event.
    pub(in crate::host) event: Option<(&'i str, &'i str)>,
}
