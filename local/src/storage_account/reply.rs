//! Answers and what every one of them carries.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use time::OffsetDateTime;

use super::{Refusal, dates, request::METADATA, unusable, xml};
use crate::{identity::TENANT, transport::spelling};

/// The version that answers name where the request names none.
const DEFAULT_VERSION: &str = "2026-04-06";

pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    /// Names of headers that are not in small letters only.
    spelled: Vec<String>,
    body: Body,
}

/// Any version is served alike, as long as it is one.
pub(crate) fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_date = |text: &[u8]| text.len() == 10 && text.iter().all(|b| b.is_ascii_digit() || *b == b'-');
    match headers.get("x-ms-version") {
        Some(version) if !is_date(version.as_bytes()) => Err(unusable("x-ms-version")),
        _ => Ok(()),
    }
}

/// The version that an answer names: that of its request.
pub(crate) fn version(request: &HeaderMap) -> &[u8] {
    match (check_version(request), request.get("x-ms-version")) {
        (Ok(()), Some(version)) => version.as_bytes(),
        _ => DEFAULT_VERSION.as_bytes(),
    }
}

/// Where a token is to be had, and for what.
fn challenge() -> String {
    format!(
        "Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize \
         resource_id=https://storage.azure.com"
    )
}

impl Reply {
    pub(crate) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), spelled: Vec::new(), body: Body::empty() }
    }

    pub(crate) fn xml(status: StatusCode, document: Vec<u8>) -> Self {
        Self::new(status).header("content-type", "application/xml").body(Body::from(document))
    }

    /// An error as the services word it. The answer to `HEAD` has no body, nor has `304`.
    pub(crate) fn error(status: StatusCode, code: impl std::fmt::Display, message: &str, is_head: bool) -> Self {
        let code = code.to_string();
        let reply = match xml::error(&code, message) {
            Ok(document) if !is_head && status != StatusCode::NOT_MODIFIED => Self::xml(status, document),
            _ => Self::new(status),
        };
        let reply = reply.header("x-ms-error-code", code);
        match status {
            StatusCode::UNAUTHORIZED => reply.header("www-authenticate", challenge()),
            _ => reply,
        }
    }

    /// Adds a header. Values come from requests or are made here; both are valid header values.
    pub(crate) fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        if let Ok(value) = HeaderValue::from_bytes(value.as_ref()) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    pub(crate) fn optional(self, name: &'static str, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    pub(crate) fn metadata<'m>(mut self, metadata: impl IntoIterator<Item = (&'m String, &'m String)>) -> Self {
        for (name, value) in metadata {
            let spelled = format!("{METADATA}{name}");
            let name = HeaderName::try_from(&spelled);
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                if name.as_str() != spelled {
                    self.spelled.push(spelled);
                }
                self.headers.insert(name, value);
            }
        }
        self
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// As [`Reply::finish`], with the names of metadata as they were set.
    pub(crate) async fn respond(mut self, request: &HeaderMap, id: &str, now: OffsetDateTime) -> Response {
        let spelled = std::mem::take(&mut self.spelled);
        let mut response = self.finish(request, id, now);
        if !spelled.is_empty() {
            response.extensions_mut().extend(spelling::spelling(&spelled).await);
        }
        response
    }

    /// The response, with what every answer carries.
    pub(crate) fn finish(self, request: &HeaderMap, id: &str, now: OffsetDateTime) -> Response {
        let reply = self
            .header("x-ms-request-id", id)
            .header("x-ms-version", version(request))
            .header("date", dates::format(now))
            .optional("x-ms-client-request-id", request.get("x-ms-client-request-id"));
        let mut response = Response::new(reply.body);
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        response
    }
}
