//! Paging: how much a page may have, and where the next one begins, as clients carry it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contoso_cosmos_query::{PageLimits, Resume};
use http::{HeaderName, HeaderValue};

use crate::cosmos::wire::{refusal::Refusal, request::Request};

pub(in crate::cosmos) static CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuation");
pub(in crate::cosmos) static ITEM_COUNT: HeaderName = HeaderName::from_static("x-ms-item-count");

/// What the client asks of a page.
pub(in crate::cosmos) fn limits(request: &Request) -> PageLimits {
    let limits = PageLimits::default();
    let rows = request.header("x-ms-max-item-count").and_then(|count| count.trim().parse().ok());
    PageLimits { rows: rows.filter(|rows| *rows > 0).unwrap_or(limits.rows), ..limits }
}

/// Where the request's page begins.
///
/// # Errors
/// 400 where its continuation is none of ours.
pub(in crate::cosmos) fn start(request: &Request) -> Result<Option<Resume>, Refusal> {
    let Some(token) = request.header(&CONTINUATION).filter(|token| !token.is_empty()) else { return Ok(None) };
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|text| contoso_json::from_slice(&text).ok());
    decoded.map(Some).ok_or_else(invalid)
}

/// Of a continuation that is none of ours, or of an earlier version, whose order was another one.
pub(in crate::cosmos) fn invalid() -> Refusal {
    Refusal::bad_request("Invalid continuation token.")
}

/// The continuation that leads to where the next page begins. In base64, since values may be no text for a header.
pub(in crate::cosmos) fn token(next: &Resume) -> Option<HeaderValue> {
    let text = serde_json::to_vec(next).ok()?;
    HeaderValue::try_from(URL_SAFE_NO_PAD.encode(text)).ok()
}
