//! The end of a key that may write, while another that may write is left.
//!
//! Whether one is left is known of documents that others change at the same time. So whoever ends a key first writes the one that it leaves as
//! it is, under the ETag that it was read with, and then the one that ends, under the ETag of before: of two that end each other's key, each
//! write of one takes away the ETag of the other, and at most one comes to its end. The other looks again, and finds its key to be the last.

use std::time::Duration;

use time::OffsetDateTime;

use super::accounts::Accounts;
use crate::{
    azure::cosmos::CosmosError,
    clock,
    domain::partner::{
        PartnerName,
        api_key::{KeyId, KeyRecord, is_last_to_write},
    },
};

/// How often is looked again where others write, and the longest pause before, so that two do not go on in step.
const LOOKS: u32 = 20;
const PAUSE_MILLIS: u64 = 60;

/// What became of a key that was to end.
#[derive(Debug)]
pub enum Ended {
    /// It is changed so, or was before.
    Changed,
    /// There is none of this id.
    NoSuchKey,
    /// It is the last that may write, and stays.
    LastToWrite,
}

impl Accounts {
    /// Changes a key that may end by that, unless no other would be left that may write.
    ///
    /// # Errors
    /// If the service fails; a lost race, if others wrote in between each time.
    pub async fn end_key(
        &self,
        partner: &PartnerName,
        key: &KeyId,
        now: OffsetDateTime,
        change: impl Fn(&KeyRecord) -> KeyRecord,
    ) -> Result<Ended, CosmosError> {
        let mut looks = 1;
        loop {
            match self.try_to_end(partner, key, now, &change).await {
                Ok(Some(ended)) => return Ok(ended),
                Err(error) if !error.is_lost_race() || looks >= LOOKS => return Err(error),
                Ok(None) if looks >= LOOKS => return Ok(Ended::LastToWrite),
                _ => {}
            }
            looks += 1;
            clock::pause(Duration::from_millis(rand::random_range(1..=PAUSE_MILLIS))).await;
        }
    }

    /// `None` where the key that would be left changed in between.
    async fn try_to_end(
        &self,
        partner: &PartnerName,
        key: &KeyId,
        now: OffsetDateTime,
        change: impl Fn(&KeyRecord) -> KeyRecord,
    ) -> Result<Option<Ended>, CosmosError> {
        let Some(ends) = self.key(partner, key).await? else { return Ok(Some(Ended::NoSuchKey)) };
        let changed = change(&ends.value);
        if changed == ends.value {
            return Ok(Some(Ended::Changed));
        }
        let keys = self.keys(partner).await?;
        if is_last_to_write(&keys, key, now) {
            return Ok(Some(Ended::LastToWrite));
        }
        if ends.value.may_write(now) {
            let left = keys.iter().find(|record| record.key != *key && record.stays_to_write(now));
            let Some(left) = left else { return Ok(None) };
            let left = self.key(partner, &left.key).await?.filter(|left| left.value.stays_to_write(now));
            let Some(left) = left else { return Ok(None) };
            self.replace_key(&left.value, &left.etag).await?;
        }
        self.replace_key(&changed, &ends.etag).await?;
        Ok(Some(Ended::Changed))
    }
}
