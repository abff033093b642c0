//! Answers and what every one of them carries.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use time::OffsetDateTime;

use crate::{
    blobs::{error::Failure, etag::Etag},
    faults::Refusal,
};

use super::{
    dates,
    request::{Query, unusable},
    xml,
};

/// The version that answers name where the request names none.
const DEFAULT_VERSION: &str = "2026-04-06";

/// Parameters of a shared access signature that replace headers of the answer.
const OVERRIDES: [(&str, &str); 5] = [
    ("rscc", "cache-control"),
    ("rscd", "content-disposition"),
    ("rsce", "content-encoding"),
    ("rscl", "content-language"),
    ("rsct", "content-type"),
];

pub(super) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

/// Any version is served alike, as long as it is one.
pub(super) fn check_version(headers: &HeaderMap) -> Result<(), Failure> {
    let is_date = |text: &[u8]| text.len() == 10 && text.iter().all(|b| b.is_ascii_digit() || *b == b'-');
    match headers.get("x-ms-version") {
        Some(version) if !is_date(version.as_bytes()) => Err(unusable("x-ms-version")),
        _ => Ok(()),
    }
}

impl Reply {
    pub(super) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Body::empty() }
    }

    pub(super) fn xml(status: StatusCode, document: Vec<u8>) -> Self {
        Self::new(status).header("content-type", "application/xml").body(Body::from(document))
    }

    /// An error as the service words it; the answer to `HEAD` has no body.
    pub(super) fn failure(failure: &Failure, is_head: bool) -> Self {
        let code = failure.code();
        let status = match failure {
            Failure::NotModified => StatusCode::NOT_MODIFIED,
            _ => code.status(),
        };
        let mut reply = match xml::error(&code.to_string(), &failure.to_string()) {
            Ok(document) if !is_head && status != StatusCode::NOT_MODIFIED => Self::xml(status, document),
            _ => Self::new(status),
        };
        if let Failure::Range { length } = failure {
            reply = reply.header("content-range", format!("bytes */{length}"));
        }
        reply.header("x-ms-error-code", code.to_string())
    }

    /// An error that the control port asked for.
    pub(super) fn fault(refusal: &Refusal, is_head: bool) -> Self {
        let code = refusal.code_or(match refusal.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "ServerBusy",
            StatusCode::INTERNAL_SERVER_ERROR => "InternalError",
            StatusCode::FORBIDDEN => "AuthorizationFailure",
            StatusCode::NOT_FOUND => "ResourceNotFound",
            StatusCode::PRECONDITION_FAILED => "ConditionNotMet",
            status if status.is_server_error() => "OperationTimedOut",
            _ => "InvalidInput",
        });
        let reply = match xml::error(code, refusal.text()) {
            Ok(document) if !is_head => Self::xml(refusal.status, document),
            _ => Self::new(refusal.status),
        };
        reply.header("x-ms-error-code", code)
    }

    /// Adds a header. Values come from requests or are made here; both are valid header values.
    pub(super) fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        if let Ok(value) = HeaderValue::from_bytes(value.as_ref()) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    pub(super) fn optional(self, name: &'static str, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// The headers that name a version.
    pub(super) fn version(self, etag: Etag, last_modified: OffsetDateTime) -> Self {
        self.header("etag", etag.quoted()).header("last-modified", dates::format(last_modified))
    }

    pub(super) fn metadata<'m>(mut self, metadata: impl IntoIterator<Item = (&'m String, &'m String)>) -> Self {
        for (name, value) in metadata {
            let name = HeaderName::try_from(format!("x-ms-meta-{name}"));
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                self.headers.insert(name, value);
            }
        }
        self
    }

    pub(super) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(super) fn overridden(self, query: &Query) -> Self {
        OVERRIDES.into_iter().fold(self, |reply, (parameter, header)| reply.optional(header, query.get(parameter)))
    }

    /// The response, with what every answer carries.
    pub(super) fn finish(self, request: &HeaderMap, id: &str, now: OffsetDateTime) -> Response {
        let version = match (check_version(request), request.get("x-ms-version")) {
            (Ok(()), Some(version)) => version.as_bytes(),
            _ => DEFAULT_VERSION.as_bytes(),
        };
        let reply = self
            .header("x-ms-request-id", id)
            .header("x-ms-version", version)
            .header("date", dates::format(now))
            .optional("x-ms-client-request-id", request.get("x-ms-client-request-id"));
        let mut response = Response::new(reply.body);
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        response
    }
}
