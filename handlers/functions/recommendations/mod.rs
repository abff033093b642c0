//! `Recommendations`: what is viewed together, per product, and what a visitor may like.
//!
//! Triggered by a timer, every minute.
//!
//! Promises: documents `product|<id>` and `visitor|<id>` of `site/recommendations` hold up to 20 products, none of which is known to
//! be discontinued. They follow from what `CaptureBatch` stored of the captured clicks of the last 100 days (`co_views`), by
//! the rules of [`crate::domain::recommendation`]. Only what changed is written. A visitor's list is made when a captured file has
//! clicks of that visitor, from what `site/visitors` says was viewed last; who was erased there gets none.
//!
//! A second delivery finds that nothing changed: it reads one listing, one blob and the ids of discontinued products. A run that ends
//! early leaves what it merged; the next goes on from there, and ends in the same documents.
//!
//! In container `co-views`: `days/…` is one partition's day, `settled.json` the days before yesterday, `state.json` what was done.

mod merging;
mod visitors;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::co_views::{CONTAINER, MARKS, put};
use crate::{
    app::App,
    azure::{
        blobs::Condition,
        cosmos::{Container, CosmosErrorKind},
    },
    domain::{
        product::ProductId,
        recommendation::{
            Day,
            lists::{List, viewed_together},
            state::{Marks, Sources, State},
            weights::Weights,
        },
    },
    functions::product_recommendations,
    outcome::Cause,
    registry::{Function, Trigger},
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function { name: "Recommendations", trigger: Trigger::Timer { handle: |app, _| Box::pin(handle(app)) } };

const STATE: &str = "state.json";

/// Documents on their way at once.
const AT_ONCE: usize = 32;

/// Answered from the index of `site/products`, so it costs by what it finds.
const DISCONTINUED: &str = "SELECT VALUE c.id FROM c WHERE c.product.status = 'discontinued'";

async fn handle(app: App) -> Result<(), Cause> {
    let now = app.now();
    let today = Day::of(now);
    let (state, version) = stored::<State>(&app, STATE).await?.unzip();
    let state = state.unwrap_or_default();
    let sources = Sources { today: Some(today), marks: marks(&app).await?, discontinued: discontinued(&app).await? };
    if state.sources == sources {
        return Ok(());
    }
    let changes = merging::catch_up(&app, today, &state, &sources.marks).await?;
    let weights = merging::weights(&app, today, &sources.marks).await?;
    let hidden: HashSet<ProductId> = sources.discontinued.iter().cloned().collect();
    let container = app.cosmos().container("site", "recommendations");
    let lists = write_lists(&container, &weights, &hidden, &state.lists, now).await?;
    visitors::write_lists(&app, &container, &weights, &hidden, changes.visitors, now).await?;
    let gone: Vec<&ProductId> = sources.discontinued.difference(&state.sources.discontinued).collect();
    // Before the first run there is no list that could hold them.
    if state.sources.today.is_some() {
        visitors::take_out(&container, &gone, &hidden).await?;
    }
    let state = State { sources, lists, served: changes.served };
    let condition = version.as_deref().map_or(Condition::IfAbsent, Condition::IfMatch);
    put(&app, STATE, &state, condition)
        .await
        .map(drop)
        .map_err(|error| Cause::from_error("store what was recommended", error))
}

/// Makes every list again, whatever was written before: of the products, and of the visitors who clicked in the last 30 days. With
/// `from_nothing`, the tables they are made of too. The function may run meanwhile.
///
/// # Errors
/// If a service fails, or a run of the function was at work at the same time. Repeating is safe.
pub async fn make_everything(app: &App, from_nothing: bool) -> Result<(), Cause> {
    // Only a run that knows of no list writes all of them; and none that began before can end after this.
    forget(app, STATE).await?;
    if from_nothing {
        merging::forget_tables(app).await?;
    }
    handle(app.clone()).await?;
    let now = app.now();
    let (today, marks) = (Day::of(now), marks(app).await?);
    let weights = merging::weights(app, today, &marks).await?;
    let hidden: HashSet<ProductId> = discontinued(app).await?.into_iter().collect();
    let container = app.cosmos().container("site", "recommendations");
    for mark in marks.keys() {
        let visitors = merging::visitors_before_yesterday(app, today, mark).await?;
        visitors::write_lists(app, &container, &weights, &hidden, visitors, now).await?;
    }
    Ok(())
}

async fn forget(app: &App, name: &str) -> Result<(), Cause> {
    let deleted = app.blobs().delete(CONTAINER, name).await;
    deleted.map_err(|error| Cause::from_error("remove what was made of co-views", error))
}

/// A document of the container and its ETag; one that cannot be read counts as missing, for each can be made again.
async fn stored<T: DeserializeOwned>(app: &App, name: &str) -> Result<Option<(T, String)>, Cause> {
    let blob = app
        .blobs()
        .get(CONTAINER, name)
        .await
        .map_err(|error| Cause::from_error("read what is stored of co-views", error))?;
    let Some(blob) = blob else { return Ok(None) };
    match contoso_json::from_slice(&blob.body) {
        Ok(document) => Ok(Some((document, blob.etag))),
        Err(error) => {
            tracing::warn!(blob.name = name, cause = %error, "a document of co-views cannot be read");
            Ok(None)
        }
    }
}

async fn marks(app: &App) -> Result<Marks, Cause> {
    let listed =
        app.blobs().list(CONTAINER, MARKS).await.map_err(|error| Cause::from_error("list what changed", error))?;
    Ok(listed.into_iter().map(|entry| (entry.name, entry.etag)).collect())
}

async fn discontinued(app: &App) -> Result<BTreeSet<ProductId>, Cause> {
    let products = app.cosmos().container("site", "products");
    let ids: Vec<ProductId> = products
        .query(DISCONTINUED)
        .await
        .map_err(|error| Cause::from_error("ask which products are discontinued", error))?;
    Ok(ids.into_iter().collect())
}

/// Writes the lists of products that differ from those `written` before; returns the digests of all that stand now.
async fn write_lists(
    container: &Container,
    weights: &Weights,
    hidden: &HashSet<ProductId>,
    written: &BTreeMap<ProductId, String>,
    now: OffsetDateTime,
) -> Result<BTreeMap<ProductId, String>, Cause> {
    let mut digests = BTreeMap::new();
    let mut changed = Vec::new();
    for product in weights.products() {
        let items = viewed_together(weights, product, hidden);
        if items.is_empty() {
            continue;
        }
        let list = List { id: product_recommendations(product), at: now, items, ttl: None };
        let digest = digest(&list);
        if written.get(product) != Some(&digest) {
            changed.push(list);
        }
        digests.insert(product.clone(), digest);
    }
    stream::iter(changed)
        .map(|list: List| async move { container.upsert(&list.id, &list.id, &list).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await
        .map_err(|error| Cause::from_error("store what is viewed together", error))?;
    for product in written.keys().filter(|product| !digests.contains_key(*product)) {
        let id = product_recommendations(product);
        match container.delete(&id, &id, None).await {
            Err(error) if error.kind != CosmosErrorKind::NotFound => {
                return Err(Cause::from_error("remove what is no longer viewed together", error));
            }
            _ => {}
        }
    }
    Ok(digests)
}

/// Tells whether a list changed, whenever it was made.
fn digest(list: &List) -> String {
    let text = serde_json::to_vec(&list.items).unwrap_or_default();
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
