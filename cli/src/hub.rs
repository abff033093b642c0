//! Receiving from a hub with the official client, as the identity of this process.

use std::time::Duration;

use anyhow::{Context, bail};
use azure_messaging_eventhubs::{
    ConsumerClient, EventReceiver, OpenReceiverOptions, Result, StartLocation, StartPosition,
    models::{EventHubPartitionProperties, ReceivedEventData},
};
use contoso_handlers::{azure::credentials::Credentials, settings::EventHubsSettings};
use futures::StreamExt as _;

/// The client below may wait for ever for an answer that came early or never; we do not.
const DEADLINE: Duration = Duration::from_secs(15);

/// A hub.
pub(crate) struct Hub {
    client: ConsumerClient,
    /// Which one, for messages.
    what: String,
}

impl Hub {
    /// Opens `hub`.
    pub(crate) async fn open(namespace: &EventHubsSettings, hub: &str) -> anyhow::Result<Self> {
        let EventHubsSettings { namespace, custom_endpoint } = namespace;
        let what = format!("the hub {hub} at {namespace}");
        let identity = Credentials::managed_identity(None).identity();
        let builder = match custom_endpoint {
            Some(endpoint) => ConsumerClient::builder().with_custom_endpoint(endpoint.to_string()),
            None => ConsumerClient::builder(),
        };
        let opening = builder.open(namespace, hub.to_owned(), identity);
        let client = timely(opening).await.with_context(|| format!("cannot open {what}"))?;
        Ok(Self { client, what })
    }

    /// The ids of its partitions.
    pub(crate) async fn partitions(&self) -> anyhow::Result<Vec<String>> {
        let properties = timely(self.client.get_eventhub_properties()).await;
        Ok(properties.with_context(|| format!("cannot open {}", self.what))?.partition_ids)
    }

    /// From where to where a partition has events.
    pub(crate) async fn state(&self, partition: &str) -> anyhow::Result<EventHubPartitionProperties> {
        let properties = timely(self.client.get_partition_properties(partition)).await;
        properties.with_context(|| format!("cannot look at partition {partition} of {}", self.what))
    }

    /// Receives a partition's events behind `location`.
    pub(crate) async fn receive(&self, partition: &str, location: StartLocation) -> anyhow::Result<EventReceiver> {
        let options = OpenReceiverOptions {
            start_position: Some(StartPosition { location, ..Default::default() }),
            ..Default::default()
        };
        let opening = self.client.open_receiver_on_partition(partition.to_owned(), Some(options));
        timely(opening).await.with_context(|| format!("cannot open partition {partition} of {}", self.what))
    }
}

/// The newest events of every partition of `hub`, at most `limit` of each, in the order of their partition: given to `each` with the partition's id.
pub(crate) async fn newest(
    namespace: &EventHubsSettings,
    name: &str,
    limit: u64,
    mut each: impl AsyncFnMut(&str, &ReceivedEventData),
) -> anyhow::Result<()> {
    let hub = Hub::open(namespace, name).await?;
    for partition in hub.partitions().await? {
        let state = hub.state(&partition).await?;
        if state.is_empty {
            continue;
        }
        let last = state.last_enqueued_sequence_number;
        let wanted = last.saturating_sub(i64::try_from(limit).unwrap_or(i64::MAX));
        let from = if wanted < state.beginning_sequence_number {
            StartLocation::Earliest
        } else {
            StartLocation::SequenceNumber(wanted)
        };
        let receiver = hub.receive(&partition, from).await?;
        let mut events = receiver.stream_events();
        loop {
            let next = timely(async { events.next().await.transpose() }).await;
            let Some(event) = next.with_context(|| format!("cannot receive from the hub {name}"))? else { break };
            each(&partition, &event).await;
            if event.sequence_number().is_none_or(|sequence| sequence >= last) {
                break;
            }
        }
    }
    Ok(())
}

/// The answer, or an error if it does not come in time.
pub(crate) async fn timely<T>(call: impl Future<Output = Result<T>>) -> anyhow::Result<T> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => bail!("no answer within {} s; does `contoso up` run?", DEADLINE.as_secs()),
    }
}
