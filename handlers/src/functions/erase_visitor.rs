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

use crate::{
    app::App,
    domain::click::VisitorId,
    function::{Function, Trigger},
    http::{Path, Problem},
    stores::recommendations,
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("EraseVisitor", Trigger::Http { router });

fn router(app: App) -> Router {
    Router::new().route("/api/site/visitors/{id}", delete(erase)).with_state(app)
}

async fn erase(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let visitor = VisitorId::try_from(id).map_err(|error| Problem::field("id", error))?;
    let stores = app.stores();
    match stores.visitors.erase(&visitor, app.now()).await {
        Err(error) if error.is_lost_race() => {
            let detail = "The visitor's list is being written by others; send the request again.";
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
        erased => erased?,
    }
    stores.recommendations.delete(&recommendations::of_visitor(&visitor)).await?;
    Ok(StatusCode::NO_CONTENT)
}
