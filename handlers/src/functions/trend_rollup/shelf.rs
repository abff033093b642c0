//! Which of the products that are viewed the site has: only those are listed.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use contoso_json::Plain;
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    app::App,
    azure::cosmos::{Container, CosmosError},
    domain::{
        product::{Category, ProductId},
        projection::ProductView,
        trends::ranking::{Ranking, Shelf},
    },
};

/// Products read in one run. Whoever makes up more ids than that every 10 seconds, each viewed more than what is sold, keeps products
/// out of the lists that were not in them yet; nobody gets one in.
const READS: usize = 1_000;
/// Products read at a time.
const AT_ONCE: usize = 16;
/// How long an answer holds: a product that is no longer sold leaves the lists after that, and pages leave it out meanwhile.
const HOLDS: Duration = Duration::from_secs(300);

/// The site's answers of the last runs, for products that are still viewed.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<HashMap<ProductId, Answer>>);

#[derive(Debug)]
struct Answer {
    category: Option<Category>,
    until: Instant,
}

/// What is known of the products that may be listed, after reading some.
pub(super) async fn shelf(app: &App, ranking: &Ranking) -> Result<Shelf, CosmosError> {
    let products = app.cosmos().container("site", "products");
    let now = Instant::now();
    let (mut shelf, old) = app.answers().hold(ranking, now);
    // Old answers are asked again first, and still hold if there is no room for that: a flood must not clear the lists.
    let mut wanted: Vec<ProductId> = old.into_iter().take(READS / 2).collect();
    let mut room = READS;
    loop {
        room -= wanted.len();
        let answers = ask(&products, wanted).await?;
        app.answers().put(&answers, now + HOLDS);
        shelf.extend(answers);
        let unknown = ranking.unknown(&shelf);
        if unknown.is_empty() {
            break;
        }
        if room == 0 {
            tracing::warn!("more unknown products are viewed than can be looked for in one run");
            break;
        }
        wanted = unknown.into_iter().take(room).cloned().collect();
    }
    Ok(shelf)
}

impl Answers {
    /// What is known of products that are viewed, and which of it is old. The rest is forgotten.
    fn hold(&self, ranking: &Ranking, now: Instant) -> (Shelf, Vec<ProductId>) {
        let viewed: HashSet<_> = ranking.products().collect();
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|id, _| viewed.contains(id));
        let old = answers.iter().filter(|(_, answer)| answer.until <= now).map(|(id, _)| id.clone()).collect();
        (answers.iter().map(|(id, answer)| (id.clone(), answer.category.clone())).collect(), old)
    }

    fn put(&self, new: &[(ProductId, Option<Category>)], until: Instant) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.extend(new.iter().map(|(id, category)| (id.clone(), Answer { category: category.clone(), until })));
    }
}

async fn ask(products: &Container, ids: Vec<ProductId>) -> Result<Vec<(ProductId, Option<Category>)>, CosmosError> {
    stream::iter(ids)
        .map(|id| async move {
            let stored = products.read::<Plain>(id.as_str(), id.as_str()).await?;
            // What is there and cannot be read, no page can show either.
            let view = stored.and_then(|stored| serde_json::from_value::<ProductView>(stored.value.0).ok());
            let sold = view.filter(|view| !view.product.is_discontinued());
            Ok((id, sold.map(|view| view.product.content.category)))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
