//! Responses in the service's shapes.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

use crate::{cosmos::wire::request::Request, faults::Faults};

pub(in crate::cosmos) static ACTIVITY_ID: HeaderName = HeaderName::from_static("x-ms-activity-id");
pub(in crate::cosmos) static SUBSTATUS: HeaderName = HeaderName::from_static("x-ms-substatus");
pub(in crate::cosmos) static LSN: HeaderName = HeaderName::from_static("lsn");
pub(in crate::cosmos) static SESSION_TOKEN: HeaderName = HeaderName::from_static("x-ms-session-token");
static REQUEST_CHARGE: HeaderName = HeaderName::from_static("x-ms-request-charge");
static RETRY_AFTER_MS: HeaderName = HeaderName::from_static("x-ms-retry-after-ms");
static VERSION: HeaderName = HeaderName::from_static("x-ms-version");

/// The REST version that is answered.
const REST_VERSION: HeaderValue = HeaderValue::from_static("2020-07-15");

/// An answer with the headers that every answer of the service carries; `charge` in request units.
pub(in crate::cosmos) fn answer(
    request: &Request,
    status: StatusCode,
    charge: &'static str,
    body: Bytes,
) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(VERSION.clone(), REST_VERSION);
    headers.insert(REQUEST_CHARGE.clone(), HeaderValue::from_static(charge));
    headers.insert(ACTIVITY_ID.clone(), activity_id(request));
    response
}

/// As [`answer`], with a charge that was reckoned.
pub(in crate::cosmos) fn charged(request: &Request, status: StatusCode, charge: f64, body: Bytes) -> Response<Bytes> {
    let mut response = answer(request, status, "0", body);
    if let Ok(charge) = HeaderValue::try_from(format!("{charge:.2}")) {
        response.headers_mut().insert(REQUEST_CHARGE.clone(), charge);
    }
    response
}

/// An error in the service's shape, `{code, message}`.
pub(in crate::cosmos) fn error(request: &Request, status: StatusCode, code: &str, message: &str) -> Response<Bytes> {
    error_of(request, status, code, |_| message.to_owned())
}

/// As [`error`], with a message that may name the activity id of the answer.
pub(in crate::cosmos) fn error_of(
    request: &Request,
    status: StatusCode,
    code: &str,
    message: impl FnOnce(&str) -> String,
) -> Response<Bytes> {
    let mut response = answer(request, status, "0", Bytes::new());
    let activity = response.headers().get(&ACTIVITY_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let body = json!({ "code": code, "message": message(activity) });
    *response.body_mut() = body.to_string().into();
    response
}

/// 400: the request cannot be served as it is.
pub(in crate::cosmos) fn bad_request(request: &Request, message: &str) -> Response<Bytes> {
    error(request, StatusCode::BAD_REQUEST, "BadRequest", message)
}

/// 503: the service cannot take it now; `message` says whether it may have been applied.
pub(in crate::cosmos) fn unavailable(request: &Request, message: &str) -> Response<Bytes> {
    error(request, StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
}

/// The same answer with a sub-status, by which clients tell causes apart.
pub(in crate::cosmos) fn with_substatus(mut response: Response<Bytes>, substatus: u16) -> Response<Bytes> {
    response.headers_mut().insert(SUBSTATUS.clone(), HeaderValue::from(substatus));
    response
}

/// Faults that answer as the service does.
pub(in crate::cosmos) fn faults() -> Faults {
    Faults::new(|parts, refusal| {
        let path = parts.uri.path();
        let request = Request::new(parts.method.clone(), path, parts.headers.clone(), Bytes::new());
        let code = refusal.code_or(match refusal.status {
            StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
            StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
            StatusCode::REQUEST_TIMEOUT => "RequestTimeout",
            StatusCode::GONE => "Gone",
            StatusCode::FORBIDDEN => "Forbidden",
            StatusCode::NOT_FOUND => "NotFound",
            StatusCode::CONFLICT => "Conflict",
            StatusCode::PRECONDITION_FAILED => "PreconditionFailed",
            status if status.is_server_error() => "InternalServerError",
            _ => "BadRequest",
        });
        let mut response = error(&request, refusal.status, code, refusal.text());
        // Clients tell a throttled request from other 429s by its sub-status.
        let throttled = (refusal.status == StatusCode::TOO_MANY_REQUESTS).then_some(3200);
        if let Some(substatus) = refusal.substatus.or(throttled) {
            response = with_substatus(response, substatus);
        }
        if let Some(after) = refusal.retry_after {
            let millis = HeaderValue::from(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            response.headers_mut().insert(RETRY_AFTER_MS.clone(), millis);
        }
        response.map(Body::from)
    })
}

/// The client's activity id, or a new one.
fn activity_id(request: &Request) -> HeaderValue {
    request
        .headers
        .get(&ACTIVITY_ID)
        .cloned()
        .or_else(|| HeaderValue::from_str(&Uuid::new_v4().to_string()).ok())
        .unwrap_or(HeaderValue::from_static(""))
}

/// The message of an error answer, or its body where it has none.
pub(in crate::cosmos) fn message_of(response: &Response<Bytes>) -> String {
    #[derive(serde::Deserialize)]
    struct Shape {
        message: String,
    }
    contoso_json::from_slice::<Shape>(response.body())
        .map_or_else(|_| String::from_utf8_lossy(response.body()).into_owned(), |shape| shape.message)
}
