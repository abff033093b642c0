//! Reading an event hub at any place, for people who look: nothing is checkpointed, and no owner is displaced.
//!
//! Event Hubs lets five such readers of a consumer group be at a partition at a time. These are of the group `$Default`, which every
//! hub has and no function reads.

use std::{pin::pin, sync::Arc, time::Duration};

use azure_core::credentials::TokenCredential;
use azure_messaging_eventhubs::{
    ConsumerClient, EventHubsError, EventReceiver, OpenReceiverOptions, RetryOptions, StartLocation, StartPosition,
    models::{AmqpSimpleValue, ReceivedEventData},
};
use futures::{StreamExt, future};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{events::Incoming, settings::EventHubsSettings};

/// For each call, and for the next event of those that the hub says it has. The client below may wait for ever for an answer that
/// came early or never.
const DEADLINE: Duration = Duration::from_secs(5);

/// Events on their way at once: they may be of a megabyte each.
const PREFETCHED: u32 = 32;

/// One hub, opened for reading.
pub struct HubReader {
    client: ConsumerClient,
    hub: String,
}

/// What a partition holds.
#[derive(Debug, Clone)]
pub struct PartitionInfo {
    /// The partition id.
    pub id: String,
    /// Sequence number of the oldest event kept.
    pub begin_sequence: i64,
    /// Sequence number of the newest event; -1 if there never was one.
    pub last_sequence: i64,
    /// When the newest event was stored.
    pub last_enqueued: Option<OffsetDateTime>,
}

/// Reading a hub failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} hub {hub}; nothing was changed, repeating is safe")]
pub struct ReadError {
    operation: &'static str,
    hub: String,
    #[source]
    source: Option<Box<EventHubsError>>,
}

impl HubReader {
    /// Connects to a hub.
    ///
    /// # Errors
    /// If it does not answer, or does not let this identity read.
    pub(super) async fn open(
        settings: &EventHubsSettings,
        credential: Arc<dyn TokenCredential>,
        hub: &str,
    ) -> Result<Self, ReadError> {
        let mut builder = ConsumerClient::builder()
            .with_application_id("contoso-handler".to_owned())
            .with_retry_options(RetryOptions { max_retries: 1, ..RetryOptions::default() });
        if let Some(endpoint) = &settings.custom_endpoint {
            builder = builder.with_custom_endpoint(endpoint.to_string());
        }
        let opening = builder.open(&settings.namespace, hub.to_owned(), credential);
        let client = timely("open", hub, opening).await?;
        Ok(Self { client, hub: hub.to_owned() })
    }

    /// What each partition holds.
    ///
    /// # Errors
    /// If the hub does not answer.
    pub async fn partitions(&self) -> Result<Vec<PartitionInfo>, ReadError> {
        let hub = timely("read the partitions of", &self.hub, self.client.get_eventhub_properties()).await?;
        let read = hub.partition_ids.into_iter().map(|id| async move {
            let properties = self.client.get_partition_properties(&id);
            let properties = timely("read the partitions of", &self.hub, properties).await?;
            Ok(PartitionInfo {
                id,
                begin_sequence: properties.beginning_sequence_number,
                last_sequence: properties.last_enqueued_sequence_number,
                last_enqueued: properties.last_enqueued_time_utc.map(OffsetDateTime::from),
            })
        });
        future::try_join_all(read).await
    }

    /// The first event that was stored at a time or later. The caller knows that there is one.
    ///
    /// # Errors
    /// If the hub does not answer.
    pub async fn first_since(&self, partition: &str, at: OffsetDateTime) -> Result<Option<i64>, ReadError> {
        let mut receiving = self.open_partition(partition, StartLocation::EnqueuedTime(at.into()), i64::MAX).await?;
        let sequence = loop {
            let Some(event) = receiving.next().await? else { break None };
            // The service counts in milliseconds.
            if event.enqueued_time().is_none_or(|enqueued| OffsetDateTime::from(enqueued) >= at) {
                break event.sequence_number();
            }
        };
        receiving.close().await;
        Ok(sequence)
    }

