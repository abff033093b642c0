//! `GET /api/ops/dead-letters`: letters, the newest first, and how many there are of each kind.

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::desk::{Desk, address, unavailable};
use crate::{
    dead_letters::stored,
    domain::dead_letter::{Asked, Cursor, EventName, Filter, Groups, Kept, Letter},
    functions::partners::query::limit,
    http::{Audience, Problem, Query, cacheable_for},
};

/// Letters of a page.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    function: Option<String>,
    cause: Option<String>,
    origin: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    /// As of when: with this as `to`, a wish takes no letter that comes later.
    #[serde(with = "time::serde::rfc3339")]
    as_of: OffsetDateTime,
    /// How many there are of each kind, all pages together.
    #[serde(flatten)]
    groups: Groups,
    /// Whether there are more letters than were counted.
    is_more: bool,
    /// Letters whose causes were not read yet.
    unread: usize,
    items: Vec<Item<'a>>,
    /// Address of the letters before these; null if there are none.
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    id: &'a str,
    /// The function that parked it, or the subscription in upper case.
    function: &'a str,
    /// Whether Event Grid gave it up.
    given_up: bool,
    /// Hub or kind of feed.
    origin: &'a str,
    /// Partition or part of the feed.
    part: Option<&'a str>,
    /// Sequence number, or the id of the document or event.
    record: Option<&'a str>,
    /// The beginning of the cause.
    cause: Option<&'a str>,
    #[serde(with = "time::serde::rfc3339")]
    parked_at: OffsetDateTime,
    /// Bytes of the letter.
    size: u64,
    event: Option<&'a EventName>,
    address: String,
}

impl<'a> Item<'a> {
    fn of(letter: &'a Letter) -> Self {
        let id = &letter.id;
        Self {
            id: id.text(),
            function: id.owner(),
            given_up: id.kept() == Kept::GivenUp,
            origin: id.origin(),
            part: id.part(),
            record: id.record(),
            cause: letter.said.as_ref().map(|said| said.cause.as_str()),
            parked_at: letter.parked_at,
            size: letter.size,
            event: letter.said.as_ref().and_then(|said| said.event.as_ref()),
            address: address(id),
        }
    }
}

pub(super) async fn list(
    State(desk): State<Desk>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Wanted { function, cause, origin, from, to, limit: size, cursor } = wanted;
    let size = limit(size.as_deref(), PAGE, LARGEST_PAGE)?.get();
    let filter = Filter::read(&Asked { function, cause, origin, from, to }).map_err(Problem::fields)?;
    let cursor = cursor.map(|text| Cursor::read(&text, &filter)).transpose();
    let cursor = cursor.map_err(|error| Problem::field("cursor", error))?;
    let now = desk.app.now();
    let listed = stored::list(desk.app.blobs(), &desk.read, &filter).await.map_err(unavailable)?;
    // Storage has a clock of its own, and all that is listed is before this.
    let behind = listed.letters.iter().map(|letter| letter.parked_at + Duration::NANOSECOND).max();
    let as_of = behind.map_or(now, |behind| behind.max(now));
    let mut rest = listed.letters.iter().filter(|letter| cursor.as_ref().is_none_or(|it| it.is_before(letter)));
    let shown: Vec<&Letter> = rest.by_ref().take(size as usize).collect();
    let last = shown.last().filter(|_| rest.next().is_some());
    let page = Page {
        as_of,
        groups: Groups::of(&listed.letters),
        is_more: listed.is_more,
        unread: listed.unread,
        next: last.map(|last| next(&filter, size, &Cursor::behind(last))),
        items: shown.into_iter().map(Item::of).collect(),
    };
    cacheable_for(Audience::One, &page, &headers)
}

fn next(filter: &Filter, size: u32, cursor: &Cursor) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("function", &filter.function), ("cause", &filter.cause), ("origin", &filter.origin)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    for (name, value) in [("from", filter.from), ("to", filter.to)] {
        if let Some(value) = value.and_then(|value| value.format(&Rfc3339).ok()) {
            query.append_pair(name, &value);
        }
    }
    query.append_pair("limit", &size.to_string()).append_pair("cursor", &cursor.text(filter));
    format!("/api/ops/dead-letters?{}", query.finish())
}
