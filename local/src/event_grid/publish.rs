//! The publish endpoint of a custom topic.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE};
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::{
    auth::{bearer, may_publish},
    body,
    error::{Error, Refusal},
    event::{Event, Schema},
    names::Source,
    queue::Header,
    service::Service,
};
use crate::{monitor::Metric, transport::Peer};

/// The version that clients send for custom topics, also for cloud events.
const API_VERSION: &str = "2018-01-01";
/// Of a request, and of one event in it.
const MAX_BYTES: usize = 1024 * 1024;
const MAX_EVENTS: usize = 5000;

/// `POST /topics/<topic>/api/events`: 200 with an empty body once every delivery that follows is stored.
pub(crate) async fn publish(
    State(service): State<Arc<Service>>,
    Path(topic): Path<String>,
    request: Request,
) -> Response {
    match accept(&service, &topic, request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// Whatever else is asked of a topic's endpoint.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Response {
    Refusal::unsupported(&format!("{method} {}", uri.path())).into_response()
}

async fn accept(service: &Arc<Service>, topic: &str, request: Request) -> Result<(), Refusal> {
    let topic = service
        .topics
        .get(&topic.to_ascii_lowercase())
        .ok_or_else(|| Refusal::not_found(format!("The topic `{topic}` does not exist.")))?;
    let (parts, request_body) = request.into_parts();
    let query: Vec<(String, String)> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let option = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    // The body is read before anything is refused, so that the client can read the answer.
    let body = body::read(request_body, MAX_BYTES).await;
    match option("api-version") {
        Some(API_VERSION) => {}
        Some(other) => {
            return Err(Refusal::bad_request(format!(
                "The api-version `{other}` is not supported; use {API_VERSION}."
            )));
        }
        None => return Err(Refusal::bad_request("The api-version query parameter is required.")),
    }
    match bearer(&parts.headers) {
        Some(token) => may_publish(&service.identity, Peer::is_secure(&parts.extensions), token, &topic.name)?,
        None => topic
            .keys
            .check(&parts.headers, option("aeg-sas-key"), parts.uri.path(), service.clock.now())
            .map_err(Refusal::unauthorized)?,
    }
    let source = Source::Topic(topic.name.clone());
    let events = parse(topic.schema, &service.names.source(&source), &parts.headers, &body?)?;
    let service = service.clone();
    // The commit may wait for the disk.
    tokio::task::spawn_blocking(move || service.enqueue(&source, &events))
        .await
        .map_err(|_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "The stack is stopping."))??;
    Ok(())
}

/// The content type selects the parser, whatever the body looks like.
fn parse(schema: Schema, topic: &str, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Event>, Refusal> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let not_json =
        |error: serde_json::Error| Refusal::bad_request(format!("The body does not fit {media_type}: {error}."));
    let texts: Vec<&RawValue> = match (media_type.as_str(), schema) {
        ("application/cloudevents+json", Schema::CloudEvents) => {
            vec![contoso_json::from_slice(body).map_err(not_json)?]
        }
        ("application/cloudevents-batch+json", Schema::CloudEvents) | ("application/json", Schema::EventGrid) => {
            contoso_json::from_slice(body).map_err(not_json)?
        }
        (other, schema) => {
            return Err(Refusal::bad_request(format!(
                "The content type `{other}` does not fit this topic, whose schema is {}; {}.",
                schema.name(),
                match schema {
                    Schema::CloudEvents => "use application/cloudevents+json or application/cloudevents-batch+json",
                    Schema::EventGrid => "use application/json with an array of events",
                }
            )));
        }
    };
    if texts.len() > MAX_EVENTS {
        return Err(Refusal::too_large(format!("A request has at most {MAX_EVENTS} events.")));
    }
    texts
        .into_iter()
        .enumerate()
        .map(|(index, text)| {
            Event::published(schema, topic, text)
                .map_err(|reason| Refusal::bad_request(format!("Event {index} of the request: {reason}")))
        })
        .collect()
}

impl Service {
    /// Stores a delivery for every subscription that wants an event, all in one commit, then wakes their workers.
    pub(crate) fn enqueue(&self, source: &Source, events: &[Event]) -> Result<(), Error> {
        let queue = &self.delivery().queue;
        let now = self.clock.now();
        let now_millis = self.clock.now_millis();
        let mut batch = queue.batch();
        let mut news = Vec::new();
        for subscription in self.provisioning.registry.of(source) {
            let Some(settings) = subscription.settings().filter(|_| !subscription.expired(now)) else {
                continue;
            };
            let header =
                Header { schema: settings.schema, published_millis: now_millis, attempts: 0, last: None, dead: None };
            let mut first = None;
            let mut events_matched = 0;
            for event in events.iter().filter(|event| settings.filter.matches(event)) {
                let body = event.in_schema(settings.schema);
                let position = queue.stage(&mut batch, subscription.id, now_millis, &header, body.as_bytes())?;
                first.get_or_insert(position);
                events_matched += 1;
            }
            if first.is_some() {
                news.push((subscription, first, events_matched));
            }
        }
        if news.is_empty() {
            return Ok(());
        }
        batch.commit().map_err(Error::storage("store deliveries"))?;
        for (subscription, first, matched) in news {
            self.delivery().count(&subscription, Metric::Matched, matched);
            subscription.wake(first);
        }
        Ok(())
    }
}
