//! Forwarding: one `POST` to the local server, as Event Grid makes it to a webhook.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use reqwest::{
    Certificate, Client, Method, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use serde_json::Value;

use super::taken::Taken;
use crate::output;

/// Who asks in Event Grid's handshake.
const ORIGIN: &str = "eventgrid.azure.net";

/// Where events go, and what each delivery has beside its body.
#[derive(Clone)]
pub(super) struct Forwarder {
    http: Client,
    url: Url,
    timeout: Duration,
    headers: HeaderMap,
}

/// How a delivery ended.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: Option<u16>,
    /// What went wrong, if something did.
    pub(super) fault: Option<String>,
    pub(super) took: Duration,
}

impl Answer {
    pub(super) fn is_taken(&self) -> bool {
        self.fault.is_none()
    }
}

impl Forwarder {
    pub(super) fn new(url: &Url, timeout: Duration, skip_verify: bool, cacert: Option<&Path>) -> anyhow::Result<Self> {
        let mut builder = Client::builder()
            .timeout(timeout)
            // Event Grid follows none either, and knows no proxy of this machine.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .danger_accept_invalid_certs(skip_verify);
        if let Some(file) = cacert {
            let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let certificate = Certificate::from_pem(&pem);
            let certificate = certificate.with_context(|| format!("{} is no certificate (PEM)", file.display()))?;
            builder = builder.add_root_certificate(certificate);
        }
        let http = builder.build().context("cannot set up TLS")?;
        Ok(Self { http, url: url.clone(), timeout, headers: HeaderMap::new() })
    }

    /// Where events go, without what may be a secret: who may post, the path and the query.
    pub(super) fn shown(&self) -> String {
        let rest = if self.has_path() { "/…" } else { "/" };
        self.url.origin().ascii_serialization() + rest
    }

    pub(super) fn has_path(&self) -> bool {
        self.url.path() != "/" || self.url.query().is_some()
    }

    /// Takes the headers that a queue does not carry from a listener as the API shows it: the secret among them.
    pub(super) fn set_headers(&mut self, listener: &Value) {
        self.headers.clear();
        for (name, value) in listener["headers"].as_object().into_iter().flatten() {
            let name = HeaderName::try_from(name);
            let value = HeaderValue::try_from(value.as_str().unwrap_or_default());
            if let (Ok(name), Ok(mut value)) = (name, value) {
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
        }
    }

    /// Sends an event.
    pub(super) async fn send(&self, event: &Taken) -> Answer {
        let began = Instant::now();
        let mut headers = self.headers.clone();
        headers.insert("aeg-event-type", HeaderValue::from_static("Notification"));
        headers.insert("aeg-delivery-count", event.deliveries.into());
        headers.insert("aeg-metadata-version", HeaderValue::from_static("1.0"));
        if let Ok(value) = HeaderValue::try_from(&event.content_type) {
            headers.insert(CONTENT_TYPE, value);
        }
        let sent = self.http.post(self.url.clone()).headers(headers).body(event.body.clone()).send().await;
        let took = began.elapsed();
        match sent {
            Ok(response) => {
                let status = response.status().as_u16();
                // What Event Grid takes for success.
                let fault = (!(200..=204).contains(&status)).then(|| format!("your server answered {status}"));
                Answer { status: Some(status), fault, took }
            }
            Err(error) => Answer { status: None, fault: Some(self.fault(error)), took },
        }
    }

    /// Why the local server would not be subscribed in earnest, if so: what it says to Event Grid's handshake.
    pub(super) async fn handshake_fault(&self) -> Option<String> {
        let asked = self.http.request(Method::OPTIONS, self.url.clone()).header("webhook-request-origin", ORIGIN);
        let answer = match asked.send().await {
            Ok(answer) => answer,
            Err(error) => return Some(self.fault(error)),
        };
        if answer.status().as_u16() != 200 {
            return Some(format!(
                "your server answers OPTIONS with {}, so that Event Grid would not subscribe it{}",
                answer.status(),
                if answer.status() == StatusCode::NOT_FOUND { "; is the path missing in --forward-to?" } else { "" }
            ));
        }
        let allowed = answer.headers().get("webhook-allowed-origin").and_then(|value| value.to_str().ok());
        let consents = allowed.is_some_and(|origin| origin == "*" || origin.eq_ignore_ascii_case(ORIGIN));
        let missing =
            "your server answers OPTIONS without WebHook-Allowed-Origin, so that Event Grid would not subscribe it";
        (!consents).then(|| missing.to_owned())
    }

    fn fault(&self, error: reqwest::Error) -> String {
        // The client would show the address whole.
        let error = error.without_url();
        if error.is_timeout() {
            let seconds = self.timeout.as_secs_f64();
            return format!("your server did not answer in {seconds} s");
        }
        let chain = output::chain(&error);
        if chain.contains("certificate") {
            return format!("your server's certificate is not trusted (--cacert FILE, or --skip-verify): {chain}");
        }
        if error.is_connect() { format!("nobody answers at {}: {}", self.shown(), output::root(&error)) } else { chain }
    }
}
