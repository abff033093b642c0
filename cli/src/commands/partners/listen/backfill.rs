//! What came before the listener was there: from the list of captured events, which is complete some minutes later.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

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
    /// Events of the last page that were not wanted yet.
    waiting: VecDeque<Taken>,
    /// Whether that was the last page of all.
    is_read: bool,
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
        let (cursor, waiting) = (None, VecDeque::new());
        Self { listener: listener.to_owned(), since, until, cursor, waiting, is_read: false, due: Instant::now() }
    }

    /// Since when.
    pub(super) fn since(&self) -> OffsetDateTime {
        self.since
    }

    /// Whether there is something to forward, or it is time for the next page.
    pub(super) fn is_due(&self) -> bool {
        !self.waiting.is_empty() || Instant::now() >= self.due
    }

    /// The next events, at most so many, and whether that was all.
    pub(super) async fn next(&mut self, api: &Api, most: usize) -> Result<(Vec<Taken>, bool), ApiError> {
        if self.waiting.is_empty() && !self.is_read {
            self.read(api).await?;
        }
        let events = self.waiting.drain(..most.min(self.waiting.len())).collect();
        Ok((events, self.is_read && self.waiting.is_empty()))
    }

    /// Reads the next page.
    async fn read(&mut self, api: &Api) -> Result<(), ApiError> {
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
        let Ok(page) = contoso_json::parts::<Page<'_>>(&answer) else {
            self.is_read = true;
            return Ok(());
        };
        if let Some(next) = page.next.and_then(text) {
            self.cursor = Some(next);
        }
        if page.more {
            self.due = Instant::now();
        }
        let complete = page.complete_until.and_then(text).and_then(|at| OffsetDateTime::parse(&at, &Rfc3339).ok());
        self.is_read = !page.more && complete.is_some_and(|complete| complete >= self.until);
        let events = page.events.into_iter().map(|event| event.get().as_bytes().to_vec());
        let events = events.filter(|body| self.is_before(body));
        let events: Vec<_> = events.map(|body| Taken::plain(body, CONTENT_TYPE.to_owned(), 0)).collect();
        self.waiting.extend(events);
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{Router, extract::State, response::IntoResponse, routing::get};
    use serde_json::json;
    use time::macros::datetime;
    use tokio::net::TcpListener;

    use super::*;
    use crate::commands::partners::api::Base;

    #[tokio::test]
    async fn no_more_is_had_than_is_wanted_and_the_rest_is_not_asked_for_again() {
        let event = |id: &str, time: &str| json!({ "id": id, "source": "/s", "type": "t", "time": time });
        let page = json!({
            "events": [
                event("1", "2027-03-04T09:00:00Z"), event("2", "2027-03-04T09:01:00Z"),
                event("later", "2027-03-04T10:00:01Z"), event("3", "2027-03-04T09:02:00Z"),
            ],
            "next": "c", "more": false, "completeUntil": "2027-03-04T10:00:00Z",
        });
        let asked = Arc::new(AtomicUsize::new(0));
        let answer = |State((asked, page)): State<(Arc<AtomicUsize>, Value)>| async move {
            asked.fetch_add(1, Ordering::SeqCst);
            axum::Json(page).into_response()
        };
        let router =
            Router::new().route("/api/partners/acme/events", get(answer)).with_state((Arc::clone(&asked), page));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let base = Base::Fixed(Url::parse(&url).expect("a URL"));
        let api = Api::new(base, "acme".to_owned().try_into().expect("a name"), "cpk_x".to_owned()).expect("TLS");

        let (since, until) = (datetime!(2027-03-04 08:50 UTC), datetime!(2027-03-04 10:00 UTC));
        let mut backfill = Backfill::new("lsn_0123456789abcdef", since, until);
        for (ids, is_over) in [(["1", "2"].as_slice(), false), (&["3"], true)] {
            assert!(backfill.is_due());
            let (events, over) = backfill.next(&api, 2).await.expect("events");
            let came: Vec<_> = events.iter().map(|event| event.attributes.id.clone()).collect();
            assert_eq!((came, over), (ids.iter().map(|id| (*id).to_owned()).collect(), is_over));
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
