//! Settings of sales files.

use std::str::FromStr;

use crate::domain::money::{Money, MoneyError};

/// What sales files are read by.
#[derive(Debug, Clone)]
pub struct SalesSettings {
    /// `Sales__currency`: the currency of files that say none.
    pub currency: Option<String>,
}

/// A code of ISO 4217.
pub(super) struct Currency(pub(super) String);

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Money::from_minor_units(0, text).map(|money| Self(money.currency().to_owned()))
    }
}
