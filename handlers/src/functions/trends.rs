//! `Trends`: counts clicks.
//!
//! Triggered by hub `clicks`, consumer group `trends`, in the order of the partition: see [`Order`].
//!
//! Promises: every click that the hub stored counts exactly once in the documents of its partition and minute in `analytics/windows`,
//! whatever is delivered again, by whom, and however often. A producer's repeat, with the `source`, `id` and time of the first, is not
//! counted. Clicks too late to count and events of other types are skipped; malformed ones, and those ahead of the hub's clock, are
//! parked.
//!
//! A second delivery writes nothing: each document has the mark of the last event it took, see [`crate::domain::trends::window`]. A click that
//! was parked and is replayed is looked for among the clicks that count, and counts once.

use time::OffsetDateTime;

use crate::{
    app::App,
    by_key::{Ended, by_key},
    domain::trends::{
        minute::Minute,
        window::{Counting, EventHash, REDELIVERED_WITHIN, SequencedClick, WindowId},
    },
    events::{CountedClick, hubs},
    function::{Function, HubEvent, Order, Trigger},
    outcome::{Cause, Outcome},
    stores::unstored,
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new(
    "Trends",
    Trigger::EventHub {
        hub: hubs::CLICKS,
        consumer_group: "trends",
        order: Order::Partition,
        handle: |app, events| Box::pin(handle(app, events)),
    },
);

/// Windows worked on at a time.
const CONCURRENT_WINDOWS: usize = 32;

/// Lost races in a row after which the clicks come again later.
const MAX_RACES: usize = 8;

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    if let [event] = events.as_slice()
        && event.is_replayed
    {
        return vec![replayed(&app, event).await];
    }
    let now = app.now();
    let sort = |event: &HubEvent| sequenced_click(event).and_then(|known| timely(now, event, known));
    by_key(&events, CONCURRENT_WINDOWS, sort, async |id, clicks| count(&app, &id, clicks).await).await
}

/// The click that an event is and the window it counts in, or what becomes of the event if it is none that counts. Judged by the event
/// alone: whoever reads it, and whenever, it counts or it does not.
///
/// # Errors
/// With the outcome of an event that does not count.
pub fn sequenced_click(HubEvent { event, position, .. }: &HubEvent) -> Result<(WindowId, SequencedClick), Outcome> {
    let CountedClick { click, at } = event.counted_click(position.enqueued)?;
    let Some((partition, sequence)) = position.place() else {
        // Not the record's fault. Counting without a place would count again with every delivery.
        return Err(Outcome::Retry(Cause::new("the host does not say where in the hub the click is")));
    };
    let id = WindowId { partition: partition.to_owned(), minute: Minute::of(at) };
    Ok((id, SequencedClick { sequence, event: EventHash::new(&event.source, &event.id), at, click }))
}

/// Passes on what was delivered while it is known what was counted.
fn timely<T>(now: OffsetDateTime, event: &HubEvent, counts: T) -> Result<T, Outcome> {
    if now - event.position.enqueued > REDELIVERED_WITHIN {
        return Err(Outcome::Skip("stored so long ago that it cannot be known whether it was counted"));
    }
    Ok(counts)
}

fn outcome(counted: Counting) -> Outcome {
    match counted {
        Counting::Counted => Outcome::Done,
        Counting::Before => Outcome::Skip("counted before"),
        Counting::Repeat => Outcome::Skip("a producer's repeat"),
    }
}

/// Counts a click that was parked when it came. The window's mark is past it, so it is looked for among the clicks that count.
async fn replayed(app: &App, event: &HubEvent) -> Outcome {
    let (id, click) = match sequenced_click(event) {
        Ok(known) => known,
        Err(outcome) => return outcome,
    };
    match try_replayed(app, &id, &click).await {
        Ok(counted) => outcome(counted),
        Err(outcome) => outcome,
    }
}

/// Returns when the click is stored.
async fn try_replayed(app: &App, id: &WindowId, click: &SequencedClick) -> Result<Counting, Outcome> {
    let windows = &app.stores().windows;
    let mut stored = windows.take(id);
    for _ in 0..=MAX_RACES {
        if stored.window.turn() {
            stored.etag = None;
        }
        let Some(counted) = stored.window.count_replayed(click) else {
            let cause = "the minute had so many clicks that it is not known which were counted";
            return Err(Outcome::Retry(Cause::new(cause)));
        };
        if counted == Counting::Before {
            windows.put(stored, None);
            return Ok(counted);
        }
        let document = stored.window.document(app.now());
        let document = document.map_err(|error| Outcome::Park(Cause::from_error("pack counts", error)))?;
        match windows.write(&document, stored.etag.as_deref()).await {
            Ok(etag) => {
                stored.etag = Some(etag);
                windows.put(stored, Some(document));
                return Ok(counted);
            }
            // What is not cached is mostly there, and known only once it is read.
            Err(error) if error.is_lost_race() => stored = windows.read(id).await?,
            Err(error) => return Err(unstored("count the click", error)),
        }
    }
    Err(Outcome::Retry(Cause::new("the page is written by others")))
}

