//! The query that the app sends to Log Analytics, in the Kusto query language. There is one; line by line, with its values between quotes:
//!
//! ```text
//! AegDeliveryFailureLogs
//! | where Category == 'DeliveryFailures'
//! | where _ResourceId =~ '<resource id of the topic>'
//! | where EventSubscriptionName =~ '<name>'
//! | where TimeGenerated >= datetime(<from>) and TimeGenerated < datetime(<to>)
//! | where Message contains 'id=<id of an event>,'
//! | top <rows> by TimeGenerated desc
//! | project TimeGenerated, Message
//! ```
//!
//! The sixth line may be left out.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::failures::DeliveryFailure;

/// The table.
pub(super) const TABLE: &str = "AegDeliveryFailureLogs";

/// The query's values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FailureQuery {
    topic: String,
    subscription: String,
    from: OffsetDateTime,
    to: OffsetDateTime,
    /// What the message must contain.
    containing: Option<String>,
    pub(super) rows: usize,
}

impl FailureQuery {
    /// Reads `text`; `None` if it is another query.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        let mut next = || lines.next();
        (next()? == TABLE && next()? == "| where Category == 'DeliveryFailures'").then_some(())?;
        let topic = quoted(next()?.strip_prefix("| where _ResourceId =~ ")?)?;
        let subscription = quoted(next()?.strip_prefix("| where EventSubscriptionName =~ ")?)?;
        let range = next()?.strip_prefix("| where TimeGenerated >= datetime(")?.strip_suffix(')')?;
        let (from, to) = range.split_once(") and TimeGenerated < datetime(")?;
        let mut line = next()?;
        let containing = match line.strip_prefix("| where Message contains ") {
            Some(text) => {
                line = next()?;
                Some(quoted(text)?)
            }
            None => None,
        };
        let rows = line.strip_prefix("| top ")?.strip_suffix(" by TimeGenerated desc")?.parse().ok()?;
        (next()? == "| project TimeGenerated, Message" && next().is_none()).then_some(())?;
        let time = |text| OffsetDateTime::parse(text, &Rfc3339).ok();
        Some(Self { topic, subscription, from: time(from)?, to: time(to)?, containing, rows })
    }

    /// Whether a row is one of those asked for. `=~` and `contains` compare without regard to case.
    pub(super) fn matches(&self, row: &DeliveryFailure) -> bool {
        let at = i128::from(row.at_millis) * 1_000_000;
        let contains = |text: &String| row.message.to_ascii_lowercase().contains(text.to_ascii_lowercase().as_str());
        row.topic.eq_ignore_ascii_case(&self.topic)
            && row.subscription.eq_ignore_ascii_case(&self.subscription)
            && (self.from.unix_timestamp_nanos()..self.to.unix_timestamp_nanos()).contains(&at)
            && self.containing.as_ref().is_none_or(contains)
    }
}

/// What stands between single quotes. A quote or an escape within is of no query of ours.
fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.contains(['\'', '\\'])).then(|| inner.to_owned())
}
