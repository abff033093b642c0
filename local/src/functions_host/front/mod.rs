//! The host's own HTTP port: HTTP functions, the Event Grid endpoint and the admin API.

mod admin;
mod constraint;
mod http_trigger;
mod key_admin;
mod key_store;
mod keys;
mod route;
mod routes;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;

use super::app::{App, Function};
use super::invocation::Invoker;
use super::levers::Levers;
use super::triggers::{BlobWebhook, TimerHandle, answer_event_grid};
use crate::faults::Faults;
use crate::transport::{Hosts, PlainPath};

pub use key_store::KeysError;
pub(super) use key_store::SECRETS;
pub(crate) use keys::Keys;
pub(crate) use route::RouteTemplate;

#[cfg(test)]
pub(crate) use http_trigger::{Incoming, payload as http_payload};

use routes::Routes;

/// Largest request body, `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT` of the real host.
const BODY_LIMIT: usize = 104_857_600;
/// Bytes beyond it that are read and dropped.
const DRAIN: usize = BODY_LIMIT;

/// Everything a request may need.
pub(crate) struct Front {
    pub(crate) app: App,
    pub(crate) invoker: Invoker,
    pub(crate) host_id: String,
    /// `None` where keys are not asked for.
    pub(crate) keys: Option<Keys>,
    pub(crate) timers: BTreeMap<String, TimerHandle>,
    pub(in crate::functions_host) levers: Levers,
    blob_webhook: BlobWebhook,
    routes: Routes,
    hosts: Hosts,
}

impl Front {
    pub(in crate::functions_host) fn new(
        app: App,
        invoker: Invoker,
        host_id: String,
        keys: Option<Keys>,
        timers: BTreeMap<String, TimerHandle>,
        levers: Levers,
        blob_webhook: BlobWebhook,
    ) -> Self {
        let routes = Routes::new(&app);
        Self { app, invoker, host_id, keys, timers, levers, blob_webhook, routes, hosts: Hosts::default() }
    }

    /// On a port that answers to `hosts`.
    pub(in crate::functions_host) fn on(self, hosts: &Hosts) -> Self {
        Self { hosts: hosts.clone(), ..self }
    }

    fn enabled(&self, name: &str) -> Option<&Arc<Function>> {
        self.app.enabled().find(|function| function.name == name)
    }
}

/// The service on the port, behind its faults.
pub(crate) fn router(front: Arc<Front>, faults: &Faults) -> axum::Router {
    faults.guard(axum::Router::new().fallback(dispatch).with_state(front))
}

/// Faults that answer as the host does: with a status and no more, unless a text is asked for.
pub(crate) fn faults() -> Faults {
    Faults::new(|_, refusal| text(refusal.status, refusal.message.clone().unwrap_or_default()))
}

async fn dispatch(State(front): State<Arc<Front>>, request: Request) -> Response {
    let Some(target) = judged(request.uri()) else {
        return text(StatusCode::BAD_REQUEST, "");
    };
    let path = target.as_str().trim_end_matches('/').to_ascii_lowercase();
    match path.as_str() {
        "" if matches!(*request.method(), Method::GET | Method::HEAD) => {
            text(StatusCode::OK, "Your Functions host is up and running.")
        }
        "/runtime/webhooks/eventgrid" => {
            // In a task of its own: a sender that hangs up, as Event Grid does after 30 s, must not cancel the function.
            tokio::spawn(async move { event_grid(&front, request).await })
                .await
                .unwrap_or_else(|_| text(StatusCode::INTERNAL_SERVER_ERROR, ""))
        }
        "/runtime/webhooks/blobs" => blobs(&front, request).await,
        _ if path.starts_with("/admin/") => admin::answer(&front, request).await,
        _ => http_trigger::answer(&front, &target, request).await,
    }
}

