//! An event that is to be forwarded: its bytes as they came, and what of them is shown.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;

/// What the list of events has no header for.
pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// An event.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// By which the queue forgets it; none of the list of events.
    pub(super) receipt: Option<String>,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    /// How often it was delivered before.
    pub(super) deliveries: u32,
    pub(super) attributes: Attributes,
}

/// What is shown of an event.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Attributes {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) source: String,
    #[serde(default, rename = "type")]
    pub(super) event_type: String,
    #[serde(default)]
    pub(super) subject: Option<String>,
    /// The job or the test that sent it, which real events have not.
    #[serde(default)]
    pub(super) redelivery: Option<Value>,
    #[serde(default)]
    pub(super) test: Option<Value>,
}

impl Taken {
    /// Events of an answer of `receive`.
    pub(super) fn of_answer(answer: &Value) -> Vec<Self> {
        answer["events"].as_array().into_iter().flatten().filter_map(Self::of_item).collect()
    }

    fn of_item(item: &Value) -> Option<Self> {
        let body = BASE64_STANDARD.decode(item["body"].as_str()?).ok()?;
        let times = item["dequeueCount"].as_u64().unwrap_or(1);
        Some(Self {
            receipt: Some(item["receipt"].as_str()?.to_owned()),
            content_type: item["contentType"].as_str().unwrap_or(CONTENT_TYPE).to_owned(),
            deliveries: u32::try_from(times.saturating_sub(1)).unwrap_or(u32::MAX),
            attributes: attributes(&body),
            body,
        })
    }

    /// An event of the list of captured events, or one that was kept.
    pub(super) fn plain(body: Vec<u8>, content_type: String, deliveries: u32) -> Self {
        Self { receipt: None, content_type, deliveries, attributes: attributes(&body), body }
    }

    /// By which it is known when it comes again.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.attributes.source, self.attributes.id)
    }
}

/// What cannot be read is forwarded all the same.
fn attributes(body: &[u8]) -> Attributes {
    contoso_json::from_slice(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bytes_stay_as_they_came() {
        let body = "{ \"type\" : \"t\",\"id\":\"1\", \"source\":\"/s\",\"data\":{\"b\":1,\"a\":\"ü\"}}";
        let answer = json!({ "events": [
            { "receipt": "r", "body": BASE64_STANDARD.encode(body), "contentType": "application/x", "dequeueCount": 3 },
            { "receipt": "r", "body": BASE64_STANDARD.encode("no JSON") },
        ] });
        let taken = Taken::of_answer(&answer);
        assert_eq!((taken[0].body.as_slice(), taken[0].deliveries), (body.as_bytes(), 2));
        assert_eq!((taken[0].key().as_str(), taken[0].content_type.as_str()), ("/s 1", "application/x"));
        assert_eq!((taken[1].body.as_slice(), taken[1].content_type.as_str()), (b"no JSON".as_slice(), CONTENT_TYPE));
    }
}
