//! What a change feed request reads and from where: the forms that clients give it.

use bytes::Bytes;
use http::{HeaderValue, header};
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use super::{
    feed_index::{ContainerFeed, RangeFeed},
    request::{PARTITION_KEY, RANGE_ID, Request},
};

/// Where a read starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    After(u64),
    Now,
    /// Milliseconds since the epoch.
    Since(i64),
}

/// What a request reads.
pub(super) enum Scope<'a> {
    Range(&'a RangeFeed),
    /// One partition key, or a part of a range.
    Part,
    /// Several ranges.
    Everything,
    /// A range that does not exist.
    Unknown,
}

impl Start {
    /// Where `request` starts: at its continuation, at a date, or at the beginning.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub(super) fn of(request: &Request) -> Result<Self, String> {
        let continuation = request.header(header::IF_NONE_MATCH).or_else(|| request.header("x-ms-continuation"));
        if let Some(continuation) = continuation {
            return Self::parse(continuation);
        }
        match request.header(header::IF_MODIFIED_SINCE) {
            None => Ok(Self::After(0)),
            Some(date) => OffsetDateTime::parse(date, &Rfc2822)
                .map(|at| Self::Since(at.unix_timestamp() * 1000))
                .map_err(|error| format!("The header If-Modified-Since is not a date: {error}.")),
        }
    }

    /// `"42"`, `*`, or the emulator's own cursor from a feed of another scope.
    pub(super) fn parse(continuation: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Cursor {
            lsn: u64,
        }
        if continuation == "*" {
            return Ok(Self::Now);
        }
        let number = continuation.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(continuation);
        if let Ok(lsn) = number.parse() {
            return Ok(Self::After(lsn));
        }
        match serde_json::from_str::<Cursor>(continuation) {
            // It may stand inside a transaction, which is then read again whole.
            Ok(cursor) => Ok(Self::After(cursor.lsn.saturating_sub(1))),
            Err(_) => Err("Invalid change feed continuation.".to_owned()),
        }
    }

    /// The LSN after which to read.
    ///
    /// # Errors
    /// When the position does not exist yet.
    pub(super) fn resolve(self, range: &RangeFeed) -> Result<u64, String> {
        match self {
            Self::Now => Ok(range.lsn()),
            Self::Since(millis) => Ok(range.lsn_before(millis)),
            Self::After(lsn) if lsn <= range.lsn() => Ok(lsn),
            // Of another life of the data: waiting for the LSN to come would hide every change until then.
            Self::After(lsn) => Err(format!(
                "The change feed continuation {lsn} is ahead of partition key range {}, which is at {}.",
                range.bounds().id,
                range.lsn()
            )),
        }
    }
}

impl<'a> Scope<'a> {
    /// What `request` reads of `feed`.
    pub(super) fn of(request: &Request, feed: &'a ContainerFeed) -> Self {
        if request.header(&PARTITION_KEY).is_some_and(|key| key.trim() != "[]") {
            return Self::Part;
        }
        let bounds = request.header("x-ms-start-epk").zip(request.header("x-ms-end-epk"));
        let range = match (request.header(&RANGE_ID), bounds, feed.ranges()) {
            (Some(id), _, _) => match feed.range(id) {
                Some(range) => range,
                None => return Self::Unknown,
            },
            (None, None, [only]) => only,
            (None, None, _) => return Self::Everything,
            (None, Some((min, max)), ranges) => {
                match ranges.iter().find(|range| {
                    let bounds = range.bounds();
                    bounds.min.as_str() <= min && max <= bounds.max.as_str()
                }) {
                    Some(range) => range,
                    None => return Self::Everything,
                }
            }
        };
        let whole = |(min, max): (&str, &str)| min <= range.bounds().min.as_str() && range.bounds().max.as_str() <= max;
        if bounds.is_none_or(whole) { Self::Range(range) } else { Self::Part }
    }
}

/// The same request with its position as the emulator writes it: after everything at that LSN.
pub(super) fn in_emulator_terms(request: &Request, start: Start) -> Request {
    let mut forwarded = request.with_body(Bytes::new());
    let is_ours = request.header(header::IF_NONE_MATCH).is_some_and(|continuation| !continuation.starts_with('{'));
    if let (true, Start::After(lsn)) = (is_ours, start) {
        let cursor = format!(r#"{{"kind":"change_feed_cursor_v1","lsn":{lsn},"epk":"FF","id":""}}"#);
        if let Ok(cursor) = HeaderValue::from_str(&cursor) {
            forwarded.headers.insert(header::IF_NONE_MATCH, cursor);
        }
    }
    forwarded
}