/// Counts clicks of one window. If that fails, those stored before the failure are known by the mark when they come again.
async fn count(app: &App, id: &WindowId, clicks: Vec<SequencedClick>) -> Ended {
    let mut clicks: Vec<(usize, SequencedClick)> = clicks.into_iter().enumerate().collect();
    clicks.sort_by_key(|(_, click)| click.sequence);
    let (order, clicks): (Vec<usize>, Vec<SequencedClick>) = clicks.into_iter().unzip();
    match try_count(app, id, &clicks).await {
        Ok(counted) => {
            let mut each: Vec<(usize, Outcome)> = order.into_iter().zip(counted.into_iter().map(outcome)).collect();
            each.sort_by_key(|(index, _)| *index);
            Ended::Each(each.into_iter().map(|(_, outcome)| outcome).collect())
        }
        Err(failed) => Ended::All(failed),
    }
}

/// Returns when all clicks are stored.
async fn try_count(app: &App, id: &WindowId, clicks: &[SequencedClick]) -> Result<Vec<Counting>, Outcome> {
    let windows = &app.stores().windows;
    let mut counted = Vec::with_capacity(clicks.len());
    let mut stored = windows.take(id);
    let mut written = None;
    let mut races = 0;
    while counted.len() < clicks.len() {
        if stored.window.turn() {
            stored.etag = None;
        }
        let taken = stored.window.count(&clicks[counted.len()..]);
        if taken.iter().any(|counted| *counted != Counting::Before) {
            let document = stored.window.document(app.now());
            let document = document.map_err(|error| Outcome::Park(Cause::from_error("pack counts", error)))?;
            match windows.write(&document, stored.etag.as_deref()).await {
                Ok(etag) => {
                    stored.etag = Some(etag);
                    written = Some(document);
                }
                Err(error) if error.is_lost_race() => {
                    races += 1;
                    if races > MAX_RACES {
                        let id = &document.id;
                        let text = format!("page {id} is written by others at the same time; repeating is safe");
                        return Err(Outcome::Retry(Cause::of("the page is written by others", text)));
                    }
                    (stored, written) = (windows.read(id).await?, None);
                    continue;
                }
                Err(error) => return Err(unstored("count the clicks", error)),
            }
        }
        counted.extend(taken);
    }
    windows.put(stored, written);
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::{
        domain::click::{AHEAD, LATE, RECORDED},
        events::{Event, EventData},
        function::Position,
    };

    const STORED: OffsetDateTime = datetime!(2026-06-01 12:00:30 UTC);

    fn event(data: Value, time: Option<OffsetDateTime>) -> HubEvent {
        let event = Event {
            id: "e-1".to_owned(),
            source: "/test".to_owned(),
            r#type: RECORDED.to_owned(),
            subject: None,
            time,
            dataschema: None,
            extensions: Default::default(),
            trace: None,
            data: EventData::Json(data),
        };
        let position = Position {
            hub: "clicks".to_owned(),
            consumer_group: "trends".to_owned(),
            partition: "3".to_owned(),
            sequence: 41,
            offset: String::new(),
            enqueued: STORED,
        };
        HubEvent { event, position, is_replayed: false }
    }

    fn click_at(time: OffsetDateTime) -> HubEvent {
        event(json!({ "productId": "p-1" }), Some(time))
    }

    #[test]
    fn a_click_counts_in_the_minute_it_happened_in() {
        let (id, click) = sequenced_click(&click_at(STORED - Duration::minutes(2))).unwrap();
        assert_eq!((id.partition.as_str(), id.minute.to_string().as_str()), ("3", "2026-06-01T11:58Z"));
        assert_eq!(click.sequence, 41);
        let (id, _) = super::sequenced_click(&event(json!({ "productId": "p-1" }), None)).unwrap();
        assert_eq!(id.minute.to_string(), "2026-06-01T12:00Z", "without a time, when it was stored");
    }

    #[test]
    fn what_cannot_count_ends_as_what_it_is() {
        let nowhere = |change: fn(&mut Position)| {
            let mut click = click_at(STORED);
            change(&mut click.position);
            sequenced_click(&click).unwrap_err()
        };
        assert!(nowhere(|position| position.sequence = -1).is_retry());
        assert!(nowhere(|position| position.partition = "unknown".to_owned()).is_retry());
        let ends =
            |now, event: &HubEvent| sequenced_click(event).and_then(|known| timely(now, event, known)).unwrap_err();
        let ahead = click_at(STORED + AHEAD + Duration::SECOND);
        assert!(matches!(ends(STORED, &ahead), Outcome::Park(_)));
        assert!(matches!(ends(STORED, &event(json!({ "productId": "a/b" }), None)), Outcome::Park(_)));
        let late = click_at(STORED - LATE - Duration::SECOND);
        assert!(matches!(ends(STORED, &late), Outcome::Skip("too late to count")));
        let long_ago = ends(STORED + REDELIVERED_WITHIN + Duration::SECOND, &click_at(STORED));
        assert!(matches!(long_ago, Outcome::Skip(_)));
        let mut other = click_at(STORED);
        other.event.r#type = "com.contoso.order.placed.v1".to_owned();
        assert!(matches!(ends(STORED, &other), Outcome::Skip("not a click")));
    }
}
