//! Webhook of the host for blob triggers whose source is Event Grid: `BlobCreated` events are noted and answered at
//! once.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::warn;

use super::{
    blob::NewBlobs,
    event_grid::{events, handshake, kind, status, text, unreadable, validation},
};
use crate::{
    blobs::Blobs,
    functions_host::app::{BlobSource, BlobTrigger, Function, Trigger},
};

/// How a storage event names its blob.
const SUBJECT: &str = "/blobServices/default/containers/";
const CREATED: &str = "Microsoft.Storage.BlobCreated";

/// What events are noted with.
pub(crate) struct BlobWebhook {
    pub(crate) blobs: Blobs,
    /// `None` where the app has no blob trigger.
    pub(crate) new_blobs: Option<NewBlobs>,
}

/// The members of an event that are looked at, of either schema.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(alias = "type")]
    event_type: String,
    subject: String,
}

impl BlobWebhook {
    /// Answers a request for `function`, which was asked for as `id`. The extension does not ask whether there is such a
    /// function: it notes the blob all the same, and whoever works the queue off drops what no function is waiting for.
    pub(crate) fn answer(
        &self,
        id: &str,
        function: Option<&Arc<Function>>,
        method: &Method,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Response<Bytes> {
        if method == Method::OPTIONS {
            return handshake(headers);
        }
        match kind(headers).as_str() {
            "subscriptionvalidation" => validation(body),
            "notification" => {
                let Some(events) = events(headers, body) else { return unreadable(id) };
                let trigger = function.and_then(|function| match &function.trigger {
                    Trigger::Blob(trigger) if trigger.source == BlobSource::EventGrid => Some((function, trigger)),
                    _ => None,
                });
                match (trigger, &self.new_blobs) {
                    (Some((function, trigger)), Some(new_blobs)) => {
                        self.note(&function.name, trigger, new_blobs, &events)
                    }
                    _ => {
                        warn!("events for '{id}', which is no blob function with the source EventGrid, are dropped");
                        status(StatusCode::ACCEPTED)
                    }
                }
            }
            "unsubscribe" => status(StatusCode::ACCEPTED),
            _ => status(StatusCode::BAD_REQUEST),
        }
    }

    /// 202 once every event that concerns the function is noted, 500 where one could not be, so that all come again.
    fn note(
        &self,
        function: &str,
        trigger: &BlobTrigger,
        new_blobs: &NewBlobs,
        events: &[Box<RawValue>],
    ) -> Response<Bytes> {
        for event in events {
            let Ok(event) = contoso_json::from_str::<Event>(event.get()) else {
                return unreadable(function);
            };
            let Some((container, name)) = event.blob() else { continue };
            if !container.eq_ignore_ascii_case(&trigger.container) || trigger.pattern.matches(name).is_none() {
                continue;
            }
            let noted = match self.blobs.properties(container, name) {
                // It is gone already.
                Ok(None) => continue,
                Ok(Some(known)) => {
                    new_blobs.note(function, container, name, &known.etag).map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(problem) = noted {
                return text(StatusCode::INTERNAL_SERVER_ERROR, problem);
            }
        }
        status(StatusCode::ACCEPTED)
    }
}

impl Event {
    /// Container and name of a blob that was created. One documented sample has no leading slash.
    fn blob(&self) -> Option<(&str, &str)> {
        if self.event_type != CREATED {
            return None;
        }
        let path = self.subject.trim_start_matches('/').strip_prefix(SUBJECT.trim_start_matches('/'))?;
        path.split_once("/blobs/")
    }
}
