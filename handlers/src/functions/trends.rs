//! `Trends`: counts clicks.
//!
//! Triggered by hub `clicks`, consumer group `trends`, in the order of the partition: see [`Order`].
//!
//! Promises: every click that the hub stored counts exactly once in the documents of its partition and minute in `analytics/windows`,
//! whatever is delivered again, by whom, and however often. A producer's repeat, with the `source`, `id` and time of the first, is not
//! counted. Clicks too late to count and events of other types are skipped; malformed ones, and those ahead of the hub's clock, are
//! parked.
//!
//! A second delivery writes nothing: each document has the mark of the last event it took, see [`crate::domain::trends::window`].

mod known;

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use time::OffsetDateTime;

pub(crate) use self::known::HeldWindows;
use self::known::Known;
use super::{CLICKS_HUB, click, unstored};
use crate::{
    app::App,
    azure::cosmos::{Container, CosmosError, CosmosErrorKind},
    domain::{
        click::Timing,
        trends::minute::Minute,
        trends::window::{EventHash, Fact, Folded, Page, PageDocument, PageId, REDELIVERED_WITHIN, Window, WindowId},
    },
    outcome::{Cause, Outcome},
    registry::{Function, HubEvent, Order, Trigger},
};

/// The registry's entry.
pub const FUNCTION: Function = Function {
    name: "Trends",
    trigger: Trigger::EventHub {
        hub: CLICKS_HUB,
        consumer_group: "trends",
        order: Order::Partition,
        handle: |app, events| Box::pin(handle(app, events)),
    },
};

/// Windows worked on at a time.
const AT_ONCE: usize = 32;

/// Lost races in a row after which the clicks come again later.
const MAX_RACES: usize = 8;

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    let now = app.now();
    let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(events.len());
    let mut windows: BTreeMap<WindowId, Vec<(usize, Fact)>> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        outcomes.push(match fact(event).and_then(|known| timely(now, event, known)) {
            Ok((id, fact)) => {
                windows.entry(id).or_default().push((index, fact));
                None
            }
            Err(outcome) => Some(outcome),
        });
    }
    let counted: Vec<_> = stream::iter(windows)
        .map(|(id, mut facts)| {
            let app = &app;
            async move {
                facts.sort_by_key(|(_, fact)| fact.sequence);
                let (indices, facts): (Vec<usize>, Vec<Fact>) = facts.into_iter().unzip();
                (indices, count(app, &id, &facts).await)
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (indices, result) in counted {
        match result {
            Ok(folded) => {
                for (index, folded) in indices.into_iter().zip(folded) {
                    outcomes[index] = Some(outcome(folded));
                }
            }
            Err(failed) => {
                for index in indices {
                    outcomes[index] = Some(failed());
                }
            }
        }
    }
    // Every record is of a window or has its outcome.
    outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Done)).collect()
}

/// The click that an event is and the window it counts in, or what becomes of the event if it is none that counts. Judged by the event
/// alone: whoever reads it, and whenever, it counts or it does not.
///
/// # Errors
/// With the outcome of an event that does not count.
pub fn fact(HubEvent { event, position }: &HubEvent) -> Result<(WindowId, Fact), Outcome> {
    let click = match click(event) {
        Ok(Some(click)) => click,
        Ok(None) => return Err(Outcome::Skip("not a click")),
        Err(cause) => return Err(Outcome::Park(cause)),
    };
    let Some((partition, sequence)) = position.place() else {
        // Not the record's fault. Counting without a place would count again with every delivery.
        return Err(Outcome::Retry(Cause::new("the host does not say where in the hub the click is")));
    };
    let at = event.time.unwrap_or(position.enqueued);
    match Timing::of(at, position.enqueued) {
        Timing::Counts => {}
        Timing::TooLate => return Err(Outcome::Skip("too late to count")),
        Timing::Ahead => {
            return Err(Outcome::Park(Cause::new("the click claims to have happened after the hub stored it")));
        }
    }
    let id = WindowId { partition: partition.to_owned(), minute: Minute::of(at) };
    Ok((id, Fact { sequence, event: EventHash::new(&event.source, &event.id), at, click }))
}

/// Passes on what was delivered while it is known what was counted.
fn timely<T>(now: OffsetDateTime, event: &HubEvent, counts: T) -> Result<T, Outcome> {
    if now - event.position.enqueued > REDELIVERED_WITHIN {
        return Err(Outcome::Skip("stored so long ago that it cannot be known whether it was counted"));
    }
    Ok(counts)
}

fn outcome(folded: Folded) -> Outcome {
    match folded {
        Folded::Counted => Outcome::Done,
        Folded::Before => Outcome::Skip("counted before"),
        Folded::Repeat => Outcome::Skip("a producer's repeat"),
    }
}

/// Makes the outcome of each record of a window that could not be written.
type Failed = Box<dyn Fn() -> Outcome + Send>;

