//! `ProductProjection`: shows products on the site.
//!
//! Triggered by hub `products`, consumer group `site`.
//!
//! Promises: `site/products` and `site/listings` end at the latest state of each product, whatever order its events come in, and a
//! product is listed in one category at most once its events are handled. Every category that ever had a product has a row there. A product event with malformed data is parked alone; events
//! of other types are skipped.
//!
//! A second delivery changes nothing and is skipped: every write is "write if newer", see [`crate::domain::projection`].

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::{product_event, repeated, unstored};
use crate::{
    app::App,
    azure::cosmos::{Container, CosmosError, CosmosErrorKind, Versioned, Written, write_if_newer},
    domain::projection::{Fact, ListingRow, ProductView, project},
    outcome::{Cause, Outcome},
    registry::{Function, HubEvent, Order, Trigger},
};

/// The registry's entry.
pub const FUNCTION: Function = Function {
    name: "ProductProjection",
    trigger: Trigger::EventHub {
        hub: super::PRODUCTS_HUB,
        consumer_group: "site",
        order: Order::Key,
        handle: |app, events| Box::pin(handle(app, events)),
    },
};

/// Products worked on at a time.
const AT_ONCE: usize = 32;

/// Lost races in a row after which the events come again later.
const MAX_RACES: usize = 8;

/// Why an event is skipped that changes nothing.
pub const THERE: &str = "the site shows it, or a newer version";

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(events.len());
    let mut products: HashMap<String, Vec<(usize, Fact)>> = HashMap::new();
    for (index, HubEvent { event, position }) in events.iter().enumerate() {
        outcomes.push(match product_event(event) {
            Ok(Some(event)) => {
                let fact = Fact { sequence: position.sequence, event };
                products.entry(fact.event.product.id.as_str().to_owned()).or_default().push((index, fact));
                None
            }
            Ok(None) => Some(Outcome::Skip("not a product event")),
            Err(cause) => Some(Outcome::Park(cause)),
        });
    }
    let site = Site {
        products: app.cosmos().container("site", "products"),
        listings: app.cosmos().container("site", "listings"),
    };
    let shown: Vec<_> = stream::iter(products)
        .map(|(id, facts)| {
            let site = &site;
            async move {
                let (indices, facts): (Vec<usize>, Vec<Fact>) = facts.into_iter().unzip();
                (indices, site.show(&id, &facts).await)
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (indices, outcome) in shown {
        for index in indices {
            outcomes[index] = Some(repeated(&outcome));
        }
    }
    // Every record is of a product or has its outcome.
    outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Done)).collect()
}

/// The site's containers.
struct Site {
    products: Container,
    listings: Container,
}

impl Site {
    /// Writes what `facts` about one product mean for the site.
    async fn show(&self, id: &str, facts: &[Fact]) -> Outcome {
        for _ in 0..MAX_RACES {
            match self.try_show(id, facts).await {
                Ok(Written::Yes) => return Outcome::Done,
                Ok(Written::No) => return Outcome::Skip(THERE),
                // Another writer was there first. Its document decides what the rows must be, so everything is decided again.
                Err(error) if matches!(error.kind, CosmosErrorKind::Conflict | CosmosErrorKind::NotFound) => {}
                Err(error) => return unstored("show the product", error),
            }
        }
        Outcome::Retry(Cause::new(format!("product {id} is being shown by others at the same time")))
    }

    /// Whether anything had to be written.
    async fn try_show(&self, id: &str, facts: &[Fact]) -> Result<Written, CosmosError> {
        let stored = self.products.read::<ProductView>(id, id).await?;
        let (known, etag) = stored.map(|stored| (stored.value, stored.etag)).unzip();
        let writes = project(known.as_ref(), facts);
        let rows = stream::iter(writes.rows)
            .map(|row| async move { write_if_newer(&self.listings, row.category.as_str(), id, &row).await })
            .buffer_unordered(AT_ONCE)
            .try_fold(Written::No, |all, row| async move { Ok(if row == Written::Yes { row } else { all }) })
            .await?;
        if let Some(row) = &writes.category {
            self.listings.upsert(&row.category, &row.id.to_string(), row).await?;
        }
        match (&writes.view, &etag) {
            (Some(view), Some(etag)) => self.products.replace(id, id, view, etag).await.map(|_| Written::Yes),
            (Some(view), None) => self.products.create(id, id, view).await.map(|_| Written::Yes),
            (None, _) => Ok(rows),
        }
    }
}

impl Versioned for ListingRow {
    fn version(&self) -> (i64, i64) {
        (self.stamp.revision, self.stamp.sequence)
    }
}
