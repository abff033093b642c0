//! The past that products rise against.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    board::WINDOW_MINUTES,
    minute::{Minute, MinuteDocument},
};
use crate::product::ProductId;

/// The past: so many whole hours before those minutes.
pub const PAST_HOURS: i64 = 24;
/// Products that are kept of each hour.
const PAST_PRODUCTS: usize = 500;

/// What was viewed in the hours before, by whole hours since 1970. Stored as a list: names of JSON are texts, and hours are numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(i64, Hour)>", into = "Vec<(i64, Hour)>")]
pub struct Past {
    /// Every hour of the past, those without views too.
    pub hours: BTreeMap<i64, Hour>,
}

/// An hour of the past.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    views: u64,
    products: BTreeMap<ProductId, u64>,
}

impl Hour {
    /// The sum of minutes.
    pub fn of_minutes(minutes: &[MinuteDocument]) -> Self {
        let mut hour = Self::default();
        for minute in minutes {
            hour.views += minute.views;
            for (id, product) in &minute.products {
                *hour.products.entry(id.clone()).or_default() += product.views;
            }
        }
        if hour.products.len() > PAST_PRODUCTS {
            let mut products: Vec<_> = hour.products.into_iter().collect();
            products.sort_by_key(|(_, views)| std::cmp::Reverse(*views));
            products.truncate(PAST_PRODUCTS);
            hour.products = products.into_iter().collect();
        }
        hour
    }

    /// Views of a product; at most those of the least viewed one that was kept, if it was not.
    fn views_of(&self, id: &ProductId) -> u64 {
        let least = || if self.products.len() < PAST_PRODUCTS { None } else { self.products.values().min().copied() };
        self.products.get(id).copied().or_else(least).unwrap_or(0)
    }
}

impl From<Vec<(i64, Hour)>> for Past {
    fn from(hours: Vec<(i64, Hour)>) -> Self {
        Self { hours: hours.into_iter().collect() }
    }
}

impl From<Past> for Vec<(i64, Hour)> {
    fn from(past: Past) -> Self {
        past.hours.into_iter().collect()
    }
}

impl Past {
    /// The hours that are the past of the minutes up to `now`.
    pub fn hours_before(now: Minute) -> std::ops::Range<i64> {
        let first = now.plus(1 - WINDOW_MINUTES).epoch().div_euclid(60);
        first - PAST_HOURS..first
    }

    /// Views of a product and of all products in the past, without the hour in which the product was viewed most: one burst, long
    /// over, must not hide the next. `None` if nothing at all was viewed.
    pub(super) fn of(&self, id: &ProductId) -> Option<(u64, u64)> {
        let busiest = self.hours.iter().max_by_key(|(_, hour)| hour.views_of(id)).map(|(at, _)| *at);
        let others = self.hours.iter().filter(|(at, _)| Some(**at) != busiest);
        let (mut views, mut of_all) = (0, 0);
        for (_, hour) in others {
            views += hour.views_of(id);
            of_all += hour.views;
        }
        (of_all > 0).then_some((views, of_all))
    }
}
