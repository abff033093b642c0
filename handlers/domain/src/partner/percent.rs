//! Percentages with two decimal places.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// More than 0 and at most 100 per cent, in hundredths of one. As JSON a number: 12.45.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u16);

/// Why a number is no such percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a number from 0.01 to 100 with at most two decimal places")]
pub struct PercentError;

impl Percent {
    /// `hundredths` of a per cent: 1245 are 12.45 %. None below 1 or above 10,000.
    pub fn from_hundredths(hundredths: u16) -> Option<Self> {
        (1..=10_000).contains(&hundredths).then_some(Self(hundredths))
    }

    /// How many hundredths of a per cent.
    pub fn hundredths(self) -> u16 {
        self.0
    }
}

impl TryFrom<f64> for Percent {
    type Error = PercentError;

    fn try_from(number: f64) -> Result<Self, PercentError> {
        let hundredths = (number * 100.0).round();
        // The nearest double of a number with two decimal places is that quotient exactly.
        let is_exact = hundredths / 100.0 == number;
        // Saturates, and not-a-number becomes 0, which is none.
        if is_exact { Self::from_hundredths(hundredths as u16).ok_or(PercentError) } else { Err(PercentError) }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 100.0)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u16(self.0 / 100)
        } else {
            serializer.serialize_f64(f64::from(self.0) / 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_percentage_is_a_number_with_two_places_and_back() {
        for hundredths in 1..=10_000 {
            let percent = Percent::from_hundredths(hundredths).expect("in range");
            let text = serde_json::to_string(&percent).expect("JSON");
            assert_eq!(text, percent.to_string());
            assert!(text.split_once('.').is_none_or(|(_, places)| (1..=2).contains(&places.len())), "{text}");
            assert_eq!(serde_json::from_str::<Percent>(&text).expect(&text), percent);
        }
        for (text, hundredths) in [("12.45", 1245), ("12.450", 1245), ("5.0", 500), ("5", 500), ("1e2", 10_000)] {
            assert_eq!(serde_json::from_str::<Percent>(text).expect(text).hundredths(), hundredths);
        }
        for bad in ["0", "-1", "100.01", "12.455", "0.001", "1e300", "\"5\"", "null", "true"] {
            assert!(serde_json::from_str::<Percent>(bad).is_err(), "{bad}");
        }
        assert_eq!(Percent::try_from(f64::NAN), Err(PercentError));
        assert_eq!(Percent::try_from(f64::INFINITY), Err(PercentError));
    }
}
