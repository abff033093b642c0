//! Changes to staged definitions, from `--set`.

use std::str::FromStr;

/// A changed property of a trigger's binding, written `FUNCTION.PROPERTY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The function.
    pub function: String,
    /// The property, as `function.json` spells it.
    pub property: String,
    /// The value: text as it is, numbers, `true` and `false`, lists with commas.
    pub value: String,
}

/// The text is no change.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("write it as FUNCTION.PROPERTY=VALUE, like ProductChanges.feedPollDelay=50")]
pub struct ChangeError;

impl FromStr for Change {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let (place, value) = text.split_once('=').ok_or(ChangeError)?;
        let (function, property) = place.split_once('.').ok_or(ChangeError)?;
        if function.is_empty() || property.is_empty() {
            return Err(ChangeError);
        }
        Ok(Self { function: function.to_owned(), property: property.to_owned(), value: value.to_owned() })
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}={}", self.function, self.property, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_function_property_and_value() {
        let change: Change = "Heartbeat.schedule=*/5 * * * * *".parse().expect("valid");
        assert_eq!(change.to_string(), "Heartbeat.schedule=*/5 * * * * *");
        assert_eq!((change.function.as_str(), change.property.as_str()), ("Heartbeat", "schedule"));
        for wrong in ["", "Heartbeat", "Heartbeat.schedule", "Heartbeat=1", ".schedule=1", "Heartbeat.=1"] {
            assert_eq!(wrong.parse::<Change>(), Err(ChangeError), "{wrong}");
        }
    }
}
