//! New API keys of a partner: how many count at once, and what becomes of the one that a new key takes the place of.

use time::{Duration, OffsetDateTime};

use super::accounts::Accounts;
use crate::{
    azure::cosmos::CosmosError,
    domain::partner::{
        PartnerName,
        api_key::{ApiKey, KeyId, KeyRecord, KeyWish, MOST_KEYS, RANDOM},
    },
};

/// No key was made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The store failed. A key that was stored before is useless, since nobody has seen it.
    #[error(transparent)]
    Store(#[from] CosmosError),
    /// The key to be superseded does not count.
    #[error("is no key of the partner's that counts")]
    NoSuchKey,
    /// As many keys count as may.
    #[error("at most {MOST_KEYS} keys count at once; revoke one, or supersede one without grace")]
    TooMany,
}

/// The key that a new one takes the place of, and how long it still counts.
#[derive(Clone, Copy, Debug)]
pub struct Superseded<'a> {
    /// Its id.
    pub key: &'a KeyId,
    /// Zero ends it at once.
    pub grace: Duration,
}

impl Accounts {
    /// Makes a key and stores what is kept of it. The key itself is known to the caller alone from then on.
    ///
    /// # Errors
    /// As [`IssueError`] says. Repeating is safe, and may leave a key that nobody knows.
    pub async fn issue(
        &self,
        partner: &PartnerName,
        wish: KeyWish,
        superseded: Option<Superseded<'_>>,
        now: OffsetDateTime,
    ) -> Result<(ApiKey, KeyRecord), IssueError> {
        let there = self.counting(partner, now).await?;
        if superseded.is_some_and(|Superseded { key, .. }| there.iter().all(|record| record.key != *key)) {
            return Err(IssueError::NoSuchKey);
        }
        // A key without grace makes room.
        let room = usize::from(superseded.is_some_and(|superseded| superseded.grace.is_zero()));
        if there.len() - room >= MOST_KEYS {
            return Err(IssueError::TooMany);
        }
        let key = ApiKey::of(rand::random::<[u8; RANDOM]>());
        let record = KeyRecord::new(partner.clone(), &key, wish, now);
        self.create_key(&record).await?;
        if let Some(Superseded { key, grace }) = superseded {
            self.change_key(partner, key, |record| record.superseded(now + grace)).await?;
        }
        // Two who make one at once see each other here at the latest.
        if self.counting(partner, now + Duration::SECOND).await?.len() > MOST_KEYS {
            self.change_key(partner, &record.key, |record| record.revoked(now)).await?;
            return Err(IssueError::TooMany);
        }
        Ok((key, record))
    }

    async fn counting(&self, partner: &PartnerName, now: OffsetDateTime) -> Result<Vec<KeyRecord>, CosmosError> {
        let keys = self.keys(partner).await?;
        Ok(keys.into_iter().filter(|key| key.counts(now)).collect())
    }
}
