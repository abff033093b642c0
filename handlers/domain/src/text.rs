//! Short texts with a length limit, and the identity of a product.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space, or longer than allowed.
    #[error("must have 1 to {max} characters")]
    Length {
        /// The most characters (Unicode scalar values) allowed.
        max: usize,
    },
    /// Holds a character that no display can show.
    #[error("must not contain control characters")]
    Control,
    /// A name that readers of JSON keep for themselves; documents have categories as names of members.
    #[error("must not be a name that is reserved in JSON documents")]
    Reserved,
    /// Not a product id.
    #[error("must be 1 to 64 of the characters A-Z a-z 0-9 _ - . and not dots alone")]
    ProductId,
}

/// Defines a text that `$check`, from `&str` to `Result<(), $error>`, lets pass.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $error:ty, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                let check: fn(&str) -> Result<(), $error> = $check;
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use checked_text;

checked_text! {
    /// What a product is called: 1 to 200 characters.
    Name, TextError, |text| check(text, 200, &[])
}
checked_text! {
    /// The category a product is listed in: 1 to 100 characters.
    Category, TextError, |text| check(text, 100, &[]).and_then(|()| check_name(text))
}
checked_text! {
    /// Who makes a product: 1 to 100 characters.
    Brand, TextError, |text| check(text, 100, &[])
}
checked_text! {
    /// A description in plain text: 1 to 4000 characters, line breaks allowed.
    Description, TextError, |text| check(text, 4000, &['\n', '\r', '\t'])
}
checked_text! {
    /// What somebody says of a product or a customer, in plain text: 1 to 4000 characters, line breaks allowed.
    Comment, TextError, |text| check(text, 4000, &['\n', '\r', '\t'])
}
checked_text! {
    /// Why a product is no longer sold: 1 to 200 characters.
    Reason, TextError, |text| check(text, 200, &[])
}

fn check(text: &str, max: usize, control: &[char]) -> Result<(), TextError> {
    if text.trim().is_empty() || text.chars().count() > max {
        return Err(TextError::Length { max });
    }
    if text.chars().any(|c| c.is_control() && !control.contains(&c)) {
        return Err(TextError::Control);
    }
    Ok(())
}

fn check_name(text: &str) -> Result<(), TextError> {
    if contoso_json::is_reserved(text) { Err(TextError::Reserved) } else { Ok(()) }
}

checked_text! {
    /// Which product: 1 to 64 of `A-Z a-z 0-9 _ - .`, so that it can stand in a URL path, a document id and an event id as it is.
    /// Dots alone are refused: URLs read them as "here" and "one up".
    ProductId, TextError, check_product_id
}

fn check_product_id(text: &str) -> Result<(), TextError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let is_valid = (1..=64).contains(&text.len()) && text.bytes().all(allowed) && text.bytes().any(|byte| byte != b'.');
    if is_valid { Ok(()) } else { Err(TextError::ProductId) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_can_stand_in_a_url() {
        for good in ["1", "A-b_c.9", &"x".repeat(64)] {
            assert!(ProductId::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a b", "é", "a%2F", &"x".repeat(65)] {
            assert!(ProductId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_count_characters_not_bytes() {
        assert!(Name::try_from("é".repeat(200)).is_ok());
        assert_eq!(Name::try_from("é".repeat(201)), Err(TextError::Length { max: 200 }));
        assert_eq!(Name::try_from(" \u{3000} ".to_owned()), Err(TextError::Length { max: 200 }));
        assert_eq!(Name::try_from("a\nb".to_owned()), Err(TextError::Control));
        assert!(Description::try_from("a\nb".to_owned()).is_ok());
    }
}
