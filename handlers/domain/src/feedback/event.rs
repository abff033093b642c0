//! What the hub hears of feedback: `schemas/feedback/given.v1.avsc` and `schemas/feedback/withdrawn.v1.avsc` as types.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};

use super::{About, Comment, Customer, ItemId, Rating};
use crate::{partner::PartnerName, product::ProductId, sentiment::Sentiment};

/// Type of the event that an item was given, or corrected.
pub const GIVEN: &str = "com.contoso.feedback.given.v1";
/// Type of the event that an item was withdrawn.
pub const WITHDRAWN: &str = "com.contoso.feedback.withdrawn.v1";
/// `source` of both. Which partner sent an item is in its id.
pub const SOURCE: &str = "/contoso/feedback";

/// Data of [`GIVEN`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedbackGiven {
    /// Who sent it.
    pub partner: PartnerName,
    /// The partner's own id of it, the same in each correction.
    pub item: ItemId,
    /// What it is about.
    pub about: About,
    /// Which product, always where it is about one.
    #[serde(default)]
    pub product_id: Option<ProductId>,
    /// Which customer it is about; of feedback on a product, who gave it.
    #[serde(default)]
    pub customer: Option<Customer>,
    /// How good.
    pub rating: Rating,
    /// What was said.
    #[serde(default)]
    pub text: Option<Comment>,
    /// When it was given, or corrected.
    #[serde(with = "instant")]
    pub at: OffsetDateTime,
    /// How the text sounds.
    #[serde(default)]
    pub sentiment: Option<Sentiment>,
}

/// Data of [`WITHDRAWN`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedbackWithdrawn {
    /// Who sent it.
    pub partner: PartnerName,
    /// The partner's own id of it.
    pub item: ItemId,
    /// What it was about.
    pub about: About,
    /// Which product, where it was about one.
    #[serde(default)]
    pub product_id: Option<ProductId>,
    /// Which customer, where it was about one.
    #[serde(default)]
    pub customer: Option<Customer>,
    /// When it was withdrawn.
    #[serde(with = "instant")]
    pub at: OffsetDateTime,
}

/// Why an event of feedback cannot be, although each of its fields is well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct FeedbackError {
    field: &'static str,
    reason: &'static str,
}

/// What orders the events of an item, and says in which partition its documents are: the product's id, or `customer:` and the customer. A
/// product's id has no colon.
///
/// # Errors
/// If that is not named which it is about.
pub fn key(about: About, product: Option<&ProductId>, customer: Option<&Customer>) -> Result<String, FeedbackError> {
    let missing = |field| FeedbackError { field, reason: "is missing, which it is about" };
    match about {
        About::Product => product.map(ToString::to_string).ok_or(missing("productId")),
        About::Customer => customer.map(|customer| format!("customer:{customer}")).ok_or(missing("customer")),
    }
}

fn check_time(at: OffsetDateTime) -> Result<(), FeedbackError> {
    let is_shown = at.checked_to_offset(UtcOffset::UTC).is_some_and(|at| (1970..=9999).contains(&at.year()));
    if is_shown {
        Ok(())
    } else {
        Err(FeedbackError { field: "at", reason: "must lie in the years 1970 to 9999, UTC" })
    }
}

/// An event of feedback that could have been sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    /// See [`key`].
    pub key: String,
    /// What it says.
    pub event: FeedbackEvent,
}

/// What an event of feedback says.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedbackEvent {
    /// An item was given, or corrected.
    Given(Box<FeedbackGiven>),
    /// An item was withdrawn.
    Withdrawn(FeedbackWithdrawn),
}

impl Feedback {
    /// The event, if it is one that could have been sent.
    ///
    /// # Errors
    /// What it breaks.
    pub fn given(event: FeedbackGiven) -> Result<Self, FeedbackError> {
        check_time(event.at)?;
        match &event.sentiment {
            Some(_) if event.text.is_none() => {
                return Err(FeedbackError { field: "sentiment", reason: "must be absent without a text" });
            }
            Some(sentiment) => sentiment.check().map_err(|(field, reason)| FeedbackError { field, reason })?,
            None => {}
        }
        let key = key(event.about, event.product_id.as_ref(), event.customer.as_ref())?;
        Ok(Self { key, event: FeedbackEvent::Given(Box::new(event)) })
    }

    /// The event, if it is one that could have been sent.
    ///
    /// # Errors
    /// What it breaks.
    pub fn withdrawn(event: FeedbackWithdrawn) -> Result<Self, FeedbackError> {
        check_time(event.at)?;
        let key = key(event.about, event.product_id.as_ref(), event.customer.as_ref())?;
        Ok(Self { key, event: FeedbackEvent::Withdrawn(event) })
    }
}

/// A time as Avro has it, in milliseconds, and as JSON has it, in RFC 3339.
mod instant {
    use std::fmt;

    use serde::{Deserializer, Serializer, de, ser};
    use time::{OffsetDateTime, format_description::well_known::Rfc3339};

    pub(super) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
        serializer.serialize_i64(i64::try_from(millis).map_err(ser::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
        struct Either;
        impl de::Visitor<'_> for Either {
            type Value = OffsetDateTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time")
            }

            fn visit_i64<E: de::Error>(self, millis: i64) -> Result<OffsetDateTime, E> {
                OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, millis: u64) -> Result<OffsetDateTime, E> {
                OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OffsetDateTime, E> {
                OffsetDateTime::parse(text, &Rfc3339).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
