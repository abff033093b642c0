//! `ProductProjection`: shows products on the site.
//!
//! Triggered by hub `products`, consumer group `site`.
//!
//! Promises: `site/products` and `site/listings` end at the latest state of each product, whatever order its events come in, and a
//! product is listed in one category at most once its events are handled. Every category that ever had a product has a row there. A product event with malformed data is parked alone; events
//! of other types are skipped.
//!
//! A second delivery changes nothing and is skipped: every write is "write if newer", see [`crate::domain::projection`].

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    app::App,
    azure::cosmos::{CosmosError, Written, repeat_lost_races},
    by_key::{Ended, by_key},
    domain::projection::{ProductView, SequencedEvent, project},
    events::hubs,
    function::{Documents, Function, HubEvent, Order, Projection, Trigger},
    outcome::{Cause, Outcome},
    stores::{Stores, listings, products, unstored},
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new(
    "ProductProjection",
    Trigger::EventHub {
        hub: hubs::PRODUCTS,
        consumer_group: "site",
        order: Order::Key,
        handle: |app, events| Box::pin(handle(app, events)),
    },
)
.projecting(Projection {
    documents: &[
        Documents { container: products::NAME, key: "id", cleared: Documents::ALL },
        Documents { container: listings::NAME, key: "category", cleared: Documents::ALL },
    ],
    kept: None,
    there: THERE,
    rest: None,
});

/// Products worked on at a time.
const CONCURRENT_PRODUCTS: usize = 32;

/// Why an event is skipped that changes nothing.
const THERE: &str = "the site shows it, or a newer version";

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    by_key(&events, CONCURRENT_PRODUCTS, sequenced, async |id, events| {
        Ended::All(show(app.stores(), &id, &events).await)
    })
    .await
}

/// The product that an event is about, and what it says.
fn sequenced(HubEvent { event, position, .. }: &HubEvent) -> Result<(String, SequencedEvent), Outcome> {
    let event = event.product().map_err(Outcome::Park)?.ok_or(Outcome::Skip("not a product event"))?;
    Ok((event.product.id.as_str().to_owned(), SequencedEvent { sequence: position.sequence, event }))
}

/// Writes what `events` about one product mean for the site.
async fn show(stores: &Stores, id: &str, events: &[SequencedEvent]) -> Outcome {
    // Another writer that was first decides by its document what the rows must be, so everything is decided again.
    match repeat_lost_races(|| try_show(stores, id, events)).await {
        Ok(Written::Yes) => Outcome::Done,
        Ok(Written::No) => Outcome::Skip(THERE),
        Err(error) if error.is_lost_race() => Outcome::Retry(Cause::of(
            "the product is being shown by others",
            format!("product {id} is being shown by others at the same time"),
        )),
        Err(error) => unstored("show the product", error),
    }
}

/// Whether anything had to be written.
async fn try_show(
    Stores { products, listings, .. }: &Stores,
    id: &str,
    events: &[SequencedEvent],
) -> Result<Written, CosmosError> {
    let stored = products.read(id).await?;
    let (known, etag): (Option<ProductView>, _) = stored.map(|stored| (stored.value, stored.etag)).unzip();
    let writes = project(known.as_ref(), events);
    let rows = stream::iter(writes.rows)
        .map(|row| async move { listings.write(&row).await })
        .buffer_unordered(CONCURRENT_PRODUCTS)
        .try_fold(Written::No, |all, row| async move { Ok(if row == Written::Yes { row } else { all }) })
        .await?;
    if let Some(row) = &writes.category {
        listings.add_category(row).await?;
    }
    match &writes.view {
        Some(view) => products.write(view, etag.as_deref()).await.map(|()| Written::Yes),
        None => Ok(rows),
    }
}
