//! Numbers that the host read and writes again: those with a fraction or an exponent pass through a double.

use std::borrow::Cow;

/// Digits before the point from which .NET writes an exponent.
const LONGEST: i32 = 15;
/// The exponent of the smallest number that it writes without one.
const SMALLEST: i32 = -4;

/// The number as a JSON token: a double always has a point or an exponent, `1.0`.
pub(super) fn number_json(token: &str) -> Cow<'_, str> {
    match double(token) {
        None => Cow::Borrowed(token),
        Some(number) => {
            let text = text(number);
            Cow::Owned(if text.contains(['.', 'E']) { text } else { text + ".0" })
        }
    }
}

/// The number as a text: `1.50` is `1.5`, `1.0` is `1`.
pub(super) fn number_text(token: &str) -> String {
    double(token).map_or_else(|| token.to_owned(), text)
}

/// `None` for whole numbers, which keep their digits, and for what a double cannot hold.
fn double(token: &str) -> Option<f64> {
    let is_whole = token.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    token.parse().ok().filter(|number: &f64| !is_whole && number.is_finite())
}

/// The shortest digits that read as the same double, `1E+21` from 10¹⁵ on and below 10⁻⁴, as .NET writes them.
fn text(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if number != 0.0 && !(SMALLEST..LONGEST).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}E{sign}{:02}", exponent.abs())
        }
        _ => format!("{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_dot_net_writes_them() {
        for (token, json, text) in [
            ("1.50", "1.5", "1.5"),
            ("1.0", "1.0", "1"),
            ("-2.50e1", "-25.0", "-25"),
            ("12345678901234567890", "12345678901234567890", "12345678901234567890"),
            ("1e15", "1E+15", "1E+15"),
            ("123456789012345.5", "123456789012345.5", "123456789012345.5"),
            ("1.5e300", "1.5E+300", "1.5E+300"),
            ("0.00001", "1E-05", "1E-05"),
            ("0.0001", "0.0001", "0.0001"),
            ("0.0", "0.0", "0"),
            ("1e999", "1e999", "1e999"),
        ] {
            assert_eq!((number_json(token).as_ref(), number_text(token).as_str()), (json, text), "{token}");
        }
    }
}
