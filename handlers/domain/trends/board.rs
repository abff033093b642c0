//! What is viewed most just now, and what is viewed more than its own past suggests: items of `site/trending`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    minute::{Minute, MinuteDocument},
    tally::Tally,
};
use crate::domain::product::{Category, ProductId};

/// "Just now": the last so many minutes, the present one included.
pub const WINDOW_MINUTES: i64 = 15;
/// The past: so many whole hours before those minutes.
pub const PAST_HOURS: i64 = 24;
/// Products that are kept of each hour.
const PAST_PRODUCTS: usize = 500;
/// Entries of a list.
const LISTED: usize = 20;
/// Views below which nothing is called rising.
const LEAST_VIEWS: u64 = 5;
/// Score from which a product is called rising: of 30,000 products with steady views, one by chance.
const LEAST_SCORE: f64 = 4.0;
/// Categories with a list of their own.
const MOST_CATEGORIES: usize = 200;

/// Id of the list over all categories.
pub const ALL: &str = "all";

/// The id of a category's list. Cosmos DB allows no `/`, `\`, `?` or `#` in ids, so these and `%` are percent-encoded.
pub fn category_id(category: &Category) -> String {
    let mut id = String::from("category|");
    for c in category.as_str().chars() {
        match c {
            '/' => id.push_str("%2F"),
            '\\' => id.push_str("%5C"),
            '?' => id.push_str("%3F"),
            '#' => id.push_str("%23"),
            '%' => id.push_str("%25"),
            c => id.push(c),
        }
    }
    id
}

/// One list: all products, or those of a category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrendingDocument {
    /// [`ALL`] or [`category_id`].
    pub id: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Over how many minutes: [`WINDOW_MINUTES`].
    pub window_minutes: i64,
    /// The most viewed, most views first.
    pub top: Vec<TopProduct>,
    /// Those that rose most, highest score first.
    pub rising: Vec<RisingProduct>,
    /// In the list over all: the categories that have a list of their own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<Category>,
}

/// A product that is viewed much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopProduct {
    /// Which.
    pub product_id: ProductId,
    /// Where it was listed last.
    pub category: Option<Category>,
    /// How often it was viewed.
    pub views: u64,
    /// By how many, estimated.
    pub visitors: u64,
}

