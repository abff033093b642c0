//! Cache of which products are sold, and in which category: a product that is viewed is asked about again only after minutes.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::{
    product::{Category, ProductId},
    trends::ranking::Sold,
};

/// How long an answer counts: a product that is no longer sold leaves the lists after that, and pages leave it out meanwhile.
const FRESH: Duration = Duration::from_secs(300);

/// The site's answers of the last runs, for products that are still viewed.
#[derive(Debug, Default)]
pub(crate) struct SoldCache(Mutex<HashMap<ProductId, Answer>>);

#[derive(Debug)]
struct Answer {
    category: Option<Category>,
    until: Instant,
}

impl SoldCache {
    /// What the cache has of products that are viewed, and which of it is stale. The rest is forgotten.
    pub(crate) fn keep(&self, viewed: &HashSet<&ProductId>, now: Instant) -> (Sold, Vec<ProductId>) {
        let mut answers = self.answers();
        answers.retain(|id, _| viewed.contains(id));
        let stale = answers.iter().filter(|(_, answer)| answer.until <= now).map(|(id, _)| id.clone()).collect();
        (answers.iter().map(|(id, answer)| (id.clone(), answer.category.clone())).collect(), stale)
    }

    /// Keeps what was answered at `now`.
    pub(crate) fn put(&self, new: &[(ProductId, Option<Category>)], now: Instant) {
        let answer = |category: &Option<Category>| Answer { category: category.clone(), until: now + FRESH };
        self.answers().extend(new.iter().map(|(id, category)| (id.clone(), answer(category))));
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<ProductId, Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
