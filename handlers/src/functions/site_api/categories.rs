//! The categories of the site: those that have a product.
//!
//! The projection writes a row for each category that ever had a product, and never removes one; whether the category has one now, its
//! own partition of `site/listings` says. So there is nothing to count that a repeated or late event could count wrong.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::get};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::{
    app::App,
    azure::cosmos::CosmosError,
    domain::product::Category,
    http::{Audience, Problem, cacheable_for, preflight},
};

/// A shop with more categories shows the first of them.
const MOST: usize = 500;
/// Rows of categories that are read: in a shop that had more, the last ones are not shown.
const MOST_ROWS: usize = 4 * MOST;
/// Categories asked at a time.
const CONCURRENT_CATEGORIES: usize = 16;

/// How long it is taken for granted that a category has a product. One that has just been emptied is listed for so long.
const LIVES: Duration = Duration::from_secs(10);
/// How long it is taken for granted that a category has none. One that has products again is missing for so long.
const EMPTY: Duration = Duration::from_secs(2);

pub(super) fn router(app: App) -> Router<App> {
    let menu = Arc::new(Menu { app, answers: Mutex::default() });
    Router::new().route("/api/site/categories", get(categories).options(preflight)).with_state(menu)
}

/// The categories that have a product, in order of name.
async fn categories(State(menu): State<Arc<Menu>>, headers: HeaderMap) -> Result<Response, Problem> {
    let categories = menu.categories().await?;
    cacheable_for(Audience::All, &json!({ "categories": categories }), &headers)
}

#[derive(Serialize)]
struct Named {
    name: Category,
}

/// What is known of each category: whether it has a product, and until when that holds. Whoever asks while it is asked for waits for that,
/// so any number of readers cost as much as one.
struct Menu {
    app: App,
    answers: Mutex<HashMap<Category, (bool, Instant)>>,
}

impl Menu {
    async fn categories(&self) -> Result<Vec<Named>, CosmosError> {
        let listings = &self.app.stores().listings;
        let names = listings.categories(MOST_ROWS).await?;
        let mut answers = self.answers.lock().await;
        let now = Instant::now();
        answers.retain(|_, (_, until)| *until > now);
        let unknown: Vec<Category> = names.iter().filter(|name| !answers.contains_key(*name)).cloned().collect();
        let mut asked = stream::iter(unknown)
            .map(|name| async move { listings.is_any_in(&name).await.map(|lives| (name, lives)) })
            .buffer_unordered(CONCURRENT_CATEGORIES);
        while let Some((name, lives)) = asked.try_next().await? {
            answers.insert(name, (lives, Instant::now() + if lives { LIVES } else { EMPTY }));
        }
        let lives = |name: &Category| answers.get(name).is_some_and(|(lives, _)| *lives);
        Ok(names.into_iter().filter(lives).take(MOST).map(|name| Named { name }).collect())
    }
}
