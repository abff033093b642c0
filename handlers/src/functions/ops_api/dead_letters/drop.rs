//! `POST …/drop`: throws letters away, with a reason. It acts on the letters that there are at the click; later ones with the same cause stay.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    chosen::{Chosen, chosen, whole},
    desk::{Desk, LONGEST_NAME, LONGEST_REASON, stated},
};
use crate::{
    app::App,
    dead_letters::stored::{self, Removed},
    domain::dead_letter::{Asked, LetterId},
    http::Problem,
    stores::operations::{Action, Ended, Entry},
};

/// Letters that one request drops: more would outlast the request.
const MOST_DROPPED: usize = 5_000;
/// Letters that are dropped at a time.
const AT_ONCE: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    ids: Option<Vec<String>>,
    filter: Option<Asked>,
    /// How many letters the filter takes at most, as far as the caller knows.
    #[serde(default, deserialize_with = "whole")]
    expected: Option<u32>,
    reason: String,
    by: String,
}

/// What became of it.
#[derive(Serialize)]
pub(super) struct Answer {
    #[serde(flatten)]
    ended: Ended,
    /// Letters that the filter takes beyond those of this request.
    left: usize,
    /// The entry in the log.
    log: String,
}

pub(super) async fn drop_letters(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Answer>, Problem> {
    let order: Order = desk.wish(&headers, body).await?;
    let (by, reason) = match (stated("by", &order.by, LONGEST_NAME), stated("reason", &order.reason, LONGEST_REASON)) {
        (Ok(by), Ok(reason)) => (by, reason),
        (by, reason) => return Err(Problem::fields(by.err().into_iter().chain(reason.err()).collect())),
    };
    let Chosen { letters, filter, left } = chosen(&desk, order.ids, order.filter, order.expected, MOST_DROPPED).await?;
    let ids: Vec<&str> = letters.iter().map(|(id, _)| id.text()).collect();
    let mut entry = Entry::new(Action::Drop, by, &ids, desk.app.now());
    entry.reason = Some(reason);
    entry.filter = filter;
    // Before anything is gone: what is thrown away without a trace is what the log is for.
    desk.app.stores().operations.write(&entry).await?;
    let ended = remove(&desk.app, letters).await;
    entry.ended = Some(ended.clone());
    if let Err(error) = desk.app.stores().operations.write(&entry).await {
        tracing::warn!(%error, entry = entry.id, "the end of a drop is not in the log");
    }
    tracing::info!(entry = entry.id, dropped = ended.dropped, "dead letters dropped");
    Ok(Json(Answer { ended, left, log: entry.id }))
}

async fn remove(app: &App, letters: Vec<(LetterId, Option<String>)>) -> Ended {
    let removed = stream::iter(letters)
        .map(|(id, etag)| async move { stored::remove(app.blobs(), &id, etag.as_deref()).await })
        .buffer_unordered(AT_ONCE);
    removed
        .fold(Ended::default(), async |mut ended, removed| {
            match removed {
                Ok(Removed::Done) => ended.dropped += 1,
                Ok(Removed::Gone) => ended.gone += 1,
                Ok(Removed::Changed) => ended.changed += 1,
                Err(error) => {
                    tracing::warn!(%error, "a letter cannot be dropped");
                    ended.failed += 1;
                }
            }
            ended
        })
        .await
}
