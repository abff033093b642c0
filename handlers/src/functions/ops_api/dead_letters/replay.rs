//! `POST …/replay`: gives the record of a letter to its function once more; `POST …/batches`: those of many letters; `GET …/batches/{id}`: what
//! became of them. The app that serves a function does it, see [`crate::functions::dead_letter_replays`]: this queues.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{HeaderValue, LOCATION},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    chosen::{Chosen, chosen, whole},
    desk::{Desk, LONGEST_NAME, LONGEST_REASON, letter_id, stated, unavailable, unknown},
};
use crate::{
    dead_letters::stored,
    domain::dead_letter::{
        Asked, Filter, Kept, LetterId,
        batch::{Progress, Slice, Task},
    },
    http::{Audience, Path, Problem, Query, cacheable_for},
    stores::{
        operations::{Action, Entry},
        replays::Batch,
    },
};

/// Letters of a batch.
const MOST: usize = 10_000;
/// Slices whose letters one answer has.
const SLICES: usize = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    id: String,
    by: String,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    ids: Option<Vec<String>>,
    filter: Option<Asked>,
    #[serde(default, deserialize_with = "whole")]
    expected: Option<u32>,
    by: String,
    reason: Option<String>,
}

/// A batch that waits.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Queued {
    /// Its id.
    batch: String,
    /// How many letters.
    count: usize,
    /// Letters that were chosen and cannot be replayed: Event Grid gave them up, and nothing of ours parked them.
    not_replayable: usize,
    /// Letters that the filter takes beyond those of a batch.
    left: usize,
    /// Where to see what becomes of them.
    address: String,
    /// The entry in the log.
    log: String,
}

pub(super) async fn replay(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let One { id, by, reason } = desk.wish(&headers, body).await?;
    let id = letter_id(&id)?;
    if id.kept() == Kept::GivenUp {
        return Err(given_up());
    }
    if stored::open(desk.app.blobs(), &id).await.map_err(unavailable)?.is_none() {
        return Err(unknown());
    }
    let letters = vec![id];
    queue(
        &desk,
        &by,
        reason.as_deref(),
        Chosen { letters: letters.into_iter().map(|id| (id, None)).collect(), filter: None, left: 0 },
    )
    .await
}

pub(super) async fn batch(State(desk): State<Desk>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let Many { ids, filter, expected, by, reason } = desk.wish(&headers, body).await?;
    let chosen = chosen(&desk, ids, filter, expected, MOST).await?;
    queue(&desk, &by, reason.as_deref(), chosen).await
}

fn given_up() -> Problem {
    let detail = "Event Grid gave these events up, and no function parked them. What partners missed is sent again by a redelivery \
                  (docs/partners.md); a file that our functions missed is read again once it is written again.";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

async fn queue(desk: &Desk, by: &str, reason: Option<&str>, chosen: Chosen) -> Result<Response, Problem> {
    let Chosen { letters, filter, left } = chosen;
    let by = stated("by", by, LONGEST_NAME).map_err(|error| Problem::fields(vec![error]))?;
    let reason = reason.map(|reason| stated("reason", reason, LONGEST_REASON)).transpose();
    let reason = reason.map_err(|error| Problem::fields(vec![error]))?;
    let all = letters.len();
    let letters: Vec<LetterId> = letters.into_iter().map(|(id, _)| id).filter(|id| id.kept() == Kept::Parked).collect();
    if letters.is_empty() && all > 0 {
        return Err(given_up());
    }
    let now = desk.app.now();
    let id = format!("{:020}-{}", now.unix_timestamp_nanos(), &Uuid::new_v4().simple().to_string()[..8]);
    let slices = Slice::cut(&id, &letters);
    let batch = Batch { reason: reason.clone(), filter: filter.clone(), ..Batch::new(id, by.clone(), &slices, now) };
    let ids: Vec<&str> = letters.iter().map(LetterId::text).collect();
    let mut entry = Entry::new(Action::Replay, by, &ids, now);
    (entry.reason, entry.filter, entry.batch) = (reason, filter, Some(batch.id.clone()));
    desk.app.stores().operations.write(&entry).await?;
    desk.app.stores().replays.add(&batch, slices).await?;
    tracing::info!(batch = batch.id, letters = batch.count, "replays queued");
    let address = address(&batch.id);
    let header = HeaderValue::from_str(&address)
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The batch has no address."))?;
    let queued = Queued {
        count: batch.count,
        not_replayable: all - letters.len(),
        left,
        address,
        log: entry.id,
        batch: batch.id,
    };
    Ok((StatusCode::ACCEPTED, [(LOCATION, header)], Json(queued)).into_response())
}

fn address(batch: &str) -> String {
    format!("/api/ops/dead-letters/batches/{batch}")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    after: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    batch: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    at: time::OffsetDateTime,
    by: &'a str,
    reason: Option<&'a str>,
    filter: Option<&'a Filter>,
    count: usize,
    /// Whether every letter has its result.
    ended: bool,
    progress: Progress,
    /// Letters, function by function, in the order they are replayed.
    items: Vec<&'a Task>,
    /// Address of the next letters; null if there are none.
    next: Option<String>,
}

pub(super) async fn shown(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Query(Wanted { after }): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let is_id =
        |text: &str, most| text.len() <= most && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "There is no such batch; one is kept for 30 days.");
    if !is_id(&id, 64) {
        return Err(unknown());
    }
    if after.as_deref().is_some_and(|after| !is_id(after, 8)) {
        return Err(Problem::field("after", "must be taken from the next address of an answer"));
    }
    let replays = &desk.app.stores().replays;
    let batch = replays.batch(&id).await?.ok_or_else(unknown)?.value;
    let slices = replays.slices(&id).await?;
    let progress = Progress::of(&slices);
    let mut rest = slices.iter().filter(|slice| after.as_ref().is_none_or(|after| slice.id > *after));
    let page: Vec<&Slice> = rest.by_ref().take(SLICES).collect();
    let last = page.last().filter(|_| rest.next().is_some());
    let shown = Shown {
        batch: &batch.id,
        at: batch.at,
        by: &batch.by,
        reason: batch.reason.as_deref(),
        filter: batch.filter.as_ref(),
        count: batch.count,
        ended: progress.waiting == 0,
        progress,
        next: last.map(|last| format!("{}?after={}", address(&batch.id), last.id)),
        items: page.iter().flat_map(|slice| &slice.letters).collect(),
    };
    cacheable_for(Audience::One, &shown, &headers)
}
