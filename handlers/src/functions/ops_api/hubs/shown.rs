//! An event of a hub as it is shown.

use azure_messaging_eventhubs::models::ReceivedEventData;
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::super::decoded::{Decoded, decode};
use crate::{app::App, azure::hub_reader::incoming, domain::dead_letter::Preview};

/// An event: its place, and what it says. Numbers of 64 bits are texts, since browsers round them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownEvent {
    partition: String,
    sequence: String,
    offset: Option<String>,
    /// When the hub stored it, in UTC.
    enqueued: Option<String>,
    /// The partition key that it was sent with, or the event's own.
    key: Option<String>,
    /// Bytes of its body.
    size: usize,
    content_type: Option<String>,
    /// The application properties as JSON text, those of CloudEvents among them; in a page they are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<String>,
    /// What it says; null where it cannot be decoded.
    decoded: Option<Decoded>,
    /// Why it cannot be decoded.
    not_decoded: Option<String>,
    /// The beginning of its bytes as hex, where it cannot be decoded.
    body: Option<Preview>,
}

impl ShownEvent {
    /// Decodes a received event. `whole` shows all of its data and properties.
    pub(super) async fn new(app: &App, partition: &str, received: &ReceivedEventData, whole: bool) -> Self {
        let incoming = incoming(received);
        let size = incoming.body.len();
        let content_type = incoming.content_type.map(str::to_owned);
        let properties = whole.then(|| serde_json::to_string_pretty(&incoming.properties).unwrap_or_default());
        let (decoded, not_decoded, body) = match decode(app, incoming, whole).await {
            Ok(decoded) => (Some(decoded), None, None),
            Err(cause) => {
                let bytes = received.event_data().body().unwrap_or_default();
                (None, Some(cause.chain()), Some(Preview::hex(bytes)))
            }
        };
        let sent_with = received.partition_key().clone();
        Self {
            partition: partition.to_owned(),
            sequence: received.sequence_number().unwrap_or(-1).to_string(),
            offset: received.offset().clone(),
            enqueued: enqueued(received).and_then(|at| at.format(&Rfc3339).ok()),
            key: sent_with.or_else(|| decoded.as_ref().and_then(Decoded::key).map(str::to_owned)),
            size,
            content_type,
            properties,
            decoded,
            not_decoded,
            body,
        }
    }

    /// The key that it is found by.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

pub(super) fn enqueued(received: &ReceivedEventData) -> Option<OffsetDateTime> {
    received.enqueued_time().map(OffsetDateTime::from)
}
