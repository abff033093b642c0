//! Who may call: the check of the `Authorization` header, in one place.
//!
//! Shared key as in "Access control in the Azure Cosmos DB SQL API": HMAC-SHA256 over
//! `verb \n resource type \n resource link \n date \n \n`, verb and date in lower case. The date is not compared with
//! the clock, because tests step the stack's clock and not their client's.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;

use super::request::Request;

/// Why a request is not let in; the display is the message of the 401.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("Required header authorization is missing.")]
    Missing,
    #[error("Required header x-ms-date is missing.")]
    NoDate,
    #[error("The authorization header is not of the form type=master&ver=1.0&sig=<signature>.")]
    Malformed,
    #[error(
        "The authorization token does not fit this request: check the account key, and that the client signed the payload \
         {0:?}."
    )]
    WrongSignature(String),
}

/// Lets a request in that is signed with the account key `key` (base64).
pub(super) fn authorize(request: &Request, key: &str) -> Result<(), Denied> {
    let header = request.header(http::header::AUTHORIZATION).ok_or(Denied::Missing)?;
    let signature = signature_of(header).ok_or(Denied::Malformed)?;
    let date = request.header("x-ms-date").or_else(|| request.header(http::header::DATE)).ok_or(Denied::NoDate)?;
    let key = STANDARD.decode(key).map_err(|_| Denied::Malformed)?;
    let segments = request.segments();
    let (resource_type, link) = resource(&segments);
    let payload = |link: &str| {
        format!("{}\n{resource_type}\n{link}\n{}\n\n", request.method.as_str().to_lowercase(), date.to_lowercase())
    };
    // Clients sign the link decoded; an id that reads the same encoded makes no difference, and some sign it as sent.
    let as_sent = &request.path[..request.path.len().min(encoded_length(&request.path, segments.len()))];
    let signs = |link: &str| {
        Hmac::<Sha256>::new_from_slice(&key)
            .is_ok_and(|mac| mac.chain_update(payload(link)).verify_slice(&signature).is_ok())
    };
    if signs(&link) || signs(as_sent) || (resource_type == "offers" && signs(&offer_id(&segments))) {
        Ok(())
    } else {
        Err(Denied::WrongSignature(payload(&link)))
    }
}

/// The raw signature inside the URL-encoded header.
fn signature_of(header: &str) -> Option<Vec<u8>> {
    let decoded: Cow<'_, str> = percent_decode_str(header).decode_utf8().ok()?;
    let signature = decoded.strip_prefix("type=master&ver=1.0&sig=")?;
    STANDARD.decode(signature).ok()
}

/// Resource type and link of a path: of an item, its own path; of a feed, the path of its parent.
fn resource<'a>(segments: &[&'a str]) -> (&'a str, String) {
    match segments {
        [] => ("", String::new()),
        // The one operation that is neither a feed nor a resource.
        [container @ .., "operations", "partitionkeydelete"] => ("partitionkey", container.join("/")),
        [.., kind, _] if segments.len().is_multiple_of(2) => (kind, segments.join("/")),
        [parent @ .., kind] => (kind, parent.join("/")),
    }
}

/// Bytes of an encoded path that belong to the link: all of it for an item, without the last segment for a feed.
fn encoded_length(path: &str, segments: usize) -> usize {
    if segments.is_multiple_of(2) { path.len() } else { path.rfind('/').unwrap_or(0) }
}

/// Offers have no names: their link is the resource id alone, in lower case.
fn offer_id(segments: &[&str]) -> String {
    segments.get(1).map(|id| id.to_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;
    use crate::cosmos::EMULATOR_KEY;

    /// The documentation's worked example of a signature ("Access control in the Azure Cosmos DB SQL API").
    const EXAMPLE_KEY: &str =
        "dsZQi3KtZmCv1ljt3VNWNm7sQUF1y5rJfC6kv5JiwvW0EndXdDku/dkKBp8/ufDToSxLzR4y+O/0H/t4bQtVNw==";
    const EXAMPLE: &str = "type%3dmaster%26ver%3d1.0%26sig%3dc09PEVJrgp2uQRkr934kFbTqhByc7TVr3OHyqlu%2bc%2bc%3d";

    fn request(path: &str, authorization: Option<&str>) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-date", HeaderValue::from_static("Thu, 27 Apr 2017 00:51:12 GMT"));
        if let Some(value) = authorization {
            headers.insert("authorization", value.parse().unwrap());
        }
        Request::new(Method::GET, path, headers, Bytes::new())
    }

    #[test]
    fn the_documented_example_is_accepted_and_any_other_key_or_path_is_not() {
        assert_eq!(authorize(&request("/dbs/ToDoList", Some(EXAMPLE)), EXAMPLE_KEY), Ok(()));
        assert!(matches!(
            authorize(&request("/dbs/ToDoList", Some(EXAMPLE)), EMULATOR_KEY),
            Err(Denied::WrongSignature(_))
        ));
        assert!(matches!(
            authorize(&request("/dbs/Other", Some(EXAMPLE)), EXAMPLE_KEY),
            Err(Denied::WrongSignature(_))
        ));
        assert_eq!(authorize(&request("/dbs/ToDoList", None), EXAMPLE_KEY), Err(Denied::Missing));
        assert_eq!(
            authorize(&request("/dbs/ToDoList", Some("type=aad&ver=1.0&sig=x")), EXAMPLE_KEY),
            Err(Denied::Malformed)
        );
    }
}
