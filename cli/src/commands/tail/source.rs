//! Receiving from a hub with the official client.

use std::time::Duration;

use anyhow::{Context, bail};
use azure_messaging_eventhubs::models::ReceivedEventData;
use azure_messaging_eventhubs::{
    ConsumerClient, EventReceiver, OpenReceiverOptions, Result, StartLocation, StartPosition,
};
use contoso_handlers::azure::credentials::Credentials;
use contoso_handlers::settings::EventHubsSettings;
use futures::stream::{SelectAll, select_all};
use futures::{Stream, StreamExt};

/// The client below may wait for ever for an answer that came early or never; we do not.
const DEADLINE: Duration = Duration::from_secs(15);

/// The partitions of one hub, about to be read.
pub(super) struct Source {
    receivers: Vec<EventReceiver>,
    _client: ConsumerClient,
}

impl Source {
    /// Opens `hub`, as the identity of this process, with one receiver a partition or only the one asked for.
    pub(super) async fn open(
        namespace: &EventHubsSettings,
        hub: &str,
        partition: Option<u32>,
        from_earliest: bool,
    ) -> anyhow::Result<Self> {
        let EventHubsSettings { namespace, custom_endpoint } = namespace;
        let what = || format!("cannot open the hub {hub} at {namespace}");
        let identity = Credentials::managed_identity(None).identity();
        let builder = match custom_endpoint {
            Some(endpoint) => ConsumerClient::builder().with_custom_endpoint(endpoint.to_string()),
            None => ConsumerClient::builder(),
        };
        let opening = builder.open(namespace, hub.to_owned(), identity);
        let client = timely(opening).await.with_context(what)?;
        let partitions = timely(client.get_eventhub_properties()).await.with_context(what)?.partition_ids;
        let partitions = match partition.map(|partition| partition.to_string()) {
            Some(partition) if partitions.contains(&partition) => vec![partition],
            Some(partition) => {
                bail!("--partition {partition}: the hub {hub} has the partitions {}", partitions.join(", "))
            }
            None => partitions,
        };
        let location = if from_earliest { StartLocation::Earliest } else { StartLocation::Latest };
        let mut receivers = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let options = OpenReceiverOptions {
                start_position: Some(StartPosition { location: location.clone(), ..Default::default() }),
                ..Default::default()
            };
            receivers
                .push(timely(client.open_receiver_on_partition(partition, Some(options))).await.with_context(what)?);
        }
        Ok(Self { receivers, _client: client })
    }

    /// The events of all partitions as they arrive, each with its partition.
    pub(super) fn events(&self) -> SelectAll<impl Stream<Item = Result<(&str, ReceivedEventData)>>> {
        select_all(self.receivers.iter().map(|receiver| {
            receiver.stream_events().map(move |event| event.map(|event| (receiver.partition_id(), event)))
        }))
    }
}

async fn timely<T>(call: impl Future<Output = Result<T>>) -> anyhow::Result<T> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => bail!("no answer within {} s; does `contoso up` run?", DEADLINE.as_secs()),
    }
}
