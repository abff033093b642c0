//! Who uses which schema.

use axum::extract::State;

use super::Handles;
use crate::schema_registry::Use;

pub(super) async fn show(State(handles): State<Handles>) -> axum::Json<Vec<Use>> {
    axum::Json(handles.schema_registry.uses())
}
