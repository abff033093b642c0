//! `FeedbackProjection`: what customers make of each product.
//!
//! Triggered by hub `feedback`, consumer group `ratings`.
//!
//! Promises: `feedback/items` ends with the latest version of each item, whatever order its events come in, and with nothing of what an item
//! said that was withdrawn. `site/ratings` is the sum over the items of each product that it shows: average, histogram, sentiment, how many
//! contradict themselves strongly, and the newest comments. Feedback on customers is kept and shown nowhere. Events of other types are
//! skipped; malformed feedback is parked alone.
//!
//! A second delivery finds the item there and writes nothing: items and sums are written together or not at all, and the rating is of the
//! revision that the sums have ([`crate::domain::feedback::rating`]).

use std::collections::BTreeSet;

use crate::{
    app::App,
    azure::cosmos::CosmosError,
    by_key::{Ended, by_key},
    domain::{
        feedback::{
            item::Item,
            rating::{ProductRating, Totals},
        },
        product::ProductId,
    },
    events::hubs,
    function::{Documents, Function, HubEvent, Order, Projection, Trigger},
    outcome::{Cause, Outcome},
    stores::{ratings, unstored},
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new(
    "FeedbackProjection",
    Trigger::EventHub {
        hub: hubs::FEEDBACK,
        consumer_group: "ratings",
        order: Order::Key,
        handle: |app, events| Box::pin(handle(app, events)),
    },
)
.projecting(Projection {
    // Not the items: hub and captured files keep less of them than the container does.
    documents: &[Documents { container: ratings::NAME, key: "id", cleared: Documents::ALL }],
    kept: None,
    there: THERE,
    rest: Some(|app| Box::pin(count_again(app))),
});

/// Products and customers worked on at a time.
const CONCURRENT_KEYS: usize = 16;

/// Why an event is skipped whose item is stored.
const THERE: &str = "the item is there, or a newer version";

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    by_key(&events, CONCURRENT_KEYS, item, async |key, items| store(&app, &key, &items).await).await
}

/// The item that an event is about, by key, or what becomes of the record instead.
fn item(HubEvent { event, position, .. }: &HubEvent) -> Result<(String, Item), Outcome> {
    let feedback = event.feedback().map_err(Outcome::Park)?.ok_or(Outcome::Skip("not feedback"))?;
    Ok((feedback.key.clone(), Item::of(feedback, position.sequence)))
}

/// Stores the items of one key, and the rating that they make.
async fn store(app: &App, key: &str, items: &[Item]) -> Ended {
    match try_store(app, key, items).await {
        Ok(written) => {
            // Of several versions of one item the latest was written, and for the others there was nothing to do.
            let is_written = |at: usize, item: &Item| {
                written.contains(&item.id)
                    && items.iter().enumerate().all(|(place, other)| {
                        place == at
                            || other.id != item.id
                            || !(other.is_newer_than(item) || (other == item && place < at))
                    })
            };
            let outcome = |(at, item)| if is_written(at, item) { Outcome::Done } else { Outcome::Skip(THERE) };
            Ended::Each(items.iter().enumerate().map(outcome).collect())
        }
        Err(error) if error.is_lost_race() => {
            Ended::All(Outcome::Retry(Cause::new("feedback on the same is being written by others at the same time")))
        }
        Err(error) => Ended::All(unstored("store the feedback", error)),
    }
}

async fn try_store(app: &App, key: &str, items: &[Item]) -> Result<BTreeSet<String>, CosmosError> {
    let stores = app.stores();
    let (written, totals) = stores.feedback.items.store(key, items).await?;
    if let Some(product) = product(key) {
        // Whoever stored the items may have died before it showed them.
        let is_shown = written.is_empty()
            && stores.ratings.read(&product).await?.is_some_and(|shown| shown.revision >= totals.revision);
        if !is_shown {
            stores.ratings.write(&rating(app, product, &totals).await?).await?;
        }
    }
    Ok(written)
}

/// The product that items of this key are about. A customer's key has a colon, which no product's id has.
fn product(key: &str) -> Option<ProductId> {
    ProductId::try_from(key.to_owned()).ok()
}

async fn rating(app: &App, product: ProductId, totals: &Totals) -> Result<ProductRating, CosmosError> {
    let newest = app.stores().feedback.items.newest(product.as_str()).await?;
    Ok(ProductRating::of(product, totals, &newest))
}

/// Counts the items of every key once more, and makes every rating of what they come to; how many documents that wrote.
async fn count_again(app: App) -> Result<u64, Cause> {
    let failed = |error| Cause::from_error("count the feedback again", error);
    let (items, ratings) = (&app.stores().feedback.items, &app.stores().ratings);
    let mut written = 0;
    for key in items.keys().await.map_err(failed)? {
        let (totals, is_mended) = items.count_again(&key).await.map_err(failed)?;
        written += u64::from(is_mended);
        if let Some(product) = product(&key) {
            let rating = rating(&app, product, &totals).await.map_err(failed)?;
            written += u64::from(ratings.mend(&rating).await.map_err(failed)?);
        }
    }
    Ok(written)
}
