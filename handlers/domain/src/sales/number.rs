//! Numbers as sales files write them: exact decimals, with a point or a comma.

use super::header::Decimals;

/// More digits than any price or quantity has.
const MOST_DIGITS: usize = 24;

/// The largest amount of a line, in minor units: millions of such lines still add up in 64 bits.
const MOST_MINOR_UNITS: i128 = 1_000_000_000_000;

/// The largest quantity of a line.
const MOST_PIECES: i128 = 1_000_000_000;

/// An exact decimal: `digits` shifted by `places` to the right of the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    places: u32,
}

/// Why a text is no number here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NumberError {
    /// There is nothing.
    #[error("is empty")]
    Empty,
    /// A comma where the file's numbers have a point: 2,55 could be 2.55 or 255.
    #[error("decimal comma; in a file whose fields are not parted by semicolons a number has a point")]
    DecimalComma,
    /// A point where the file's numbers have a comma: 1.234 could be 1234 or 1.234.
    #[error("is ambiguous: a point before three digits, in a file with decimal commas")]
    Ambiguous,
    /// Anything else.
    #[error("is not a number")]
    NotANumber,
    /// A part of a piece.
    #[error("is not a whole number")]
    NotWhole,
    /// Beyond what sales have.
    #[error("is too large")]
    TooLarge,
}

impl Decimal {
    /// Reads a number as this kind of file writes it.
    pub(super) fn parse(text: &str, decimals: Decimals) -> Result<Self, NumberError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = match decimals {
            Decimals::Point if is_made_of(unsigned, b",.") && unsigned.contains(',') => {
                return Err(NumberError::DecimalComma);
            }
            Decimals::Point => split(unsigned, '.'),
            Decimals::Comma => match unsigned.split_once(',') {
                Some((whole, fraction)) => (without_groups(whole)?, fraction.to_owned()),
                None => {
                    let (whole, fraction) = split(unsigned, '.');
                    if fraction.len() == 3 && (1..=3).contains(&whole.len()) && whole != "0" {
                        return Err(NumberError::Ambiguous);
                    }
                    (whole, fraction)
                }
            },
        };
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(&whole) || !are_digits(&fraction) || whole.len() + fraction.len() == 0 {
            return Err(NumberError::NotANumber);
        }
        let fraction = fraction.trim_end_matches('0');
        let whole = whole.trim_start_matches('0');
        if whole.len() + fraction.len() > MOST_DIGITS {
            return Err(NumberError::TooLarge);
        }
        let places = u32::try_from(fraction.len()).map_err(|_| NumberError::TooLarge)?;
        let digits: i128 = format!("0{whole}{fraction}").parse().map_err(|_| NumberError::NotANumber)?;
        Ok(Self { digits: if negative { -digits } else { digits }, places })
    }

    /// As a number of pieces.
    pub(super) fn pieces(self) -> Result<i64, NumberError> {
        if self.places > 0 {
            return Err(NumberError::NotWhole);
        }
        if self.digits.abs() > MOST_PIECES {
            return Err(NumberError::TooLarge);
        }
        i64::try_from(self.digits).map_err(|_| NumberError::TooLarge)
    }

    /// What so many pieces cost, in minor units of a currency with so many decimal places, and whether that had to be rounded: half a
    /// unit goes away from zero.
    pub(super) fn times(self, pieces: i64, places: u32) -> Result<(i64, bool), NumberError> {
        let product = self.digits.checked_mul(i128::from(pieces)).ok_or(NumberError::TooLarge)?;
        let (minor_units, is_rounded) = if self.places > places {
            let unit = 10_i128.pow(self.places - places);
            let (whole, rest) = (product / unit, product % unit);
            let away = if rest.abs() * 2 >= unit { product.signum() } else { 0 };
            (whole + away, rest != 0)
        } else {
            (product.checked_mul(10_i128.pow(places - self.places)).ok_or(NumberError::TooLarge)?, false)
        };
        if minor_units.abs() > MOST_MINOR_UNITS {
            return Err(NumberError::TooLarge);
        }
        Ok((i64::try_from(minor_units).map_err(|_| NumberError::TooLarge)?, is_rounded))
    }

    /// Whether it is below zero.
    pub(super) fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// The number with a point, and at least so many decimal places.
    pub(super) fn text(self, least_places: u32) -> String {
        let places = usize::try_from(self.places.max(least_places)).unwrap_or_default();
        let filled = self.digits.unsigned_abs() * 10_u128.pow(self.places.max(least_places) - self.places);
        let digits = format!("{filled:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if self.is_negative() { "-" } else { "" };
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

fn split(text: &str, mark: char) -> (String, String) {
    let (whole, fraction) = text.split_once(mark).unwrap_or((text, ""));
    (whole.to_owned(), fraction.to_owned())
}

fn is_made_of(text: &str, marks: &[u8]) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || marks.contains(&byte))
}

