//! The page of the host.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::request::text;

const HOME: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Functions host</title></head>\n\
    <body><h1>The functions host is running.</h1><p>It stands in for that of Azure.</p></body>\n</html>\n";

/// The page that says that there is a host.
pub(super) fn home() -> Response {
    let mut response = text(StatusCode::OK, HOME);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}
