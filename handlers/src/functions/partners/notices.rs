//! Events that are for one subscription alone: the welcome, which shows the owner of an endpoint who subscribed it, and tests.
//!
//! They are published on the topic like any other and delivered by Event Grid: the app itself posts to nobody's endpoint.

use cloudevents::{EventBuilder, EventBuilderV10};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    app::App,
    azure::event_grid::PublishError,
    domain::partner::{Audience, SOURCE, TEST, WELCOME, selection::SampleMatch, subscription::Subscription},
    outcome::Cause,
};

/// A notice, before it is an event.
pub(super) struct Notice {
    /// Its id: the same again is dropped by receivers that drop repeats.
    pub(super) id: String,
    kind: &'static str,
    says: &'static str,
}

impl Notice {
    /// The first event of a subscription, or of its new endpoint.
    pub(super) fn welcome(subscription: &Subscription) -> Self {
        let Subscription { partner, name, created, revision, .. } = subscription;
        let id = format!("welcome-{partner}-{name}-{}-{revision}", created.unix_timestamp());
        Self { id, kind: WELCOME, says: "This endpoint gets events of Contoso from now on, as this partner asked for." }
    }

    /// An event that a partner sends itself.
    pub(super) fn test(id: String) -> Self {
        Self { id, kind: TEST, says: "This is a test, which the partner asked for. Nothing happened to a product." }
    }
}

/// Publishes a notice for `subscription`, whose own filter it passes.
pub(super) async fn publish(app: &App, subscription: &Subscription, notice: &Notice) -> Result<(), Cause> {
    let event = event(subscription, notice, app.now()).map_err(|error| Cause::from_error("write the notice", error))?;
    let published: Result<(), PublishError> = app.event_grid().publish(vec![event]).await;
    published.map_err(|error| Cause::from_error("publish the notice", error))
}

fn event(
    subscription: &Subscription,
    notice: &Notice,
    at: OffsetDateTime,
) -> Result<cloudevents::Event, cloudevents::event::EventBuilderError> {
    let Subscription { partner, name, settings, .. } = subscription;
    let SampleMatch { subject, fields } = settings.selection.sample_match();
    let audience = Audience::Subscription(partner.clone(), name.clone());
    let data: Value = json!({ "partner": partner, "subscription": name, "message": notice.says, "match": fields });
    let time = at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
    EventBuilderV10::new()
        .id(notice.id.as_str())
        .source(SOURCE)
        .ty(notice.kind)
        .subject(subject)
        .time(time)
        .extension(Audience::ATTRIBUTE, audience.to_string())
        .data("application/json", data)
        .build()
}
