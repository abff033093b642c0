//! Dead letters: which there are, what is in one, and what is done with them.
//!
//! A function key names nobody, so who does something says who that is (`by`), and the log shows it as said.

mod chosen;
mod drop;
mod letter;
mod list;
mod log;
mod replay;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    routing::{get, post},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    app::App,
    azure::blobs::BlobError,
    dead_letters::shelf::Read,
    domain::{dead_letter::LetterId, product_body::FieldError},
    http::Problem,
    outcome::Cause,
};

/// Bytes of a request: a thousand ids, each as long as it may be.
const LARGEST_BODY: usize = 1_200_000;
/// Bytes of who does something, and of the reason.
const LONGEST_NAME: usize = 100;
const LONGEST_REASON: usize = 500;

/// What the routes share; cloning shares what was read.
#[derive(Clone)]
struct Desk {
    app: App,
    read: Arc<Read>,
}

pub(super) fn routes(app: App) -> Router {
    Router::new()
        .route("/api/ops/dead-letters", get(list::list))
        .route("/api/ops/dead-letters/letter", get(letter::show))
        .route("/api/ops/dead-letters/letter/body", get(letter::body))
        .route("/api/ops/dead-letters/drop", post(drop::drop_letters))
        .route("/api/ops/dead-letters/replay", post(replay::replay))
        .route("/api/ops/dead-letters/batches", post(replay::batch))
        .route("/api/ops/dead-letters/batches/{id}", get(replay::shown))
        .route("/api/ops/dead-letters/log", get(log::log))
        .with_state(Desk { app, read: Arc::default() })
}

/// The address of a letter.
fn address(id: &LetterId) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("/api/ops/dead-letters/letter?{}", query.append_pair("id", id.text()).finish())
}

fn letter_id(text: &str) -> Result<LetterId, Problem> {
    text.parse().map_err(|error| Problem::field("id", error))
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is no such letter: it was dropped or replayed, or has expired.")
}

fn unavailable(error: BlobError) -> Problem {
    let cause = Cause::from_error("serve dead letters", error).chain();
    tracing::warn!(cause, "blob storage did not answer");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Dead letters cannot be read or dropped just now; try again.")
        .with_header(RETRY_AFTER, HeaderValue::from_static("1"))
}

/// A body of a known form.
fn read<T: DeserializeOwned>(body: Value) -> Result<T, Problem> {
    serde_json::from_value(body).map_err(|error| Problem::field("", error))
}

/// A text that stands in the log.
fn stated(field: &'static str, text: &str, longest: usize) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() || text.len() > longest || text.chars().any(char::is_control) {
        return Err(FieldError::new(field, format!("must be a text of 1 to {longest} bytes in one line")));
    }
    Ok(text.to_owned())
}
