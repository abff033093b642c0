//! Result of a delivery attempt, read from the endpoint's answer: delivered, try again, or give up.

use std::time::Duration;

use http::{HeaderMap, header::RETRY_AFTER};
use time::OffsetDateTime;

use super::client::NoAnswer;
use crate::{event_grid::subscription::Destination, storage_account::dates};

/// The result of one delivery attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryResult {
    /// The service's word for it, as dead letters show it.
    pub(crate) name: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivered,
    /// Worth another attempt, not before this wait.
    Retry {
        floor: Duration,
    },
    /// The endpoint will never take it.
    GiveUp {
        reason: &'static str,
    },
}

const USUAL_FLOOR: Duration = Duration::from_secs(10);
const BUSY_FLOOR: Duration = Duration::from_secs(30);
const TIMED_OUT_FLOOR: Duration = Duration::from_secs(120);
const RESOURCE_FLOOR: Duration = Duration::from_secs(300);
/// Longest wait that an endpoint can ask for: that of the schedule's last step.
const LONGEST_FLOOR: Duration = Duration::from_secs(12 * 3600);

impl DeliveryResult {
    /// Of an event that is due while its endpoint is left alone: no attempt is made.
    pub(super) const HELD: Self =
        Self { name: "Probation", status: None, verdict: Verdict::Retry { floor: Duration::ZERO } };

    /// Reads the status of an answer. Only 200 to 204 is success; redirects are not followed.
    pub(crate) fn of_status(status: u16, destination: &Destination) -> Self {
        let azure_resource = !matches!(destination, Destination::WebHook(_));
        let give_up = |reason| Verdict::GiveUp { reason };
        let retry = |floor| Verdict::Retry { floor };
        let (name, verdict) = match status {
            200..=204 => ("Delivered", Verdict::Delivered),
            400 => ("BadRequest", give_up("UndeliverableDueToHttpBadRequest")),
            401 if azure_resource => ("Unauthorized", retry(RESOURCE_FLOOR)),
            401 => ("Unauthorized", give_up("UndeliverableDueToHttpUnauthorized")),
            403 => ("Forbidden", give_up("UndeliverableDueToHttpForbidden")),
            404 if azure_resource => ("NotFound", retry(RESOURCE_FLOOR)),
            404 => ("NotFound", retry(USUAL_FLOOR)),
            408 => ("TimedOut", retry(TIMED_OUT_FLOOR)),
            413 => ("PayloadTooLarge", give_up("UndeliverableDueToHttpRequestEntityTooLarge")),
            503 => ("Busy", retry(BUSY_FLOOR)),
            _ => ("Busy", retry(USUAL_FLOOR)),
        };
        Self { name, status: Some(status), verdict }
    }

    /// The same, no sooner than a busy endpoint asks for by `Retry-After`: whoever sends by the CloudEvents webhook
    /// specification must wait so long after a 429, and HTTP means it for a 503. Event Grid's own page does not say.
    pub(super) fn not_before(mut self, headers: &HeaderMap, now: OffsetDateTime) -> Self {
        if let Verdict::Retry { floor } = &mut self.verdict
            && matches!(self.status, Some(429 | 503))
            && let Some(asked) = headers.get(RETRY_AFTER).and_then(|value| wait(value.to_str().ok()?, now))
        {
            *floor = asked.min(LONGEST_FLOOR).max(*floor);
        }
        self
    }

    /// Reads the failure of a request that got no answer.
    pub(crate) fn of_failure(error: &NoAnswer) -> Self {
        let name = match error {
            NoAnswer::TimedOut => "TimedOut",
            NoAnswer::Refused(_) => "AddressRefused",
            NoAnswer::Resolution(_) => "ResolutionError",
            NoAnswer::Socket(_) => "SocketError",
        };
        Self { name, status: None, verdict: Verdict::Retry { floor: USUAL_FLOOR } }
    }

    /// How long an endpoint that keeps failing like this is left alone.
    pub(crate) fn probation(&self) -> Duration {
        match self.name {
            "SocketError" => Duration::from_secs(30),
            "NotFound" | "Unauthorized" | "Forbidden" | "ResolutionError" | "AddressRefused" => RESOURCE_FLOOR,
            _ => USUAL_FLOOR,
        }
    }
}

/// Reads `Retry-After`: seconds, or a date.
fn wait(text: &str, now: OffsetDateTime) -> Option<Duration> {
    let until = |date: OffsetDateTime| Duration::try_from(date - now).unwrap_or_default();
    text.trim().parse().map(Duration::from_secs).ok().or_else(|| dates::parse(text).map(until))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_busy_endpoint_may_ask_for_a_longer_wait_and_no_shorter_one() {
        let hook = Destination::WebHook(url::Url::parse("https://partner.example/").expect("url"));
        let now = datetime!(2026-01-05 10:00 UTC);
        for (status, asked, seconds) in [
            (429, "120", 120),
            (503, "120", 120),
            (503, "1", 30),
            (429, "Mon, 05 Jan 2026 10:07:00 GMT", 420),
            (429, "Mon, 05 Jan 2026 09:00:00 GMT", 10),
            (429, "soon", 10),
            (429, "99999999", 43_200),
            (500, "120", 10),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(asked))]);
            let result = DeliveryResult::of_status(status, &hook).not_before(&headers, now);
            assert_eq!(result.verdict, Verdict::Retry { floor: Duration::from_secs(seconds) }, "{status} {asked}");
        }
    }

    #[test]
    fn functions_are_azure_resources_and_webhooks_are_not() {
        let function = Destination::AzureFunction("F".to_owned());
        let hook = Destination::WebHook(url::Url::parse("https://partner.example/").expect("url"));
        let retries = |status, destination| {
            matches!(DeliveryResult::of_status(status, destination).verdict, Verdict::Retry { .. })
        };
        for status in [200, 201, 202, 203, 204] {
            assert_eq!(DeliveryResult::of_status(status, &hook).verdict, Verdict::Delivered);
        }
        for status in [205, 301, 302, 307, 404, 408, 409, 410, 429, 500, 503] {
            assert!(retries(status, &hook) && retries(status, &function), "{status}");
        }
        for status in [400, 403, 413] {
            assert!(!retries(status, &hook) && !retries(status, &function), "{status}");
        }
        assert!(!retries(401, &hook) && retries(401, &function));
    }
}
