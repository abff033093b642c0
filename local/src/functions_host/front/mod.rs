//! HTTP gateway of the host, its own port: HTTP functions, the Event Grid endpoint and the admin API.

mod admin;
mod claims;
mod forwarded;
mod headers;
mod home;
mod http_payload;
mod http_trigger;
mod key_admin;
mod key_store;
mod keys;
mod manual;
mod path;
mod query;
mod request;
mod routes;
mod state;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{Method, StatusCode, Uri};
use percent_encoding::percent_decode_str;

use self::request::{presented_key, query, read_body, text};
use super::triggers::answer_event_grid;
use crate::{faults::Faults, transport::PlainPath};
pub use key_store::KeysError;
pub(super) use key_store::SECRETS;
pub(crate) use keys::Keys;
pub(crate) use routes::Routes;
pub(crate) use state::Front;

#[cfg(test)]
pub(crate) use http_payload::{TriggerRequest, payload as http_payload};

/// The verbs of webhooks; others are looked for among the functions.
const WEBHOOK_VERBS: [Method; 5] = [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::OPTIONS];

/// The service on the port, behind its faults.
pub(crate) fn router(front: Arc<Front>, faults: &Faults) -> axum::Router {
    faults.guard(axum::Router::new().fallback(dispatch).with_state(front))
}

/// Faults that answer as the host does: with a status and no more, unless a text is asked for.
pub(crate) fn faults() -> Faults {
    Faults::new(|_, refusal| text(refusal.status, refusal.message.clone().unwrap_or_default()))
}

/// The host's own paths come first, then the functions, and a page that says that there is a host where none is for `/`.
async fn dispatch(State(front): State<Arc<Front>>, request: Request) -> Response {
    let Some(path) = judged(request.uri()) else {
        return text(StatusCode::BAD_REQUEST, "");
    };
    let own = path.to_ascii_lowercase();
    if own.starts_with("/admin/") {
        return admin::answer(&front, request).await;
    }
    if let Some(rest) = own.strip_prefix("/runtime/webhooks/")
        && let extension = rest.split('/').next().unwrap_or_default()
        && !extension.is_empty()
        && WEBHOOK_VERBS.contains(request.method())
    {
        return web_hook(front, extension, request).await;
    }
    http_trigger::answer(&front, &path, request).await
}

/// The path by which a request is let in, unescaped; `None` for one that others may read otherwise.
///
/// The real host answers 400 to an escaped NUL and to bytes that are no ASCII, in the query too. Dot segments and
/// backslashes it resolves first; here they are refused, escaped or not, for a handler may unescape before it resolves.
fn judged(uri: &Uri) -> Option<String> {
    let plain = PlainPath::new(uri.path()).filter(|_| uri.query().is_none_or(str::is_ascii))?;
    let decoded: Vec<u8> = percent_decode_str(plain.as_str()).collect();
    let is_dots = |segment: &[u8]| matches!(segment, b"." | b"..");
    let odd = decoded.contains(&0) || decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots);
    (!odd).then(|| path::unescaped(plain.as_str()))
}

/// The webhook of an extension, and whatever is below it.
async fn web_hook(front: Arc<Front>, extension: &str, request: Request) -> Response {
    if let Some(keys) = &front.keys
        && !keys.open_extension(extension, presented_key(&request).as_deref())
    {
        return text(StatusCode::UNAUTHORIZED, "");
    }
    match extension {
        // In a task of its own: a sender that hangs up, as Event Grid does after 30 s, must not cancel the function.
        "eventgrid" => tokio::spawn(async move { event_grid(&front, request).await })
            .await
            .unwrap_or_else(|_| text(StatusCode::INTERNAL_SERVER_ERROR, "")),
        "blobs" => blobs(&front, request).await,
        _ => text(StatusCode::NOT_FOUND, ""),
    }
}

async fn event_grid(front: &Front, request: Request) -> Response {
    let name = query(request.uri().query(), "functionName").unwrap_or_default();
    let (parts, body) = request.into_parts();
    let body = match read_body(&parts.headers, body).await {
        Ok(body) => body,
        Err(failure) => return failure.answer(),
    };
    let function = front.enabled(&name);
    answer_event_grid(&name, function, &front.invoker, &parts.method, &parts.headers, &body).await.map(Body::from)
}

/// Events for blob triggers; `functionName` is the function's id, `Host.Functions.<name>`.
async fn blobs(front: &Front, request: Request) -> Response {
    let id = query(request.uri().query(), "functionName").unwrap_or_default();
    let (parts, body) = request.into_parts();
    let body = match read_body(&parts.headers, body).await {
        Ok(body) => body,
        Err(failure) => return failure.answer(),
    };
    let function = id.strip_prefix("Host.Functions.").and_then(|name| front.enabled(name));
    front.blob_webhook.answer(&id, function, &parts.method, &parts.headers, &body).map(Body::from)
}

#[cfg(test)]
mod tests;
