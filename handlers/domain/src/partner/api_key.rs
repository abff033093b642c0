//! API keys of partners: how one is made and written, what is stored of it, and when it counts.
//!
//! A key is `cpk_<id><…>`: a prefix that secret scanners know, the id by which its document is read, 256 bits of chance, and a checksum
//! that refuses a mistyped key before anything is read. What is stored is the SHA-256 of the whole text: a slow hash protects guessable
//! passwords, and nobody guesses 256 bits.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use super::PartnerName;

/// What every key begins with.
const PREFIX: &str = "cpk_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID: usize = 12;
/// 43 digits of base 62 hold 256 bits.
const SECRET: usize = 43;
/// Six hold 32.
const CHECKSUM: usize = 6;

/// The longest label of a key, in characters.
pub const LONGEST_LABEL: usize = 100;

/// Whether a key may be called so in lists: something visible, on one line.
pub fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST_LABEL && !text.chars().any(char::is_control)
}

/// How many keys of a partner may count at once: two, so that one can be replaced while the other works.
pub const MOST_KEYS: usize = 2;
/// How long a key that was replaced still counts, if nobody says otherwise.
pub const GRACE: Duration = Duration::hours(24);
/// The longest that a key that was replaced may still count.
pub const LONGEST_GRACE: Duration = Duration::days(30);
/// How old the last use may be before it is written again.
const USE_IS_WRITTEN: Duration = Duration::hours(1);
/// How long before its end answers to a key say when it ends.
pub const TOLD_BEFORE: Duration = Duration::days(14);
/// Random bytes that a key is made of.
pub const RANDOM: usize = 48;

/// A key as the partner has it. It is shown by [`ApiKey::reveal`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: KeyId,
    text: String,
}

/// The id of a key: no secret, and in logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

/// A text that is no key: mistyped, cut off, or something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no API key; one has {} characters and begins with {PREFIX}", PREFIX.len() + ID + 1 + SECRET + CHECKSUM)]
pub struct NoKey;

/// A text that is no id of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no id of a key; that is the {ID} letters and digits between {PREFIX} and the next _")]
pub struct NoKeyId;

impl ApiKey {
    /// A key of these random bytes, which nobody may be able to guess.
    pub fn of(random: [u8; RANDOM]) -> Self {
        let (id, secret) = random.split_at(RANDOM - 32);
        let mut text = format!("{PREFIX}{}_{}", digits(id, ID), digits(secret, SECRET));
        let checksum = digits(&crc32(text.as_bytes()).to_be_bytes(), CHECKSUM);
        text.push_str(&checksum);
        Self { id: KeyId(text[PREFIX.len()..PREFIX.len() + ID].to_owned()), text }
    }

    /// Reads a key.
    ///
    /// # Errors
    /// If the text has another form or its checksum is wrong; one character more or less is enough.
    pub fn parse(text: &str) -> Result<Self, NoKey> {
        let rest = text.strip_prefix(PREFIX).ok_or(NoKey)?;
        let (id, rest) = rest.split_once('_').ok_or(NoKey)?;
        let is_base62 = |text: &str, length| text.len() == length && text.bytes().all(|byte| ALPHABET.contains(&byte));
        if !is_base62(id, ID) || !is_base62(rest, SECRET + CHECKSUM) {
            return Err(NoKey);
        }
        let (before, checksum) = text.split_at(text.len() - CHECKSUM);
        if digits(&crc32(before.as_bytes()).to_be_bytes(), CHECKSUM) != checksum {
            return Err(NoKey);
        }
        Ok(Self { id: KeyId(id.to_owned()), text: text.to_owned() })
    }

    /// Its id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The whole key, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(&self.text).into())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_…", self.id)
    }
}

