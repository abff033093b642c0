//! `RecentlyViewed`: what each visitor viewed last.
//!
//! Triggered by hub `clicks`, consumer group `recently-viewed`.
//!
//! Promises: `site/visitors` ends at the newest products of each visitor, whatever order clicks come in and however they are cut into
//! batches; a batch writes each visitor at most once. Clicks of nobody known and those that come too late are skipped, those from the
//! future and malformed ones are parked alone. What a visitor had erased stays erased, however late a click from before comes.
//!
//! A second delivery finds the list as it is to be, and writes nothing: see [`crate::domain::recently_viewed`].

mod known;

use std::collections::HashMap;

use futures::{StreamExt, stream};

pub(crate) use self::known::Known;
use super::{CLICKS_HUB, click, repeated, unstored};
use crate::{
    app::App,
    azure::cosmos::{Container, CosmosError, CosmosErrorKind, Stored},
    domain::{
        click::{Timing, VisitorId},
        recently_viewed::{RecentlyViewed, View},
    },
    outcome::{Cause, Outcome},
    registry::{Function, HubEvent, Order, Trigger},
};

/// The registry's entry.
pub const FUNCTION: Function = Function {
    name: "RecentlyViewed",
    trigger: Trigger::EventHub {
        hub: CLICKS_HUB,
        consumer_group: "recently-viewed",
        order: Order::Key,
        handle: |app, events| Box::pin(handle(app, events)),
    },
};

/// Visitors worked on at a time.
const AT_ONCE: usize = 32;

/// Lost races in a row after which the clicks come again later.
const MAX_RACES: usize = 8;

/// Why a click is skipped that changes nothing.
pub const THERE: &str = "the list has it, or newer ones, or it was erased";

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(events.len());
    let mut visitors: HashMap<VisitorId, (Vec<usize>, Vec<View>)> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        outcomes.push(match view(event) {
            Ok((visitor, view)) => {
                let (indices, views) = visitors.entry(visitor).or_default();
                indices.push(index);
                views.push(view);
                None
            }
            Err(outcome) => Some(outcome),
        });
    }
    let lists = app.cosmos().container("site", "visitors");
    let stored: Vec<_> = stream::iter(visitors)
        .map(|(visitor, (indices, views))| {
            let (app, lists) = (&app, &lists);
            async move { (indices, add(app, lists, &visitor, &views).await) }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (indices, outcome) in stored {
        for index in indices {
            outcomes[index] = Some(repeated(&outcome));
        }
    }
    // Every record is of a visitor or has its outcome.
    outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Done)).collect()
}

/// Who viewed what, or what becomes of the record instead.
fn view(HubEvent { event, position }: &HubEvent) -> Result<(VisitorId, View), Outcome> {
    let click = click(event).map_err(Outcome::Park)?.ok_or(Outcome::Skip("not a click"))?;
    let stored = position.enqueued;
    let time = event.time.unwrap_or(stored);
    match Timing::of(time, stored) {
        Timing::Counts => {}
        Timing::TooLate => return Err(Outcome::Skip("too late")),
        Timing::Ahead => {
            let cause = format!("the click {} claims to be from after it was stored: {time}", event.id);
            return Err(Outcome::Park(Cause::new(cause)));
        }
    }
    let visitor = click.visitor_id.ok_or(Outcome::Skip("of nobody known"))?;
    Ok((visitor, View::new(click.product_id, click.category, time, stored)))
}

/// Adds views to a visitor's list.
async fn add(app: &App, lists: &Container, visitor: &VisitorId, views: &[View]) -> Outcome {
    for _ in 0..MAX_RACES {
        match try_add(app, lists, visitor, views).await {
            Ok(outcome) => return outcome,
            // Another writer was there first, or the list expired: decide again on what is there now.
            Err(error) if matches!(error.kind, CosmosErrorKind::Conflict | CosmosErrorKind::NotFound) => {}
            Err(error) => return unstored("store what the visitor viewed", error),
        }
    }
    Outcome::Retry(Cause::new("the visitor's list is being written by others at the same time"))
}

async fn try_add(app: &App, lists: &Container, visitor: &VisitorId, views: &[View]) -> Result<Outcome, CosmosError> {
    let id = visitor.as_str();
    let with_views = |list: &RecentlyViewed| list.with(views.iter().cloned(), app.now());
    // What is known from the last write may be stale. That it is to be written is safe to decide by it, since the ETag guards the
    // write; that nothing is to be written is not.
    let known = app.lists().take(visitor).and_then(|known| Some((with_views(&known.value)?, Some(known.etag))));
    let (list, etag) = match known {
        Some(write) => write,
        None => {
            let stored = lists.read::<RecentlyViewed>(id, id).await?;
            let (list, etag) = match stored {
                Some(stored) => (stored.value, Some(stored.etag)),
                None => (RecentlyViewed::of(visitor.clone()), None),
            };
            match with_views(&list) {
                Some(list) => (list, etag),
                None => return Ok(Outcome::Skip(THERE)),
            }
        }
    };
    let etag = match etag {
        Some(etag) => lists.replace(id, id, &list, &etag).await?,
        None => lists.create(id, id, &list).await?,
    };
    app.lists().put(Stored { value: list, etag });
    Ok(Outcome::Done)
}
