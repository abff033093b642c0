//! What items make of a product: totals, which an item's change moves by what it was and what it is, and the rating that the site shows.
//!
//! Items and the totals of one key are in one partition and written together or not at all. So totals are always the sum over the items,
//! in whatever order, however often and in whichever batches events come, and wherever a process dies. Sums are of whole numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::item::{Item, Said};
use crate::{product::ProductId, sentiment::Label};

/// Comments that a rating shows.
pub const RECENT: usize = 10;
/// Characters that it shows of each.
pub const SHOWN: usize = 1000;

/// The sums over the items of one key: document `totals` beside them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Always [`Totals::ID`], which no item has.
    id: String,
    /// Partition key.
    pub key: String,
    /// Counts the times that it changed: what is made of it is written if it is of a later one.
    pub revision: i64,
    /// The sums.
    pub sums: Sums,
}

/// Sums over items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Items that are not withdrawn.
    pub count: i64,
    /// Of their ratings.
    pub sum: i64,
    /// How many have which rating, from 1 to 5.
    pub histogram: [i64; 5],
    /// Of the sentiment of their texts.
    pub sentiment: SentimentSums,
    /// Items whose rating and text contradict each other strongly.
    pub disagreements: i64,
}

/// Sums over the sentiment of texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentimentSums {
    /// Texts that were scored.
    pub scored: i64,
    /// Of their compound scores, in ten-thousandths.
    pub ten_thousandths: i64,
    /// How many sound so.
    pub positive: i64,
    /// How many sound so.
    pub neutral: i64,
    /// How many sound so.
    pub negative: i64,
}

impl Sums {
    /// Adds what an item says, or takes it away where `sign` is -1.
    fn add(&mut self, item: &Item, sign: i64) {
        let Some(Said { rating, sentiment, disagrees, .. }) = &item.said else { return };
        self.count += sign;
        self.sum += sign * i64::from(rating.get());
        if let Some(column) = self.histogram.get_mut(usize::from(rating.get()) - 1) {
            *column += sign;
        }
        self.disagreements += sign * i64::from(*disagrees);
        let Some(sentiment) = sentiment else { return };
        let sums = &mut self.sentiment;
        sums.scored += sign;
        sums.ten_thousandths += sign * sentiment.ten_thousandths();
        match sentiment.label {
            Label::Positive => sums.positive += sign,
            Label::Neutral => sums.neutral += sign,
            Label::Negative => sums.negative += sign,
        }
    }

    /// The sums over all of these.
    pub fn over<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut sums = Self::default();
        items.into_iter().for_each(|item| sums.add(item, 1));
        sums
    }
}

/// What is to be written of a key, all of it or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Items in place of those there are.
    pub items: Vec<Item>,
    /// The totals with them.
    pub totals: Totals,
}

impl Totals {
    /// The id of the document.
    pub const ID: &str = "totals";

    /// Those of a key without items.
    pub fn of(key: &str) -> Self {
        Self { id: Self::ID.to_owned(), key: key.to_owned(), revision: 0, sums: Sums::default() }
    }

    /// What `incoming` items of this key change, given those that are `stored` of them; `None` if that is nothing.
    pub fn change(&self, stored: &[Item], incoming: &[Item]) -> Option<Change> {
        let stored: BTreeMap<&str, &Item> = stored.iter().map(|item| (item.id.as_str(), item)).collect();
        let mut latest: BTreeMap<&str, &Item> = BTreeMap::new();
        for item in incoming {
            let known = latest.get(item.id.as_str()).or_else(|| stored.get(item.id.as_str()));
            if known.is_none_or(|known| item.is_newer_than(known)) {
                latest.insert(&item.id, item);
            }
        }
        if latest.is_empty() {
            return None;
        }
        let mut totals = Self { revision: self.revision + 1, ..self.clone() };
        for (id, item) in &latest {
            if let Some(before) = stored.get(id) {
                totals.sums.add(before, -1);
            }
            totals.sums.add(item, 1);
        }
        Some(Change { items: latest.into_values().cloned().collect(), totals })
    }

    /// The same with these sums, if they differ.
    pub fn mended(&self, sums: Sums) -> Option<Self> {
        (self.sums != sums).then(|| Self { revision: self.revision + 1, sums, ..self.clone() })
    }
}

/// What the site shows of a product: document of `site/ratings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductRating {
    /// Which product.
    pub id: ProductId,
    /// Of the [`Totals`] that it is made of.
    pub revision: i64,
    /// The sums.
    pub sums: Sums,
    /// The newest comments, the newest first.
    pub recent: Vec<Recent>,
}

/// A comment as the site shows it: not whose it is, nor who sent it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// How good.
    pub rating: i32,
    /// What was said, in plain text. A long one ends in `…`.
    pub text: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// How it sounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Label>,
    /// Whether rating and text contradict each other strongly.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disagrees: bool,
}

impl ProductRating {
    /// The rating that these totals make, with the newest items that have a text.
    pub fn of(id: ProductId, totals: &Totals, newest: &[Item]) -> Self {
        let recent = newest.iter().filter_map(Recent::of).take(RECENT).collect();
        Self { id, revision: totals.revision, sums: totals.sums, recent }
    }
}

impl Recent {
    fn of(item: &Item) -> Option<Self> {
        let said = item.said.as_ref()?;
        let text = said.text.as_ref()?.as_str();
        let text = match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text[..end].trim_end()),
            None => text.to_owned(),
        };
        let (rating, at) = (said.rating.into(), item.at);
        Some(Self { rating, text, at, sentiment: item.label(), disagrees: said.disagrees })
    }
}

/// How a rating is told: what a reader would compute.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told<'a> {
    product_id: &'a ProductId,
    count: i64,
    /// Two decimals; null of no rating.
    average: Option<f64>,
    /// How many have which rating.
    histogram: BTreeMap<String, i64>,
    sentiment: ToldSentiment,
    disagreements: i64,
    recent: &'a [Recent],
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct ToldSentiment {
    scored: i64,
    /// Of the compound scores, four decimals; null of no text.
    average: Option<f64>,
    positive: i64,
    neutral: i64,
    negative: i64,
}

impl<'a> Told<'a> {
    /// The rating of a product; without one it has none.
    pub fn of(product_id: &'a ProductId, rating: Option<&'a ProductRating>) -> Self {
        let sums = rating.map(|rating| rating.sums).unwrap_or_default();
        let SentimentSums { scored, ten_thousandths, positive, neutral, negative } = sums.sentiment;
        let average = mean(sums.sum, sums.count, 100.0);
        let histogram =
            (1..).zip(sums.histogram).map(|(rating, count): (u8, i64)| (rating.to_string(), count)).collect();
        let sounds = mean(ten_thousandths, scored, 1.0).map(|mean| mean / 10_000.0);
        let sentiment = ToldSentiment { scored, average: sounds, positive, neutral, negative };
        let recent = rating.map(|rating| rating.recent.as_slice()).unwrap_or_default();
        Self { product_id, count: sums.count, average, histogram, sentiment, disagreements: sums.disagreements, recent }
    }
}

/// `sum` by `count`, rounded to parts of `parts`.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and shown with a few digits")]
fn mean(sum: i64, count: i64, parts: f64) -> Option<f64> {
    (count > 0).then(|| (sum as f64 * parts / count as f64).round() / parts)
}

#[cfg(test)]
mod tests;
