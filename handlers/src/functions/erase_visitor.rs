//! `EraseVisitor`: forgets what a visitor viewed.
//!
//! Triggered by HTTP: `DELETE /api/site/visitors/{id}`, with a function key.
//!
//! Promises: after 204 the list of the visitor is empty and stays so, whatever clicks from before are still under way, and what was
//! recommended to the visitor is gone. Clicks from afterwards count again: erasing is no objection to being recognised, which the site
//! declares with each click. What hub and captured files hold of the visitor leaves with them.
//!
//! A second delivery erases what came in between, and answers the same.

use axum::{Router, extract::State, http::StatusCode, routing::delete};

use super::{extract::Path, http::Problem, visitor_recommendations};
use crate::{
    app::App,
    azure::cosmos::{Container, CosmosError, CosmosErrorKind},
    domain::{click::VisitorId, recently_viewed::RecentlyViewed},
    registry::{Function, Trigger},
};

/// The registry's entry.
pub const FUNCTION: Function = Function { name: "EraseVisitor", trigger: Trigger::Http { router } };

/// Lost races in a row after which the caller has to repeat.
const MAX_RACES: usize = 8;

fn router(app: App) -> Router {
    Router::new().route("/api/site/visitors/{id}", delete(erase)).with_state(app)
}

async fn erase(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let visitor = VisitorId::try_from(id).map_err(|error| Problem::field("id", error))?;
    let lists = app.cosmos().container("site", "visitors");
    app.lists().take(&visitor);
    let mut races = 0;
    while let Err(error) = try_erase(&app, &lists, &visitor).await {
        races += 1;
        if !matches!(error.kind, CosmosErrorKind::Conflict | CosmosErrorKind::NotFound) {
            return Err(error.into());
        }
        if races == MAX_RACES {
            let detail = "The visitor's list is being written by others; send the request again.";
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
    }
    let recommended = visitor_recommendations(&visitor);
    match app.cosmos().container("site", "recommendations").delete(&recommended, &recommended, None).await {
        Err(error) if error.kind != CosmosErrorKind::NotFound => Err(error.into()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// Puts the erasure in place of the list. Also where there is no list: clicks may be under way.
async fn try_erase(app: &App, lists: &Container, visitor: &VisitorId) -> Result<(), CosmosError> {
    let id = visitor.as_str();
    match lists.read::<RecentlyViewed>(id, id).await? {
        Some(stored) => lists.replace(id, id, &stored.value.erased(app.now()), &stored.etag).await?,
        None => lists.create(id, id, &RecentlyViewed::of(visitor.clone()).erased(app.now())).await?,
    };
    Ok(())
}
