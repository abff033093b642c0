//! One file per function, each in the same order: what triggers it, what it promises, what a second delivery does; its handler; the
//! work on one record; tests.

pub mod capture_batch;
mod co_views;
pub mod heartbeat;
mod http;
pub mod partner_notifications;
pub mod product_changes;
pub mod product_projection;
pub mod products;
pub mod recommendations;
pub mod site_api;

use crate::{
    azure::cosmos::{CosmosError, CosmosErrorKind},
    domain::{
        click::{Click, RECORDED},
        product_events::{CHANGED, DISCONTINUED, ProductChanged, ProductDiscontinued, ProductEvent},
        product_events_json::{ProductChangedJson, ProductDiscontinuedJson},
    },
    events::{Event, EventData},
    outcome::{Cause, Outcome},
    registry::Function,
};

/// The hub of product events.
const PRODUCTS_HUB: &str = "products";

/// Every function of this binary.
pub fn all() -> Vec<Function> {
    vec![
        products::FUNCTION,
        product_changes::FUNCTION,
        product_projection::FUNCTION,
        partner_notifications::FUNCTION,
        capture_batch::FUNCTION,
        recommendations::FUNCTION,
        heartbeat::FUNCTION,
        site_api::FUNCTION,
    ]
}

/// The product event that `event` is; `None` if it is an event of another type.
///
/// # Errors
/// If it has the type of a product event but not its data.
fn product_event(event: &Event) -> Result<Option<ProductEvent>, Cause> {
    let is_json = matches!(event.data, EventData::Json(_));
    let read = match (event.r#type.as_str(), is_json) {
        (CHANGED, false) => event.data_as::<ProductChanged>().map(ProductEvent::from),
        (CHANGED, true) => event.data_as::<ProductChangedJson>().map(ProductEvent::from),
        (DISCONTINUED, false) => event.data_as::<ProductDiscontinued>().map(ProductEvent::from),
        (DISCONTINUED, true) => event.data_as::<ProductDiscontinuedJson>().map(ProductEvent::from),
        _ => return Ok(None),
    };
    read.map(Some).map_err(|error| Cause::from_error("read the product event", error))
}

/// The click that `event` records; `None` if it is an event of another type.
///
/// # Errors
/// If it has the type of a click but not its data.
fn click(event: &Event) -> Result<Option<Click>, Cause> {
    if event.r#type != RECORDED {
        return Ok(None);
    }
    event.data_as().map(Some).map_err(|error| Cause::from_error("read the click", error))
}

/// What a failed call to Cosmos DB makes of a record: only what the service will never take is the record's own fault.
fn unstored(operation: &str, error: CosmosError) -> Outcome {
    let is_refused = matches!(error.kind, CosmosErrorKind::TooLarge | CosmosErrorKind::Refused);
    let cause = Cause::from_error(operation, error);
    if is_refused { Outcome::Park(cause) } else { Outcome::Retry(cause) }
}

#[cfg(test)]
mod tests;
