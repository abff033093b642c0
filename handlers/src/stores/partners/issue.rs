//! New API keys of a partner: how many count at once, and what becomes of the one that a new key takes the place of.

use time::{Duration, OffsetDateTime};

use super::{
    accounts::Accounts,
    ending::Ended,
    room::{self, Room},
};
use crate::{
    azure::cosmos::CosmosError,
    domain::partner::{
        PartnerName,
        api_key::{ApiKey, KeyId, KeyRecord, KeyWish, MOST_KEYS, RANDOM, Scope},
    },
};

/// How long a key counts until it is known that there is room for it.
const TRIAL: Duration = Duration::minutes(1);

/// No key was made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The store failed. A key that was stored before is useless, since nobody has seen it.
    #[error(transparent)]
    Store(#[from] CosmosError),
    /// The key to be superseded does not count.
    #[error("is no key of the partner's that counts")]
    NoSuchKey,
    /// The key to be superseded is the last that may write, and the new one may not.
    #[error("the key that it takes the place of is the last that may write")]
    LastToWrite,
    /// As many keys count as may.
    #[error("at most {MOST_KEYS} keys may be valid at once")]
    TooMany,
}

/// The key that a new one takes the place of, and how long it still counts.
#[derive(Clone, Copy, Debug)]
pub struct Superseded<'a> {
    /// Its id.
    pub key: &'a KeyId,
    /// Zero ends it at once.
    pub grace: Duration,
    /// Whether it may be the last that may write: operators can make another.
    pub may_be_last: bool,
}

impl Accounts {
    /// Makes a key and stores what is kept of it. The key itself is known to the caller alone from then on.
    ///
    /// # Errors
    /// As [`IssueError`] says. Repeating is safe. A process that dies before there is known to be room leaves a key that nobody knows and
    /// that ends within a minute; one that dies later leaves one that its partner sees in the list and can revoke.
    pub async fn issue(
        &self,
        partner: &PartnerName,
        wish: KeyWish,
        superseded: Option<Superseded<'_>>,
        now: OffsetDateTime,
    ) -> Result<(ApiKey, KeyRecord), IssueError> {
        // A key that is to end at once makes room.
        let ends = superseded.filter(|superseded| superseded.grace.is_zero()).map(|superseded| superseded.key);
        let there = self.counting(partner, now).await?;
        if superseded.is_some_and(|Superseded { key, .. }| there.iter().all(|record| record.key != *key)) {
            return Err(IssueError::NoSuchKey);
        }
        if there.iter().filter(|record| Some(&record.key) != ends).count() >= MOST_KEYS {
            return Err(IssueError::TooMany);
        }
        let key = ApiKey::of(rand::random::<[u8; RANDOM]>());
        let record = KeyRecord::new(partner.clone(), &key, wish, now);
        self.create_key(&record.on_trial(now + TRIAL)).await?;
        let look = || async {
            let counting = self.counting(partner, now).await?;
            let others = counting.iter().filter(|one| Some(&one.key) != ends);
            Ok(Room::of(others.map(|one| (one.created, &one.key)), &(record.created, &record.key), MOST_KEYS))
        };
        if !room::stays(look).await? {
            self.forget_key(partner, &record.key).await?;
            return Err(IssueError::TooMany);
        }
        // Before the other one ends: there is a key that counts at any time.
        self.change_key(partner, &record.key, |_| record.clone()).await?;
        if let Some(Superseded { key, grace, may_be_last }) = superseded {
            let change = |old: &KeyRecord| old.superseded(now + grace);
            if may_be_last || record.scope == Scope::Write {
                self.change_key(partner, key, change).await?;
            } else if let Ended::LastToWrite = self.end_key(partner, key, now, change).await? {
                self.forget_key(partner, &record.key).await?;
                return Err(IssueError::LastToWrite);
            }
        }
        Ok((key, record))
    }

    async fn counting(&self, partner: &PartnerName, now: OffsetDateTime) -> Result<Vec<KeyRecord>, CosmosError> {
        let keys = self.keys(partner).await?;
        Ok(keys.into_iter().filter(|key| key.counts(now)).collect())
    }
}
