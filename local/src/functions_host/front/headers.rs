//! Request headers as ASP.NET's server hands them on: those it knows in an order of its own, then the others as they came.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The known ones in their order: the frequent ones, then the others by name, the length of the body last.
const KNOWN: [&str; 38] = [
    "accept",
    "connection",
    "host",
    "user-agent",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "access-control-request-method",
    "alt-used",
    "authorization",
    "baggage",
    "cache-control",
    "content-type",
    "cookie",
    "correlation-context",
    "date",
    "expect",
    "from",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "proxy-authorization",
    "range",
    "referer",
    "request-id",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
];

/// Headers that in .NET belong to a body; a request takes none of them.
const OF_BODY: [&str; 11] = [
    "allow",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "expires",
    "last-modified",
];

/// The names in the order in which the server lists them, each once.
pub(super) fn names(headers: &HeaderMap) -> Vec<&HeaderName> {
    let place = |name: &&HeaderName| {
        let known = KNOWN.iter().position(|known| *known == name.as_str());
        match known {
            None if *name == header::CONTENT_LENGTH => KNOWN.len(),
            None => KNOWN.len() + 1,
            Some(place) => place,
        }
    };
    let mut names: Vec<&HeaderName> = headers.keys().collect();
    names.sort_by_key(place);
    names
}

/// The values of a header, each as it came.
pub(super) fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// What of a request's headers goes on to the handler, in order: a header that came more than once is one line, and those of a
/// body stay behind. What belongs to the connection goes along.
pub(super) fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let names = names(headers).into_iter().filter(|name| !OF_BODY.contains(&name.as_str()));
    names.filter_map(|name| Some((name.clone(), joined(headers, name)?))).collect()
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    let separator: &[u8] = match name.as_str() {
        "cookie" => b"; ",
        "user-agent" => b" ",
        _ => b", ",
    };
    let mut whole = first.as_bytes().to_vec();
    for value in values {
        whole.extend_from_slice(separator);
        whole.extend_from_slice(value.as_bytes());
    }
    HeaderValue::from_bytes(&whole).ok()
}
