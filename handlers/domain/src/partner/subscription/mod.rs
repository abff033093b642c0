//! Subscription: the stored document of a partner's webhook, and the states that it goes through.
//!
//! Event Grid can't pause, and one failed handshake ends an event subscription. So the document is the truth, and the event subscription is
//! made from it again. While there is none that delivers, a [`Gap`] is open: what came meanwhile can be delivered again later.
//!
//! Every change is a function from one document to the next; storing it is the caller's.

mod assess;
mod change;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

pub use self::{
    assess::without_second_address,
    change::{Conflict, LONGEST_OVERLAP, SHORTEST_OVERLAP},
};
use super::{PartnerName, SubscriptionName, health::Health, settings::Settings, webhook_secret::SecretVersion};

/// How many gaps are kept. Of more the two oldest become one, which has both in it.
pub const MOST_GAPS: usize = 50;

/// After so long on its way a subscription is [`State::Stuck`].
pub const STUCK_AFTER: Duration = Duration::minutes(15);

/// How long a write may be under way to Resource Manager: three tries of ten seconds, with room for a slow process.
pub const WRITE_LANDS_WITHIN: Duration = Duration::minutes(2);

/// How long Event Grid may deliver before it is known here: on-going changes are looked at each minute.
const KNOWN_WITHIN: Duration = Duration::minutes(2);

/// How often what Event Grid has of an active subscription is compared with its document.
pub const COMPARED_EVERY: Duration = Duration::hours(1);

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
    /// What deliveries had before, while it is not known whether they can have what is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<Previous>>,
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
    /// When it first delivered. Absent before that, and in documents of before this was kept, whose first gap says it while it is no two.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub first_delivered: Option<OffsetDateTime>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When this version of the document was made.
    #[serde(with = "time::serde::rfc3339")]
    pub changed: OffsetDateTime,
    /// Hash of what Resource Manager is to have, stored before it is sent: the label by which the event subscription is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<String>,
    /// Hash of what Resource Manager took last. While it is another than `provisioned`, what Event Grid has says nothing about the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Counts what Event Grid was to make or change, so that the same settings, tried again, have another hash.
    #[serde(default)]
    pub attempt: u64,
    /// Whether it is paused and its event subscription may still be there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdraw: bool,
    /// [`Digest`](super::endpoint::Endpoint::digest) of the endpoint that had its welcome last; see [`Subscription::welcome_due`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcomed: Option<String>,
    /// When Event Grid was last seen to deliver. Absent before the first time, and in documents of before this was kept.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub seen: Option<OffsetDateTime>,
    /// What is known of its deliveries.
    #[serde(default, skip_serializing_if = "Health::is_plain")]
    pub health: Health,
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
        /// The same for programs, as a refused handshake has it: an object with `cause`, a word, and what belongs to that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handshake: Option<Value>,
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
    Stuck {
        /// Whether its way is to be deleted.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        deleting: bool,
    },
    /// Its event subscription is being removed; the document goes after it.
    Deleting,
}

/// What deliveries had before a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The settings.
    pub settings: Settings,
    /// The secrets.
    pub secrets: Vec<SecretVersion>,
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
        matches!(self, Self::Creating | Self::Updating | Self::AwaitingManualAction)
            || self.is_late()
            || self.is_leaving()
    }

    /// Whether it is [`State::Stuck`].
    pub fn is_late(&self) -> bool {
        matches!(self, Self::Stuck { .. })
    }

    /// Whether it is to be deleted.
    pub fn is_leaving(&self) -> bool {
        matches!(self, Self::Deleting | Self::Stuck { deleting: true })
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
            Self::Stuck { .. } => "stuck",
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
    /// What of before it was made it is to get, if that was asked for: then its first gap begins there.
    pub fn started_from(&self) -> Option<OffsetDateTime> {
        self.gaps.first().map(|gap| gap.from).filter(|from| *from < self.created)
    }

    /// When it first delivered, if it has.
    pub fn first_delivered(&self) -> Option<OffsetDateTime> {
        self.first_delivered.or_else(|| self.gaps.first()?.until)
    }

    /// Whether its endpoint is to have a welcome once it delivers: its first event, by which an owner who was not asked hears of it.
    pub fn welcome_due(&self) -> bool {
        self.last_welcomed().is_none_or(|welcomed| welcomed != self.settings.endpoint.digest())
    }

    /// Digest of the endpoint that had its welcome last, if one had. Documents of before this was kept have it from what they delivered to.
    fn last_welcomed(&self) -> Option<String> {
        let has_delivered = self.state.delivers() || self.gaps.len() != 1;
        let delivered_to = self.previous.as_deref().map_or(&self.settings, |previous| &previous.settings);
        self.welcomed.clone().or_else(|| has_delivered.then(|| delivered_to.endpoint.digest()))
    }

    /// The gap that is open, if nothing is delivered now.
    pub fn open_gap(&self) -> Option<&Gap> {
        self.gaps.last().filter(|gap| gap.until.is_none())
    }

    /// Whether Event Grid forgot an event whose delivery failed at a time and that waited for an attempt at `due`, or for nobody knows how
    /// long: its event subscription was removed in between, and with it all that waited.
    pub fn forgot(&self, failed: OffsetDateTime, due: Option<OffsetDateTime>) -> bool {
        let began_in_time = |gap: &&Gap| due.is_none_or(|due| gap.from <= due);
        let ended_it = |gap: &Gap| match gap.until {
            // An attempt in a gap is of what was to be removed; near its end, of what was made anew.
            Some(until) if gap.from <= failed => until - failed > KNOWN_WITHIN,
            None if gap.from <= failed && self.state == State::Creating => failed < self.since,
            _ => gap.until.is_none_or(|until| until > failed),
        };
        failed < self.created || self.gaps.iter().filter(began_in_time).any(ended_it)
    }

    /// Whether Resource Manager took what it is to have.
    pub fn is_accepted(&self) -> bool {
        self.provisioned.is_some() && self.accepted == self.provisioned
    }

    /// Whether a write that somebody began may still reach Resource Manager, and make what is being removed.
    pub fn may_be_written(&self, now: OffsetDateTime) -> bool {
        self.provisioned.is_some() && !self.is_accepted() && now - self.changed < WRITE_LANDS_WITHIN
    }

    /// The version of the secret that is for new deliveries.
    pub fn secret(&self) -> Option<&SecretVersion> {
        self.secrets.first()
    }
}

#[cfg(test)]
mod tests;
