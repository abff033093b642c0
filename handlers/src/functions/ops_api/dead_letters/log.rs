//! `GET …/log`: who did what with dead letters.

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::{
    functions::partners::query::limit,
    http::{Audience, Problem, Query, cacheable_for},
    stores::operations::Entry,
};

const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    limit: Option<String>,
    before: Option<String>,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Entry>,
    /// Address of the entries before these; null if there are none.
    next: Option<String>,
}

pub(super) async fn log(
    State(desk): State<Desk>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let size = limit(wanted.limit.as_deref(), PAGE, LARGEST_PAGE)?;
    let before = wanted.before.as_deref();
    let is_id =
        |text: &str| text.len() <= 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    if before.is_some_and(|before| !is_id(before)) {
        return Err(Problem::field("before", "must be taken from the next address of a list"));
    }
    let page = desk.app.stores().operations.page(before, size).await?;
    let is_full = u32::try_from(page.items.len()).is_ok_and(|length| length == size.get());
    let last = page.items.last().filter(|_| is_full || page.continuation.is_some());
    let next = last.map(|last| format!("/api/ops/dead-letters/log?limit={size}&before={}", last.id));
    cacheable_for(Audience::One, &Page { items: page.items, next }, &headers)
}
