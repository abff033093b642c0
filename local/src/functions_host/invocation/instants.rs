//! Date formats: points in time as the host writes them, and as it reads them out of JSON.

use time::{
    OffsetDateTime, PrimitiveDateTime, UtcOffset,
    format_description::{FormatItem, well_known::Rfc3339},
    macros::format_description,
};

const SECONDS: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// How much of a second is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fraction {
    /// Whole seconds only.
    Dropped,
    /// Up to seven digits, without trailing zeros.
    Kept,
}

/// A `DateTime` in UTC, without its `Z`: `2026-01-05T10:00:00.123`.
pub(crate) fn date_time(instant: OffsetDateTime, fraction: Fraction) -> String {
    let instant = instant.to_offset(UtcOffset::UTC);
    // Formatting a valid instant with this description into a String has no way to fail.
    let mut text = instant.format(SECONDS).unwrap_or_default();
    let ticks = instant.nanosecond() / 100;
    if fraction == Fraction::Kept && ticks > 0 {
        text.push('.');
        text.push_str(format!("{ticks:07}").trim_end_matches('0'));
    }
    text
}

/// A `DateTimeOffset`, or a local `DateTime` on a host in UTC: `2026-01-05T10:00:00.123+00:00`.
pub(crate) fn date_time_offset(instant: OffsetDateTime, fraction: Fraction) -> String {
    date_time(instant, fraction) + "+00:00"
}

/// A local `DateTime`, with the offset that the instant has.
pub(crate) fn local_date_time(instant: OffsetDateTime) -> String {
    let offset = instant.offset();
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_negative() { '-' } else { '+' };
    // What the clock shows, as if it were UTC.
    let shown = date_time(instant.replace_offset(UtcOffset::UTC), Fraction::Kept);
    format!("{shown}{sign}{:02}:{:02}", hours.abs(), minutes.abs())
}

/// The text a date has after the host parsed it; `None` where it does not see one. Its zone is UTC, as in Azure.
pub(super) fn rewrite_date(text: &str) -> Option<String> {
    let date = parse_date(text)?;
    let suffix = match date.zone {
        Zone::Utc => "Z",
        Zone::Offset => "+00:00",
        Zone::Unspecified => "",
    };
    Some(date_time(date.instant, Fraction::Kept) + suffix)
}

/// A text the host takes for a time.
pub(crate) struct ParsedDate {
    /// The point in time; one without a zone is read as UTC.
    pub(crate) instant: OffsetDateTime,
    zone: Zone,
}

enum Zone {
    Utc,
    Offset,
    Unspecified,
}

/// Parses the ISO 8601 forms that the host takes for times: `T` at position 10, at most seven digits of a second.
pub(crate) fn parse_date(text: &str) -> Option<ParsedDate> {
    let bytes = text.as_bytes();
    if !(19..=40).contains(&bytes.len()) || !bytes[0].is_ascii_digit() || bytes[10] != b'T' || !text.is_ascii() {
        return None;
    }
    let fraction =
        bytes[19..].strip_prefix(b".").map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
    if fraction > 7 {
        return None;
    }
    if let Ok(instant) = OffsetDateTime::parse(text, &Rfc3339) {
        let zone = if text.ends_with('Z') { Zone::Utc } else { Zone::Offset };
        return Some(ParsedDate { instant, zone });
    }
    let unzoned = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond]]]");
    let instant = PrimitiveDateTime::parse(text, unzoned).ok()?.assume_utc();
    Some(ParsedDate { instant, zone: Zone::Unspecified })
}
