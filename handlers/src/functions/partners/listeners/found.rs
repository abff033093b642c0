//! A listener that a path names.

use axum::http::StatusCode;

use crate::{
    app::App,
    azure::cosmos::Stored,
    domain::partner::{ListenerId, PartnerName, listener::Listener},
    http::Problem,
};

/// A listener of the caller's that the path names.
pub(in crate::functions::partners) async fn find(
    app: &App,
    partner: &PartnerName,
    id: String,
) -> Result<Stored<Listener>, Problem> {
    let id = ListenerId::try_from(id).map_err(|_| missing())?;
    let found = app.stores().partners.listeners.read(partner, &id).await?;
    found.filter(|stored| !stored.value.is_over(app.now())).ok_or_else(missing)
}

/// The answer where there is none: one of another partner's, and one whose time is over, are answered alike.
pub(super) fn missing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is no such listener of yours; it ends by itself unless it is renewed.")
}
