//! What came before the listener was there: from the list of captured events, which is complete some minutes later.

use std::time::{Duration, Instant};

use contoso_json::Parts;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::taken::{CONTENT_TYPE, Taken};
use crate::commands::partners::api::{Api, ApiError};

/// Pause before another look at what was not captured yet.
const PAUSE: Duration = Duration::from_secs(10);

/// A list that is read page by page until it is complete.
pub(super) struct Backfill {
    listener: String,
    since: OffsetDateTime,
    until: OffsetDateTime,
    cursor: Option<String>,
    due: Instant,
}

/// A page, taken apart: its events stay as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    next: Option<&'a RawValue>,
    #[serde(default)]
    more: bool,
    #[serde(borrow, default)]
    complete_until: Option<&'a RawValue>,
}

impl<'a> Parts<'a> for Page<'a> {}

impl Backfill {
    /// Of what `listener` selects, from `since` until `until`, when the listener began to get events itself.
    pub(super) fn new(listener: &str, since: OffsetDateTime, until: OffsetDateTime) -> Self {
        Self { listener: listener.to_owned(), since, until, cursor: None, due: Instant::now() }
    }

    /// Whether it is time for the next page.
    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// The next events, and whether that was all.
    pub(super) async fn next(&mut self, api: &Api) -> Result<(Vec<Taken>, bool), ApiError> {
        let from = match &self.cursor {
            Some(cursor) => ("after", cursor.clone()),
            None => ("since", self.since.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()),
        };
        let parameters = [("listener", self.listener.clone()), ("limit", "100".to_owned()), from];
        let query = Url::parse_with_params("http://query/", parameters).ok();
        let path = format!("/events?{}", query.as_ref().and_then(Url::query).unwrap_or_default());
        let answer = api.bytes(Method::GET, &path, None, None, "list captured events").await;
        self.due = Instant::now() + PAUSE;
        let answer = answer?;
        let Ok(page) = contoso_json::parts::<Page<'_>>(&answer) else { return Ok((Vec::new(), true)) };
        if let Some(next) = page.next.and_then(text) {
            self.cursor = Some(next);
        }
        if page.more {
            self.due = Instant::now();
        }
        let complete = page.complete_until.and_then(text).and_then(|at| OffsetDateTime::parse(&at, &Rfc3339).ok());
        let is_over = !page.more && complete.is_some_and(|complete| complete >= self.until);
        let events = page.events.into_iter().map(|event| event.get().as_bytes().to_vec());
        let events = events.filter(|body| self.is_before(body));
        Ok((events.map(|body| Taken::plain(body, CONTENT_TYPE.to_owned(), 0)).collect(), is_over))
    }

    /// What happened later comes through the queue.
    fn is_before(&self, body: &[u8]) -> bool {
        let event: Value = contoso_json::from_slice(body).unwrap_or_default();
        let at = event["time"].as_str().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
        at.is_none_or(|at| at < self.until)
    }
}

fn text(value: &RawValue) -> Option<String> {
    contoso_json::from_str(value.get()).ok()
}
