//! Invocation of an HTTP function whose request is not forwarded: the request as a value in `Data`, and what of it is
//! binding data.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde::Serialize;

use super::{
    claims::{ClaimsIdentity, PresentedKey, identity},
    headers::{names, values},
    query::Query,
};
use crate::functions_host::{
    app::Parameters,
    invocation::{Metadata, Payload, Value, spelled, text_of},
};

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
    /// The key that the caller brought, where it opens something.
    pub(crate) key: Option<PresentedKey>,
}

/// `Data.<name>` for a request, which is built apart from the value rule.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RequestObject<'a> {
    url: &'a str,
    method: &'a str,
    query: Ordered<String>,
    headers: Ordered<Vec<String>>,
    params: Ordered<Option<String>>,
    identities: [ClaimsIdentity; 1],
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
/// `Headers` as maps, unless something before them has the name. Of a parameter that is repeated, the request has all values and the binding data the last.
pub(crate) fn payload<'a>(binding: &'a str, incoming: &'a TriggerRequest) -> Payload<'a> {
    let query = Query::parse(&incoming.query);
    let body = incoming.body.as_ref().filter(|body| !body.is_empty());
    let mut metadata = Metadata::default();
    if let Some(body) = body {
        metadata.merge_body(&text_of(body));
    }
    let body = body.map(|body| shown_body(&incoming.headers, body));
    let last = query.last();
    for (name, value) in last.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("code")) {
        metadata.add(name.clone(), Value::json(value.clone()));
    }
    for (name, value) in &incoming.parameters {
        if let Some(value) = value {
            metadata.add(name.clone(), Value::json(value));
        }
    }
    metadata.add_unless_there("Query", Value::json(Ordered(last)));
    let headers: Vec<(String, Vec<String>)> = names(&incoming.headers)
        .into_iter()
        .map(|name| (spelled(name.as_str()), values(&incoming.headers, name)))
        .collect();
    let flat = headers.iter().map(|(name, values)| (name.clone(), values.join(","))).collect();
    metadata.add_unless_there("Headers", Value::json(Ordered(flat)));
    metadata.add_sys();
    let size_hint = body.as_ref().map_or(0, String::len) * 2 + 2048;
    let request = RequestObject {
        url: &incoming.url,
        method: incoming.method.as_str(),
        query: Ordered(query.joined()),
        headers: Ordered(headers),
        params: Ordered(incoming.parameters.clone()),
        identities: [identity(incoming.key.as_ref())],
        body,
    };
    Payload { data: (binding, Value::json(request)), metadata, size_hint }
}

/// Text as it is; binary content types as base64.
fn shown_body(headers: &HeaderMap, body: &[u8]) -> String {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.to_ascii_lowercase();
    if content_type.starts_with("application/octet-stream") || content_type.starts_with("multipart/") {
        STANDARD.encode(body)
    } else {
        text_of(body).into_owned()
    }
}
