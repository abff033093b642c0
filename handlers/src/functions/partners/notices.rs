//! Events that are for one subscription alone: the welcome, which shows the owner of an endpoint who subscribed it, and tests.
//!
//! They are published on the topic like any other and delivered by Event Grid: the app itself posts to nobody's endpoint.

use cloudevents::{EventBuilder, EventBuilderV10};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    app::App,
    azure::event_grid::PublishError,
    domain::partner::{
        Audience, PartnerName, SOURCE, TEST, WELCOME,
        listener::Listener,
        selection::{SampleMatch, Selection},
        subscription::Subscription,
    },
    outcome::Cause,
};

/// The extension of what a partner sends itself, to try what gets it.
pub(super) const MARK: &str = "test";

/// A notice, before it is an event.
pub(super) struct Notice {
    /// Its id: the same again is dropped by receivers that drop repeats.
    pub(super) id: String,
    kind: &'static str,
    says: &'static str,
    /// Whether the partner sends it itself.
    is_test: bool,
}

impl Notice {
    /// The first event of a subscription, or of its new endpoint.
    pub(super) fn welcome(subscription: &Subscription) -> Self {
        let Subscription { partner, name, created, revision, .. } = subscription;
        let id = format!("welcome-{partner}-{name}-{}-{revision}", created.unix_timestamp());
        let says = "This endpoint gets events of Contoso from now on, as this partner asked for.";
        Self { id, kind: WELCOME, says, is_test: false }
    }

    /// A welcome that a partner sends itself.
    pub(super) fn welcome_again(id: String) -> Self {
        let says = "This is what the first event of a subscription is like. The partner asked for it.";
        Self { id, kind: WELCOME, says, is_test: true }
    }

    /// An event that a partner sends itself.
    pub(super) fn test(id: String) -> Self {
        let says = "This is a test, which the partner asked for. Nothing happened to a product.";
        Self { id, kind: TEST, says, is_test: true }
    }
}

/// Whom an event is for: one subscription, or one listener.
pub(super) struct To<'a> {
    pub(super) audience: Audience,
    pub(super) partner: &'a PartnerName,
    pub(super) name: &'a str,
    pub(super) selection: &'a Selection,
}

impl<'a> To<'a> {
    pub(super) fn subscription(subscription: &'a Subscription) -> Self {
        let Subscription { partner, name, settings, .. } = subscription;
        let audience = Audience::Subscription(partner.clone(), name.clone());
        Self { audience, partner, name: name.as_str(), selection: &settings.selection }
    }

    pub(super) fn listener(listener: &'a Listener) -> Self {
        let Listener { partner, id, selection, .. } = listener;
        Self { audience: listener.audience(), partner, name: id.as_str(), selection }
    }
}

/// Publishes a notice for `subscription`, whose own filter it passes.
pub(super) async fn publish(app: &App, subscription: &Subscription, notice: &Notice) -> Result<(), Cause> {
    publish_to(app, &To::subscription(subscription), notice).await
}

/// The same for whomever.
pub(super) async fn publish_to(app: &App, to: &To<'_>, notice: &Notice) -> Result<(), Cause> {
    let event = event(to, notice, app.now()).map_err(|error| Cause::from_error("write the notice", error))?;
    let published: Result<(), PublishError> = app.event_grid().publish(vec![event]).await;
    published.map_err(|error| Cause::from_error("publish the notice", error))
}

fn event(
    to: &To<'_>,
    notice: &Notice,
    at: OffsetDateTime,
) -> Result<cloudevents::Event, cloudevents::event::EventBuilderError> {
    let To { audience, partner, name, selection } = to;
    let SampleMatch { subject, fields } = selection.sample_match();
    let data: Value = json!({ "partner": partner, "subscription": name, "message": notice.says, "match": fields });
    let time = at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
    let mut event = EventBuilderV10::new()
        .id(notice.id.as_str())
        .source(SOURCE)
        .ty(notice.kind)
        .subject(subject)
        .time(time)
        .extension(Audience::ATTRIBUTE, audience.to_string())
        .data("application/json", data)
        .build()?;
    if notice.is_test {
        event.set_extension(MARK, true);
    }
    Ok(event)
}
