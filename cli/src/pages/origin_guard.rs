//! What the demo partner's webhook takes: CloudEvents, which no page can send without asking first.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Media types of the CloudEvents HTTP binding §3.2 and §3.3, in JSON.
const EVENTS: [&str; 2] = ["application/cloudevents+json", "application/cloudevents-batch+json"];

/// Refuses a `POST` of any other media type.
pub(super) async fn events_only(request: Request, next: Next) -> Response {
    if request.method() == Method::POST && !is_events(request.headers()) {
        let detail = format!("Content-Type must be {}\n", EVENTS.join(" or "));
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).into_response();
    }
    next.run(request).await
}

fn is_events(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()?.split(';').next());
    kind.is_some_and(|kind| EVENTS.iter().any(|events| kind.trim().eq_ignore_ascii_case(events)))
}