impl KeyId {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the key's document.
    pub fn document(&self) -> String {
        format!("key-{}", self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for KeyId {
    type Error = NoKeyId;

    fn try_from(text: String) -> Result<Self, NoKeyId> {
        let is_id = text.len() == ID && text.bytes().all(|byte| ALPHABET.contains(&byte));
        if is_id { Ok(Self(text)) } else { Err(NoKeyId) }
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

/// SHA-256 of a key, stored as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Compares in a time that does not tell where two hashes differ.
    fn is(&self, other: &Self) -> bool {
        let mut different = 0;
        for (ours, theirs) in self.0.iter().zip(&other.0) {
            different |= ours ^ theirs;
        }
        std::hint::black_box(different) == 0
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for KeyHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "must be 64 hexadecimal digits";
        if text.len() != 64 || !text.is_ascii() {
            return Err(WRONG);
        }
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(Self(hash))
    }
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Looking, for dashboards and tests: `GET`, and previews, which change nothing.
    Read,
    /// Everything that a partner may do.
    Write,
}

/// Document `key-<id>` of container `partners/partners`: what is stored of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyRecord {
    id: String,
    /// Whose key it is.
    pub partner: PartnerName,
    /// Its id.
    pub key: KeyId,
    hash: KeyHash,
    /// What it may be used for.
    pub scope: Scope,
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it ends to count by itself.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires: Option<OffsetDateTime>,
    /// When it was last used, to the hour.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub last_used: Option<OffsetDateTime>,
    /// Whether it was replaced or revoked.
    pub state: KeyState,
}

/// Whether nobody could write any more if `key` ended: it may, and no other one that was not replaced does.
pub fn is_last_to_write(keys: &[KeyRecord], key: &KeyId, now: OffsetDateTime) -> bool {
    let is_it = |record: &KeyRecord| record.key == *key && record.may_write(now);
    let is_left = |record: &KeyRecord| record.key != *key && record.stays_to_write(now);
    keys.iter().any(is_it) && !keys.iter().any(is_left)
}

/// When nobody can write any more, if no key is made until then: `None` where one of those that may write has no end, or none may.
pub fn writes_until(keys: &[KeyRecord], now: OffsetDateTime) -> Option<OffsetDateTime> {
    let ends: Option<Vec<_>> = keys.iter().filter(|key| key.may_write(now)).map(KeyRecord::ends).collect();
    ends?.into_iter().max()
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum KeyState {
    /// It counts.
    Active,
    /// Another took its place; it counts until then.
    Superseded {
        /// When it ends to count.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// It does not count any more.
    Revoked {
        /// Since when.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
}

/// Why a key does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// It is not this partner's. Nothing more is told to someone who may be guessing.
    #[error("the key is not valid here")]
    Invalid,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// It was replaced, and the time that was given to replace it is over.
    #[error("the key was replaced by another, and its time of grace is over")]
    Superseded,
    /// It was revoked.
    #[error("the key was revoked")]
    Revoked,
}

/// What a new key shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyWish {
    /// What it may be used for.
    pub scope: Scope,
    /// What its owner calls it.
    pub label: Option<String>,
    /// When it ends to count by itself.
    pub expires: Option<OffsetDateTime>,
}

impl KeyRecord {
    /// What is stored of `key`.
    pub fn new(partner: PartnerName, key: &ApiKey, wish: KeyWish, now: OffsetDateTime) -> Self {
        let KeyWish { scope, label, expires } = wish;
        let (id, hash) = (key.id.document(), key.hash());
        Self {
            id,
            partner,
            key: key.id.clone(),
            hash,
            scope,
            label,
            created: now,
            expires,
            last_used: None,
            state: KeyState::Active,
        }
    }

    /// The same, as it is stored until there is known to be room for it: it ends then by itself.
    #[must_use]
    pub fn on_trial(&self, until: OffsetDateTime) -> Self {
        Self { expires: Some(self.expires.map_or(until, |expires| expires.min(until))), ..self.clone() }
    }

    /// Whether `key` is this one and counts now. Why it does not is told only to whom has the whole key.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn check(&self, key: &ApiKey, now: OffsetDateTime) -> Result<(), KeyRefusal> {
        if !self.hash.is(&key.hash()) {
            return Err(KeyRefusal::Invalid);
        }
        self.refusal(now).map_or(Ok(()), Err)
    }

    /// Why the key does not count now, whoever has it.
    fn refusal(&self, now: OffsetDateTime) -> Option<KeyRefusal> {
        match self.state {
            KeyState::Revoked { .. } => Some(KeyRefusal::Revoked),
            KeyState::Superseded { until } if until <= now => Some(KeyRefusal::Superseded),
            KeyState::Active | KeyState::Superseded { .. } => {
                self.expires.is_some_and(|expires| expires <= now).then_some(KeyRefusal::Expired)
            }
        }
    }

    /// Whether it may be used for everything now.
    pub fn may_write(&self, now: OffsetDateTime) -> bool {
        self.scope == Scope::Write && self.counts(now)
    }

    /// The same of a key that no other takes the place of.
    pub fn stays_to_write(&self, now: OffsetDateTime) -> bool {
        self.state == KeyState::Active && self.may_write(now)
    }

    /// When it ends by itself, if it does.
    pub fn ends(&self) -> Option<OffsetDateTime> {
        let superseded = match self.state {
            KeyState::Superseded { until } => Some(until),
            KeyState::Revoked { at } => Some(at),
            KeyState::Active => None,
        };
        self.expires.into_iter().chain(superseded).min()
    }

    /// When it ends, if that is soon and its owner set it so, for whoever uses it to be told.
    pub fn expires_soon(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.expires.filter(|expires| *expires - now <= TOLD_BEFORE)
    }

    /// Whether it counts now.
    pub fn counts(&self, now: OffsetDateTime) -> bool {
        self.refusal(now).is_none()
    }

    /// The record with this use, if that must be written: once an hour is enough to see who still uses a key.
    #[must_use]
    pub fn used(&self, now: OffsetDateTime) -> Option<Self> {
        let is_written = self.last_used.is_some_and(|last| now - last < USE_IS_WRITTEN);
        (!is_written).then(|| Self { last_used: Some(now), ..self.clone() })
    }

    /// The record after another key took its place; a key that is revoked, or ends earlier, stays as it is.
    #[must_use]
    pub fn superseded(&self, until: OffsetDateTime) -> Self {
        let state = match self.state {
            KeyState::Superseded { until: before } if before <= until => self.state,
            KeyState::Revoked { .. } => self.state,
            KeyState::Active | KeyState::Superseded { .. } => KeyState::Superseded { until },
        };
        Self { state, ..self.clone() }
    }

    /// The record of a key that is revoked at once; revoking again changes nothing.
    #[must_use]
    pub fn revoked(&self, now: OffsetDateTime) -> Self {
        let state = match self.state {
            KeyState::Revoked { .. } => self.state,
            KeyState::Active | KeyState::Superseded { .. } => KeyState::Revoked { at: now },
        };
        Self { state, ..self.clone() }
    }
}

/// Document `account` of container `partners/partners`: a partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    id: String,
    /// Its name in paths, and its partition.
    pub partner: PartnerName,
    /// What people call it.
    pub name: String,
    /// Where it is told what its endpoint does not hear, such as that the endpoint is dead.
    pub contact: String,
    /// When it joined.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// Since when none of its keys counts.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub disabled: Option<OffsetDateTime>,
}

impl Account {
    /// The id of the document.
    pub const ID: &'static str = "account";

    /// A partner that joins.
    pub fn new(partner: PartnerName, name: String, contact: String, now: OffsetDateTime) -> Self {
        Self { id: Self::ID.to_owned(), partner, name, contact, created: now, disabled: None }
    }
}

/// The lowest `length` digits of a number in base 62, the highest first.
fn digits(number: &[u8], length: usize) -> String {
    let mut number = number.to_vec();
    let mut digits = vec![0_u8; length];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in &mut number {
            let part = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(part / 62).unwrap_or(u8::MAX);
            rest = part % 62;
        }
        *digit = ALPHABET[rest as usize];
    }
    digits.into_iter().map(char::from).collect()
}

/// CRC-32 of ISO 3309 and gzip: it finds mistyped keys, and protects against nothing else.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = time::macros::datetime!(2027-03-04 10:00 UTC);

