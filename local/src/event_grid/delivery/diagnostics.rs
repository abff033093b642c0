//! What Azure Monitor hears of deliveries: counts, and a row of the log `DeliveryFailures` for every event of a failed attempt.
//!
//! Source of the row's text: "Enable diagnostic logs for Event Grid resources", its example. It is words and not a schema, so the order of
//! its parts and how they are written are kept as they stand there.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};
use uuid::Uuid;

use super::{context::Delivery, outcome::DeliveryResult};
use crate::{
    event_grid::{event::Schema, queue::Pending, registry::Subscription},
    monitor::{DeliveryFailure, Metric},
};

/// An attempt that failed, or that was not made ([`DeliveryResult::HELD`]).
pub(super) struct FailedAttempt<'a> {
    /// URL of the endpoint as the service knows it, whole.
    pub(super) url: &'a str,
    pub(super) events: &'a [Pending],
    pub(super) result: &'a DeliveryResult,
    pub(super) at: OffsetDateTime,
    pub(super) latency: Duration,
}

impl Delivery {
    /// Counts `events` of `subscription`.
    pub(crate) fn count(&self, subscription: &Subscription, metric: Metric, events: usize) {
        if events > 0 {
            let topic = self.names.source(&subscription.source);
            self.monitor.count(&topic, &subscription.name, metric, self.clock.now(), events);
        }
    }

    /// Writes the rows of a failed attempt. Deliveries go on where that fails.
    pub(super) fn log(&self, subscription: &Subscription, attempt: &FailedAttempt<'_>) {
        let topic = self.names.source(&subscription.source);
        let at_millis = i64::try_from(attempt.at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        let row = |event| DeliveryFailure {
            at_millis,
            topic: topic.clone(),
            // As in the example, and in the header of deliveries.
            subscription: subscription.name.to_uppercase(),
            message: message(subscription, attempt, event),
        };
        let rows: Vec<_> = attempt.events.iter().map(row).collect();
        if let Err(error) = self.monitor.log(&rows) {
            tracing::error!(subscription = %subscription.name, error = &error as &dyn std::error::Error, "a failed delivery could not be logged");
        }
    }
}

/// The members of an event that the log tells, in either schema.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(default)]
    id: String,
    #[serde(default, alias = "type")]
    event_type: String,
    #[serde(default, alias = "time")]
    event_time: String,
}

fn message(subscription: &Subscription, attempt: &FailedAttempt<'_>, event: &Pending) -> String {
    let told: Told = contoso_json::from_slice(&event.body).unwrap_or_default();
    let published = moment(event.header.published_millis);
    let event_time = OffsetDateTime::parse(&told.event_time, &Rfc3339).ok().map_or(published.clone(), written);
    let (input, output) = (schema(subscription.input), schema(event.header.schema));
    let due = moment(i64::try_from(event.position.due_millis()).unwrap_or_default());
    // How the service counts is not documented.
    let probations = u8::from(*attempt.result == DeliveryResult::HELD);
    let system_id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &event.position.ticket().to_be_bytes());
    format!(
        "Message:outcome={}, latencyInMs={}, id={}, systemId={system_id}, state=FilteredFailingDelivery, deliveryTime={due}, \
         deliveryCount={}, probationCount={probations}, deliverySchema={output}, eventSubscriptionDeliverySchema={output}, \
         fields=InputEvent, EventSubscriptionId, DeliveryTime, State, Id, DeliverySchema, LastDeliveryAttemptTime, SystemId, fieldCount=, \
         requestExpiration=1/1/0001 12:00:00 AM, delivered=False publishTime={published}, eventTime={event_time}, eventType={}, \
         deliveryTime={due}, filteringState=FilteredWithRpc, inputSchema={input}, publisher=LOCAL, size={}, \
         fields=Id, PublishTime, SerializedBody, EventType, Topic, Subject, FilteringHashCode, SystemId, Publisher, FilteringTopic, \
         TopicCategory, DataVersion, MetadataVersion, InputSchema, EventTime, fieldCount=15, url={}, deliveryResponse={}",
        attempt.result.name,
        attempt.latency.as_millis(),
        told.id,
        event.header.attempts,
        told.event_type,
        event.body.len(),
        attempt.url,
        response(attempt.result),
    )
}

/// The word for the answer, then a sentence, as the example has them for an event hub.
fn response(result: &DeliveryResult) -> String {
    let word = |status: StatusCode| status.canonical_reason().unwrap_or("Unknown").replace([' ', '-'], "");
    match result.status.and_then(|status| StatusCode::from_u16(status).ok()) {
        Some(status) => format!("{}: The endpoint answered with the status {}.", word(status), status.as_u16()),
        None if *result == DeliveryResult::HELD => {
            format!("{}: The endpoint failed often, and is left alone.", result.name)
        }
        None => format!("{}: The endpoint gave no answer.", result.name),
    }
}

fn schema(schema: Schema) -> &'static str {
    match schema {
        Schema::CloudEvents => "CloudEventV10",
        Schema::EventGrid => "EventGridEvent",
    }
}

fn moment(millis: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    written(at.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

/// A time as .NET's invariant culture writes it.
fn written(at: OffsetDateTime) -> String {
    let form = format_description!(
        "[month padding:none]/[day padding:none]/[year] [hour repr:12 padding:none]:[minute]:[second] [period]"
    );
    // A publisher's time may be none in UTC: that of the end of year 9999 in the west.
    at.checked_to_offset(time::UtcOffset::UTC).unwrap_or(at).format(form).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_written_in_utc_where_there_is_one() {
        assert_eq!(written(datetime!(2026-03-04 15:04:05 +02:00)), "3/4/2026 1:04:05 PM");
        assert_eq!(written(datetime!(9999-12-31 23:59:59 -01:00)), "12/31/9999 11:59:59 PM");
    }
}