/// The path by which a request is let in and which is forwarded; `None` for one that others may read otherwise.
///
/// The real host answers 400 to an escaped NUL and to bytes that are no ASCII, in the query too. Dot segments and
/// backslashes it resolves first; here they are refused, escaped or not, for a handler may unescape before it resolves.
fn judged(uri: &Uri) -> Option<PlainPath> {
    let path = PlainPath::new(uri.path()).filter(|_| uri.query().is_none_or(str::is_ascii))?;
    let decoded: Vec<u8> = percent_decode_str(path.as_str()).collect();
    let is_dots = |segment: &[u8]| matches!(segment, b"." | b"..");
    let odd = decoded.contains(&0) || decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots);
    (!odd).then_some(path)
}

async fn event_grid(front: &Front, request: Request) -> Response {
    if let Some(keys) = &front.keys
        && !keys.open_event_grid(presented_key(&request).as_deref())
    {
        return text(StatusCode::UNAUTHORIZED, "");
    }
    let name = query(request.uri().query(), "functionName");
    let (parts, body) = request.into_parts();
    let body = match read_body(&parts.headers, body).await {
        Ok(body) => body,
        Err(status) => return text(status, ""),
    };
    let function = name.and_then(|name| front.enabled(&name).cloned());
    answer_event_grid(function.as_ref(), &front.invoker, &parts.method, &parts.headers, &body).await.map(Body::from)
}

/// Events for blob triggers; `functionName` is the function's id, `Host.Functions.<name>`.
async fn blobs(front: &Front, request: Request) -> Response {
    if let Some(keys) = &front.keys
        && !keys.open_blobs(presented_key(&request).as_deref())
    {
        return text(StatusCode::UNAUTHORIZED, "");
    }
    let id = query(request.uri().query(), "functionName").unwrap_or_default();
    let (parts, body) = request.into_parts();
    let body = match read_body(&parts.headers, body).await {
        Ok(body) => body,
        Err(status) => return text(status, ""),
    };
    let function = id.strip_prefix("Host.Functions.").and_then(|name| front.enabled(name));
    front.blob_webhook.answer(function, &parts.method, &parts.headers, &body).map(Body::from)
}

/// Reads a body up to the host's limit. What goes beyond is read on and dropped, up to [`DRAIN`], since a client that sends
/// all of it before it reads would otherwise find the connection reset instead of the answer.
async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, StatusCode> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut fits = length.is_none_or(|length| length <= BODY_LIMIT);
    if !fits && headers.contains_key(header::EXPECT) {
        // Who waits for `100 Continue` sends nothing.
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut whole = BytesMut::new();
    let mut received = 0;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        if received == 0 && fits {
            // Not before: the first piece waits for its room in the memory that there is for bodies.
            whole.reserve(length.unwrap_or_default());
        }
        received += piece.len();
        if received > BODY_LIMIT && fits {
            (fits, whole) = (false, BytesMut::new());
        }
        match fits {
            true => whole.extend_from_slice(&piece),
            false if received > BODY_LIMIT + DRAIN => break,
            false => {}
        }
    }
    if fits { Ok(whole.freeze()) } else { Err(StatusCode::PAYLOAD_TOO_LARGE) }
}

/// The key of `x-functions-key` or `?code=`.
fn presented_key(request: &Request) -> Option<String> {
    let header = request.headers().get("x-functions-key").and_then(|value| value.to_str().ok());
    header.map(str::to_owned).or_else(|| query(request.uri().query(), "code"))
}

/// The first value of a query parameter, its name in whatever case.
fn query(query: Option<&str>, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query?.as_bytes())
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
}

fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

/// Headers that belong to one connection and are not passed on (RFC 9110 §7.6.1).
fn is_hop_by_hop(name: &header::HeaderName, headers: &HeaderMap) -> bool {
    const FIXED: [&str; 8] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let named = |value: &http::HeaderValue| {
        value.to_str().is_ok_and(|list| list.split(',').any(|entry| entry.trim().eq_ignore_ascii_case(name.as_str())))
    };
    FIXED.contains(&name.as_str()) || headers.get_all(header::CONNECTION).iter().any(named)
}

#[cfg(test)]
mod tests;
