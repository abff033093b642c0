//! One file per function, each in the same order: what triggers it, what it promises, what a second delivery does; its handler; the
//! work on one record; tests.

pub mod anomalies;
pub mod capture_batch;
pub mod co_views;
pub mod collect_clicks;
pub mod erase_visitor;
mod extract;
pub mod heartbeat;
mod http;
pub mod ops_api;
pub mod partner_notifications;
pub mod product_changes;
pub mod product_projection;
pub mod products;
pub mod recently_viewed;
pub mod recommendations;
pub mod site_api;
pub mod trend_rollup;
pub mod trends;

use crate::{
    azure::cosmos::{CosmosError, CosmosErrorKind},
    domain::{
        click::{Click, RECORDED, VisitorId},
        product::ProductId,
        product_events::{CHANGED, DISCONTINUED, ProductEvent},
    },
    events::{Content, Event},
    outcome::{Cause, Outcome},
    registry::Function,
};

/// The hub of product events.
const PRODUCTS_HUB: &str = "products";
/// The hub of clicks.
const CLICKS_HUB: &str = "clicks";

/// Every function of this binary.
pub fn all() -> Vec<Function> {
    vec![
        products::FUNCTION,
        product_changes::FUNCTION,
        product_projection::FUNCTION,
        partner_notifications::FUNCTION,
        capture_batch::FUNCTION,
        anomalies::FUNCTION,
        recommendations::FUNCTION,
        heartbeat::FUNCTION,
        collect_clicks::FUNCTION,
        recently_viewed::FUNCTION,
        erase_visitor::FUNCTION,
        site_api::FUNCTION,
        ops_api::FUNCTION,
        trends::FUNCTION,
        trend_rollup::FUNCTION,
    ]
}

/// The product event that `event` is; `None` if it is an event of another type.
///
/// # Errors
/// If it has the type of a product event but is none that could have been sent.
fn product_event(event: &Event) -> Result<Option<ProductEvent>, Cause> {
    if ![CHANGED, DISCONTINUED].contains(&event.r#type.as_str()) {
        return Ok(None);
    }
    match event.content() {
        Ok(Content::Product(event)) => Ok(Some(*event)),
        Ok(_) => Ok(None),
        Err(error) => Err(Cause::from_error("read the product event", error)),
    }
}

/// The click that `event` records; `None` if it is an event of another type.
///
/// # Errors
/// If it has the type of a click but is none that could have been sent.
fn click(event: &Event) -> Result<Option<Click>, Cause> {
    if event.r#type != RECORDED {
        return Ok(None);
    }
    match event.content() {
        Ok(Content::Click(click)) => Ok(Some(click)),
        Ok(_) => Ok(None),
        Err(error) => Err(Cause::from_error("read the click", error)),
    }
}

/// What a failed call to Cosmos DB makes of a record: only what the service will never take is the record's own fault.
fn unstored(operation: &str, error: CosmosError) -> Outcome {
    let is_refused = matches!(error.kind, CosmosErrorKind::TooLarge | CosmosErrorKind::Refused);
    let cause = Cause::from_error(operation, error);
    if is_refused { Outcome::Park(cause) } else { Outcome::Retry(cause) }
}

/// The outcome of what was done for several records together is that of each of them.
fn repeated(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Done => Outcome::Done,
        Outcome::Skip(reason) => Outcome::Skip(reason),
        Outcome::Park(cause) => Outcome::Park(Cause::new(cause.chain())),
        Outcome::Retry(cause) => Outcome::Retry(Cause::new(cause.chain())),
    }
}

/// Id and partition key in `site/recommendations` of what is recommended to a visitor.
fn visitor_recommendations(visitor: &VisitorId) -> String {
    format!("visitor|{visitor}")
}

/// Id and partition key in `site/recommendations` of what is viewed together with a product.
fn product_recommendations(product: &ProductId) -> String {
    format!("product|{product}")
}

#[cfg(test)]
pub(crate) mod tests;
