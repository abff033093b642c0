//! Which events failed, by the topic's log of failed deliveries.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use time::OffsetDateTime;

use crate::{app::App, domain::partner::subscription::Subscription, http::Problem};

/// The ids of the events whose delivery to a subscription failed in a time.
///
/// The log cannot be read yet, which is said as it is: nothing is made then.
#[expect(clippy::unused_async, reason = "the log is asked over the network")]
pub(super) async fn events(
    _app: &App,
    _subscription: &Subscription,
    _from: OffsetDateTime,
    _until: OffsetDateTime,
) -> Result<BTreeSet<String>, Problem> {
    let detail = "The log of failed deliveries cannot be read by this app; redeliver what is missing, or all.";
    Err(Problem::new(StatusCode::NOT_IMPLEMENTED, detail).of_kind("failures-unknown"))
}
