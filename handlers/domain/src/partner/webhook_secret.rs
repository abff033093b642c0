//! Webhook secret: the header by which an endpoint knows that a delivery is ours.
//!
//! Event Grid does not sign deliveries; it adds fixed headers. The value is derived from a master key for each subscription and version, so
//! that no secret of a subscription is stored. While a version replaces another, the header holds both: `new, old`.

use std::{collections::HashSet, fmt};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use time::OffsetDateTime;

use super::{ListenerId, PartnerName, SubscriptionName};

/// Header with the secrets that are valid, newest first, separated by a comma and a space.
pub const SECRET_HEADER: &str = "x-contoso-secret";
/// Header with `<partner>/<subscription>`.
pub const SUBSCRIPTION_HEADER: &str = "x-contoso-subscription";
/// Header that says whom to write to if somebody else subscribed the endpoint.
pub const CONTACT_HEADER: &str = "x-contoso-contact";

/// The fewest bytes of a master key: as many as the digest has.
const SHORTEST_KEY: usize = 32;

/// One version of a subscription's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretVersion {
    /// Id of the master key that it is derived from.
    pub master: String,
    /// Which one: counts up, from the second of creation (since 1970), so that a subscription made anew under an old name has other secrets.
    pub number: i64,
    /// Since when deliveries have it.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// Until when, if another has taken its place.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<OffsetDateTime>,
}

