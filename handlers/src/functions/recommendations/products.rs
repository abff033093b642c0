//! Lists of products: "viewed together".

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};

use super::{
    making::{CONCURRENT_DOCUMENTS, End, Making, PORTION},
    progress::Progress,
};
use crate::{
    domain::{
        product::ProductId,
        recommendation::lists::{List, viewed_together},
    },
    outcome::Cause,
    stores::recommendations::of_product,
};

/// Writes the lists of products that differ from those that were written before, and removes those of products that lead nowhere now.
pub(super) async fn write_lists(
    making: &Making<'_>,
    progress: &mut Progress<'_>,
    is_over: &(impl Fn() -> bool + Sync),
    written: &mut u64,
) -> Result<End, Cause> {
    let Making { app, weights, hidden, now, .. } = making;
    let lists = &app.stores().recommendations;
    let products: Vec<&ProductId> = weights.products().collect();
    let mut gone: BTreeSet<ProductId> = progress.state().lists.keys().cloned().collect();
    for portion in products.chunks(PORTION) {
        let mut changed = Vec::new();
        for product in portion {
            let items = viewed_together(weights, product, hidden);
            if items.is_empty() {
                continue;
            }
            gone.remove(*product);
            let list = List { id: of_product(product), at: *now, items, ttl: None };
            let digest = digest(&list);
            if progress.state().lists.get(*product) != Some(&digest) {
                changed.push(((*product).clone(), digest, list));
            }
        }
        let mut writing = stream::iter(changed)
            .map(|(product, digest, list): (ProductId, String, List)| async move {
                lists.write(&list).await.map(|()| (product, digest))
            })
            .buffer_unordered(CONCURRENT_DOCUMENTS);
        while let Some(stored) = writing.next().await {
            let (product, digest) =
                stored.map_err(|error| Cause::from_error("store what is viewed together", error))?;
            progress.listed(&product, Some(digest));
            *written += 1;
        }
        progress.store_now_and_then().await?;
        if is_over() {
            return Ok(End::Cut);
        }
        // Others have their turn too where nothing was to be written.
        tokio::task::yield_now().await;
    }
    let mut removing = stream::iter(gone)
        .map(|product: ProductId| async move { lists.delete(&of_product(&product)).await.map(|()| product) })
        .buffer_unordered(CONCURRENT_DOCUMENTS);
    while let Some(removed) = removing.next().await {
        let product = removed.map_err(|error| Cause::from_error("remove what is no longer viewed together", error))?;
        progress.listed(&product, None);
    }
    Ok(End::Whole)
}

/// Tells whether a list changed, whenever it was made.
fn digest(list: &List) -> String {
    let text = serde_json::to_vec(&list.items).unwrap_or_default();
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
