//! Names of partners and of their subscriptions, and what is made of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::text::checked_text;

/// Why a text is no name of a partner or subscription.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Other characters, or too few or many of them.
    #[error("must be 3 to 40 of the characters a-z and 0-9, with single hyphens between them")]
    Form,
    /// Event Grid compares text without case, so one spelling is the only one.
    #[error("must be in lower case: {0}")]
    Case(String),
    /// An audience of that name reaches others than one partner.
    #[error("is a name that the system keeps for itself")]
    Reserved,
}

checked_text! {
    /// Which partner: 3 to 40 of `a-z 0-9`, with single hyphens between. Not `all` and not `operations`, which are audiences of other
    /// events on the topic.
    PartnerName, NameError, |text| check(text, &["all", "operations"])
}
checked_text! {
    /// Which of a partner's subscriptions: 3 to 40 of `a-z 0-9`, with single hyphens between.
    SubscriptionName, NameError, |text| check(text, &[])
}

/// A text that is no id of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be lsn_ and 16 hexadecimal digits")]
pub struct NoListenerId;

checked_text! {
    /// Which of a partner's listeners: `lsn_` and 16 hexadecimal digits. No subscription has such a name.
    ListenerId, NoListenerId, |text| {
        let digits = text.strip_prefix("lsn_").unwrap_or_default();
        let is_id = digits.len() == 16 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_id { Ok(()) } else { Err(NoListenerId) }
    }
}

impl ListenerId {
    /// The id with these digits, the same for each try of a request; `None` if they are no 16 hexadecimal digits.
    pub fn of(digits: &str) -> Option<Self> {
        Self::try_from(format!("lsn_{digits}")).ok()
    }

    /// Name of its queue and of its event subscription: those take hyphens, and no underscores.
    pub fn resource_name(&self) -> String {
        self.0.replace('_', "-")
    }
}

fn check(text: &str, reserved: &[&str]) -> Result<(), NameError> {
    let lower = text.to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = (3..=40).contains(&lower.len())
        && lower.bytes().all(allowed)
        && !lower.starts_with('-')
        && !lower.ends_with('-')
        && !lower.contains("--");
    match () {
        () if !is_name => Err(NameError::Form),
        () if reserved.contains(&lower.as_str()) => Err(NameError::Reserved),
        () if lower != text => Err(NameError::Case(lower)),
        () => Ok(()),
    }
}

/// Whom an event on the partner topic is for: its extension `audience`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every partner: `all`.
    All,
    /// Every subscription of one partner: `<partner>`.
    Partner(PartnerName),
    /// One subscription: `<partner>/<subscription>`.
    Subscription(PartnerName, SubscriptionName),
    /// One listener: `<partner>/<listener>`.
    Listener(PartnerName, ListenerId),
}

impl Audience {
    /// Name of the extension attribute.
    pub const ATTRIBUTE: &str = "audience";

    /// The audiences that reach a subscription.
    pub fn reaching(partner: &PartnerName, subscription: &SubscriptionName) -> [Self; 3] {
        [Self::All, Self::Partner(partner.clone()), Self::Subscription(partner.clone(), subscription.clone())]
    }

    /// Whether an event for this audience is for that subscription.
    pub fn reaches(&self, partner: &PartnerName, subscription: &SubscriptionName) -> bool {
        Self::reaching(partner, subscription).contains(self)
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Partner(partner) => write!(f, "{partner}"),
            Self::Subscription(partner, subscription) => write!(f, "{partner}/{subscription}"),
            Self::Listener(partner, listener) => write!(f, "{partner}/{listener}"),
        }
    }
}

/// Name of the Event Grid event subscription that a partner's subscription is: `sub-` and 20 characters of a hash. Event Grid allows 3 to
/// 64 letters, digits and hyphens, without case, which two of our names together would exceed.
pub fn event_grid_name(partner: &PartnerName, subscription: &SubscriptionName) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = Sha256::digest(format!("{partner}/{subscription}"));
    let mut name = String::from("sub-");
    for index in 0..20 {
        // Base32 (RFC 4648): five bits a character, from the front.
        let (byte, offset) = (index * 5 / 8, index * 5 % 8);
        let window = u16::from_be_bytes([hash[byte], hash[byte + 1]]);
        name.push(char::from(ALPHABET[usize::from(window >> (11 - offset) & 31)]));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_the_refusal_names_the_spelling() {
        for good in ["acme", "a1b", "north-wind-2", &"x".repeat(40)] {
            assert!(PartnerName::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "ab", "-acme", "acme-", "a--b", "a_b", "a b", "acmé", "a/b", "a.b", &"x".repeat(41)] {
            assert_eq!(PartnerName::try_from(bad.to_owned()), Err(NameError::Form), "{bad}");
        }
        assert_eq!(PartnerName::try_from("ACME".to_owned()), Err(NameError::Case("acme".to_owned())));
        for reserved in ["all", "ALL", "operations", "Operations"] {
            assert_eq!(PartnerName::try_from(reserved.to_owned()), Err(NameError::Reserved), "{reserved}");
        }
        assert!(SubscriptionName::try_from("all".to_owned()).is_ok(), "it stands behind its partner's name");
        assert!(serde_json::from_str::<PartnerName>("\"Acme\"").is_err());
    }

    #[test]
    fn an_audience_reaches_its_own_and_nobody_else() {
        let partner = |name: &str| PartnerName::try_from(name.to_owned()).expect("a name");
        let subscription = |name: &str| SubscriptionName::try_from(name.to_owned()).expect("a name");
        let (acme, prices) = (partner("acme"), subscription("prices"));
        let texts = Audience::reaching(&acme, &prices).map(|audience| audience.to_string());
        assert_eq!(texts, ["all", "acme", "acme/prices"]);
        for (audience, reaches) in [
            (Audience::All, true),
            (Audience::Partner(acme.clone()), true),
            (Audience::Partner(partner("acme-2")), false),
            (Audience::Subscription(acme.clone(), prices.clone()), true),
            (Audience::Subscription(acme.clone(), subscription("stock")), false),
            (Audience::Subscription(partner("other"), prices.clone()), false),
        ] {
            assert_eq!(audience.reaches(&acme, &prices), reaches, "{audience}");
        }
    }

    #[test]
    fn event_grid_takes_the_name_and_it_is_base32_of_the_hash() {
        let name = event_grid_name(
            &"acme".to_owned().try_into().expect("a name"),
            &"prices".to_owned().try_into().expect("a name"),
        );
        // printf acme/prices | sha256sum | xxd -r -p | base32 | cut -c1-20 | tr A-Z a-z
        assert_eq!(name, "sub-g5q3pjah6w5i775c6bgy");
    }

    #[test]
    fn no_subscription_has_the_name_of_a_listener() {
        let id = ListenerId::of("0123456789abcdef").expect("an id");
        assert!(SubscriptionName::try_from(id.to_string()).is_err());
        for wrong in
            ["", "lsn_", "lsn_0123456789ABCDEF", "lsn_0123456789abcde", "lsn_0123456789abcdeff", "sub_0123456789abcdef"]
        {
            assert_eq!(ListenerId::try_from(wrong.to_owned()), Err(NoListenerId), "{wrong}");
        }
    }
}
