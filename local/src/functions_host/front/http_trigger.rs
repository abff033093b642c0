//! `httpTrigger`: forwarded, or as an invocation with the request in `Data`.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tracing::warn;

use super::{
    forwarded::forward,
    home::home,
    http_payload::{TriggerRequest, payload},
    path::{forwarded, shown},
    request::{origin, presented_key, read_body, text},
    state::Front,
};
use crate::{
    functions_host::{
        app::{Function, Level},
        invocation::{HttpResult, Outcome, http_result},
    },
    transport::PlainPath,
};

/// Answers a request for an unescaped `path`, which is all that is looked at of its address but the query.
pub(super) async fn answer(front: &Front, path: &str, request: Request) -> Response {
    let Some((function, trigger, parameters)) = front.routes.find(request.method(), path) else {
        return if path == "/" { home() } else { text(StatusCode::NOT_FOUND, "") };
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
    if function.disabled && key.as_ref().is_none_or(|key| key.level != "Admin") {
        return text(StatusCode::NOT_FOUND, "");
    }
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
        return match forwarded(path).and_then(|path| PlainPath::new(&path)) {
            Some(path) => forward(front, function, &path, parts, body).await,
            None => text(StatusCode::BAD_REQUEST, ""),
        };
    }
    let incoming = TriggerRequest {
        url: absolute_url(&parts, path),
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
            Err(problem) => unusable(function, &problem),
            Ok(result) => written(result).unwrap_or_else(|problem| unusable(function, &problem)),
        },
    }
}

fn unusable(function: &Function, problem: &str) -> Response {
    warn!("'Functions.{}' gave an http output that cannot be used: {problem}", function.name);
    text(StatusCode::INTERNAL_SERVER_ERROR, "")
}

/// The response, if HTTP has such a one; of a header that comes twice the first counts.
fn written(result: HttpResult) -> Result<Response, String> {
    let status = StatusCode::from_u16(result.status).map_err(|error| error.to_string())?;
    let mut response = text(status, result.body);
    for (name, value) in result.headers {
        let no_header = |problem: http::Error| format!("header '{name}': {problem}");
        let parsed = HeaderName::try_from(&name).map_err(http::Error::from);
        let value = HeaderValue::try_from(value).map_err(http::Error::from).map_err(no_header)?;
        match parsed.map_err(no_header)? {
            // Of the connection, which is the server's.
            header::CONTENT_LENGTH | header::TRANSFER_ENCODING => {}
            name => drop(response.headers_mut().entry(name).or_insert(value)),
        }
    }
    if let Some(content_type) = result.content_type {
        let content_type = HeaderValue::try_from(content_type).map_err(|error| error.to_string())?;
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    Ok(response)
}

/// The address that was asked for, its path escaped anew.
fn absolute_url(parts: &http::request::Parts, path: &str) -> String {
    let query = parts.uri.query().map_or_else(String::new, |query| format!("?{query}"));
    origin(&parts.extensions, &parts.headers) + &shown(path) + &query
}