/// The digits before a decimal comma, where points may part them in threes.
fn without_groups(whole: &str) -> Result<String, NumberError> {
    if whole.contains('.') {
        let mut groups = whole.split('.');
        let first = groups.next().unwrap_or_default();
        if !(1..=3).contains(&first.len()) || groups.any(|group| group.len() != 3) {
            return Err(NumberError::NotANumber);
        }
    }
    Ok(whole.replace('.', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_exactly_or_refused_by_name() {
        let read = |text, decimals| Decimal::parse(text, decimals).map(|number| number.text(0));
        for (text, expected) in [
            ("2.55", "2.55"),
            (" 27.50 ", "27.5"),
            ("-11062.06", "-11062.06"),
            ("0.0", "0"),
            ("0.001", "0.001"),
            ("6", "6"),
            ("+7", "7"),
            (".5", "0.5"),
            ("007", "7"),
        ] {
            assert_eq!(read(text, Decimals::Point).as_deref(), Ok(expected), "{text}");
        }
        for (text, expected) in
            [("2,55", "2.55"), ("-1.234,5", "-1234.5"), ("2.55", "2.55"), ("0.001", "0.001"), ("12", "12")]
        {
            assert_eq!(read(text, Decimals::Comma).as_deref(), Ok(expected), "{text}");
        }
        for (text, decimals, error) in [
            ("2,55", Decimals::Point, NumberError::DecimalComma),
            ("1,234.56", Decimals::Point, NumberError::DecimalComma),
            ("1.234", Decimals::Comma, NumberError::Ambiguous),
            ("12.34,5", Decimals::Comma, NumberError::NotANumber),
            ("", Decimals::Point, NumberError::Empty),
            ("-", Decimals::Point, NumberError::NotANumber),
            ("1e3", Decimals::Point, NumberError::NotANumber),
            ("NaN", Decimals::Point, NumberError::NotANumber),
            ("£2", Decimals::Point, NumberError::NotANumber),
            ("1.2.3", Decimals::Point, NumberError::NotANumber),
            ("١", Decimals::Point, NumberError::NotANumber),
            ("1000000000000000000000000000000", Decimals::Point, NumberError::TooLarge),
        ] {
            assert_eq!(Decimal::parse(text, decimals), Err(error), "{text}");
        }
    }

    #[test]
    fn an_amount_is_exact_where_the_currency_can_say_it_and_else_rounded_away_from_zero() {
        let times = |price: &str, pieces, places| {
            Decimal::parse(price, Decimals::Point).expect("a number").times(pieces, places)
        };
        assert_eq!(times("2.55", 6, 2), Ok((1530, false)));
        assert_eq!(times("0.001", 4, 2), Ok((0, true)));
        assert_eq!(times("0.001", 5, 2), Ok((1, true)));
        assert_eq!(times("0.001", -5, 2), Ok((-1, true)));
        assert_eq!(times("2.5", 3, 0), Ok((8, true)));
        assert_eq!(times("1000000000", 1_000_000_000, 2), Err(NumberError::TooLarge));
        assert_eq!(Decimal::parse("6.0", Decimals::Point).and_then(Decimal::pieces), Ok(6));
        assert_eq!(Decimal::parse("6.5", Decimals::Point).and_then(Decimal::pieces), Err(NumberError::NotWhole));
    }
}