/// A product that is viewed more than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RisingProduct {
    /// Which.
    pub product_id: ProductId,
    /// Where it was listed last.
    pub category: Option<Category>,
    /// How often it was viewed.
    pub views: u64,
    /// How often it would have been at its share of the past.
    pub expected: f64,
    /// By how many standard deviations it differs from that, were views independent of each other.
    pub score: f64,
}

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
    fn of(&self, id: &ProductId) -> Option<(u64, u64)> {
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

/// The lists as of `at`: of the minutes just now together, and the past.
pub fn board(at: OffsetDateTime, now: &Tally, past: &Past) -> Vec<TrendingDocument> {
    let mut top: Vec<_> = now
        .products
        .iter()
        .map(|(id, product)| TopProduct {
            product_id: id.clone(),
            category: product.listed.as_ref().map(|listed| listed.category.clone()),
            views: product.count.views,
            visitors: product.count.visitors.count(),
        })
        .collect();
    top.sort_by_key(|product| std::cmp::Reverse(product.views));
    let mut rising: Vec<_> = top.iter().filter_map(|product| rise(product, now.total.views, past)).collect();
    rising.sort_by(|a, b| b.score.total_cmp(&a.score));

    let mut by_views: Vec<_> = now.categories.iter().collect();
    by_views.sort_by_key(|(_, count)| std::cmp::Reverse(count.views));
    let categories: BTreeSet<Category> =
        by_views.into_iter().take(MOST_CATEGORIES).map(|(name, _)| name.clone()).collect();
    let list = |id: String, is_in: &dyn Fn(Option<&Category>) -> bool| TrendingDocument {
        id,
        at,
        window_minutes: WINDOW_MINUTES,
        top: top.iter().filter(|product| is_in(product.category.as_ref())).take(LISTED).cloned().collect(),
        rising: rising.iter().filter(|product| is_in(product.category.as_ref())).take(LISTED).cloned().collect(),
        categories: BTreeSet::new(),
    };
    let mut lists: Vec<_> =
        categories.iter().map(|name| list(category_id(name), &|category| category == Some(name))).collect();
    lists.push(TrendingDocument { categories, ..list(ALL.to_owned(), &|_| true) });
    lists
}

/// A list in which nothing was viewed.
pub fn empty(id: String, at: OffsetDateTime) -> TrendingDocument {
    let (top, rising, categories) = (Vec::new(), Vec::new(), BTreeSet::new());
    TrendingDocument { id, at, window_minutes: WINDOW_MINUTES, top, rising, categories }
}

/// The product's rise, if it is one: its share of all views now against its share in the past.
///
/// Both counts are taken for Poisson numbers and compared by their square roots, whose deviation does not depend on how large
/// they are (Anscombe 1948: 2·√(n + 3/8) has variance 1), so that small counts on either side make a small score.
fn rise(product: &TopProduct, all: u64, past: &Past) -> Option<RisingProduct> {
    let (before, all_before) = past.of(&product.product_id)?;
    let scale = all as f64 / all_before as f64;
    let root = |views: u64| (views as f64 + 0.375).sqrt();
    let score = 2.0 * (root(product.views) - scale.sqrt() * root(before)) / (1.0 + scale).sqrt();
    let is_rise = product.views >= LEAST_VIEWS && score >= LEAST_SCORE;
    is_rise.then(|| RisingProduct {
        product_id: product.product_id.clone(),
        category: product.category.clone(),
        views: product.views,
        expected: hundredths(before as f64 * scale),
        score: hundredths(score),
    })
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::click::Click;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:07 UTC);

    fn tally(views: &[(&str, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (id, views) in views {
            let click = Click {
                product_id: (*id).to_owned().try_into().unwrap(),
                category: Some("Bags".to_owned().try_into().unwrap()),
                visitor_id: None,
                session_id: None,
            };
            (0..*views).for_each(|_| tally.add(&click, NOW));
        }
        tally
    }

    fn past(hours: &[&[(&str, u64)]]) -> Past {
        let documents = hours
            .iter()
            .map(|views| Hour::of_minutes(&[MinuteDocument::new(Minute::of(NOW), BTreeMap::new(), &tally(views))]));
        Past { hours: Past::hours_before(Minute::of(NOW)).zip(documents).collect() }
    }

    fn rising(now: &[(&str, u64)], hours: &[&[(&str, u64)]]) -> Vec<String> {
        let lists = board(NOW, &tally(now), &past(hours));
        let all = lists.last().unwrap();
        assert_eq!(all.id, ALL);
        all.rising.iter().map(|product| product.product_id.to_string()).collect()
    }

    #[test]
    fn the_past_is_whole_hours_before_the_minutes_just_now() {
        let hours = Past::hours_before(Minute::of(datetime!(2026-06-01 12:14 UTC)));
        assert_eq!(hours.end * 60, Minute::of(datetime!(2026-06-01 12:00 UTC)).epoch());
        let hours = Past::hours_before(Minute::of(datetime!(2026-06-01 12:13 UTC)));
        assert_eq!(hours.end * 60, Minute::of(datetime!(2026-06-01 11:00 UTC)).epoch());
        assert_eq!(hours.count(), 24);
    }

    #[test]
    fn a_product_rises_against_its_own_share_and_not_with_the_traffic() {
        let steady: &[_] = &[("a", 400), ("b", 40), ("c", 2)];
        let hours = [steady; 24];
        assert_eq!(rising(&[("a", 100), ("b", 10), ("c", 1)], &hours), [""; 0], "a quiet quarter");
        assert_eq!(rising(&[("a", 4_000), ("b", 400), ("c", 20)], &hours), [""; 0], "ten times the traffic");
        assert_eq!(rising(&[("a", 100), ("b", 40), ("c", 1)], &hours), ["b"]);
        assert_eq!(rising(&[("a", 100), ("b", 10), ("new", 15)], &hours), ["new"]);
    }

    #[test]
    fn little_evidence_makes_no_rise() {
        assert_eq!(rising(&[("a", 50)], &[]), [""; 0], "no past at all");
        assert_eq!(rising(&[("a", 3), ("b", 4)], &[&[("b", 1)], &[("b", 1_000)]]), [""; 0], "four views");
        assert_eq!(rising(&[("a", 9), ("b", 1)], &[&[("b", 5)], &[("b", 5)]]), [""; 0], "five views of the past");
    }

    #[test]
    fn a_burst_of_the_past_does_not_hide_the_next() {
        let quiet: &[_] = &[("a", 400), ("b", 4)];
        let mut hours = [quiet; 24];
        hours[3] = &[("a", 400), ("b", 900)];
        assert_eq!(rising(&[("a", 100), ("b", 30)], &hours), ["b"]);
    }

    #[test]
    fn every_category_has_its_list_under_an_id_that_the_store_takes() {
        let lists = board(NOW, &tally(&[("a", 3), ("b", 5)]), &Past::default());
        assert_eq!(lists.iter().map(|list| list.id.as_str()).collect::<Vec<_>>(), ["category|Bags", "all"]);
        assert_eq!(lists[0].top, lists[1].top);
        assert_eq!(lists[1].top[0].views, 5);
        let odd = Category::try_from("50% off/new?".to_owned()).unwrap();
        assert_eq!(category_id(&odd), "category|50%25 off%2Fnew%3F");
    }
}
