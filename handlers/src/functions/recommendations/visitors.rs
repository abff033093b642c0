//! Lists of visitors: "for you".

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use time::Duration;

use super::{
    making::{CONCURRENT_DOCUMENTS, End, Making, PORTION},
    progress::Progress,
};
use crate::{
    app::App,
    azure::cosmos::CosmosError,
    domain::{
        click::VisitorId,
        product::ProductId,
        recommendation::{
            co_views::Added,
            lists::{List, for_you},
            state::Serving,
        },
    },
    outcome::Cause,
    stores::{recommendations::of_visitor, visitors::KEPT},
};

/// Discontinued products looked for in one query, which visits every partition: a season's end discontinues hundreds.
const ASKED_AT_ONCE: usize = 200;

/// An unchanged list is written again when it is so old, so that it does not expire before its visitor is away for long.
const RENEWED: Duration = Duration::days(1);

/// Writes the lists of visitors, file by file; the file first that a run before this came half through.
pub(super) async fn serve(
    making: &Making<'_>,
    mut unserved: BTreeMap<Added, BTreeSet<VisitorId>>,
    progress: &mut Progress<'_>,
    is_over: &(impl Fn() -> bool + Sync),
    written: &mut u64,
) -> Result<End, Cause> {
    let begun = progress.state().serving.clone();
    let half = begun.and_then(|Serving { file, visitor }| {
        let mut rest = unserved.remove(&file)?.split_off(&visitor);
        rest.remove(&visitor);
        Some((file, rest))
    });
    for (file, visitors) in half.into_iter().chain(unserved) {
        let visitors: Vec<VisitorId> = visitors.into_iter().collect();
        for portion in visitors.chunks(PORTION) {
            *written += write_lists(making, portion.iter().cloned()).await?;
            if let Some(last) = portion.last() {
                progress.served_until(&file, last.clone());
            }
            progress.store_now_and_then().await?;
            if is_over() {
                return Ok(End::Cut);
            }
        }
        progress.served(file);
    }
    Ok(End::Whole)
}

/// Writes the list of each of `visitors`, where it changed, and returns how many that were.
pub(super) async fn write_lists(
    making: &Making<'_>,
    visitors: impl IntoIterator<Item = VisitorId>,
) -> Result<u64, Cause> {
    stream::iter(visitors)
        .map(|visitor: VisitorId| write_list(making, visitor))
        .buffer_unordered(CONCURRENT_DOCUMENTS)
        .try_fold(0, |written, is_written| async move { Ok(written + u64::from(is_written)) })
        .await
        .map_err(|error| Cause::from_error("store a visitor's recommendations", error))
}

async fn write_list(
    Making { app, weights, hidden, now, .. }: &Making<'_>,
    visitor: VisitorId,
) -> Result<bool, CosmosError> {
    let lists = &app.stores().recommendations;
    let recent = recent(app, &visitor).await?;
    let items = for_you(weights, &recent, hidden);
    let id = of_visitor(&visitor);
    if items.is_empty() {
        return Ok(false);
    }
    let stored = lists.read(&id).await?;
    if stored.is_some_and(|stored| stored.value.items == items && *now - stored.value.at < RENEWED) {
        return Ok(false);
    }
    let list = List { id, at: *now, items, ttl: Some(KEPT.whole_seconds()) };
    lists.write(&list).await?;
    // Whoever was erased meanwhile keeps no list: erasing empties `site/visitors` first.
    if self::recent(app, &visitor).await?.is_empty() {
        lists.delete(&list.id).await?;
    }
    Ok(true)
}

/// The visitor's products, the newest first; none if nothing is known, or all was erased.
async fn recent(app: &App, visitor: &VisitorId) -> Result<Vec<ProductId>, CosmosError> {
    let stored = app.stores().visitors.read(visitor).await?;
    let items = stored.map(|stored| stored.value.items).unwrap_or_default();
    Ok(items.into_iter().map(|item| item.product_id).collect())
}

/// Takes products that were just discontinued (`gone`) out of the lists of visitors.
pub(super) async fn take_out(app: &App, gone: &[&ProductId], hidden: &HashSet<ProductId>) -> Result<(), Cause> {
    for products in gone.chunks(ASKED_AT_ONCE) {
        let failed = |error| Cause::from_error("take a discontinued product out of the visitors' lists", error);
        // A list may hold several of them.
        let ids: BTreeSet<String> =
            app.stores().recommendations.of_visitors_with(products).await.map_err(failed)?.into_iter().collect();
        stream::iter(ids)
            .map(|id: String| shorten(app, id, hidden))
            .buffer_unordered(CONCURRENT_DOCUMENTS)
            .try_collect::<()>()
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn shorten(app: &App, id: String, hidden: &HashSet<ProductId>) -> Result<(), CosmosError> {
    let lists = &app.stores().recommendations;
    let Some(stored) = lists.read(&id).await? else { return Ok(()) };
    let mut list = stored.value;
    list.items.retain(|item| !hidden.contains(&item.product_id));
    lists.replace(&list, &stored.etag).await
}
