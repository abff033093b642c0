//! Who may pull a lever: programs on this machine, and no web page from elsewhere.
//!
//! The port listens on loopback only, but a browser on this machine would carry requests there for any page. So a
//! request must name a loopback host (else a name that was made to point here would do), must not come from a page of
//! another host, and must have a content type that a page cannot send without asking first, which is never granted.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header, uri::Authority};
use url::{Host, Url};

use super::problem::Problem;

pub(super) async fn admit(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(request: &Request) -> Result<(), Problem> {
    let forbidden = |detail: &str| Err(Problem::new(StatusCode::FORBIDDEN, detail));
    let headers = request.headers();
    let host = request.uri().host().map(str::to_owned).or_else(|| {
        let authority: Authority = text(headers, header::HOST)?.parse().ok()?;
        Some(authority.host().to_owned())
    });
    if !host.is_some_and(|host| is_loopback(&host)) {
        return forbidden("The Host header must name this machine: localhost, 127.0.0.1 or [::1].");
    }
    let foreign_origin = headers.contains_key(header::ORIGIN)
        && !text(headers, header::ORIGIN).and_then(|origin| Url::parse(origin).ok()).is_some_and(|url| local(&url));
    let cross_site = text(headers, "sec-fetch-site").is_some_and(|site| site == "cross-site");
    if foreign_origin || cross_site {
        return forbidden("Pages of other hosts may not use the control port.");
    }
    if request.method() == Method::POST && !is_json(headers) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "POST needs `Content-Type: application/json`."));
    }
    Ok(())
}

fn is_json(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE)
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
