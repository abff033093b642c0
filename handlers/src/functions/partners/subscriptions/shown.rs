//! A subscription as its partner sees it.

use axum::{http::StatusCode, response::Response};
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::super::body;
use crate::{
    domain::partner::{
        PartnerName, SubscriptionName,
        health::ShownHealth,
        redelivery::start_id,
        selection::MOST_VALUES,
        subscription::{Gap, State, Subscription},
    },
    events::Contract,
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
    health: ShownHealth,
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

/// The answer about one subscription.
pub(super) fn answer(subscription: &Subscription) -> Response {
    ending(body::answer(StatusCode::OK, &Shown::of(subscription)), subscription)
}

/// The answer to what made one, or is making it.
pub(super) fn made(status: StatusCode, location: &str, subscription: &Subscription) -> Response {
    ending(body::made(status, location, &Shown::of(subscription)), subscription)
}

/// Says in the headers if a type of events that it gets is to end.
fn ending(mut answer: Response, subscription: &Subscription) -> Response {
    let types = subscription.settings.selection.event_types().iter().map(|event_type| event_type.as_str());
    if let Some(deprecation) = Contract::first_to_end(types) {
        deprecation.announce(answer.headers_mut());
    }
    answer
}

impl<'a> Shown<'a> {
    pub(super) fn of(subscription: &'a Subscription) -> Self {
        Self {
            name: &subscription.name,
            partner: &subscription.partner,
            settings: subscription.settings.shown(),
            state: &subscription.state,
            since: subscription.since,
            health: subscription.shown_health(),
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
