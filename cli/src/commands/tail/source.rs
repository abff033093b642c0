//! The partitions of a hub, all together.

use anyhow::bail;
use azure_messaging_eventhubs::{EventReceiver, Result, StartLocation, models::ReceivedEventData};
use contoso_handlers::settings::EventHubsSettings;
use futures::{
    Stream, StreamExt,
    stream::{SelectAll, select_all},
};

use crate::hub::Hub;

/// The partitions of one hub, about to be read.
pub(super) struct Source {
    receivers: Vec<EventReceiver>,
    _hub: Hub,
}

impl Source {
    /// Opens `hub` with one receiver a partition or only the one asked for.
    pub(super) async fn open(
        namespace: &EventHubsSettings,
        name: &str,
        partition: Option<u32>,
        from_earliest: bool,
    ) -> anyhow::Result<Self> {
        let hub = Hub::open(namespace, name).await?;
        let partitions = hub.partitions().await?;
        let partitions = match partition.map(|partition| partition.to_string()) {
            Some(partition) if partitions.contains(&partition) => vec![partition],
            Some(partition) => {
                bail!("--partition {partition}: the hub {name} has the partitions {}", partitions.join(", "))
            }
            None => partitions,
        };
        let location = if from_earliest { StartLocation::Earliest } else { StartLocation::Latest };
        let mut receivers = Vec::with_capacity(partitions.len());
        for partition in partitions {
            receivers.push(hub.receive(&partition, location.clone()).await?);
        }
        Ok(Self { receivers, _hub: hub })
    }

    /// The events of all partitions as they arrive, each with its partition.
    pub(super) fn events(&self) -> SelectAll<impl Stream<Item = Result<(&str, ReceivedEventData)>>> {
        select_all(self.receivers.iter().map(|receiver| {
            receiver.stream_events().map(move |event| event.map(|event| (receiver.partition_id(), event)))
        }))
    }
}
