//! `httpTrigger`: forwarded, or as an invocation with the request in `Data`.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tracing::warn;

use super::{
    forwarded::forward,
    http_payload::{TriggerRequest, payload},
    request::{origin, presented_key, read_body, text},
    state::Front,
};
use crate::{
    functions_host::{
        app::{Function, Level},
        invocation::{Outcome, http_result},
    },
    transport::PlainPath,
};

/// Answers a request for `path`, which is all that is looked at of its address but the query.
pub(super) async fn answer(front: &Front, path: &PlainPath, request: Request) -> Response {
    let Some((function, trigger, parameters)) = front.routes.find(request.method(), path.as_str()) else {
        return text(StatusCode::NOT_FOUND, "");
    };
    let presented = presented_key(&request);
    let key = match &front.keys {
        None => None,
        Some(keys) => {
            let known = presented.and_then(|presented| keys.named(&function.name, &presented));
            let open = match trigger.level {
                Level::Anonymous => true,
                Level::Admin => known.as_ref().is_some_and(|key| key.level == "Admin"),
                Level::Function => known.as_ref().is_some_and(|key| key.level != "System"),
            };
            if !open {
                return text(StatusCode::UNAUTHORIZED, "");
            }
            known
        }
    };
    let (mut parts, body) = request.into_parts();
    // In HTTP/2 the host is part of the address.
    if let (false, Some(host)) = (parts.headers.contains_key(header::HOST), parts.uri.authority())
        && let Ok(host) = HeaderValue::from_str(host.as_str())
    {
        parts.headers.insert(header::HOST, host);
    }
    let body = match read_body(&parts.headers, body).await {
        Ok(body) => body,
        Err(failure) => {
            warn!("Executed 'Functions.{}' (Failed): {failure}", function.name);
            return failure.answer();
        }
    };
    // Without a Content-Length the real host drops the body.
    let body = parts.headers.contains_key(header::CONTENT_LENGTH).then_some(body);
    if function.forwards_http(&front.app.host) {
        return forward(front, function, path, parts, body).await;
    }
    let incoming = TriggerRequest {
        url: absolute_url(&parts),
        method: parts.method,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        parameters,
        body,
        key,
    };
    invoke(front, function, &incoming).await
}

async fn invoke(front: &Front, function: &Arc<Function>, incoming: &TriggerRequest) -> Response {
    let payload = payload(&function.binding, incoming);
    let reason = "This function was programmatically called via the host APIs.";
    match front.invoker.run(function, reason, Ok(payload)).await {
        Outcome::Cancelled => text(StatusCode::SERVICE_UNAVAILABLE, ""),
        Outcome::Failed(_) => text(StatusCode::INTERNAL_SERVER_ERROR, ""),
        Outcome::Succeeded(answer) => match http_result(&answer, function.http_output.as_deref()) {
            Err(problem) => {
                warn!("'Functions.{}' gave an http output that cannot be used: {problem}", function.name);
                text(StatusCode::INTERNAL_SERVER_ERROR, "")
            }
            Ok(result) => {
                let mut response = text(StatusCode::from_u16(result.status).unwrap_or(StatusCode::OK), result.body);
                if let Some(content_type) = result.content_type {
                    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
                }
                for (name, value) in result.headers {
                    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                        response.headers_mut().insert(name, value);
                    }
                }
                response
            }
        },
    }
}

fn absolute_url(parts: &http::request::Parts) -> String {
    let origin = origin(&parts.extensions, &parts.headers);
    format!("{origin}{}", parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str))
}
