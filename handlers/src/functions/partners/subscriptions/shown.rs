//! A subscription as its partner sees it.

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::domain::partner::{
    PartnerName, SubscriptionName,
    redelivery::start_id,
    selection::MOST_VALUES,
    subscription::{Gap, State, Subscription},
};

/// Of the endpoint, only its host.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    name: &'a SubscriptionName,
    partner: &'a PartnerName,
    #[serde(flatten)]
    settings: Map<String, Value>,
    state: &'a State,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    filter_values: FilterValues,
    gaps: &'a [Gap],
    /// What was missed last and can be delivered again: the last gap that is closed.
    missed: Option<&'a Gap>,
    /// The job that delivers what came since `startFrom`; there is one once the subscription is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_redelivery: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    changed: OffsetDateTime,
    revision: u64,
}

/// How much of Event Grid's limit is used.
#[derive(Serialize)]
struct FilterValues {
    used: usize,
    limit: usize,
}

impl<'a> Shown<'a> {
    pub(super) fn of(subscription: &'a Subscription) -> Self {
        Self {
            name: &subscription.name,
            partner: &subscription.partner,
            settings: subscription.settings.shown(),
            state: &subscription.state,
            since: subscription.since,
            filter_values: FilterValues { used: subscription.settings.selection.values(), limit: MOST_VALUES },
            gaps: &subscription.gaps,
            missed: subscription.gaps.iter().rfind(|gap| gap.until.is_some()),
            start_redelivery: start_id(subscription),
            created: subscription.created,
            changed: subscription.changed,
            revision: subscription.revision,
        }
    }
}
