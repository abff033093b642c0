//! Clicks: what a visitor looked at. `schemas/click/recorded.v1.avsc` as a type, and which of them count.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{
    product::{Category, ProductId},
    text::checked_text,
};

/// Type of the event that records a click.
pub const RECORDED: &str = "com.contoso.click.recorded.v1";
/// `source` of the clicks that `CollectClicks` takes; other producers have their own.
pub const SOURCE: &str = "/contoso/site";

/// How far ahead of the hub's clock a click may be: clocks differ. A later one never happened.
pub const AHEAD: Duration = Duration::minutes(5);
/// How late a click may be stored and still count, by the hub's clock: long enough to replay a season's log.
pub const LATE: Duration = Duration::days(100);

/// An id that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {least} to 64 of the characters A-Z a-z 0-9 _ -")]
pub struct IdError {
    least: usize,
}

checked_text! {
    /// Who looked: 8 to 64 of `A-Z a-z 0-9 _ -`. Whoever knows it can read what its visitor viewed, so sites draw it at random.
    VisitorId, IdError, |text| check(text, 8)
}
checked_text! {
    /// One visit of a visitor, as the site sees it: 1 to 64 of `A-Z a-z 0-9 _ -`.
    SessionId, IdError, |text| check(text, 1)
}

/// Such an id can stand in a URL path, a document id and a partition key as it is.
fn check(text: &str, least: usize) -> Result<(), IdError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_valid = (least..=64).contains(&text.len()) && text.bytes().all(allowed);
    if is_valid { Ok(()) } else { Err(IdError { least }) }
}

/// Data of [`RECORDED`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Click {
    /// What was looked at.
    pub product_id: ProductId,
    /// Where it was listed, where the site knows it.
    #[serde(default)]
    pub category: Option<Category>,
    /// Who looked; `None` where the visitor did not consent.
    #[serde(default)]
    pub visitor_id: Option<VisitorId>,
    /// The visit, where the site knows it; `None` where the visitor did not consent.
    #[serde(default)]
    pub session_id: Option<SessionId>,
}

/// Whether a click counts, judged when the hub stored it, so that a second delivery judges the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// It counts in the minute it happened in.
    Counts,
    /// It happened more than [`LATE`] before it was stored.
    TooLate,
    /// It claims to have happened more than [`AHEAD`] after it was stored.
    Ahead,
}

impl Timing {
    /// Judges a click that happened at `time` and was stored at `stored`.
    pub fn of(time: OffsetDateTime, stored: OffsetDateTime) -> Self {
        if time - stored > AHEAD {
            Self::Ahead
        } else if stored - time > LATE {
            Self::TooLate
        } else {
            Self::Counts
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn ids_can_stand_in_a_url_and_a_visitors_is_not_short() {
        assert!(VisitorId::try_from("5f0d6b3c-2f7e-4c1e-9a57-0d9a2f8a7b11".to_owned()).is_ok());
        for bad in ["", "short", "with space", "a/b/c/d/e", &"x".repeat(65)] {
            assert!(VisitorId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(SessionId::try_from("1".to_owned()).is_ok());
        assert!(SessionId::try_from(String::new()).is_err());
    }

    #[test]
    fn a_click_counts_within_its_bounds() {
        let stored = datetime!(2026-06-01 12:00 UTC);
        for (time, timing) in [
            (stored, Timing::Counts),
            (stored + AHEAD, Timing::Counts),
            (stored + AHEAD + Duration::SECOND, Timing::Ahead),
            (stored - LATE, Timing::Counts),
            (stored - LATE - Duration::SECOND, Timing::TooLate),
            (OffsetDateTime::UNIX_EPOCH, Timing::TooLate),
        ] {
            assert_eq!(Timing::of(time, stored), timing, "{time}");
        }
    }
}
