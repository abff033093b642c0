//! What is stored and sent of an anomaly.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What an anomaly is about. As text: `total`, `category:<name>` or `product:<id>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// All views.
    Total,
    /// The views of a category.
    Category(String),
    /// The views of a product.
    Product(String),
}

/// A text that is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is neither total nor category:<name> nor product:<id>")]
pub struct ScopeError(String);

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        match text.split_once(':') {
            None if text == "total" => Ok(Self::Total),
            Some(("category", name)) => Ok(Self::Category(name.to_owned())),
            Some(("product", id)) => Ok(Self::Product(id.to_owned())),
            _ => Err(ScopeError(text)),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => f.write_str("total"),
            Self::Category(name) => write!(f, "category:{name}"),
            Self::Product(id) => write!(f, "product:{id}"),
        }
    }
}

/// How the views differ from what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// More.
    Spike,
    /// Fewer.
    Drop,
    /// (Almost) none.
    Outage,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spike => "spike",
            Self::Drop => "drop",
            Self::Outage => "outage",
        })
    }
}

/// An anomaly, open or cleared. Views are per minute, and those of its detection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Anomaly {
    /// `<scope>|<kind>|<start>`: the same anomaly always has the same id.
    pub id: String,
    /// What it is about.
    pub scope: Scope,
    /// How it differs.
    pub kind: Kind,
    /// Begin of the first minute that differed.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// End of the minute that confirmed it.
    #[serde(with = "time::serde::rfc3339")]
    pub detected_at: OffsetDateTime,
    /// Begin of the first minute that was normal again; `None` while it lasts.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// Views a minute from its start to its detection.
    pub observed: f64,
    /// Fewer views in a minute are out of line.
    pub expected_low: f64,
    /// Views a minute that were expected meanwhile.
    pub expected: f64,
    /// More views in a minute are out of line.
    pub expected_high: f64,
    /// Distance of what was observed from what was expected, in standard deviations.
    pub score: f64,
    /// The views of its most extreme minute so far.
    pub peak: f64,
}

/// The begin of a minute.
///
/// Minutes come from documents; one that is no time within years -9999 to 9999 would have been refused there.
pub fn time_of(minute: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(minute.saturating_mul(60)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The minute of a time, in minutes since 1970.
pub fn minute_of(time: OffsetDateTime) -> i64 {
    time.unix_timestamp().div_euclid(60)
}

/// The id of the anomaly of this kind that began in this minute.
pub fn id_of(scope: &Scope, kind: Kind, start: i64) -> String {
    let at = time_of(start);
    let (year, month, day) = at.to_calendar_date();
    let month = u8::from(month);
    format!("{scope}|{kind}|{year:04}-{month:02}-{day:02}T{:02}:{:02}Z", at.hour(), at.minute())
}
