//! Authorization: the check of the `Authorization` header.
//!
//! * `type=master`: shared key as in "Access control in the Azure Cosmos DB SQL API": HMAC-SHA256 over
//!   `verb \n resource type \n resource link \n date \n \n`, verb and date in lower case. The date is not compared with
//!   the clock, because tests step the stack's clock and not their client's.
//! * `type=aad`: a token of the stack's identities, with roles as in "Connect to Azure Cosmos DB for NoSQL using
//!   role-based access control": roles are for items; databases, containers and throughput cannot be changed by token.
//! * `type=resource`: refused by name.

use std::{borrow::Cow, net::SocketAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;

use crate::{
    cosmos::wire::request::{Operation, Request},
    identity::{Action, Caller, Forbidden, Identity, InvalidToken},
};

/// The account key of Microsoft's emulators, the same on every machine; clients of the local stack use it.
pub const EMULATOR_KEY: &str =
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==";

/// Why a request is not let in; the display is the message of the answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::cosmos) enum Refused {
    /// 401.
    #[error(transparent)]
    Unauthorized(#[from] Denied),
    /// 403: what no role allows.
    #[error(
        "Request blocked by Auth: the given request [{0}] cannot be authorized by AAD token in data plane. Learn more: \
         https://aka.ms/cosmos-native-rbac."
    )]
    NotByToken(String),
    /// 403: what another role would allow.
    #[error("Request blocked by Auth: principal does not have required RBAC permissions. {0}")]
    Forbidden(Box<Forbidden>),
}

impl Refused {
    /// `x-ms-substatus`.
    pub(in crate::cosmos) fn substatus(&self) -> Option<u16> {
        match self {
            Self::Unauthorized(_) => None,
            Self::NotByToken(_) => Some(5300),
            Self::Forbidden(_) => Some(5301),
        }
    }
}

/// Why nobody is known to have sent a request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::cosmos) enum Denied {
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
    #[error("Resource tokens (type=resource) are not supported here: use the account key or a token of an identity.")]
    ResourceToken,
    #[error("The access token is not accepted: {0}")]
    Token(InvalidToken),
}

/// Lets requests in at one port.
#[derive(Clone)]
pub(in crate::cosmos) struct Guard {
    key: &'static str,
    identity: Identity,
    /// For what a token may have been issued.
    audiences: Arc<[String]>,
}

impl Guard {
    /// For requests signed with the account key `key` (base64), or with a token of `identity`, at `address`.
    pub(in crate::cosmos) fn new(key: &'static str, identity: Identity, address: SocketAddr) -> Self {
        // The Rust client asks for the service, the Python client first for the host of the endpoint, the JavaScript client
        // for the endpoint with its port.
        let port = address.port();
        let audiences = [
            "cosmos.azure.com".to_owned(),
            address.ip().to_string(),
            address.to_string(),
            "localhost".to_owned(),
            format!("localhost:{port}"),
        ];
        Self { key, identity, audiences: audiences.iter().map(|host| format!("https://{host}")).collect() }
    }

    /// Lets a request in whose sender may make it; `secure` is whether it came over TLS.
    ///
    /// # Errors
    /// Why it is not let in.
    pub(in crate::cosmos) fn admit(&self, request: &Request, secure: bool) -> Result<(), Refused> {
        let header = request.header(http::header::AUTHORIZATION).ok_or(Denied::Missing)?;
        let decoded = percent_decode_str(header).decode_utf8().map_err(|_| Denied::Malformed)?;
        if decoded.starts_with("type=resource&") {
            return Err(Denied::ResourceToken.into());
        }
        let Some(token) = decoded.strip_prefix("type=aad&ver=1.0&sig=") else {
            return Ok(check_signature(request, self.key)?);
        };
        let audiences: Vec<&str> = self.audiences.iter().map(String::as_str).collect();
        let caller = self.identity.authenticate_request(secure, token, &audiences).map_err(Denied::Token)?;
        check_roles(request, &caller)
    }
}

