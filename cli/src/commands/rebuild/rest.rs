//! The events of a partition that only the hub has.

use std::time::Duration;

use anyhow::{Context, bail};
use azure_messaging_eventhubs::StartLocation;
use contoso_handlers::{app::App, azure::hub_reader::incoming, function::Position};
use futures::StreamExt;
use time::OffsetDateTime;

use super::captured::{self, Record};
use crate::hub::Hub;

/// An event that the hub has comes within this time.
const DEADLINE: Duration = Duration::from_secs(30);

/// A partition of a hub, as a consumer group reads it.
#[derive(Clone, Copy)]
pub(super) struct Partition<'a> {
    pub(super) hub: &'a Hub,
    pub(super) hub_name: &'static str,
    pub(super) consumer_group: &'static str,
    pub(super) id: &'a str,
}

/// Hands out the events behind `from` up to number `until`, which the hub has.
pub(super) async fn read(
    app: &App,
    partition: Partition<'_>,
    from: StartLocation,
    until: i64,
    mut each: impl AsyncFnMut(Record) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Partition { hub, hub_name, consumer_group, id } = partition;
    let failed = || format!("cannot receive partition {id} of the hub {hub_name}; running the command again is safe");
    let receiver = hub.receive(id, from).await?;
    let mut events = Box::pin(receiver.stream_events());
    loop {
        let next = tokio::time::timeout(DEADLINE, events.next()).await;
        let Some(received) = next.with_context(failed)? else { break };
        let received = received.with_context(failed)?;
        let sequence = received.sequence_number().with_context(failed)?;
        let enqueued = received.enqueued_time().map(OffsetDateTime::from);
        let position = Position {
            hub: hub_name.to_owned(),
            consumer_group: consumer_group.to_owned(),
            partition: id.to_owned(),
            sequence,
            offset: String::new(),
            enqueued: enqueued.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        };
        let event = captured::hub_event(app, incoming(&received), position).await?;
        each(Record { sequence, enqueued, event }).await?;
        if sequence >= until {
            return Ok(());
        }
    }
    bail!("the hub {hub_name} ended partition {id} before event {until}; running the command again is safe")
}
