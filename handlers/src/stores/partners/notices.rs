//! Container `partners/notices`: what each partner was told about endpoints of its own. Documents expire after 90 days.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::newest::newest_first;
use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Page},
    domain::partner::{PartnerName, SubscriptionName, health::HealthNotice, subscription::Subscription},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "partners", container: "notices" };

/// How long the container keeps a document.
pub const KEPT: time::Duration = time::Duration::days(90);

/// The notices.
pub struct Notices(Container);

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Sorts by time.
    pub id: String,
    /// Who was told.
    pub partner: PartnerName,
    /// About which of its subscriptions.
    pub subscription: SubscriptionName,
    /// Id of the event that tells it.
    pub event: String,
    /// Type of that event.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it was found out.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The first failed attempt.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// When the subscription is paused, if attempts go on failing.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub pauses_at: Option<OffsetDateTime>,
    /// The subscriptions that it was published for.
    pub sent_to: Vec<SubscriptionName>,
}

impl Entry {
    /// What is told about a subscription, and to which others.
    pub fn new(about: &Subscription, notice: &HealthNotice, sent_to: Vec<SubscriptionName>) -> Self {
        let HealthNotice { kind, since, at, pauses_at } = *notice;
        Self {
            id: format!("{:020}-{}-{}", at.unix_timestamp_nanos(), kind.as_str(), about.name),
            partner: about.partner.clone(),
            subscription: about.name.clone(),
            event: about.notice_id(notice),
            event_type: kind.event_type().to_owned(),
            at,
            since,
            pauses_at,
            sent_to,
        }
    }
}

impl Notices {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// Adds a notice, unless it is there.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn add(&self, entry: &Entry) -> Result<(), CosmosError> {
        match self.0.create(entry.partner.as_str(), &entry.id, entry).await {
            Err(error) if error.is_lost_race() => Ok(()),
            added => added.map(drop),
        }
    }

    /// Notices of a partner, the newest first: those before the one with the id `before`, if one is given.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn page(
        &self,
        partner: &PartnerName,
        before: Option<&str>,
        size: NonZeroU32,
    ) -> Result<Page<Entry>, CosmosError> {
        newest_first(&self.0, partner, before, size).await
    }
}