impl SecretVersion {
    /// Whether deliveries have it at `now`.
    pub fn is_valid(&self, now: OffsetDateTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A secret in clear: `whs_` and 43 characters. Shown to its partner, and to nobody else; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// The master keys, the first of which is for new secrets; the others are for those that exist.
#[derive(Clone)]
pub struct MasterKeys(Vec<(String, Vec<u8>)>);

/// Why a setting holds no master keys. The messages hold nothing of the keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeysError {
    /// Nothing but separators.
    #[error("there is no master key")]
    None,
    /// An entry, counted from 1, is not `id:base64`.
    #[error("master key {0} is not written as id:base64 with an id of 1 to 32 of the characters A-Z a-z 0-9 - _")]
    Form(usize),
    /// A key is too short to be one.
    #[error("master key {0:?} has fewer than {SHORTEST_KEY} bytes")]
    Short(String),
    /// Two keys have one id.
    #[error("two master keys have the id {0:?}")]
    Twice(String),
}

/// A secret cannot be derived: its master key is not among those that are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("master key {0:?} is not known")]
pub struct UnknownMaster(pub String);

impl MasterKeys {
    /// Reads `id:base64`, several separated by commas or line ends, the current one first.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(text: &str) -> Result<Self, MasterKeysError> {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let base64 = GeneralPurpose::new(&alphabet::STANDARD, config);
        let mut keys = Vec::new();
        let mut ids = HashSet::new();
        let entries = text.split([',', '\n', '\r']).map(str::trim).filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            let form = || MasterKeysError::Form(index + 1);
            let (id, key) = entry.split_once(':').ok_or_else(form)?;
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if !((1..=32).contains(&id.len()) && id.bytes().all(allowed)) {
                return Err(form());
            }
            let key = base64.decode(key.trim()).map_err(|_| form())?;
            if key.len() < SHORTEST_KEY {
                return Err(MasterKeysError::Short(id.to_owned()));
            }
            if !ids.insert(id) {
                return Err(MasterKeysError::Twice(id.to_owned()));
            }
            keys.push((id.to_owned(), key));
        }
        if keys.is_empty() { Err(MasterKeysError::None) } else { Ok(Self(keys)) }
    }

    /// Id of the key for new secrets.
    pub fn current(&self) -> &str {
        self.0.first().map_or("", |(id, _)| id)
    }

    /// The secret of one version.
    ///
    /// # Errors
    /// Its master key is not among these.
    pub fn secret(
        &self,
        partner: &PartnerName,
        subscription: &SubscriptionName,
        version: &SecretVersion,
    ) -> Result<WebhookSecret, UnknownMaster> {
        self.derive(&format!("{partner}/{subscription}"), version)
    }

    /// The secret of a listener.
    ///
    /// # Errors
    /// Its master key is not among these.
    pub fn listener_secret(
        &self,
        partner: &PartnerName,
        listener: &ListenerId,
        version: &SecretVersion,
    ) -> Result<WebhookSecret, UnknownMaster> {
        self.derive(&format!("{partner}/{listener}"), version)
    }

    fn derive(&self, whose: &str, version: &SecretVersion) -> Result<WebhookSecret, UnknownMaster> {
        let unknown = || UnknownMaster(version.master.clone());
        let (_, key) = self.0.iter().find(|(id, _)| *id == version.master).ok_or_else(unknown)?;
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| unknown())?;
        mac.update(format!("{whose}/{}", version.number).as_bytes());
        Ok(WebhookSecret(format!("whs_{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))))
    }

    /// The value of [`SECRET_HEADER`] at `now`: every valid version's secret, newest first.
    ///
    /// # Errors
    /// A version's master key is not among these.
    pub fn header(
        &self,
        partner: &PartnerName,
        subscription: &SubscriptionName,
        versions: &[SecretVersion],
        now: OffsetDateTime,
    ) -> Result<WebhookSecret, UnknownMaster> {
        let mut valid: Vec<_> = versions.iter().filter(|version| version.is_valid(now)).collect();
        valid.sort_by_key(|version| std::cmp::Reverse(version.number));
        let secrets = valid.into_iter().map(|version| Ok(self.secret(partner, subscription, version)?.0));
        Ok(WebhookSecret(secrets.collect::<Result<Vec<_>, _>>()?.join(", ")))
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKeys").field(&self.0.iter().map(|(id, _)| id).collect::<Vec<_>>()).finish()
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    /// 32 bytes each: 32 times `k`, 32 times `q`.
    const TWO: &str = "m2:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=,m1:cXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXE=";

    fn names() -> (PartnerName, SubscriptionName) {
        ("acme".to_owned().try_into().expect("a name"), "prices".to_owned().try_into().expect("a name"))
    }

    fn version(master: &str, number: i64, until: Option<OffsetDateTime>) -> SecretVersion {
        SecretVersion { master: master.to_owned(), number, since: NOW - Duration::hours(1), until }
    }

    #[test]
    fn a_secret_is_the_hmac_of_its_names_and_number() {
        let (partner, subscription) = names();
        let keys = MasterKeys::parse(TWO).expect("keys");
        assert_eq!(keys.current(), "m2");
        let secret = keys.secret(&partner, &subscription, &version("m2", 7, None)).expect("a known key");
        // printf acme/prices/7 | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk -binary | base64 | tr +/ -_ | tr -d =
        assert_eq!(secret.reveal(), "whs_ZhQZeT3aStOHpgTsKZWqCVYrhtuoI38nKLu42LVb9IQ");
        let other = keys.secret(&partner, &subscription, &version("m1", 7, None)).expect("a known key");
        assert_ne!(other, secret);
        let unknown = keys.secret(&partner, &subscription, &version("m0", 7, None));
        assert_eq!(unknown, Err(UnknownMaster("m0".to_owned())));
        assert!(!format!("{secret:?} {keys:?}").contains("a2tr"), "{secret:?} {keys:?}");
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }

    #[test]
    fn the_header_has_new_and_old_until_the_old_one_ends() {
        let (partner, subscription) = names();
        let keys = MasterKeys::parse(TWO).expect("keys");
        let until = NOW + Duration::hours(1);
        let versions = [version("m1", 7, Some(until)), version("m2", 8, None)];
        let each = versions.clone().map(|version| keys.secret(&partner, &subscription, &version).expect("known").0);
        let header = |now| keys.header(&partner, &subscription, &versions, now).expect("known").0;
        assert_eq!(header(NOW), format!("{}, {}", each[1], each[0]));
        assert_eq!(header(until), each[1]);
    }

    #[test]
    fn what_are_no_keys_is_refused_without_repeating_it() {
        let key = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s";
        assert!(MasterKeys::parse(&format!("\n a:{key}= \r\n\nb:{key}\n")).is_ok(), "padding may be left out");
        for (text, error) in [
            (String::new(), MasterKeysError::None),
            (" ,\n".to_owned(), MasterKeysError::None),
            (key.to_owned(), MasterKeysError::Form(1)),
            (format!("a:{key},b c:{key}"), MasterKeysError::Form(2)),
            (format!(":{key}"), MasterKeysError::Form(1)),
            ("a:?".to_owned(), MasterKeysError::Form(1)),
            ("a:a2s=".to_owned(), MasterKeysError::Short("a".to_owned())),
            (format!("a:{key},a:{key}"), MasterKeysError::Twice("a".to_owned())),
        ] {
            let refusal = MasterKeys::parse(&text).expect_err(&text);
            assert!(!refusal.to_string().contains("a2tr"), "{refusal}");
            assert_eq!(refusal, error, "{text}");
        }
    }
}
