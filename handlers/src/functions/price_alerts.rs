//! `PriceAlerts`: notes when a product's price falls by a fifth or more.
//!
//! Triggered by hub `products`, consumer group `price-alerts`.
//!
//! Promises: `site/price-alerts` ends with the latest such fall of each product, whatever order its events come in, and keeps it for a
//! week. Other changes, and events of other types, are skipped; a product event with malformed data is parked alone.
//!
//! A second delivery finds the alert there and writes nothing: a document gives way only to a newer one.

use crate::{
    app::App,
    azure::cosmos::Written,
    by_key::{Ended, by_key},
    domain::price_alert::PriceAlert,
    events::hubs,
    function::{Documents, Function, HubEvent, Order, Projection, Trigger},
    outcome::Outcome,
    stores::{price_alerts, unstored},
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new(
    "PriceAlerts",
    Trigger::EventHub {
        hub: hubs::PRODUCTS,
        consumer_group: "price-alerts",
        order: Order::Key,
        handle: |app, events| Box::pin(handle(app, events)),
    },
)
.projecting(Projection {
    documents: &[Documents { container: price_alerts::NAME, key: "id", cleared: Documents::ALL }],
    kept: Some(price_alerts::KEPT),
    there: THERE,
    rest: None,
});

/// Products worked on at a time.
const CONCURRENT_PRODUCTS: usize = 32;

/// Why an event is skipped whose alert is stored.
const THERE: &str = "the alert is there, or a newer one";

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    by_key(&events, CONCURRENT_PRODUCTS, alert, async |_, alerts| Ended::All(store(&app, alerts).await)).await
}

/// The alert that an event is worth, by product, or what becomes of the record instead.
fn alert(HubEvent { event, position, .. }: &HubEvent) -> Result<(String, PriceAlert), Outcome> {
    let event = event.product().map_err(Outcome::Park)?.ok_or(Outcome::Skip("not a product event"))?;
    let alert = PriceAlert::of(&event, position.sequence).ok_or(Outcome::Skip("no fall of a price by a fifth"))?;
    Ok((alert.id.to_string(), alert))
}

/// Stores the latest alert of one product.
async fn store(app: &App, alerts: Vec<PriceAlert>) -> Outcome {
    let Some(latest) = alerts.into_iter().max_by_key(|alert| alert.stamp) else { return Outcome::Skip(THERE) };
    match app.stores().price_alerts.write(&latest).await {
        Ok(Written::Yes) => Outcome::Done,
        Ok(Written::No) => Outcome::Skip(THERE),
        Err(error) => unstored("store the price alert", error),
    }
}
