//! What becomes of a record whose effect could not be stored.

use crate::{
    azure::cosmos::{CosmosError, CosmosErrorKind},
    outcome::{Cause, Outcome},
};

/// What a failed call to Cosmos DB makes of a record: only what the service will never take is the record's own fault.
pub(crate) fn unstored(operation: &'static str, error: CosmosError) -> Outcome {
    let is_refused = matches!(error.kind, CosmosErrorKind::TooLarge | CosmosErrorKind::Refused);
    let cause = Cause::from_error(operation, error);
    if is_refused { Outcome::Park(cause) } else { Outcome::Retry(cause) }
}
