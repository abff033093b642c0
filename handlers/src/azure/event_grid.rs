//! Publishing to an Event Grid topic: CloudEvents in JSON batches (`POST …?api-version=2018-01-01`).

use std::{fmt, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use bytes::{BufMut, Bytes, BytesMut};
use reqwest::{StatusCode, header::CONTENT_TYPE};
use url::Url;

use super::{
    credentials::{Bearer, Credentials},
    http::Http,
};
use crate::settings::EventGridSettings;

const API_VERSION: &str = "2018-01-01";
const SCOPE: &str = "https://eventgrid.azure.net/.default";
const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";
const DEADLINE: Duration = Duration::from_secs(10);
const RETRIES: usize = 2;

/// Limits of one request: bytes and events.
const MAX_BYTES: usize = 1_000_000;
const MAX_EVENTS: usize = 5_000;

/// A topic; cloning shares its connections.
#[derive(Clone)]
pub struct Topic(Arc<Inner>);

struct Inner {
    endpoint: Url,
    bearer: Bearer,
    http: Http,
}

/// Publishing failed.
#[derive(Debug, thiserror::Error)]
#[error("publish {events} events from {first} on: {kind}{detail}")]
pub struct PublishError {
    first: String,
    events: usize,
    /// What the caller may do about it.
    pub kind: PublishErrorKind,
    detail: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Why publishing failed, as far as callers differ on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishErrorKind {
    /// An event is larger than Event Grid takes (1 MB). Repeating is of no use.
    TooLarge,
    /// The topic does not accept these events. Repeating is of no use.
    Refused,
    /// Throttled, out of reach, or not allowed yet. Repeating may help; events keep their ids.
    Transient,
}

impl fmt::Display for PublishErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "an event is too large; repeating is of no use",
            Self::Refused => "the topic refused them; repeating is of no use",
            Self::Transient => "the topic did not take them; repeating is safe",
        })
    }
}

impl PublishError {
    /// Whether repeating the call may help.
    pub fn is_transient(&self) -> bool {
        self.kind == PublishErrorKind::Transient
    }
}

impl Topic {
    /// The topic in `settings`; nothing is connected yet.
    pub fn new(settings: &EventGridSettings, credentials: &Credentials) -> Self {
        let mut endpoint = settings.endpoint.clone();
        endpoint.query_pairs_mut().append_pair("api-version", API_VERSION);
        Self(Arc::new(Inner { endpoint, bearer: credentials.bearer(SCOPE), http: credentials.http() }))
    }

    /// Publishes events in their order, in as few requests as the limits allow. What was published before an error stays published.
    ///
    /// # Errors
    /// [`PublishErrorKind::TooLarge`] before anything is sent, else as the topic answers.
    pub async fn publish(&self, events: Vec<cloudevents::Event>) -> Result<(), PublishError> {
        for batch in batches(&events)? {
            let send = || self.post(&batch);
            send.retry(
                ExponentialBuilder::default()
                    .with_min_delay(Duration::from_millis(200))
                    .with_max_times(RETRIES)
                    .with_jitter(),
            )
            .when(PublishError::is_transient)
            .await?;
        }
        Ok(())
    }

    async fn post(&self, batch: &Batch) -> Result<(), PublishError> {
        let transient = |error: Box<dyn std::error::Error + Send + Sync>| {
            batch.failed(PublishErrorKind::Transient, String::new(), Some(error))
        };
        let client = self.0.http.client().map_err(|error| transient(error.into()))?;
        let request =
            client.post(self.0.endpoint.clone()).header(CONTENT_TYPE, BATCH).timeout(DEADLINE).body(batch.body.clone());
        let request = self.0.bearer.apply(request).await.map_err(|error| transient(error.into()))?;
        // Not with its address: that would put the topic's host in every line, and the error names the event.
        let response = request.send().await.map_err(|error| transient(error.without_url().into()))?;
        let kind = match response.status() {
            status if status.is_success() => return Ok(()),
            StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE => PublishErrorKind::Refused,
            StatusCode::PAYLOAD_TOO_LARGE => PublishErrorKind::TooLarge,
            _ => PublishErrorKind::Transient,
        };
        Err(batch.failed(kind, format!(" (status {})", response.status()), None))
    }
}

/// A request's worth of events.
struct Batch {
    body: Bytes,
    events: usize,
    first: String,
}

impl Batch {
    fn failed(
        &self,
        kind: PublishErrorKind,
        detail: String,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> PublishError {
        PublishError { first: self.first.clone(), events: self.events, kind, detail, source }
    }
}

fn batches(events: &[cloudevents::Event]) -> Result<Vec<Batch>, PublishError> {
    use cloudevents::AttributesReader as _;

    let mut batches = Vec::new();
    let mut body = BytesMut::new();
    let (mut count, mut first) = (0, String::new());
    let mut close = |body: &mut BytesMut, count: &mut usize, first: &mut String| {
        if *count > 0 {
            body.put_u8(b']');
            batches.push(Batch {
                body: body.split().freeze(),
                events: std::mem::take(count),
                first: std::mem::take(first),
            });
        }
    };
    for event in events {
        let refused = |kind, source: Option<Box<dyn std::error::Error + Send + Sync>>| PublishError {
            first: event.id().to_owned(),
            events: 1,
            kind,
            detail: String::new(),
            source,
        };
        let json = serde_json::to_vec(event).map_err(|error| refused(PublishErrorKind::Refused, Some(error.into())))?;
        // Two bytes of brackets around, one of a comma between.
        if json.len() + 2 > MAX_BYTES {
            return Err(refused(PublishErrorKind::TooLarge, None));
        }
        if count == MAX_EVENTS || body.len() + json.len() + 2 > MAX_BYTES {
            close(&mut body, &mut count, &mut first);
        }
        if count == 0 {
            first = event.id().to_owned();
        }
        body.put_u8(if count == 0 { b'[' } else { b',' });
        body.put_slice(&json);
        count += 1;
    }
    close(&mut body, &mut count, &mut first);
    Ok(batches)
}
