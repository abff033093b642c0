//! Webhook validation: an endpoint is asked whether it wants deliveries, before the first one.
//!
//! CloudEvents: `OPTIONS`, consent by headers (CloudEvents HTTP webhook specification). Event Grid schema: a validation
//! event whose code must come back. Either way an endpoint may answer without consent and give it within ten minutes
//! through a URL: the manual mode.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONTENT_TYPE, ToStrError},
};
use serde::Deserialize;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::{
    delivery::{
        Delivery,
        client::{EndpointAnswer, NoAnswer, Recipient},
        request::common_headers,
    },
    event::{Schema, timestamp},
};

/// What the service of the public cloud calls itself.
const ORIGIN: &str = "eventgrid.azure.net";
const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const REQUEST_CALLBACK: HeaderName = HeaderName::from_static("webhook-request-callback");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");
/// Wait before the one repetition after an endpoint did not answer in time.
const REPEAT_AFTER: Duration = Duration::from_secs(5);
/// How long consent may take in manual mode.
pub(crate) const MANUAL_WINDOW: Duration = Duration::from_secs(600);

/// Who is asked about what.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) endpoint: Url,
    pub(crate) recipient: Recipient,
    pub(crate) schema: Schema,
    pub(crate) subscription: String,
    /// Resource id of the topic.
    pub(crate) topic: String,
    /// Where consent can be given by hand.
    pub(crate) callback: Url,
    /// What a validation event asks to be echoed.
    pub(crate) code: Uuid,
}

/// What the endpoint said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ValidationAnswer {
    Consent,
    /// It took the question; consent may follow through the callback.
    Later,
    /// It did not agree: what happened and what to do about it, for whoever makes the subscription.
    Refusal(String),
}

/// Asks once, and once more if the endpoint does not answer in time.
pub(crate) async fn ask(delivery: &Delivery, question: &Question) -> ValidationAnswer {
    let mut repeated = false;
    loop {
        let (method, headers, body) = match question.schema {
            Schema::CloudEvents => (Method::OPTIONS, question.options(), Bytes::new()),
            Schema::EventGrid => (Method::POST, question.validation_headers(), question.validation(delivery)),
        };
        match delivery.http.send(question.recipient, method, &question.endpoint, headers, body).await {
            Ok(reply) => return question.judge(&reply),
            Err(NoAnswer::TimedOut) if !repeated => {
                repeated = true;
                delivery.clock.sleep(REPEAT_AFTER).await;
            }
            Err(NoAnswer::TimedOut) => {
                return question.refusal("it did not answer within 30 seconds. Answer the handshake at once");
            }
            Err(NoAnswer::Refused(refused)) => return question.refusal(&format!("nothing was sent, as {refused}")),
            Err(error) => {
                let cause = root_cause(&error);
                return question.refusal(&format!(
                    "it could not be reached ({cause}). Check that the endpoint is running and that the URL is right"
                ));
            }
        }
    }
}

