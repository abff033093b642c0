//! `RecentlyViewed`: what each visitor viewed last.
//!
//! Triggered by hub `clicks`, consumer group `recently-viewed`.
//!
//! Promises: `site/visitors` ends at the newest products of each visitor, whatever order clicks come in and however they are cut into
//! batches; a batch writes each visitor at most once. Clicks of nobody known and those that come too late are skipped, those from the
//! future and malformed ones are parked alone. What a visitor had erased stays erased, however late a click from before comes.
//!
//! A second delivery finds the list as it is to be, and writes nothing: see [`crate::domain::recently_viewed`].

use crate::{
    app::App,
    by_key::{Ended, by_key},
    domain::{click::VisitorId, recently_viewed::View},
    events::{CountedClick, hubs},
    function::{Documents, Function, HubEvent, Order, Projection, Trigger},
    outcome::{Cause, Outcome},
    stores::{unstored, visitors},
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new(
    "RecentlyViewed",
    Trigger::EventHub {
        hub: hubs::CLICKS,
        consumer_group: "recently-viewed",
        order: Order::Key,
        handle: |app, events| Box::pin(handle(app, events)),
    },
)
.projecting(Projection {
    // An erasure must outlive every rebuild.
    documents: &[Documents { container: visitors::NAME, key: "id", cleared: "NOT IS_DEFINED(c.erasedBefore)" }],
    kept: Some(visitors::KEPT),
    there: THERE,
    rest: None,
});

/// Visitors worked on at a time.
const CONCURRENT_VISITORS: usize = 32;

/// Why a click is skipped that changes nothing.
const THERE: &str = "the list has it, or newer ones, or it was erased";

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    by_key(&events, CONCURRENT_VISITORS, view, async |visitor, views| Ended::All(add(&app, &visitor, &views).await))
        .await
}

/// Who viewed what, or what becomes of the record instead.
fn view(HubEvent { event, position, .. }: &HubEvent) -> Result<(VisitorId, View), Outcome> {
    let CountedClick { click, at } = event.counted_click(position.enqueued)?;
    let visitor = click.visitor_id.ok_or(Outcome::Skip("of nobody known"))?;
    Ok((visitor, View::new(click.product_id, click.category, at, position.enqueued)))
}

/// Adds views to a visitor's list.
async fn add(app: &App, visitor: &VisitorId, views: &[View]) -> Outcome {
    match app.stores().visitors.add(visitor, views, app.now()).await {
        Ok(true) => Outcome::Done,
        Ok(false) => Outcome::Skip(THERE),
        Err(error) if error.is_lost_race() => {
            Outcome::Retry(Cause::new("the visitor's list is being written by others at the same time"))
        }
        Err(error) => unstored("store what the visitor viewed", error),
    }
}
