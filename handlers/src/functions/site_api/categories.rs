//! The categories of the site: those that have a product.
//!
//! The projection writes a row for each category that ever had a product, and never removes one; whether the category has one now, its
//! own partition of `site/listings` says. So there is nothing to count that a repeated or late event could count wrong.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::get};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex;

use super::super::http::{Audience, Problem, cacheable_for, preflight};
use crate::{
    app::App,
    azure::cosmos::{Container, CosmosError},
    domain::{
        product::{Category, ProductId},
        projection::CATEGORIES,
    },
};

/// A shop with more categories shows the first of them.
const MOST: usize = 500;
/// Rows of categories that are read: in a shop that had more, the last ones are not shown.
const MOST_ROWS: usize = 4 * MOST;
/// Rows of a page.
const PAGE: NonZeroU32 = NonZeroU32::new(500).unwrap();
/// Categories asked at a time.
const AT_ONCE: usize = 16;

/// How long it is taken for granted that a category has a product. One that has just been emptied is listed for so long.
const LIVES: Duration = Duration::from_secs(10);
/// How long it is taken for granted that a category has none. One that has products again is missing for so long.
const EMPTY: Duration = Duration::from_secs(2);

const NAMES: &str = "SELECT c.name FROM c ORDER BY c.name";
/// Tombstones have no entry.
const LISTED: &str = "SELECT c.id FROM c WHERE IS_DEFINED(c.entry)";

pub(super) fn router(app: App) -> Router<App> {
    let menu = Arc::new(Menu { app, known: Mutex::default() });
    Router::new().route("/api/site/categories", get(categories).options(preflight)).with_state(menu)
}

/// The categories that have a product, in order of name.
async fn categories(State(menu): State<Arc<Menu>>, headers: HeaderMap) -> Result<Response, Problem> {
    let categories = menu.categories().await?;
    cacheable_for(Audience::All, &json!({ "categories": categories }), &headers)
}

#[derive(Clone, Serialize, Deserialize)]
struct Named {
    name: Category,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "id")]
    _id: ProductId,
}

/// What is known of each category: whether it has a product, and until when that holds. Whoever asks while it is asked for waits for that,
/// so any number of readers cost as much as one.
struct Menu {
    app: App,
    known: Mutex<HashMap<Category, (bool, Instant)>>,
}

impl Menu {
    async fn categories(&self) -> Result<Vec<Named>, CosmosError> {
        let listings = &self.app.cosmos().container("site", "listings");
        let names = names(listings).await?;
        let mut known = self.known.lock().await;
        let now = Instant::now();
        known.retain(|_, (_, until)| *until > now);
        let unknown: Vec<Category> =
            names.iter().filter(|named| !known.contains_key(&named.name)).map(|named| named.name.clone()).collect();
        let mut asked = stream::iter(unknown)
            .map(|name| async move { anything_in(listings, &name).await.map(|lives| (name, lives)) })
            .buffer_unordered(AT_ONCE);
        while let Some((name, lives)) = asked.try_next().await? {
            known.insert(name, (lives, Instant::now() + if lives { LIVES } else { EMPTY }));
        }
        let lives = |named: &Named| known.get(&named.name).is_some_and(|(lives, _)| *lives);
        Ok(names.into_iter().filter(lives).take(MOST).collect())
    }
}

/// The categories that products are or were listed in.
async fn names(listings: &Container) -> Result<Vec<Named>, CosmosError> {
    let (mut names, mut continuation) = (Vec::new(), None);
    loop {
        let page = listings.query_partition(CATEGORIES, NAMES, &[], PAGE, continuation.as_deref()).await?;
        names.extend(page.items);
        continuation = page.continuation;
        if continuation.is_none() || names.len() >= MOST_ROWS {
            names.truncate(MOST_ROWS);
            return Ok(names);
        }
    }
}

/// Whether any product is listed in a category.
async fn anything_in(listings: &Container, category: &Category) -> Result<bool, CosmosError> {
    let mut continuation = None;
    loop {
        let page = listings
            .query_partition::<Found>(category.as_str(), LISTED, &[], NonZeroU32::MIN, continuation.as_deref())
            .await?;
        continuation = page.continuation;
        // The service may answer with less than there is.
        if !page.items.is_empty() || continuation.is_none() {
            return Ok(!page.items.is_empty());
        }
    }
}
