//! Forwarded requests: an HTTP function whose request goes to the handler itself, and whose answer is the handler's.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::ext::ReasonPhrase;
use tracing::{debug, warn};
use uuid::Uuid;

use super::{
    headers::passed_on,
    query::Query,
    request::{is_hop_by_hop, text},
    state::Front,
};
use crate::{
    functions_host::{
        app::Function,
        invocation::{Failure, add_host_headers},
    },
    transport::PlainPath,
};

/// Why the real host does not forward a body without a length: the exception of .NET's client.
const CHUNKED: &str = "'Transfer-Encoding: chunked' header can not be used when content object is not specified";

/// Sends method, path, query and headers on, as the host writes them; whatever comes back goes to the caller, and the function
/// succeeded.
pub(super) async fn forward(
    front: &Front,
    function: &Arc<Function>,
    path: &PlainPath,
    parts: Parts,
    body: Option<Bytes>,
) -> Response {
    let invocation = Uuid::new_v4();
    debug!(
        "Executing 'Functions.{}' (Reason='This function was programmatically called via the host APIs.', Id={invocation})",
        function.name
    );
    let started = tokio::time::Instant::now();
    let sent = send(front, path, &parts, body, invocation).await;
    let milliseconds = started.elapsed().as_millis();
    match sent {
        // Whoever stops the host knows that calls under way end with it.
        Err(_) if front.invoker.stopping.is_cancelled() => text(StatusCode::SERVICE_UNAVAILABLE, ""),
        Err(failure) => {
            warn!(
                "Executed 'Functions.{}' (Failed, Id={invocation}, Duration={milliseconds}ms): {failure}",
                function.name
            );
            text(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
        Ok(answer) => {
            debug!("Executed 'Functions.{}' (Succeeded, Id={invocation}, Duration={milliseconds}ms)", function.name);
            let (parts, body) = answer.into_parts();
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = parts.status;
            *response.headers_mut() = end_to_end(&parts.headers);
            if let Some(phrase) = parts.extensions.get::<ReasonPhrase>() {
                response.extensions_mut().insert(phrase.clone());
            }
            response
        }
    }
}

async fn send(
    front: &Front,
    path: &PlainPath,
    parts: &Parts,
    body: Option<Bytes>,
    invocation: Uuid,
) -> Result<http::Response<Bytes>, Failure> {
    if parts.headers.contains_key(header::TRANSFER_ENCODING) {
        let problem = format!("{CHUNKED}. Azure does not forward such a body either: send a Content-Length");
        return Err(Failure::Unsent(problem));
    }
    let mut headers = passed_on(&parts.headers);
    add_host_headers(&mut headers, invocation);
    let body = body.unwrap_or_default();
    if !body.is_empty() || says_its_length(&normal(&parts.method)) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    // Of the headers that .NET counts to a body the host takes this one along, with a body.
    if let Some(content_type) = parts.headers.get(header::CONTENT_TYPE).filter(|_| !body.is_empty()) {
        headers.insert(header::CONTENT_TYPE, content_type.clone());
    }
    let query = parts.uri.query().and_then(|query| Query::parse(query).written());
    let target = path.at("", query.as_deref());
    let (client, method) = (&front.invoker.client, &normal(&parts.method));
    let (target, headers, body) = (&target, &headers, &body);
    front.invoker.within_timeout(|port| client.forward(port, method, target, headers, body)).await
}

/// A method as .NET's client writes it: one that it knows in upper case.
fn normal(method: &Method) -> Method {
    let known = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS];
    let mut known = known.into_iter().chain([Method::PATCH, Method::TRACE, Method::CONNECT]);
    known.find(|known| known.as_str().eq_ignore_ascii_case(method.as_str())).unwrap_or_else(|| method.clone())
}

/// Whether .NET's client writes a length though there is no body.
fn says_its_length(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::DELETE | Method::CONNECT)
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| !is_hop_by_hop(name, headers))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
