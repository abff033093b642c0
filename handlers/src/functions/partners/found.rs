//! A subscription that a path names, and what its state does not allow.

use axum::http::StatusCode;

use crate::{
    app::App,
    azure::cosmos::Stored,
    domain::{
        partner::{
            PartnerName, SubscriptionName,
            subscription::{Conflict, Subscription},
        },
        product_body::FieldError,
    },
    http::Problem,
};

/// A subscription of the caller's that the path names.
pub(super) async fn find(app: &App, partner: &PartnerName, name: String) -> Result<Stored<Subscription>, Problem> {
    let name = SubscriptionName::try_from(name).map_err(|_| missing())?;
    app.stores().partners.subscriptions.read(partner, &name).await?.ok_or_else(missing)
}

/// The answer where there is none: one of another partner's is answered alike.
pub(super) fn missing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is no such subscription of yours.")
}

/// A change that the state does not allow.
pub(super) fn conflict(conflict: Conflict) -> Problem {
    let kind = match conflict {
        Conflict::Busy(_) | Conflict::Unexpected(_) => "subscription-busy",
        Conflict::Paused => "subscription-paused",
        Conflict::Deleting => "subscription-deleting",
        Conflict::TooManySecrets(_) => "too-many-secrets",
        Conflict::Overlap => {
            return Problem::unprocessable(vec![FieldError::new("overlapHours", "must be from 1 to 168")]);
        }
    };
    Problem::new(StatusCode::CONFLICT, format!("Not now: {conflict}.")).of_kind(kind)
}
