//! What is kept of an item: its latest version.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    About, Comment, Customer, Rating,
    event::{Feedback, FeedbackEvent, FeedbackGiven, FeedbackWithdrawn},
    whole_id,
};
use crate::{
    product::ProductId,
    sentiment::{Label, Sentiment},
};

/// From this rating on one that is praise, and how ill its text must sound to contradict it.
const PRAISE: (u8, f64) = (4, -0.3);
/// Up to this rating one that is blame, and how well its text must sound to contradict it.
const BLAME: (u8, f64) = (2, 0.5);

/// An item: document of `feedback/items`. The later by withdrawal, time and hub sequence stays, whatever order they come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// `<partner>|<id>`.
    pub id: String,
    /// Partition key: the product's id, or `customer:` and the customer.
    pub key: String,
    /// What it is about.
    pub about: About,
    /// When it was given, corrected or withdrawn.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Sequence number of its event in the hub's partition.
    pub sequence: i64,
    /// What it says; absent once it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// Orders items with a text, the newest greatest; absent without a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What an item says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// Which product, where the partner says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Which customer it is about, or from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// How good.
    pub rating: Rating,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Comment>,
    /// How the text sounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
    /// Whether rating and text contradict each other strongly.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disagrees: bool,
}

/// Whether a rating and how its text sounds contradict each other strongly: either may be a mistake, and somebody should look.
pub fn disagrees(rating: Rating, sentiment: &Sentiment) -> bool {
    let (rating, compound) = (rating.get(), sentiment.compound);
    (rating >= PRAISE.0 && compound <= PRAISE.1) || (rating <= BLAME.0 && compound >= BLAME.1)
}

impl Item {
    /// What an event says, `sequence` being its sequence number in the hub's partition.
    pub fn of(Feedback { key, event }: Feedback, sequence: i64) -> Self {
        match event {
            FeedbackEvent::Given(event) => Self::given(*event, key, sequence),
            FeedbackEvent::Withdrawn(FeedbackWithdrawn { partner, item, about, at, .. }) => {
                let id = whole_id(&partner, &item);
                Self { id, key, about, at, sequence, said: None, comment: None }
            }
        }
    }

    fn given(event: FeedbackGiven, key: String, sequence: i64) -> Self {
        let FeedbackGiven { partner, item, about, product_id, customer, rating, text, at, sentiment } = event;
        let id = whole_id(&partner, &item);
        let disagrees = sentiment.as_ref().is_some_and(|sentiment| disagrees(rating, sentiment));
        // Of fixed length up to the id, so that texts compare as times do.
        let comment = text.is_some().then(|| format!("{:015}|{id}", at.unix_timestamp_nanos() / 1_000_000));
        let said = Some(Said { product_id, customer, rating, text, sentiment, disagrees });
        Self { id, key, about, at, sequence, said, comment }
    }

    /// Whether this takes the place of `stored`. A withdrawal does of anything that was given, whenever it comes, and nothing of it.
    pub fn is_newer_than(&self, stored: &Self) -> bool {
        let version = |item: &Self| (item.said.is_none(), item.at, item.sequence);
        version(self) > version(stored)
    }

    /// How its text sounds, in a word.
    pub(super) fn label(&self) -> Option<Label> {
        self.said.as_ref()?.sentiment.as_ref().map(|sentiment| sentiment.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_disagreement_is_flagged_from_its_bounds_on() {
        for (rating, compound, expected) in [
            (4, -0.3, true),
            (5, -0.9, true),
            (4, -0.2999, false),
            (3, -1.0, false),
            (3, 1.0, false),
            (2, 0.5, true),
            (1, 0.9, true),
            (2, 0.4999, false),
            (5, 0.9, false),
            (1, -0.9, false),
        ] {
            let sentiment = Sentiment { compound, ..crate::sentiment::of("") };
            let rating = Rating::try_from(rating).expect("a rating");
            assert_eq!(disagrees(rating, &sentiment), expected, "{rating:?} {compound}");
        }
    }
}
