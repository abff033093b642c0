//! Parts of dates and times, and dates as the service writes them: `2024-01-31T12:00:00.0000000Z`.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// Ticks, of 100 nanoseconds, in a second.
pub(super) const SECOND: i128 = 10_000_000;

/// A part of a date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    Month,
    /// A number of ticks; below a tick it is a part of one.
    Ticks(i128),
    Nanosecond,
}

/// A part by its names, in any case.
pub(super) fn part(name: &str) -> Option<Part> {
    Some(match name.to_ascii_lowercase().as_str() {
        "year" | "yyyy" | "yy" => Part::Year,
        "month" | "mm" | "m" => Part::Month,
        "day" | "dd" | "d" => Part::Ticks(86_400 * SECOND),
        "hour" | "hh" => Part::Ticks(3600 * SECOND),
        "minute" | "mi" | "n" => Part::Ticks(60 * SECOND),
        "second" | "ss" | "s" => Part::Ticks(SECOND),
        "millisecond" | "ms" => Part::Ticks(SECOND / 1000),
        "microsecond" | "mcs" => Part::Ticks(10),
        "nanosecond" | "ns" => Part::Nanosecond,
        _ => return None,
    })
}

/// Ticks since 1970.
pub(super) fn ticks(at: OffsetDateTime) -> i128 {
    at.unix_timestamp_nanos().div_euclid(100)
}

pub(super) fn from_ticks(ticks: i128) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(ticks.checked_mul(100)?).ok()?;
    (1..=9999).contains(&at.year()).then_some(at)
}

/// A date and time as text.
pub(super) fn written(at: OffsetDateTime) -> String {
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let fraction = at.nanosecond() / 100;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:07}Z")
}

/// Reads `2024-01-31`, with `T12:00`, `:30`, `.1234567` and `Z` as far as they are there.
pub(super) fn read(text: &str) -> Option<OffsetDateTime> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.splitn(3, '-');
    let year = digits(parts.next()?, 4)?;
    let month = Month::try_from(digits(parts.next()?, 2)? as u8).ok()?;
    let day = digits(parts.next()?, 2)?;
    let date = Date::from_calendar_date(year as i32, month, day as u8).ok()?;
    let time = time.map_or(Some(Time::MIDNIGHT), clock)?;
    Some(PrimitiveDateTime::new(date, time).assume_offset(UtcOffset::UTC))
}

/// Whether it is a date, or a date and a time to the second at least, behind `T` or a blank; either may end with `Z`.
/// <https://learn.microsoft.com/azure/cosmos-db/nosql/query/is-datetime>
pub(super) fn is_date_time(text: &str) -> bool {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once(['T', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let is_time = |time: &str| !time.ends_with('Z') && time.len() >= "HH:MM:SS".len() && clock(time).is_some();
    read(date).is_some() && time.is_none_or(is_time)
}

fn clock(text: &str) -> Option<Time> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut parts = whole.splitn(3, ':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    let nanoseconds = match fraction {
        None => 0,
        Some(fraction) if (1..=7).contains(&fraction.len()) => {
            digits(fraction, fraction.len())? * 10_u32.pow(9 - fraction.len() as u32)
        }
        Some(_) => return None,
    };
    Time::from_hms_nano(hour as u8, minute as u8, second as u8, nanoseconds).ok()
}

fn digits(text: &str, count: usize) -> Option<u32> {
    let good = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}

/// A time with so many months more.
pub(super) fn add_months(at: OffsetDateTime, months: i64) -> Option<OffsetDateTime> {
    let total = i64::from(at.year()).checked_mul(12)? + i64::from(u8::from(at.month())) - 1;
    let total = total.checked_add(months)?;
    let year = i32::try_from(total.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year))?;
    let month = Month::try_from(total.rem_euclid(12) as u8 + 1).ok()?;
    // The 31st of a month without one is its last day.
    let date = Date::from_calendar_date(year, month, at.day().min(month.length(year))).ok()?;
    Some(at.replace_date(date))
}
