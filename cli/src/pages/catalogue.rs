//! The catalogue of events, made when the pages start.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::web::content_type;

/// Where it begins.
pub(super) const PATH: &str = "/schemas/index.html";

pub(super) fn router(files: BTreeMap<String, String>) -> Router {
    let files = Arc::new(files);
    let file = move |Path(name): Path<String>| {
        let files = Arc::clone(&files);
        async move { answer(&files, &name) }
    };
    let begin = || async { Redirect::temporary(PATH) };
    Router::new().route("/schemas", get(begin)).route("/schemas/", get(begin)).route("/schemas/{name}", get(file))
}

fn answer(files: &BTreeMap<String, String>, name: &str) -> Response {
    match files.get(name) {
        Some(text) => ([(header::CONTENT_TYPE, content_type(name)), (header::CACHE_CONTROL, "no-cache")], text.clone())
            .into_response(),
        None => (StatusCode::NOT_FOUND, "There is no such page.\n").into_response(),
    }
}
