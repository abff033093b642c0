//! Host check: the names that a port answers to, and the pages that may call it.
//!
//! DNS rebinding: a name that somebody made to point to 127.0.0.1 leads a browser to these ports, and to the browser the
//! page of that name and what answers here are one origin. The listeners cannot tell, but the request names its host, so
//! only names that are this machine's count (RFC 9110 §7.4): `localhost`, loopback addresses, and those that were added.
//! Another is misdirected, 421 (§15.5.20).
//!
//! Cross-site requests: any page may have a browser send some requests here without asking. They say where they come
//! from by `Origin`, or by `Sec-Fetch-Site` where they have none (Fetch Metadata).

use std::{collections::BTreeSet, str::FromStr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, header, uri::Authority};
use serde_json::json;
use url::{Host, Url};

/// A name or address, as it stands in a `Host` header, without a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostName(Host);

/// No name and no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host name: give a name such as `shop.test` or an address, without scheme, port and path")]
pub struct InvalidHost(String);

impl FromStr for HostName {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let invalid = || InvalidHost(text.to_owned());
        // In a header and in an address it stands in brackets, alone it may not.
        if let Ok(address) = text.parse() {
            return Ok(Self(Host::Ipv6(address)));
        }
        match Host::parse(text).map_err(|_| invalid())? {
            // The root's dot at the end makes no other name of it.
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                if name.is_empty() { Err(invalid()) } else { Ok(Self(Host::Domain(name.to_owned()))) }
            }
            address => Ok(Self(address)),
        }
    }
}

impl HostName {
    /// Of `Host`, or a target's authority: whatever the port.
    fn of_authority(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok().filter(|_| !text.contains('@'))?;
        authority.host().parse().ok()
    }

    fn is_loopback(&self) -> bool {
        match &self.0 {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.to_canonical().is_loopback(),
        }
    }

    /// The name where it is below `localhost`: no resolver leads it elsewhere (RFC 6761 §6.3), and the stack's authority may
    /// sign for it.
    pub(crate) fn below_localhost(&self) -> Option<&str> {
        match &self.0 {
            Host::Domain(name) => Some(name.as_str()).filter(|name| name.ends_with(".localhost")),
            _ => None,
        }
    }
}

/// The hosts a port answers to: this machine's, and those that were added. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Arc<BTreeSet<HostName>>);

impl FromIterator<HostName> for Hosts {
    /// This machine's hosts and `added`.
    fn from_iter<I: IntoIterator<Item = HostName>>(added: I) -> Self {
        Self(Arc::new(added.into_iter().collect()))
    }
}

impl Hosts {
    /// Those that were added.
    pub(crate) fn added(&self) -> impl Iterator<Item = &HostName> {
        self.0.iter()
    }

    /// Refuses requests to `router` that name no host (400), or another one (421).
    pub fn guard(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), admit))
    }

    /// Refuses what pages of other hosts send to `router` (403). For routes that no page needs: this is not how the
    /// functions of an app decide, which is by CORS.
    pub fn guard_from_pages(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), admit_page))
    }

    /// Whether a page of another host sent a request with these headers, as far as its browser says.
    #[must_use]
    pub fn is_from_elsewhere(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).into_iter().peekable();
        if origins.peek().is_none() {
            return headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
        }
        // An opaque origin, `null`, is anybody's.
        origins.any(|origin| !self.include_origin(origin))
    }

    fn include_origin(&self, origin: &HeaderValue) -> bool {
        let url = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
        url.and_then(|url| url.host_str()?.parse().ok()).is_some_and(|host| self.include(&host))
    }

    fn include(&self, host: &HostName) -> bool {
        host.is_loopback() || self.0.contains(host)
    }

    /// What is wrong with the hosts that a request names: in its target, as HTTP/2 does and HTTP/1.1 may, and in `Host`.
    pub(crate) fn refusal<B>(&self, request: &http::Request<B>) -> Option<Response> {
        let named: Vec<&HeaderValue> = request.headers().get_all(header::HOST).iter().collect();
        let target = request.uri().authority().map(Authority::as_str);
        if named.len() > 1 || (named.is_empty() && target.is_none()) {
            return Some(problem(
                StatusCode::BAD_REQUEST,
                "A request names one host, in its Host header (RFC 9112 §3.2).",
            ));
        }
        let hosts = target.map(Some).into_iter().chain(named.into_iter().map(|host| host.to_str().ok()));
        for host in hosts {
            let Some(name) = host.and_then(HostName::of_authority) else {
                return Some(problem(StatusCode::BAD_REQUEST, "The Host header names no host."));
            };
            if !self.include(&name) {
                let detail = format!(
                    "This port answers to localhost and loopback addresses, not to {name}. Where that name is meant to lead \
                     here, start the stack with `--host {name}`.",
                    name = name.0
                );
                return Some(problem(StatusCode::MISDIRECTED_REQUEST, &detail));
            }
        }
        None
    }
}

async fn admit(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match hosts.refusal(&request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

async fn admit_page(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.is_from_elsewhere(request.headers()) {
        return foreign_page();
    }
    next.run(request).await
}

/// The answer to what pages of other hosts may not send.
pub(crate) fn foreign_page() -> Response {
    problem(StatusCode::FORBIDDEN, "Pages of other hosts may not do this (Origin, Sec-Fetch-Site).")
}

/// A problem document (RFC 9457).
fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Refused");
    let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
