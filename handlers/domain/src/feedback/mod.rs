//! Feedback: what partners say of products and customers, a rating and perhaps a text.
//!
//! A [`submission`] is an item as a partner sends it, an [`event`] what the hub hears of it, a [`receipt`] what is known of it at the
//! door, so that a repeat is told from a correction. [`item`] is what is kept of one item, [`rating`] what they make of a product.

pub mod event;
pub mod item;
pub mod rating;
pub mod receipt;
pub mod submission;

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{partner::PartnerName, text::checked_text};

pub use crate::text::Comment;

/// A text that is no id of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 100 of the characters A-Z a-z 0-9 _ - . : ~ @ + = and not dots alone")]
pub struct NoItemId;

checked_text! {
    /// A partner's own id of an item. It can stand in an id of a document and of an event as it is, and has no `|`, which divides those. Dots
    /// alone are refused: URLs read them as "here" and "one up".
    ItemId, NoItemId, |text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:~@+=".contains(&byte);
        let is_id = (1..=100).contains(&text.len()) && text.bytes().all(allowed) && text.bytes().any(|byte| byte != b'.');
        if is_id { Ok(()) } else { Err(NoItemId) }
    }
}

/// A text that stands for no customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be cst_ and 32 hexadecimal digits")]
pub struct NoCustomer;

checked_text! {
    /// A partner's customer: `cst_` and 32 hexadecimal digits of a hash of the partner's own reference, which is kept nowhere. A pseudonym:
    /// who can guess the reference can find what belongs to it.
    Customer, NoCustomer, |text| {
        let digits = text.strip_prefix("cst_").unwrap_or_default();
        let is_hash = digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash { Ok(()) } else { Err(NoCustomer) }
    }
}

/// A text that is no reference to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 200 characters, none of them a control character")]
pub struct NoCustomerRef;

checked_text! {
    /// How a partner calls a customer: 1 to 200 characters.
    CustomerRef, NoCustomerRef, |text| {
        let fits = (1..=200).contains(&text.chars().count()) && !text.trim().is_empty() && !text.chars().any(char::is_control);
        if fits { Ok(()) } else { Err(NoCustomerRef) }
    }
}

impl CustomerRef {
    /// What is kept in its place: the same of the same partner and reference, so that a customer's items can be found again.
    pub fn customer(&self, partner: &PartnerName) -> Customer {
        let mut hash = Sha256::new();
        for part in ["contoso.feedback.customer", partner.as_str(), self.as_str()] {
            // With its length, so that no two lists of parts are written alike.
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let mut text = "cst_".to_owned();
        for byte in &hash.finalize()[..16] {
            _ = write!(text, "{byte:02x}");
        }
        Customer(text)
    }
}

/// A number that is no rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to 5")]
pub struct NoRating;

/// 1 (bad) to 5 (good).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Rating(u8);

impl Rating {
    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<i32> for Rating {
    type Error = NoRating;

    fn try_from(number: i32) -> Result<Self, NoRating> {
        u8::try_from(number).ok().filter(|number| (1..=5).contains(number)).map(Self).ok_or(NoRating)
    }
}

impl From<Rating> for i32 {
    fn from(rating: Rating) -> Self {
        rating.0.into()
    }
}

/// What an item is about, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum About {
    /// A product.
    Product,
    /// A customer of the partner's.
    Customer,
}

impl About {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Customer => "customer",
        }
    }
}

impl From<About> for String {
    fn from(about: About) -> Self {
        about.as_str().to_owned()
    }
}

impl TryFrom<String> for About {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "product" => Ok(Self::Product),
            "customer" => Ok(Self::Customer),
            _ => Err("must be product or customer"),
        }
    }
}

/// What names an item among those of all partners: also the id of its first event and of its document.
pub fn whole_id(partner: &PartnerName, item: &ItemId) -> String {
    format!("{partner}|{item}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_known_by_partner_and_reference_and_by_no_more() {
        let partner = |name: &str| PartnerName::try_from(name.to_owned()).expect("a name");
        let reference = |text: &str| CustomerRef::try_from(text.to_owned()).expect("a reference");
        let one = reference("jo@example.com").customer(&partner("acme"));
        assert_eq!(one, reference("jo@example.com").customer(&partner("acme")));
        assert!(Customer::try_from(one.to_string()).is_ok() && !one.as_str().contains("jo"));
        for other in [
            reference("jo@example.org").customer(&partner("acme")),
            reference("jo@example.com").customer(&partner("other")),
            reference("ejo@example.com").customer(&partner("acm")),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn ids_can_stand_in_documents_and_events() {
        for good in ["1", "review:4711", "a+b=c@~d.e_f-g", &"x".repeat(100)] {
            assert!(ItemId::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a|b", "a b", "a#b", "a?b", "a\\b", "a%2F", "é", &"x".repeat(101)] {
            assert_eq!(ItemId::try_from(bad.to_owned()), Err(NoItemId), "{bad}");
        }
    }
}