    /// Receives the events from one sequence number to before another, in order. Those that the hub has given up meanwhile are left out.
    /// The caller knows that the last of them is there.
    ///
    /// # Errors
    /// If the hub does not answer.
    pub async fn receive(&self, partition: &str, begin: i64, end: i64) -> Result<Receiving, ReadError> {
        self.open_partition(partition, StartLocation::SequenceNumber(begin), end).await
    }

    async fn open_partition(&self, partition: &str, location: StartLocation, end: i64) -> Result<Receiving, ReadError> {
        let options = OpenReceiverOptions {
            start_position: Some(StartPosition { location, inclusive: true }),
            prefetch: Some(PREFETCHED),
            ..OpenReceiverOptions::default()
        };
        let opening = self.client.open_receiver_on_partition(partition.to_owned(), Some(options));
        let receiver = timely("open a partition of", &self.hub, opening).await?;
        Ok(Receiving { receiver, hub: self.hub.clone(), end, is_at_end: false })
    }
}

/// Events of a partition as they come. Dropped, it ends with the connection; whoever reads the same partition once more on this
/// connection closes it first, so that a page is there once.
pub struct Receiving {
    receiver: EventReceiver,
    hub: String,
    /// The sequence number before which it ends.
    end: i64,
    is_at_end: bool,
}

impl Receiving {
    /// The next event; none at the end.
    ///
    /// # Errors
    /// If the hub does not answer.
    pub async fn next(&mut self) -> Result<Option<ReceivedEventData>, ReadError> {
        while !self.is_at_end {
            let next = async { pin!(self.receiver.stream_events()).next().await.transpose() };
            let Some(event) = timely("receive from", &self.hub, next).await? else { break };
            let Some(sequence) = event.sequence_number() else { continue };
            self.is_at_end = sequence >= self.end.saturating_sub(1);
            if sequence < self.end {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Ends it, for which the client below lets all receivers of the connection wait. Whether that is answered or not, nothing more is
    /// wanted of it.
    pub async fn close(self) {
        _ = timely("close a partition of", &self.hub, self.receiver.close()).await;
    }
}

/// The answer, or an error if it does not come in time.
async fn timely<T>(
    operation: &'static str,
    hub: &str,
    call: impl Future<Output = azure_messaging_eventhubs::Result<T>>,
) -> Result<T, ReadError> {
    let failed = |source| ReadError { operation, hub: hub.to_owned(), source };
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(answer) => answer.map_err(|error| failed(Some(Box::new(error)))),
        Err(_) => Err(failed(None)),
    }
}

/// A received event, to be decoded as the functions decode it.
pub fn incoming(received: &ReceivedEventData) -> Incoming<'_> {
    let event = received.event_data();
    let properties = event.properties().into_iter().flatten().map(|(name, value)| (name.clone(), json_of(value)));
    Incoming {
        body: event.body().unwrap_or_default(),
        content_type: event.content_type(),
        properties: properties.collect(),
    }
}

/// An application property as JSON. What JSON has no word for becomes text, which no CloudEvents attribute needs.
fn json_of(value: &AmqpSimpleValue) -> Value {
    match value {
        AmqpSimpleValue::Null => Value::Null,
        AmqpSimpleValue::Boolean(flag) => json!(flag),
        AmqpSimpleValue::UByte(number) => json!(number),
        AmqpSimpleValue::UShort(number) => json!(number),
        AmqpSimpleValue::UInt(number) => json!(number),
        AmqpSimpleValue::ULong(number) => json!(number),
        AmqpSimpleValue::Byte(number) => json!(number),
        AmqpSimpleValue::Short(number) => json!(number),
        AmqpSimpleValue::Int(number) => json!(number),
        AmqpSimpleValue::Long(number) => json!(number),
        AmqpSimpleValue::Float(number) => json!(number),
        AmqpSimpleValue::Double(number) => json!(number),
        AmqpSimpleValue::Char(letter) => json!(letter),
        AmqpSimpleValue::String(text) => json!(text),
        AmqpSimpleValue::Symbol(symbol) => json!(symbol.0),
        AmqpSimpleValue::Uuid(uuid) => json!(uuid.to_string()),
        AmqpSimpleValue::TimeStamp(time) => {
            json!(time.0.and_then(|time| OffsetDateTime::from(time).format(&Rfc3339).ok()))
        }
        other => json!(format!("{other:?}")),
    }
}