/// Counts facts of one window, and returns when all of them are stored. Those stored before a failure are known by the mark when they
/// come again.
async fn count(app: &App, id: &WindowId, facts: &[Fact]) -> Result<Vec<Folded>, Failed> {
    let store = Store { container: app.cosmos().container("analytics", "windows"), id };
    let mut folded = Vec::with_capacity(facts.len());
    // A window that is not known is mostly new: creating its first page tells, and costs no read.
    let mut known = app.windows().take(id).unwrap_or_else(|| Known { window: Window::new(id.clone()), etag: None });
    let mut written = None;
    let mut races = 0;
    while folded.len() < facts.len() {
        if known.window.turn() {
            known.etag = None;
        }
        let taken = known.window.fold(&facts[folded.len()..]);
        if taken.iter().any(|folded| *folded != Folded::Before) {
            let document =
                known.window.document(app.now()).map_err(|error| parked(Cause::from_error("pack counts", error)))?;
            match store.write(&document, known.etag.as_deref()).await {
                Ok(etag) => {
                    known.etag = Some(etag);
                    written = Some(document);
                }
                Err(error) if matches!(error.kind, CosmosErrorKind::Conflict | CosmosErrorKind::NotFound) => {
                    races += 1;
                    if races > MAX_RACES {
                        let text =
                            format!("page {} is written by others at the same time; repeating is safe", document.id);
                        return Err(failed(Outcome::Retry(Cause::new(text))));
                    }
                    (known, written) = (store.read().await?, None);
                    continue;
                }
                Err(error) => return Err(failed(unstored("count the clicks", error))),
            }
        }
        folded.extend(taken);
    }
    app.windows().put(known, written);
    Ok(folded)
}

/// The documents of one window.
struct Store<'a> {
    container: Container,
    id: &'a WindowId,
}

impl Store<'_> {
    /// Creates the page, or replaces it as it was stored under `etag`.
    async fn write(&self, document: &PageDocument, etag: Option<&str>) -> Result<String, CosmosError> {
        match etag {
            Some(etag) => self.container.replace(&document.id, &document.id, document, etag).await,
            None => self.container.create(&document.id, &document.id, document).await,
        }
    }

    /// The window as it is stored, page by page up to the one that changes.
    async fn read(&self) -> Result<Known, Failed> {
        let mut pages: Vec<Page> = Vec::new();
        let mut etag = None;
        for number in 0.. {
            let id = PageId { window: self.id.clone(), number }.to_string();
            let stored = self.container.read::<PageDocument>(&id, &id).await;
            let Some(stored) = stored.map_err(|error| failed(unstored("read the window", error)))? else { break };
            let page = <(PageId, Page)>::try_from(&stored.value);
            let (_, page) = page.map_err(|error| parked(Cause::from_error("read the window", error)))?;
            let is_last = !page.is_full();
            pages.push(page);
            etag = Some(stored.etag);
            if is_last {
                break;
            }
        }
        Ok(Known { window: Window::of_pages(self.id.clone(), pages), etag })
    }
}

fn parked(cause: Cause) -> Failed {
    failed(Outcome::Park(cause))
}

/// The outcome of a window's records is that of each of them.
fn failed(outcome: Outcome) -> Failed {
    Box::new(move || match &outcome {
        Outcome::Done => Outcome::Done,
        Outcome::Skip(reason) => Outcome::Skip(reason),
        Outcome::Park(cause) => Outcome::Park(Cause::new(cause.chain())),
        Outcome::Retry(cause) => Outcome::Retry(Cause::new(cause.chain())),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::{
        domain::click::{AHEAD, LATE, RECORDED},
        events::{Event, EventData},
        registry::Position,
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
        HubEvent { event, position }
    }

    fn click_at(time: OffsetDateTime) -> HubEvent {
        event(json!({ "productId": "p-1" }), Some(time))
    }

    #[test]
    fn a_click_counts_in_the_minute_it_happened_in() {
        let (id, fact) = fact(&click_at(STORED - Duration::minutes(2))).unwrap();
        assert_eq!((id.partition.as_str(), id.minute.to_string().as_str()), ("3", "2026-06-01T11:58Z"));
        assert_eq!(fact.sequence, 41);
        let (id, _) = super::fact(&event(json!({ "productId": "p-1" }), None)).unwrap();
        assert_eq!(id.minute.to_string(), "2026-06-01T12:00Z", "without a time, when it was stored");
    }

    #[test]
    fn what_cannot_count_ends_as_what_it_is() {
        let nowhere = |change: fn(&mut Position)| {
            let mut click = click_at(STORED);
            change(&mut click.position);
            fact(&click).unwrap_err()
        };
        assert!(nowhere(|position| position.sequence = -1).is_retry());
        assert!(nowhere(|position| position.partition = "unknown".to_owned()).is_retry());
        let ends = |now, event: &HubEvent| fact(event).and_then(|known| timely(now, event, known)).unwrap_err();
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