impl Question {
    fn options(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ORIGIN, HeaderValue::from_static(ORIGIN));
        if let Ok(callback) = HeaderValue::try_from(self.callback.as_str()) {
            headers.insert(REQUEST_CALLBACK, callback);
        }
        headers
    }

    fn validation_headers(&self) -> HeaderMap {
        let mut headers = common_headers("SubscriptionValidation", &self.subscription, 0, self.schema);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        headers
    }

    fn validation(&self, delivery: &Delivery) -> Bytes {
        let event = json!([{
            "id": Uuid::new_v4(),
            "topic": self.topic,
            "subject": "",
            "data": { "validationCode": self.code, "validationUrl": self.callback.as_str() },
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": timestamp(delivery.clock.now()),
            "metadataVersion": "1",
            "dataVersion": "2",
        }]);
        event.to_string().into()
    }

    fn judge(&self, reply: &EndpointAnswer) -> ValidationAnswer {
        match self.schema {
            Schema::CloudEvents => self.judge_options(reply.status, &reply.headers),
            Schema::EventGrid => self.judge_validation(reply.status, &reply.body),
        }
    }

    fn judge_options(&self, status: StatusCode, headers: &HeaderMap) -> ValidationAnswer {
        if !status.is_success() {
            return self.refusal(&format!(
                "it answered OPTIONS with {status}. Answer 200 with the header WebHook-Allowed-Origin: {ORIGIN}"
            ));
        }
        let text = |name: &HeaderName| -> Result<Option<&str>, ToStrError> {
            headers.get(name).map(HeaderValue::to_str).transpose()
        };
        match text(&ALLOWED_ORIGIN) {
            Ok(Some(origin)) if origin.trim() == "*" || origin.trim().eq_ignore_ascii_case(ORIGIN) => {
                if !headers.contains_key(ALLOWED_RATE) && !is_functions_webhook(&self.endpoint) {
                    tracing::warn!(endpoint = %shown(&self.endpoint), "the endpoint agreed without WebHook-Allowed-Rate; the specification asks for it");
                }
                ValidationAnswer::Consent
            }
            Ok(None) => ValidationAnswer::Later,
            Ok(Some(origin)) => self.refusal(&format!(
                "it allows the origin `{origin}`, not `{ORIGIN}`. Send back the value of WebHook-Request-Origin"
            )),
            Err(_) => self.refusal("its WebHook-Allowed-Origin is not text"),
        }
    }

    fn judge_validation(&self, status: StatusCode, body: &[u8]) -> ValidationAnswer {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Validated {
            validation_response: String,
        }
        if status != StatusCode::OK {
            return self.refusal(&format!(
                "it answered the validation event with {status}. Answer 200 exactly, with {{\"validationResponse\":\"<the validation code>\"}}"
            ));
        }
        match contoso_json::from_slice::<Validated>(body) {
            Ok(answer) if answer.validation_response.eq_ignore_ascii_case(&self.code.to_string()) => {
                ValidationAnswer::Consent
            }
            Ok(_) => self.refusal("its validationResponse is not the validation code that it was sent"),
            Err(_) => ValidationAnswer::Later,
        }
    }

    /// The sentence for a handshake that was not finished by hand in time.
    pub(crate) fn too_late(&self) -> String {
        self.failed(
            "it answered without consent and did not call the validation URL within 10 minutes. Consent in the answer itself, or call that URL",
        )
    }

    /// The sentence for an answer without consent where nobody can consent by hand.
    pub(crate) fn without_consent(&self) -> String {
        self.failed("it answered without consent")
    }

    fn refusal(&self, what: &str) -> ValidationAnswer {
        ValidationAnswer::Refusal(self.failed(what))
    }

    fn failed(&self, what: &str) -> String {
        format!("Webhook validation handshake failed for {}: {what}.", shown(&self.endpoint))
    }
}

/// Whether the trigger extension of a Functions host answers there. It never tells a rate, so nobody need be told.
fn is_functions_webhook(endpoint: &Url) -> bool {
    endpoint.path().to_ascii_lowercase().starts_with("/runtime/webhooks/")
}

/// Scheme and host of a URL, all that is told of it: path and query may be the partner's secret.
fn shown(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn root_cause(error: &NoAnswer) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page of the real host: it agrees with `Webhook-Allowed-Origin` alone.
    #[test]
    fn functions_are_known_by_their_path() {
        for (url, expected) in [
            ("http://127.0.0.1:7071/runtime/webhooks/eventgrid?functionName=CaptureBatch&code=k", true),
            ("https://shop.azurewebsites.net/Runtime/WebHooks/EventGrid?functionName=F", true),
            ("https://partner.example/hook?path=/runtime/webhooks/eventgrid", false),
        ] {
            assert_eq!(is_functions_webhook(&Url::parse(url).expect("a URL")), expected, "{url}");
        }
    }
}
