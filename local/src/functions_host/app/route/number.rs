//! Numbers and dates as .NET reads them in the invariant culture.

use time::{Date, Month};

/// What a number may have beside digits, a sign before it, thousands and a point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A sign behind it (`NumberStyles.Number`).
    Number,
    /// An exponent (`NumberStyles.Float` with thousands).
    Float,
}

/// Without the white space that .NET allows around numbers.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|character| matches!(character, '\t'..='\r' | ' '))
}

/// Whether a text is a number of this style, and one that a decimal can hold where it has no exponent.
pub(super) fn is_number(text: &str, style: Style) -> bool {
    let text = trimmed(text);
    if style == Style::Float && ["nan", "infinity", "-infinity"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return true;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b',').count();
    let (whole, rest) = unsigned.split_at(digits);
    let fraction = rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    let rest = &rest[if rest.starts_with('.') { fraction + 1 } else { 0 }..];
    if whole.starts_with(',') || whole.is_empty() && fraction == 0 {
        return false;
    }
    match style {
        Style::Float => {
            let exponent = rest.strip_prefix(['e', 'E']).map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
            rest.is_empty() || exponent.is_some_and(is_digits)
        }
        Style::Number => {
            let is_signed = unsigned.len() < text.len();
            (rest.is_empty() || !is_signed && matches!(rest, "+" | "-")) && is_held(&whole.replace(',', ""))
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a decimal can hold so many: 2⁹⁶ and more it cannot.
fn is_held(whole: &str) -> bool {
    let whole = whole.trim_start_matches('0');
    whole.is_empty() || whole.parse::<u128>().is_ok_and(|number| number < 1 << 96)
}

/// Whether a text is a date in figures, with a time or without: year first, or month, day and year. Names of months, which .NET
/// reads too, are not read.
pub(super) fn is_date_time(text: &str) -> bool {
    let text = trimmed(text);
    let date_end = text.find(['T', ' ']).unwrap_or(text.len());
    let (date, time) = text.split_at(date_end);
    let separator = |character| matches!(character, '-' | '/' | '.');
    let figures: Vec<&str> = date.split(separator).collect();
    let [first, second, third] = figures[..] else { return false };
    if ![first, second, third].iter().all(|figure| is_digits(figure) && figure.len() <= 4) {
        return false;
    }
    let (year, month, day) = if first.len() == 4 { (first, second, third) } else { (third, first, second) };
    let parsed = (year.parse(), month.parse::<u8>().ok().and_then(|month| Month::try_from(month).ok()), day.parse());
    let (Ok(year), Some(month), Ok(day)) = parsed else { return false };
    Date::from_calendar_date(year, month, day).is_ok() && (time.is_empty() || is_time(&time[1..]))
}

/// Whether a text is a time such as `3:04:05.678 PM` or `03:04Z`.
fn is_time(text: &str) -> bool {
    let text = text.trim();
    let (text, afternoon) = match text.get(text.len().saturating_sub(2)..).map(str::to_ascii_uppercase).as_deref() {
        Some("AM" | "PM") => (text[..text.len() - 2].trim_end(), true),
        _ => (text, false),
    };
    let zone_at = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone_at);
    let part = |text: &str, limit: u8| is_digits(text) && text.parse::<u8>().is_ok_and(|number| number < limit);
    let (clock, fraction) = clock.trim_end().split_once('.').map_or((clock.trim_end(), None), |(a, b)| (a, Some(b)));
    let is_clock = match clock.split(':').collect::<Vec<_>>()[..] {
        [hour, minute] => part(hour, 24) && part(minute, 60) && fraction.is_none(),
        [hour, minute, second] => part(hour, 24) && part(minute, 60) && part(second, 60),
        _ => false,
    };
    let is_zone = match zone.get(1..).unwrap_or_default().split(':').collect::<Vec<_>>()[..] {
        [""] => zone.is_empty() || zone.eq_ignore_ascii_case("z"),
        [hours] => part(hours, 15),
        [hours, minutes] => part(hours, 15) && part(minutes, 60),
        _ => false,
    };
    let is_hour = !afternoon || clock.split(':').next().is_some_and(|hour| part(hour, 13));
    is_clock && is_zone && is_hour && fraction.is_none_or(|fraction| is_digits(fraction) && fraction.len() <= 7)
}
