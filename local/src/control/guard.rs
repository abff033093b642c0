//! Cross-site protection: who may pull a lever is programs on this machine, and no web page from elsewhere.
//!
//! The port listens on loopback only, but a browser on this machine would carry requests there for any page. That a
//! request names a host of the stack and comes from no page of another host, every port checks (`transport::Hosts`).
//! Here it must also have a content type that a page cannot send without asking first, which is never granted.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header};

use super::problem::Problem;

pub(super) async fn admit(request: Request, next: Next) -> Response {
    if request.method() == Method::POST && !is_json(request.headers()) {
        let detail = "POST needs `Content-Type: application/json`.";
        return Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).into_response();
    }
    next.run(request).await
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok()?.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
