//! Which of the products that are viewed the site sells: only those are listed.

use std::{collections::HashSet, time::Instant};

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    app::App,
    azure::cosmos::CosmosError,
    domain::{
        product::{Category, ProductId},
        trends::ranking::{Ranking, Sold},
    },
};

/// Products read in one run. Whoever makes up more ids than that every 10 seconds, each viewed more than what is sold, keeps products
/// out of the lists that were not in them yet; nobody gets one in.
const READS: usize = 1_000;
/// Products read at a time.
const CONCURRENT_PRODUCTS: usize = 16;

/// The answers about the products that may be listed, after reading some.
pub(super) async fn answers(app: &App, ranking: &Ranking) -> Result<Sold, CosmosError> {
    let cache = &app.stores().products.sold;
    let now = Instant::now();
    let viewed: HashSet<_> = ranking.products().collect();
    let (mut sold, stale) = cache.keep(&viewed, now);
    // Stale answers are asked again first, and still count if there is no room for that: a flood must not clear the lists.
    let mut wanted: Vec<ProductId> = stale.into_iter().take(READS / 2).collect();
    let mut room = READS;
    loop {
        room -= wanted.len();
        let answers = ask(app, wanted).await?;
        cache.put(&answers, now);
        sold.extend(answers);
        let unknown = ranking.unknown(&sold);
        if unknown.is_empty() {
            break;
        }
        if room == 0 {
            tracing::warn!("more unknown products are viewed than can be looked for in one run");
            break;
        }
        wanted = unknown.into_iter().take(room).cloned().collect();
    }
    Ok(sold)
}

async fn ask(app: &App, ids: Vec<ProductId>) -> Result<Vec<(ProductId, Option<Category>)>, CosmosError> {
    let products = &app.stores().products;
    stream::iter(ids)
        .map(|id| async move { products.category_if_sold(&id).await.map(|category| (id, category)) })
        .buffer_unordered(CONCURRENT_PRODUCTS)
        .try_collect()
        .await
}
