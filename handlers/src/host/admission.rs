//! Who may send invocations: the host, which is on this machine, and no web page.
//!
//! The port listens on loopback only, but a browser on this machine carries requests there for any page that it shows. The host
//! names the port by a loopback address, sends JSON, and is no page: so a request for another name (which may have been made to
//! point here), with an `Origin`, or of a media type that pages may send without asking (the Fetch standard's "CORS-safelisted"
//! ones) is refused. HTTP functions are for everyone, and keep their callers' headers.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{
        HeaderMap, StatusCode,
        header::{AsHeaderName, CONTENT_TYPE, HOST, ORIGIN},
        uri::Authority,
    },
    middleware::Next,
    response::Response,
};

use super::response::problem;

pub(super) async fn from_the_host(request: Request, next: Next) -> Response {
    match refusal(&request) {
        None => next.run(request).await,
        Some((status, detail)) => {
            tracing::warn!(path = request.uri().path(), detail, "an invocation is refused");
            problem(status.as_u16(), "Invocation refused", detail)
        }
    }
}

fn refusal(request: &Request) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    // HTTP/2, and the absolute form of HTTP/1.1, name the host in the target. What is named must be loopback wherever it stands.
    let target = request.uri().authority().map(Authority::as_str);
    let names = || target.into_iter().map(Some).chain(values(headers, HOST));
    if names().next().is_none() || !names().all(|name| name.is_some_and(is_loopback)) {
        let detail = "Invocations are taken from the Functions host on this machine only: the Host header must be 127.0.0.1, [::1] or \
                      localhost.";
        return Some((StatusCode::FORBIDDEN, detail));
    }
    if headers.contains_key(ORIGIN) {
        return Some((StatusCode::FORBIDDEN, "Invocations are not taken from web pages: there is an Origin header."));
    }
    let mut types = values(headers, CONTENT_TYPE);
    if !(types.next().flatten().is_some_and(is_json) && types.next().is_none()) {
        return Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "An invocation's Content-Type must be application/json."));
    }
    None
}

/// Each value of a header; `None` for one that is no text.
fn values(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = Option<&str>> {
    headers.get_all(name).into_iter().map(|value| value.to_str().ok())
}

fn is_loopback(authority: &str) -> bool {
    let Some(host) =
        authority.parse().ok().filter(|_| !authority.contains('@')).map(|name: Authority| name.host().to_owned())
    else {
        return false;
    };
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
