//! Lists of visitors: "for you".

use std::collections::{BTreeSet, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use time::{Duration, OffsetDateTime};

use super::AT_ONCE;
use crate::{
    app::App,
    azure::cosmos::{Container, CosmosError, CosmosErrorKind},
    domain::{
        click::VisitorId,
        product::ProductId,
        recently_viewed::RecentlyViewed,
        recommendation::{
            lists::{List, for_you},
            weights::Weights,
        },
    },
    functions::visitor_recommendations,
    outcome::Cause,
};

/// As long as `site/visitors` keeps what was viewed.
pub(super) const KEPT: Duration = Duration::days(30);

/// Discontinued products looked for in one query, which visits every partition: a season's end discontinues hundreds.
const ASKED_AT_ONCE: usize = 200;

/// An unchanged list is written again when it is so old, so that it does not expire before its visitor is away for long.
const RENEWED: Duration = Duration::days(1);

/// Writes the list of each of `visitors`, where it changed.
pub(super) async fn write_lists(
    app: &App,
    container: &Container,
    weights: &Weights,
    hidden: &HashSet<ProductId>,
    visitors: HashSet<VisitorId>,
    now: OffsetDateTime,
) -> Result<(), Cause> {
    let recently_viewed = &app.cosmos().container("site", "visitors");
    stream::iter(visitors)
        .map(|visitor: VisitorId| write_list(recently_viewed, container, weights, hidden, visitor, now))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await
        .map_err(|error| Cause::from_error("store a visitor's recommendations", error))
}

async fn write_list(
    recently_viewed: &Container,
    container: &Container,
    weights: &Weights,
    hidden: &HashSet<ProductId>,
    visitor: VisitorId,
    now: OffsetDateTime,
) -> Result<(), CosmosError> {
    let recent = recent(recently_viewed, &visitor).await?;
    let items = for_you(weights, &recent, hidden);
    let id = visitor_recommendations(&visitor);
    if items.is_empty() {
        return Ok(());
    }
    let stored = container.read::<List>(&id, &id).await?;
    if stored.is_some_and(|stored| stored.value.items == items && now - stored.value.at < RENEWED) {
        return Ok(());
    }
    let list = List { id, at: now, items, ttl: Some(KEPT.whole_seconds()) };
    container.upsert(&list.id, &list.id, &list).await?;
    // Whoever was erased meanwhile keeps no list: erasing empties `site/visitors` first.
    if self::recent(recently_viewed, &visitor).await?.is_empty() {
        return delete(container, &list.id).await;
    }
    Ok(())
}

/// The visitor's products, the newest first; none if nothing is known, or all was erased.
async fn recent(recently_viewed: &Container, visitor: &VisitorId) -> Result<Vec<ProductId>, CosmosError> {
    let stored = recently_viewed.read::<RecentlyViewed>(visitor.as_str(), visitor.as_str()).await?;
    let items = stored.map(|stored| stored.value.items).unwrap_or_default();
    Ok(items.into_iter().map(|item| item.product_id).collect())
}

/// Takes products that were just discontinued (`gone`) out of the lists of visitors.
pub(super) async fn take_out(
    container: &Container,
    gone: &[&ProductId],
    hidden: &HashSet<ProductId>,
) -> Result<(), Cause> {
    for products in gone.chunks(ASKED_AT_ONCE) {
        // A product id has no character that means anything in a query.
        let products: Vec<String> = products.iter().map(|product| format!("'{product}'")).collect();
        let with = format!(
            "SELECT VALUE c.id FROM c JOIN item IN c.items \
             WHERE STARTSWITH(c.id, 'visitor|') AND item.productId IN ({})",
            products.join(",")
        );
        let failed = |error| Cause::from_error("take a discontinued product out of the visitors' lists", error);
        // A list may hold several of them.
        let ids: BTreeSet<String> = container.query(&with).await.map_err(failed)?.into_iter().collect();
        stream::iter(ids)
            .map(|id: String| shorten(container, id, hidden))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn shorten(container: &Container, id: String, hidden: &HashSet<ProductId>) -> Result<(), CosmosError> {
    let Some(stored) = container.read::<List>(&id, &id).await? else { return Ok(()) };
    let mut list = stored.value;
    list.items.retain(|item| !hidden.contains(&item.product_id));
    match container.replace(&id, &id, &list, &stored.etag).await {
        // It expired or was erased.
        Err(error) if error.kind == CosmosErrorKind::NotFound => Ok(()),
        written => written.map(drop),
    }
}

async fn delete(container: &Container, id: &str) -> Result<(), CosmosError> {
    match container.delete(id, id, None).await {
        Err(error) if error.kind == CosmosErrorKind::NotFound => Ok(()),
        deleted => deleted,
    }
}
