//! `httpTrigger`: forwarded as it came, or as an invocation with the request in `Data`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{body::Body, extract::Request, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::{Value as Json, json};
use tracing::{debug, warn};
use uuid::Uuid;

use super::{
    request::{is_hop_by_hop, presented_key, read_body, text},
    state::Front,
};
use crate::{
    functions_host::{
        app::{Function, Parameters},
        invocation::{Metadata, Outcome, Payload, Value, host_headers, http_result},
    },
    transport::PlainPath,
};

/// Answers a request for `path`, which is all that is looked at of its address but the query.
pub(super) async fn answer(front: &Front, path: &PlainPath, request: Request) -> Response {
    let Some((function, trigger, parameters)) = front.routes.find(request.method(), path.as_str()) else {
        return text(StatusCode::NOT_FOUND, "");
    };
    if let Some(keys) = &front.keys
        && !keys.open(&function.name, trigger.level, presented_key(&request).as_deref())
    {
        return text(StatusCode::UNAUTHORIZED, "");
    }
    let (parts, body) = request.into_parts();
    let body = match read_body(&parts.headers, body).await {
        Ok(body) => body,
        Err(status) => return text(status, ""),
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
    };
    invoke(front, function, &incoming).await
}

/// Original method, path, query and headers; whatever comes back goes to the caller, and the function succeeded.
async fn forward(
    front: &Front,
    function: &Arc<Function>,
    path: &PlainPath,
    parts: http::request::Parts,
    body: Option<Bytes>,
) -> Response {
    let invocation = Uuid::new_v4();
    let mut headers = end_to_end(&parts.headers);
    // The client states the length of what it sends.
    headers.remove(header::CONTENT_LENGTH);
    headers.extend(host_headers(invocation));
    let query = parts.uri.query();
    debug!(
        "Executing 'Functions.{}' (Reason='This function was programmatically called via the host APIs.', Id={invocation})",
        function.name
    );
    let started = tokio::time::Instant::now();
    let client = front.invoker.client.clone();
    let sent = front
        .invoker
        .within_timeout(
            |port| async move { client.forward(port, parts.method.clone(), path, query, headers, body).await },
        )
        .await;
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
            let headers = end_to_end(answer.headers());
            let (parts, body) = answer.into_parts();
            let mut response = Response::new(Body::new(body));
            *response.status_mut() = parts.status;
            *response.headers_mut() = headers;
            response
        }
    }
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

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| !is_hop_by_hop(name, headers))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn absolute_url(parts: &http::request::Parts) -> String {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}{}", parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str))
}

/// A request to a function that is not forwarded.
pub(crate) struct TriggerRequest {
    pub(crate) url: String,
    pub(crate) method: Method,
    /// Raw, without the question mark.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) parameters: Parameters,
    /// `None` without a `Content-Length`.
    pub(crate) body: Option<Bytes>,
}

/// `Data.<name>` for a request, which is built apart from the value rule.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RequestObject<'a> {
    url: &'a str,
    method: &'a str,
    query: BTreeMap<String, String>,
    headers: Ordered<Vec<String>>,
    params: &'a Parameters,
    identities: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// A map in the order of its entries.
struct Ordered<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The invocation of a request: the body's members, the query (without `code`), the route parameters, then `Query` and
/// `Headers` as maps.
pub(crate) fn payload<'a>(binding: &'a str, incoming: &'a TriggerRequest) -> Payload<'a> {
    let query = query_map(&incoming.query);
    let body = incoming.body.as_ref().filter(|body| !body.is_empty()).map(|body| body_text(&incoming.headers, body));
    let mut metadata = Metadata::default();
    if let Some(body) = &body {
        metadata.merge_body(body);
    }
    for (name, value) in query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("code")) {
        metadata.add(name.clone(), Value::json(value.clone()));
    }
    for (name, value) in &incoming.parameters {
        metadata.add(name.clone(), Value::json(value));
    }
    metadata.add("Query", Value::json(query.clone()));
    let flat = headers(&incoming.headers).0.into_iter().map(|(name, values)| (name, values.join(",")));
    metadata.add("Headers", Value::json(Ordered(flat.collect())));
    metadata.add_sys();
    let size_hint = body.as_ref().map_or(0, String::len) * 2 + 2048;
    let request = RequestObject {
        url: &incoming.url,
        method: incoming.method.as_str(),
        query,
        headers: headers(&incoming.headers),
        params: &incoming.parameters,
        identities: identities(),
        body,
    };
    Payload { data: (binding, Value::json(request)), metadata, size_hint }
}

/// Repeated parameters are joined by commas.
fn query_map(query: &str) -> BTreeMap<String, String> {
    let mut map = BTreeMap::<String, String>::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        map.entry(name.into_owned())
            .and_modify(|present| {
                present.push(',');
                present.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    map
}

/// Header names in the spelling of .NET's well-known headers.
fn headers(headers: &HeaderMap) -> Ordered<Vec<String>> {
    let values = |name: &HeaderName| {
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    };
    Ordered(headers.keys().map(|name| (title_case(name.as_str()), values(name))).collect())
}

fn title_case(name: &str) -> String {
    let capital = |part: &str| {
        let (first, rest) = part.split_at_checked(1).unwrap_or((part, ""));
        first.to_uppercase() + rest
    };
    name.split('-').map(capital).collect::<Vec<_>>().join("-")
}

/// Text as it is; binary content types as base64.
fn body_text(headers: &HeaderMap, body: &[u8]) -> String {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.to_ascii_lowercase();
    if content_type.starts_with("application/octet-stream") || content_type.starts_with("multipart/") {
        STANDARD.encode(body)
    } else {
        String::from_utf8_lossy(body).into_owned()
    }
}

/// What a caller is on a host that stands in for Core Tools; handlers ignore it.
fn identities() -> Json {
    json!([{
        "AuthenticationType": "WebJobsAuthLevel", "IsAuthenticated": true, "Actor": null, "BootstrapContext": null,
        "Claims": [{
            "Issuer": "LOCAL AUTHORITY", "OriginalIssuer": "LOCAL AUTHORITY", "Properties": {},
            "Type": "http://schemas.microsoft.com/2017/07/functions/claims/authlevel", "Value": "Admin",
            "ValueType": "http://www.w3.org/2001/XMLSchema#string"
        }],
        "Label": null, "Name": null, "NameClaimType": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
        "RoleClaimType": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
    }])
}
