//! A minute over all partitions: item of `analytics/minutes`.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::{
    Duration, OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description,
};

use super::tally::{Count, Tally};
use crate::product::{Category, ProductId};

/// Products that a minute's document lists; the views of others are in [`MinuteDocument::other_views`].
pub const LISTED_PRODUCTS: usize = 1_000;
/// Categories that it lists.
pub const LISTED_CATEGORIES: usize = 200;

const MINUTE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]Z");
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A minute of UTC: whole minutes since 1970, shown as `2026-11-21T10:15Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(OffsetDateTime);

/// Not a minute.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no minute such as 2026-11-21T10:15Z")]
pub struct MinuteError(String);

impl Minute {
    /// The minute that `at` is in.
    pub fn of(at: OffsetDateTime) -> Self {
        let at = at.to_offset(time::UtcOffset::UTC);
        Self(at - Duration::seconds(at.second().into()) - Duration::nanoseconds(at.nanosecond().into()))
    }

    /// Whole minutes since 1970.
    pub fn epoch(self) -> i64 {
        self.0.unix_timestamp().div_euclid(60)
    }

    /// Its first moment.
    pub fn start(self) -> OffsetDateTime {
        self.0
    }

    /// The first moment of the next.
    pub fn end(self) -> OffsetDateTime {
        self.0 + Duration::MINUTE
    }

    /// So many minutes later, or earlier.
    #[must_use]
    pub fn plus(self, minutes: i64) -> Self {
        Self(self.0 + Duration::minutes(minutes))
    }

    /// Its day: `2026-11-21`.
    pub fn day(self) -> String {
        self.0.format(DAY).unwrap_or_default()
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(MINUTE).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Minute {
    type Err = MinuteError;

    fn from_str(text: &str) -> Result<Self, MinuteError> {
        let parsed = PrimitiveDateTime::parse(text, MINUTE).map_err(|_| MinuteError(text.to_owned()))?;
        Ok(Self(parsed.assume_utc()))
    }
}

/// What was viewed in a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MinuteDocument {
    /// [`Minute`] as text.
    pub id: String,
    /// Its day: the partition key.
    pub day: String,
    /// Whole minutes since 1970.
    pub minute: i64,
    /// All views.
    pub views: u64,
    /// Different visitors, estimated.
    pub visitors: u64,
    /// By category.
    pub categories: BTreeMap<Category, CategoryViews>,
    /// By product: the most viewed ones.
    pub products: BTreeMap<ProductId, ProductViews>,
    /// Views of products that are not listed.
    pub other_views: u64,
    /// Clicks that producers sent again, which are not counted.
    pub repeats: u64,
    /// How many pages of each partition are summed here.
    pub pages: BTreeMap<String, u32>,
}

/// Views of a category.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryViews {
    /// All views.
    pub views: u64,
    /// Different visitors, estimated.
    pub visitors: u64,
}

/// Views of a product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductViews {
    /// All views.
    pub views: u64,
    /// Different visitors, estimated.
    pub visitors: u64,
    /// Where it was listed last, if any click said so.
    pub category: Option<Category>,
}

impl MinuteDocument {
    /// The document of a minute whose windows have so many `pages`, which together count `tally`.
    pub fn new(minute: Minute, pages: BTreeMap<String, u32>, tally: &Tally) -> Self {
        let categories: BTreeMap<_, _> = most_viewed(&tally.categories, LISTED_CATEGORIES, |count| count.views)
            .map(|(name, count)| (name.clone(), CategoryViews { views: count.views, visitors: count.visitors.count() }))
            .collect();
        let products: BTreeMap<_, _> = most_viewed(&tally.products, LISTED_PRODUCTS, |product| product.count.views)
            .map(|(id, product)| {
                let Count { views, visitors } = &product.count;
                let category = product.listed.as_ref().map(|listed| listed.category.clone());
                (id.clone(), ProductViews { views: *views, visitors: visitors.count(), category })
            })
            .collect();
        let listed: u64 = products.values().map(|product| product.views).sum();
        Self {
            id: minute.to_string(),
            day: minute.day(),
            minute: minute.epoch(),
            views: tally.total.views,
            visitors: tally.total.visitors.count(),
            categories,
            products,
            other_views: tally.total.views - listed,
            repeats: tally.repeats,
            pages,
        }
    }
}

/// The `most` entries with the most views; of equals, those that come first by name.
fn most_viewed<K: Ord, V>(
    map: &BTreeMap<K, V>,
    most: usize,
    views: impl Fn(&V) -> u64,
) -> impl Iterator<Item = (&K, &V)> {
    let mut entries: Vec<_> = map.iter().collect();
    if entries.len() > most {
        entries.sort_by_key(|(_, value)| std::cmp::Reverse(views(value)));
        entries.truncate(most);
    }
    entries.into_iter()
}