/// Whether a role of `caller` covers `request`.
fn check_roles(request: &Request, caller: &Caller) -> Result<(), Refused> {
    let may = |action, scope: &str| caller.may(action, scope).map_err(|error| Refused::Forbidden(Box::new(error)));
    let segments = request.segments();
    match (request.operation(), segments.as_slice()) {
        // What every client reads first: where the account's regions are.
        (Operation::Read, []) => Ok(()),
        (Operation::Read | Operation::ChangeFeed, ["dbs", database, "colls", container, ..]) => {
            may(Action::CosmosRead, &format!("cosmos/{database}/{container}"))
        }
        (Operation::Bulk, ["dbs", database, "colls", container, ..]) => {
            // It may hold reads, too, which are not asked for one by one.
            may(Action::CosmosRead, &format!("cosmos/{database}/{container}"))?;
            may(Action::CosmosWrite, &format!("cosmos/{database}/{container}"))
        }
        (Operation::Write(write), ["dbs", database, "colls", container, ..]) if write.is_item_write() => {
            may(Action::CosmosWrite, &format!("cosmos/{database}/{container}"))
        }
        (Operation::Read, ["dbs", database, ..]) => may(Action::CosmosRead, &format!("cosmos/{database}")),
        (Operation::Read, ["dbs"]) => may(Action::CosmosRead, "cosmos"),
        _ => Err(Refused::NotByToken(request.operation_name())),
    }
}

/// Whether a request is signed with the account key `key` (base64).
fn check_signature(request: &Request, key: &str) -> Result<(), Denied> {
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

/// Offers have no names: their link is the resource id alone, in lower case.
fn offer_id(segments: &[&str]) -> String {
    segments.get(1).map(|id| id.to_lowercase()).unwrap_or_default()
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
        assert_eq!(check_signature(&request("/dbs/ToDoList", Some(EXAMPLE)), EXAMPLE_KEY), Ok(()));
        assert!(matches!(
            check_signature(&request("/dbs/ToDoList", Some(EXAMPLE)), EMULATOR_KEY),
            Err(Denied::WrongSignature(_))
        ));
        assert!(matches!(
            check_signature(&request("/dbs/Other", Some(EXAMPLE)), EXAMPLE_KEY),
            Err(Denied::WrongSignature(_))
        ));
        assert_eq!(check_signature(&request("/dbs/ToDoList", None), EXAMPLE_KEY), Err(Denied::Missing));
        assert_eq!(
            check_signature(&request("/dbs/ToDoList", Some("type=odd&ver=1.0&sig=x")), EXAMPLE_KEY),
            Err(Denied::Malformed)
        );
    }

    #[tokio::test]
    async fn a_token_needs_a_role_for_items_and_does_nothing_else() {
        let identity = Identity::sample().await;
        let guard = Guard::new(EMULATOR_KEY, identity.clone(), SocketAddr::from(([127, 0, 0, 1], 8081)));
        let admit = |method: Method, path: &str, token: &str| {
            let mut request = request(path, Some(&format!("type%3Daad%26ver%3D1.0%26sig%3D{token}")));
            request.method = method;
            guard.admit(&request, true).map_err(|refused| (refused.substatus(), refused.to_string()))
        };
        let token = |name: &str, resource: &str| identity.token(name, resource).unwrap();
        let owner = token("owner", "https://cosmos.azure.com");
        let items = "/dbs/shop/colls/items/docs";
        for (method, path) in [(Method::GET, "/"), (Method::GET, "/dbs/shop/colls/items"), (Method::POST, items)] {
            assert_eq!(admit(method, path, &owner), Ok(()));
        }
        assert_eq!(admit(Method::POST, items, &token("owner", "https://127.0.0.1/")), Ok(()));
        let (substatus, message) = admit(Method::POST, "/dbs", &owner).unwrap_err();
        assert_eq!(substatus, Some(5300));
        assert!(message.contains("[POST /dbs]"), "{message}");
        let (substatus, message) =
            admit(Method::POST, items, &token("stranger", "https://cosmos.azure.com")).unwrap_err();
        assert_eq!(substatus, Some(5301));
        assert!(message.contains("cosmos/shop/items") && message.contains("Data Contributor"), "{message}");
        for wrong in [token("owner", "https://storage.azure.com"), "a.b.c".to_owned()] {
            let (substatus, message) = admit(Method::GET, items, &wrong).unwrap_err();
            assert_eq!(substatus, None);
            assert!(!message.contains(&wrong), "{message}");
        }
        let resource = request(items, Some("type%3Dresource%26ver%3D1.0%26sig%3Dx"));
        assert!(guard.admit(&resource, true).unwrap_err().to_string().contains("Resource tokens"));
        let plain = guard.admit(&request(items, Some(&format!("type%3Daad%26ver%3D1.0%26sig%3D{owner}"))), false);
        assert!(plain.unwrap_err().to_string().contains("over https only"));
    }
}
