//! Container `partners/partners`: document `account` of each partner, and `key-<id>` of each of its keys.

use std::num::NonZeroU32;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored, repeat_lost_races},
    domain::partner::{
        PartnerName,
        api_key::{Account, KeyId, KeyRecord},
    },
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "partners", container: "partners" };

/// Accounts and keys.
pub struct Accounts(Container);

impl Accounts {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// A partner's account.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn account(&self, partner: &PartnerName) -> Result<Option<Stored<Account>>, CosmosError> {
        self.0.read(partner.as_str(), Account::ID).await
    }

    /// Every account, by name.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn all(&self) -> Result<Vec<Account>, CosmosError> {
        let mut accounts: Vec<Account> = self.0.query("SELECT * FROM c WHERE c.id = 'account'").await?;
        accounts.sort_by(|one, other| one.partner.as_str().cmp(other.partner.as_str()));
        Ok(accounts)
    }

    /// Creates an account.
    ///
    /// # Errors
    /// A lost race if there is one of this name.
    pub async fn create_account(&self, account: &Account) -> Result<(), CosmosError> {
        self.0.create(account.partner.as_str(), Account::ID, account).await.map(drop)
    }

    /// Replaces an account that was read under `etag`.
    ///
    /// # Errors
    /// A lost race if it changed since.
    pub async fn replace_account(&self, account: &Account, etag: &str) -> Result<(), CosmosError> {
        self.0.replace(account.partner.as_str(), Account::ID, account, etag).await.map(drop)
    }

    /// A key of a partner.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn key(&self, partner: &PartnerName, key: &KeyId) -> Result<Option<Stored<KeyRecord>>, CosmosError> {
        self.0.read(partner.as_str(), &key.document()).await
    }

    /// A partner's keys, those too that do not count any more.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn keys(&self, partner: &PartnerName) -> Result<Vec<KeyRecord>, CosmosError> {
        let sql = "SELECT * FROM c WHERE STARTSWITH(c.id, 'key-')";
        let size = NonZeroU32::MIN.saturating_add(99);
        let mut keys = Vec::new();
        let mut continuation = None;
        loop {
            let page = self.0.query_partition(partner.as_str(), sql, &[], size, continuation.as_deref()).await?;
            keys.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Stores a new key.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn create_key(&self, record: &KeyRecord) -> Result<(), CosmosError> {
        self.0.create(record.partner.as_str(), &record.key.document(), record).await.map(drop)
    }

    /// Forgets a key that nobody has seen.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn forget_key(&self, partner: &PartnerName, key: &KeyId) -> Result<(), CosmosError> {
        self.0.delete(partner.as_str(), &key.document(), None).await
    }

    /// Changes a key, again if another writer was first; `None` if there is none of this id. What does not change is not written.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn change_key(
        &self,
        partner: &PartnerName,
        key: &KeyId,
        change: impl Fn(&KeyRecord) -> KeyRecord,
    ) -> Result<Option<KeyRecord>, CosmosError> {
        repeat_lost_races(|| async {
            let Some(stored) = self.key(partner, key).await? else { return Ok(None) };
            let changed = change(&stored.value);
            if changed != stored.value {
                self.replace_key(&changed, &stored.etag).await?;
            }
            Ok(Some(changed))
        })
        .await
    }

    /// Replaces a key that was read under `etag`.
    ///
    /// # Errors
    /// A lost race if it changed since.
    pub(super) async fn replace_key(&self, record: &KeyRecord, etag: &str) -> Result<(), CosmosError> {
        self.0.replace(record.partner.as_str(), &record.key.document(), record, etag).await.map(drop)
    }
}
