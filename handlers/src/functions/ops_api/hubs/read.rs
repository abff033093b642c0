//! Reading a page of a hub, or one event.

use azure_messaging_eventhubs::models::ReceivedEventData;
use contoso_partitioner::partition as partition_of;
use futures::future;

use super::{
    page::{Page, Partition, span},
    selection::Selection,
    shown::{ShownEvent, enqueued},
};
use crate::{
    app::App,
    azure::hub_reader::{HubReader, PartitionInfo, ReadError, Receiving},
    domain::browsing::{self, Found, Read, Span},
};

/// Events looked at in the first go for those of a key; each further go looks at twice as many.
const WINDOW: i64 = 500;

/// Events looked at for one page of those of a key; the page says so, and the next one goes on.
const MOST_LOOKED_AT: i64 = 5_000;

/// A page; none if the partition that is asked for is not the hub's.
pub(super) async fn page(app: &App, hub: &'static str, selection: &Selection) -> Result<Option<Page>, ReadError> {
    let reader = app.hubs().reader(hub).await?;
    let partitions = reader.partitions().await?;
    let Some(spans) = asked(&partitions, selection) else { return Ok(None) };
    let spans = match (&selection.cursor, selection.to) {
        (Some(cursor), _) => cursor.left(spans),
        (None, Some(to)) => {
            let before = spans.into_iter().map(|span| before(&reader, &partitions, span, to));
            future::try_join_all(before).await?
        }
        (None, None) => spans,
    };
    let reads = spans.into_iter().filter(|span| !span.is_empty()).map(|span| newest(app, &reader, span, selection));
    let reads = future::try_join_all(reads).await?;
    let looked_at = reads.iter().map(|read| read.span.end.abs_diff(read.from)).sum();
    let (events, cursor) = browsing::page(reads, selection.limit);
    Ok(Some(Page {
        hub,
        partitions: partitions.into_iter().map(Partition::from).collect(),
        events,
        looked_at,
        cursor: cursor.map(|cursor| cursor.text(selection.digest)),
    }))
}

/// One event, with all of its data; none if the hub has it no more or never had it.
pub(super) async fn event(
    app: &App,
    hub: &str,
    partition: &str,
    sequence: i64,
) -> Result<Option<ShownEvent>, ReadError> {
    let Some(reader) = at(app, hub, partition, sequence).await? else { return Ok(None) };
    let Some(received) = one(&reader, partition, sequence).await? else { return Ok(None) };
    Ok(Some(ShownEvent::new(app, partition, &received, true).await))
}

/// The bytes of one event.
pub(super) async fn body(app: &App, hub: &str, partition: &str, sequence: i64) -> Result<Option<Vec<u8>>, ReadError> {
    let Some(reader) = at(app, hub, partition, sequence).await? else { return Ok(None) };
    let received = one(&reader, partition, sequence).await?;
    Ok(received.map(|received| received.event_data().body().unwrap_or_default().to_vec()))
}

async fn one(reader: &HubReader, partition: &str, sequence: i64) -> Result<Option<ReceivedEventData>, ReadError> {
    let mut receiving = reader.receive(partition, sequence, sequence.saturating_add(1)).await?;
    receiving.next().await
}

/// A reader of a hub that has this event.
async fn at(app: &App, hub: &str, partition: &str, sequence: i64) -> Result<Option<HubReader>, ReadError> {
    let reader = app.hubs().reader(hub).await?;
    let held = reader.partitions().await?.iter().find(|info| info.id == partition).and_then(span);
    Ok(held.filter(|span| (span.begin..span.end).contains(&sequence)).map(|_| reader))
}

/// What the partitions hold that are asked for; none if one is asked for that there is not.
fn asked(partitions: &[PartitionInfo], selection: &Selection) -> Option<Vec<Span>> {
    let count = u32::try_from(partitions.len()).ok().and_then(std::num::NonZeroU32::new)?;
    let of_key = selection.key.as_deref().map(|key| partition_of(key, count).to_string());
    let only = selection.partition.as_ref().or(of_key.as_ref());
    let spans = partitions.iter().filter(|info| only.is_none_or(|id| *id == info.id));
    let spans: Vec<&PartitionInfo> = spans.collect();
    (!spans.is_empty()).then(|| spans.into_iter().filter_map(span).collect())
}

/// What of a partition was stored before a time.
async fn before(
    reader: &HubReader,
    partitions: &[PartitionInfo],
    span: Span,
    to: time::OffsetDateTime,
) -> Result<Span, ReadError> {
    let newest = partitions.iter().find(|info| info.id == span.partition).and_then(|info| info.last_enqueued);
    // Nobody comes for a time that no event has reached.
    if newest.is_none_or(|newest| newest < to) {
        return Ok(span);
    }
    let first = reader.first_since(&span.partition, to).await?;
    Ok(first.map_or_else(|| span.clone(), |first| span.before(first)))
}

/// Reads the newest fitting events of a span.
async fn newest(
    app: &App,
    reader: &HubReader,
    span: Span,
    selection: &Selection,
) -> Result<Read<ShownEvent>, ReadError> {
    let limit = i64::try_from(selection.limit).unwrap_or(i64::MAX);
    let mut read = Read { from: span.end, span, found: Vec::new(), is_ended: false };
    let mut earlier: Option<Receiving> = None;
    while read.from > read.span.begin && !read.is_ended && read.found.len() < selection.limit {
        let looked_at = read.span.end - read.from;
        let window = match selection.key {
            Some(_) => (looked_at + WINDOW).min(MOST_LOOKED_AT - looked_at),
            None => limit,
        };
        if window <= 0 {
            break;
        }
        let next = read.span.before(read.from).newest(window);
        if let Some(earlier) = earlier.take() {
            earlier.close().await;
        }
        let mut found = Vec::new();
        let mut receiving = reader.receive(&next.partition, next.begin, next.end).await?;
        while let Some(received) = receiving.next().await? {
            let (Some(sequence), Some(enqueued)) = (received.sequence_number(), enqueued(&received)) else { continue };
            if selection.from.is_some_and(|from| enqueued < from) {
                read.is_ended = true;
                continue;
            }
            // Only what was sent without a key is decoded to learn it.
            let sent_with = received.partition_key().as_deref();
            if selection.key.as_deref().is_some_and(|key| sent_with.is_some_and(|other| other != key)) {
                continue;
            }
            let item = ShownEvent::new(app, &next.partition, &received, false).await;
            if selection.key.is_none() || item.key() == selection.key.as_deref() {
                found.push(Found { sequence, enqueued, item });
            }
        }
        read.from = next.begin;
        found.append(&mut read.found);
        read.found = found;
        earlier = Some(receiving);
    }
    Ok(read)
}
