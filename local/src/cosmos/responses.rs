//! Responses that the bridge gives by itself, in the service's shapes.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

use super::request::Request;

pub(super) static ACTIVITY_ID: HeaderName = HeaderName::from_static("x-ms-activity-id");
pub(super) static SUBSTATUS: HeaderName = HeaderName::from_static("x-ms-substatus");
pub(super) static LSN: HeaderName = HeaderName::from_static("lsn");
pub(super) static SESSION_TOKEN: HeaderName = HeaderName::from_static("x-ms-session-token");
static REQUEST_CHARGE: HeaderName = HeaderName::from_static("x-ms-request-charge");
static VERSION: HeaderName = HeaderName::from_static("x-ms-version");

/// The REST version the emulator answers with.
const REST_VERSION: HeaderValue = HeaderValue::from_static("2020-07-15");

/// An answer with the headers that every answer of the service carries; `charge` in request units.
pub(super) fn answer(request: &Request, status: StatusCode, charge: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(VERSION.clone(), REST_VERSION);
    headers.insert(REQUEST_CHARGE.clone(), HeaderValue::from_static(charge));
    headers.insert(ACTIVITY_ID.clone(), activity_id(request));
    response
}

/// An error in the service's shape, `{code, message}`.
pub(super) fn error(request: &Request, status: StatusCode, code: &str, message: &str) -> Response<Bytes> {
    let body = json!({ "code": code, "message": message }).to_string();
    answer(request, status, "0", Bytes::from(body))
}

/// 400: the request cannot be served as it is.
pub(super) fn bad_request(request: &Request, message: &str) -> Response<Bytes> {
    error(request, StatusCode::BAD_REQUEST, "BadRequest", message)
}

/// 503: the service cannot take it now; `message` says whether it may have been applied.
pub(super) fn unavailable(request: &Request, message: &str) -> Response<Bytes> {
    error(request, StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
}

/// The same answer with a sub-status, by which clients tell causes apart.
pub(super) fn with_substatus(mut response: Response<Bytes>, substatus: u16) -> Response<Bytes> {
    response.headers_mut().insert(SUBSTATUS.clone(), HeaderValue::from(substatus));
    response
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
pub(super) fn message_of(response: &Response<Bytes>) -> String {
    #[derive(serde::Deserialize)]
    struct Shape {
        message: String,
    }
    serde_json::from_slice::<Shape>(response.body())
        .map_or_else(|_| String::from_utf8_lossy(response.body()).into_owned(), |shape| shape.message)
}
