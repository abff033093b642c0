//! Spans of time and shares, as people write them on a command line.

use std::time::Duration;

/// The text is no such quantity; the message shows what is.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnitError {
    /// Not a span of time.
    #[error("not a duration; write it like 250ms, 60s, 1m30s, 2h or 30d")]
    Duration,
    /// Not a share.
    #[error("not a share; write it like 80% or 0.8")]
    Share,
    /// Not a rate.
    #[error("not a rate; write the number per second, above 0 and up to 100000, like 5 or 0.5")]
    Rate,
    /// Not a rate, and not 0 either.
    #[error("not a rate; write a number from 0 to 100000, like 5 or 0.5")]
    RateOrNone,
}

/// Reads a span of time: numbers with their units, largest first by custom, such as `250ms`, `60s`, `1m30s`, `2h` or `30d`.
///
/// # Errors
/// When a number has no unit, the unit is unknown, or the sum is zero or beyond what a [`Duration`] holds.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(UnitError::Duration)?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(UnitError::Duration),
        };
        let number: u64 = number.parse().map_err(|_| UnitError::Duration)?;
        let part = number.checked_mul(millis).map(Duration::from_millis).ok_or(UnitError::Duration)?;
        sum = sum.checked_add(part).ok_or(UnitError::Duration)?;
        rest = tail;
    }
    if sum.is_zero() { Err(UnitError::Duration) } else { Ok(sum) }
}

/// Reads a share between none and all: `80%` or `0.8`.
///
/// # Errors
/// When it is no number, or lies outside 0 to 1.
pub fn share(text: &str) -> Result<f64, UnitError> {
    let text = text.trim();
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    value.ok().filter(|share| (0.0..=1.0).contains(share)).ok_or(UnitError::Share)
}

/// Reads a number per second.
///
/// # Errors
/// When it is no number, or not above 0 and up to 100,000.
pub fn rate(text: &str) -> Result<f64, UnitError> {
    text.trim().parse().ok().filter(|rate| *rate > 0.0 && *rate <= 100_000.0).ok_or(UnitError::Rate)
}

/// Reads a number per second or per hour, 0 included.
///
/// # Errors
/// When it is no number, or not from 0 to 100,000.
pub fn rate_or_none(text: &str) -> Result<f64, UnitError> {
    if text.trim() == "0" { Ok(0.0) } else { rate(text).map_err(|_| UnitError::RateOrNone) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_of_numbers_with_units() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration(" 1m30s "), Ok(Duration::from_secs(90)));
        assert_eq!(duration("30d12h"), Ok(Duration::from_secs(30 * 86_400 + 43_200)));
        assert_eq!(duration("2h5ms"), Ok(Duration::from_millis(7_200_005)));
        for wrong in ["", "60", "s", "1.5s", "-1s", "0s", "3 weeks", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(duration(wrong), Err(UnitError::Duration), "{wrong:?}");
        }
    }

    #[test]
    fn shares_are_percentages_or_fractions() {
        assert_eq!(share("80%"), Ok(0.8));
        assert_eq!(share("0.25"), Ok(0.25));
        assert_eq!(share("100 %"), Ok(1.0));
        for wrong in ["", "%", "80", "101%", "-1%", "NaN", "most"] {
            assert_eq!(share(wrong), Err(UnitError::Share), "{wrong:?}");
        }
    }

    #[test]
    fn rates_are_positive_and_finite() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["0", "-5", "inf", "NaN", "fast", "1e9"] {
            assert_eq!(rate(wrong), Err(UnitError::Rate), "{wrong:?}");
        }
        assert_eq!(rate_or_none("0"), Ok(0.0));
        assert_eq!(rate_or_none("-1"), Err(UnitError::RateOrNone));
    }
}
