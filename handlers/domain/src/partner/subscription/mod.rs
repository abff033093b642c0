//! Subscription: the stored document of a partner's webhook, and the states that it goes through.
//!
//! Event Grid can't pause, and one failed handshake ends an event subscription. So the document is the truth, and the event subscription is
//! made from it again. While there is none that delivers, a [`Gap`] is open: what came meanwhile can be delivered again later.
//!
//! Every change is a function from one document to the next; storing it is the caller's.

mod change;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

pub use self::change::{Conflict, LONGEST_OVERLAP, SHORTEST_OVERLAP};
use super::{PartnerName, SubscriptionName, settings::Settings, webhook_secret::SecretVersion};

/// How many gaps are kept. Of more the two oldest become one, which has both in it.
pub const MOST_GAPS: usize = 50;

/// After so long on its way a subscription is [`State::Stuck`].
pub const STUCK_AFTER: Duration = Duration::minutes(15);

/// A partner's subscription. As JSON the document of `partners/subscriptions`, with the partition key `partner`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Which of the partner's.
    #[serde(rename = "id")]
    pub name: SubscriptionName,
    /// Whose.
    pub partner: PartnerName,
    /// What the partner asks for.
    pub settings: Settings,
    /// The settings that deliveries had before, while it is not known whether they can have the new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<Settings>>,
    /// Versions of the secret that are valid or were lately, newest first, at least one.
    pub secrets: Vec<SecretVersion>,
    /// Where it stands.
    pub state: State,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// When nothing was delivered, oldest first; the last may be open.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When this version of the document was made.
    #[serde(with = "time::serde::rfc3339")]
    pub changed: OffsetDateTime,
    /// Hash of what Resource Manager was last sent, to see whether somebody else changed the event subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<String>,
    /// Counts the versions of this document from 1.
    pub revision: u64,
}

/// Where a subscription stands. As JSON an object with the `name` of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "camelCase")]
pub enum State {
    /// Event Grid is making it, and asks the endpoint for its consent.
    Creating,
    /// It delivers.
    Active,
    /// Somebody must open the URL that the endpoint was sent, within ten minutes.
    AwaitingManualAction,
    /// Event Grid is changing it; until then deliveries are as before.
    Updating,
    /// The endpoint did not consent, or Event Grid gave up. The cause holds nothing of the endpoint but its host.
    Failed {
        /// What happened, a sentence for the partner.
        cause: String,
    },
    /// There is no event subscription, on purpose.
    Paused {
        /// Who wanted it so.
        by: PausedBy,
        /// Why, if said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It is on its way for longer than that takes; an operator looks at it.
    Stuck,
    /// Its event subscription is being removed; the document goes after it.
    Deleting,
}

/// Who paused a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PausedBy {
    /// The partner.
    Partner,
    /// We, since its endpoint was dead for days.
    Health,
    /// Staff.
    Operator,
}

impl State {
    /// Whether events are delivered in it.
    pub fn delivers(&self) -> bool {
        matches!(self, Self::Active | Self::Updating)
    }

    /// Whether Event Grid is to say how it ended.
    pub fn is_on_its_way(&self) -> bool {
        matches!(self, Self::Creating | Self::Updating | Self::AwaitingManualAction | Self::Stuck | Self::Deleting)
    }

    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Active => "active",
            Self::AwaitingManualAction => "awaitingManualAction",
            Self::Updating => "updating",
            Self::Failed { .. } => "failed",
            Self::Paused { .. } => "paused",
            Self::Stuck => "stuck",
            Self::Deleting => "deleting",
        }
    }
}

/// A time in which events were published and not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// From then on.
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// Until then; open while absent.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<OffsetDateTime>,
    /// Word of the state that opened it.
    pub reason: String,
}

impl Subscription {
    /// The gap that is open, if nothing is delivered now.
    pub fn open_gap(&self) -> Option<&Gap> {
        self.gaps.last().filter(|gap| gap.until.is_none())
    }

    /// The version of the secret that is for new deliveries.
    pub fn secret(&self) -> Option<&SecretVersion> {
        self.secrets.first()
    }
}

#[cfg(test)]
mod tests;
