//! Signatures with the account key: which link of a path they cover.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;

use crate::cosmos::wire::{request::Request, resource_ids::Address};

/// Why a request does not count as signed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::cosmos) enum Unsigned {
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

/// How the link that was signed is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cosmos) enum Spelling {
    /// As what the path's escapes stand for; also where nothing is signed, or has none.
    Decoded,
    /// With the escapes, which can be the id's own: the .NET client leaves those of `a%20b` as they are in the path, too.
    AsSent,
}

/// Whether a request is signed with the account key `key` (base64).
pub(in crate::cosmos) fn check(request: &Request, address: &Address, key: &str) -> Result<Spelling, Unsigned> {
    let header = request.header(http::header::AUTHORIZATION).ok_or(Unsigned::Missing)?;
    let signature = signature_of(header).ok_or(Unsigned::Malformed)?;
    let date = request.header("x-ms-date").or_else(|| request.header(http::header::DATE)).ok_or(Unsigned::NoDate)?;
    let key = STANDARD.decode(key).map_err(|_| Unsigned::Malformed)?;
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
    let id = link.rsplit('/').next().unwrap_or_default();
    let signs_id = || signs(&id.to_lowercase()) || signs(id);
    // Offers have no names.
    let (by_name, by_id) = match address {
        Address::Names => (true, resource_type == "offers"),
        Address::Either => (true, true),
        Address::Ids(_) => (false, true),
    };
    if (by_name && signs(&link)) || (by_id && signs_id()) {
        Ok(Spelling::Decoded)
    } else if by_name && signs(as_sent) {
        Ok(Spelling::AsSent)
    } else {
        Err(Unsigned::WrongSignature(payload(if by_name { &link } else { id })))
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
        // The one operation that is neither a feed nor a resource; clients sign it as one of the container.
        [container @ .., "operations", "partitionkeydelete"] => ("colls", container.join("/")),
        [.., kind, _] if segments.len().is_multiple_of(2) => (kind, segments.join("/")),
        [parent @ .., kind] => (kind, parent.join("/")),
    }
}

/// Bytes of an encoded path that belong to the link: all of it for an item, without the last segment for a feed.
fn encoded_length(path: &str, segments: usize) -> usize {
    if segments.is_multiple_of(2) { path.len() } else { path.rfind('/').unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    /// The documentation's worked example of a signature ("Access control in the Azure Cosmos DB SQL API").
    const EXAMPLE_KEY: &str =
        "dsZQi3KtZmCv1ljt3VNWNm7sQUF1y5rJfC6kv5JiwvW0EndXdDku/dkKBp8/ufDToSxLzR4y+O/0H/t4bQtVNw==";
    const EXAMPLE: &str = "type%3dmaster%26ver%3d1.0%26sig%3dc09PEVJrgp2uQRkr934kFbTqhByc7TVr3OHyqlu%2bc%2bc%3d";

    const ANOTHER_KEY: &str = "AAAA";

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
        assert_eq!(
            check(&request("/dbs/ToDoList", Some(EXAMPLE)), &Address::Names, EXAMPLE_KEY),
            Ok(Spelling::Decoded)
        );
        assert!(matches!(
            check(&request("/dbs/ToDoList", Some(EXAMPLE)), &Address::Names, ANOTHER_KEY),
            Err(Unsigned::WrongSignature(_))
        ));
        assert!(matches!(
            check(&request("/dbs/Other", Some(EXAMPLE)), &Address::Names, EXAMPLE_KEY),
            Err(Unsigned::WrongSignature(_))
        ));
        assert_eq!(check(&request("/dbs/ToDoList", None), &Address::Names, EXAMPLE_KEY), Err(Unsigned::Missing));
        assert_eq!(
            check(&request("/dbs/ToDoList", Some("type=odd&ver=1.0&sig=x")), &Address::Names, EXAMPLE_KEY),
            Err(Unsigned::Malformed)
        );
    }

    /// What the clients of .NET and Python sign, and nothing that only this service would take.
    #[test]
    fn a_link_of_resource_ids_is_signed_by_the_last_of_them() {
        let by_names = || Box::new(request("/dbs/shop/colls/items/pkranges", None));
        let feed = "/dbs/AAAABA==/colls/AAAABIAAAAE=/pkranges";
        let signed = |link: &str, path: &str, address: Address| {
            let payload = format!("get\npkranges\n{link}\nthu, 27 apr 2017 00:51:12 gmt\n\n");
            let mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(EXAMPLE_KEY).unwrap()).unwrap();
            let signature = STANDARD.encode(mac.chain_update(payload).finalize().into_bytes());
            let header = format!("type=master&ver=1.0&sig={signature}").replace('+', "%2B");
            check(&request(path, Some(&header)), &address, EXAMPLE_KEY).is_ok()
        };
        assert!(signed("aaaabiaaaae=", feed, Address::Ids(by_names())));
        assert!(signed("AAAABIAAAAE=", feed, Address::Ids(by_names())));
        assert!(signed("aaaabiaaaae=", feed, Address::Either), "gone since");
        assert!(!signed("dbs/AAAABA==/colls/AAAABIAAAAE=", feed, Address::Ids(by_names())));
        assert!(!signed("dbs/shop/colls/items", feed, Address::Ids(by_names())));
        assert!(signed("dbs/shop/colls/items", "/dbs/shop/colls/items/pkranges", Address::Names));
        assert!(!signed("items", "/dbs/shop/colls/items/pkranges", Address::Names));
    }
}
