//! Hubs: their events, newest first, decoded as the functions decode them; and the bytes of one.
//!
//! Nothing is checkpointed and no reader is displaced. A page costs one connection, so few are read at a time.

mod page;
mod read;
mod selection;
mod shown;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use tokio::sync::Semaphore;

use self::selection::{Asked, Selection};
use crate::{
    app::App,
    azure::hub_reader::ReadError,
    events::hubs,
    http::{Path, Problem, Query},
    outcome::Cause,
};

/// Pages read at once. Event Hubs lets five readers of a group be at a partition, and other instances of the app read too.
const AT_ONCE: usize = 2;

/// For one answer, the wait for others included.
const DEADLINE: Duration = Duration::from_secs(12);

/// What the routes share.
#[derive(Clone)]
struct Desk {
    app: App,
    at_once: Arc<Semaphore>,
}

pub(super) fn routes(app: App) -> Router {
    Router::new()
        .route("/api/ops/hubs/{hub}/events", get(events))
        .route("/api/ops/hubs/{hub}/event", get(event))
        .route("/api/ops/hubs/{hub}/body", get(body))
        .with_state(Desk { app, at_once: Arc::new(Semaphore::new(AT_ONCE)) })
}

async fn events(
    State(desk): State<Desk>,
    Path(hub): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let hub = known(&hub)?;
    let selection = Selection::read(hub, asked)?;
    let page = desk.timely(read::page(&desk.app, hub, &selection)).await?;
    let page = page.ok_or_else(|| Problem::field("partition", format!("is none of the hub {hub}")))?;
    Ok(uncached(Json(page)))
}

/// Where an event is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventPosition {
    partition: String,
    sequence: String,
}

impl EventPosition {
    fn sequence(&self) -> Result<i64, Problem> {
        let sequence = self.sequence.parse().ok().filter(|sequence| *sequence >= 0);
        sequence.ok_or_else(|| Problem::field("sequence", "must be a sequence number: a whole number of at least 0"))
    }
}

async fn event(
    State(desk): State<Desk>,
    Path(hub): Path<String>,
    Query(position): Query<EventPosition>,
) -> Result<Response, Problem> {
    let (hub, sequence) = (known(&hub)?, position.sequence()?);
    let event = desk.timely(read::event(&desk.app, hub, &position.partition, sequence)).await?;
    Ok(uncached(Json(event.ok_or_else(|| gone(hub, &position))?)))
}

async fn body(
    State(desk): State<Desk>,
    Path(hub): Path<String>,
    Query(position): Query<EventPosition>,
) -> Result<Response, Problem> {
    let (hub, sequence) = (known(&hub)?, position.sequence()?);
    let bytes = desk.timely(read::body(&desk.app, hub, &position.partition, sequence)).await?;
    let mut response = uncached(Body::from(bytes.ok_or_else(|| gone(hub, &position))?));
    let headers = response.headers_mut();
    // A producer's bytes: they are kept as a file, and never shown as what they claim to be.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"event.bin\""));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

impl Desk {
    /// What is read within the deadline, once not too many others read.
    async fn timely<T>(&self, read: impl Future<Output = Result<T, ReadError>>) -> Result<T, Problem> {
        let read = async {
            // It is never closed.
            let _turn = self.at_once.acquire().await;
            read.await
        };
        let cause = match tokio::time::timeout(DEADLINE, Box::pin(read)).await {
            Ok(Ok(read)) => return Ok(read),
            Ok(Err(error)) => Cause::from_error("read a hub", error),
            Err(_) => Cause::new("the hub did not answer in time"),
        };
        tracing::warn!(cause = cause.chain(), "a hub cannot be read");
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The hub cannot be read just now; try again.")
            .with_header(RETRY_AFTER, HeaderValue::from_static("1")))
    }
}

fn known(name: &str) -> Result<&'static str, Problem> {
    hubs::ALL.into_iter().find(|hub| *hub == name).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, format!("there is no such hub; known are: {}", hubs::ALL.join(", ")))
    })
}

fn gone(hub: &str, position: &EventPosition) -> Problem {
    let EventPosition { partition, sequence } = position;
    let shown: String = partition.chars().take(40).collect();
    let detail = format!("partition {shown:?} of the hub {hub} has no event {sequence}: it is too old, or never was");
    Problem::new(StatusCode::NOT_FOUND, detail)
}

/// Events name people.
fn uncached(answer: impl IntoResponse) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], answer).into_response()
}
