//! Amounts of money, exact: a whole number of an ISO 4217 currency's minor units.

use std::{fmt, str::FromStr};

use iso_currency::Currency;
use serde::{Deserialize, Serialize};

/// A price: zero or more minor units of a currency. As JSON it is `{"amount":"19.99","currency":"USD"}`, as text `19.99 USD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "MoneyText", into = "MoneyText")]
pub struct Money {
    minor_units: i64,
    currency: Currency,
}

/// Why something is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currency is not on the list of ISO 4217, or has no minor units there, as gold has none.
    #[error("{0:?} is not an ISO 4217 currency code in which prices are written, such as USD")]
    Currency(String),
    /// The amount is not written as digits with an optional decimal point.
    #[error("{0:?} is not a decimal number such as 19.99")]
    NotDecimal(String),
    /// The amount is finer than the currency.
    #[error("{code} has {decimals} decimal places, the amount has {given}")]
    TooFine {
        /// The currency.
        code: &'static str,
        /// How many decimal places it has.
        decimals: usize,
        /// How many were given.
        given: usize,
    },
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// More minor units than 64 bits hold.
    #[error("is too large")]
    TooLarge,
}

impl Money {
    /// `minor_units` of the currency `code`: 1999 and `USD` are 19.99 dollars.
    ///
    /// # Errors
    /// A negative amount; a currency that is unknown or has no minor units.
    pub fn from_minor_units(minor_units: i64, code: &str) -> Result<Self, MoneyError> {
        if minor_units < 0 {
            return Err(MoneyError::Negative);
        }
        let (currency, _) = currency(code)?;
        Ok(Self { minor_units, currency })
    }

    /// Reads a decimal amount exactly; `19.9` and `19.90` are the same dollars.
    ///
    /// # Errors
    /// Anything but digits with at most one point between them; more decimal places than the currency has; too large a number.
    pub fn parse(amount: &str, code: &str) -> Result<Self, MoneyError> {
        let (currency, decimals) = currency(code)?;
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) {
            let negative =
                amount.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
            return Err(if negative { MoneyError::Negative } else { MoneyError::NotDecimal(amount.to_owned()) });
        }
        let fraction = if amount.contains('.') { fraction } else { "" };
        if fraction.len() > decimals {
            return Err(MoneyError::TooFine { code: currency.code(), decimals, given: fraction.len() });
        }
        format!("{whole}{fraction:0<decimals$}")
            .parse()
            .map(|minor_units| Self { minor_units, currency })
            .map_err(|_| MoneyError::TooLarge)
    }

    /// How many minor units: cents of a dollar, whole yen.
    pub fn minor_units(self) -> i64 {
        self.minor_units
    }

    /// The currency's code.
    pub fn currency(self) -> &'static str {
        self.currency.code()
    }

    /// The amount alone, with all decimal places of the currency: `19.90`.
    pub fn amount(self) -> String {
        let decimals = self.currency.exponent().map_or(0, usize::from);
        let digits = format!("{:0>width$}", self.minor_units, width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
    }
}

fn currency(code: &str) -> Result<(Currency, usize), MoneyError> {
    Currency::from_code(code)
        .and_then(|currency| Some((currency, usize::from(currency.exponent()?))))
        .ok_or_else(|| MoneyError::Currency(code.to_owned()))
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency())
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (amount, code) = text.split_once(' ').ok_or_else(|| MoneyError::NotDecimal(text.to_owned()))?;
        Self::parse(amount, code)
    }
}

#[derive(Serialize, Deserialize)]
struct MoneyText {
    amount: String,
    currency: String,
}

impl TryFrom<MoneyText> for Money {
    type Error = MoneyError;

    fn try_from(text: MoneyText) -> Result<Self, MoneyError> {
        Self::parse(&text.amount, &text.currency)
    }
}

impl From<Money> for MoneyText {
    fn from(money: Money) -> Self {
        Self { amount: money.amount(), currency: money.currency().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_currency_has_its_own_decimal_places() {
        for (amount, code, minor_units, canonical) in [
            ("19.99", "USD", 1999, "19.99 USD"),
            ("19.9", "USD", 1990, "19.90 USD"),
            ("0.05", "EUR", 5, "0.05 EUR"),
            ("500", "JPY", 500, "500 JPY"),
            ("1.234", "KWD", 1234, "1.234 KWD"),
            ("007", "USD", 700, "7.00 USD"),
        ] {
            let money = Money::parse(amount, code).expect(amount);
            assert_eq!((money.minor_units(), money.to_string().as_str()), (minor_units, canonical));
        }
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for (amount, code) in [
            ("19.999", "USD"),
            ("500.0", "JPY"),
            ("-1", "USD"),
            ("NaN", "USD"),
            ("1e3", "USD"),
            ("1_000", "USD"),
            ("1,00", "USD"),
            (".5", "USD"),
            ("5.", "USD"),
            ("", "USD"),
            ("+1", "USD"),
            ("1.2.3", "USD"),
            ("99999999999999999999", "USD"),
            ("1", "usd"),
            ("1", "ZZZ"),
            ("1", "XAU"),
        ] {
            assert!(Money::parse(amount, code).is_err(), "{amount} {code}");
        }
        assert_eq!(Money::parse("-1.50", "USD"), Err(MoneyError::Negative));
    }

    proptest! {
        #[test]
        fn minor_units_survive_text_and_json(minor_units in 0..=i64::MAX, code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"])) {
            let money = Money::from_minor_units(minor_units, code).expect("valid");
            prop_assert_eq!(money.to_string().parse::<Money>().expect("its own text"), money);
            let json = serde_json::to_value(money).expect("serializes");
            prop_assert_eq!(serde_json::from_value::<Money>(json).expect("its own JSON"), money);
        }

        #[test]
        fn no_text_panics(amount in ".*", code in "[A-Z]{3}") {
            drop(Money::parse(&amount, &code));
        }
    }
}