    fn partner() -> PartnerName {
        PartnerName::try_from("acme".to_owned()).unwrap()
    }

    fn key(seed: u8) -> ApiKey {
        ApiKey::of(std::array::from_fn(|place| u8::try_from(place).unwrap().wrapping_mul(seed)))
    }

    fn record(key: &ApiKey) -> KeyRecord {
        let wish = KeyWish { scope: Scope::Write, label: Some("ci".to_owned()), expires: None };
        KeyRecord::new(partner(), key, wish, NOW)
    }

    #[test]
    fn the_checksum_is_that_of_gzip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(digits(&[0xFF; 32], SECRET).len(), SECRET);
        assert_eq!(digits(&62_u32.to_be_bytes(), 3), "010");
    }

    #[test]
    fn a_key_is_read_whole_or_not_at_all() {
        let made = key(7);
        assert_eq!(ApiKey::parse(made.reveal()), Ok(made.clone()));
        assert_eq!(made.reveal().len(), 66);
        assert!(!format!("{made:?}").contains(&made.reveal()[20..]), "{made:?}");
        let mut wrong = made.reveal().to_owned();
        let last = if wrong.pop() == Some('0') { '1' } else { '0' };
        wrong.push(last);
        let text = made.reveal();
        for wrong in [
            &wrong,
            &format!("{text}x"),
            &format!("{text} "),
            &format!("{text}\n"),
            &text[..65],
            &text.to_uppercase(),
            "",
            "cpk_",
            "cpk_ü",
        ] {
            assert_eq!(ApiKey::parse(wrong), Err(NoKey), "{wrong:?}");
        }
    }

    #[test]
    fn only_the_whole_key_hears_why_it_does_not_count() {
        let (right, wrong) = (key(7), key(9));
        let stored = record(&right);
        assert_eq!(stored.check(&right, NOW), Ok(()));
        let revoked = stored.revoked(NOW);
        assert_eq!(revoked.check(&right, NOW), Err(KeyRefusal::Revoked));
        assert_eq!(revoked.check(&wrong, NOW), Err(KeyRefusal::Invalid));
        let expired = KeyRecord { expires: Some(NOW), ..stored.clone() };
        assert_eq!(expired.check(&right, NOW - Duration::SECOND), Ok(()));
        assert_eq!(expired.check(&right, NOW), Err(KeyRefusal::Expired));
        let superseded = stored.superseded(NOW + GRACE);
        assert_eq!(superseded.check(&right, NOW), Ok(()));
        assert_eq!(superseded.check(&right, NOW + GRACE), Err(KeyRefusal::Superseded));
        // Repeats change nothing.
        assert_eq!(revoked.revoked(NOW + GRACE), revoked);
        assert_eq!(superseded.superseded(NOW + GRACE * 2), superseded);
        assert_eq!(revoked.superseded(NOW + GRACE), revoked);
    }

    #[test]
    fn a_partner_is_not_left_without_a_key_that_may_write() {
        let [one, two] = [record(&key(1)), record(&key(2))];
        let reads = KeyRecord { scope: Scope::Read, ..two.clone() };
        assert!(is_last_to_write(std::slice::from_ref(&one), &one.key, NOW));
        assert!(!is_last_to_write(&[one.clone(), two.clone()], &one.key, NOW));
        let superseded = two.superseded(NOW + GRACE);
        let expired = KeyRecord { expires: Some(NOW), ..two.clone() };
        for other in [reads.clone(), two.revoked(NOW), superseded.clone(), expired] {
            assert!(is_last_to_write(&[one.clone(), other.clone()], &one.key, NOW), "{other:?}");
            assert!(!is_last_to_write(&[one.clone(), other.clone()], &other.key, NOW), "{other:?}");
        }
        assert!(is_last_to_write(&[reads, superseded.clone()], &superseded.key, NOW), "as long as it counts");
    }

    #[test]
    fn when_nobody_can_write_any_more_is_known_before() {
        let day = |days| NOW + Duration::days(days);
        let ends = |days: i64| KeyRecord { expires: Some(day(days)), ..record(&key(2)) };
        let forever = record(&key(3));
        let reads = KeyRecord { scope: Scope::Read, ..ends(90) };
        for (keys, until) in [
            (vec![], None),
            (vec![forever.clone(), ends(3)], None),
            (vec![ends(3), reads.clone()], Some(day(3))),
            (vec![ends(3), ends(9)], Some(day(9))),
            (vec![ends(3), ends(-1)], Some(day(3))),
            (vec![ends(3), forever.superseded(day(1))], Some(day(3))),
            (vec![ends(3).superseded(day(1)), reads], Some(day(1))),
            (vec![forever.revoked(NOW), ends(3)], Some(day(3))),
        ] {
            assert_eq!(writes_until(&keys, NOW), until, "{keys:?}");
        }
        assert_eq!([ends(14), ends(15), forever].map(|key| key.expires_soon(NOW)), [Some(day(14)), None, None]);
    }

    #[test]
    fn what_is_stored_holds_no_key() {
        let key = key(7);
        let stored = serde_json::to_string(&record(&key)).unwrap();
        assert!(!stored.contains(&key.reveal()[PREFIX.len() + ID..]), "{stored}");
        let read: KeyRecord = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, record(&key));
        assert_eq!(read.used(NOW).unwrap().used(NOW + Duration::minutes(59)), None);
    }
}
