//! `TimeSpan` texts: `[d.]hh:mm[:ss[.fffffff]]`, or a plain number of days.

use std::time::Duration;

/// Parses a non-negative time span; `None` where it is not one.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    if !text.contains(':') {
        let days: u64 = text.parse().ok()?;
        return Some(Duration::from_secs(days.checked_mul(86_400)?));
    }
    let mut parts: Vec<&str> = text.split(':').collect();
    let (days, hours) = match parts[0].split_once('.') {
        Some((days, hours)) => (days.parse::<u64>().ok()?, hours),
        None => (0, parts[0]),
    };
    if parts.len() == 2 {
        parts.push("0");
    }
    let [_, minutes, seconds] = parts[..] else {
        return None;
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let below = |text: &str, limit: u64| text.parse::<u64>().ok().filter(|value| *value < limit);
    let whole = days * 86_400 + below(hours, 24)? * 3_600 + below(minutes, 60)? * 60 + below(seconds, 60)?;
    Some(Duration::new(whole, nanoseconds(fraction)?))
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    if fraction.len() > 7 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<9}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_are_read_as_dotnet_reads_them() {
        let cases = [
            ("00:00:30", Some(Duration::from_secs(30))),
            ("1.02:03:04.5", Some(Duration::new(93_784, 500_000_000))),
            ("00:05", Some(Duration::from_secs(300))),
            ("2", Some(Duration::from_secs(172_800))),
            ("00:00:60", None),
            ("-00:00:01", None),
            ("soon", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
