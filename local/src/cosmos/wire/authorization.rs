//! Authorization: the check of the `Authorization` header.
//!
//! * `type=master`: shared key as in "Access control in the Azure Cosmos DB SQL API": HMAC-SHA256 over
//!   `verb \n resource type \n resource link \n date \n \n`, verb and date in lower case. The date is not compared with
//!   the clock, because tests step the stack's clock and not their client's. Where a path addresses by resource ids, its link
//!   is the last of them alone, in lower case as clients sign it, or in the case it has.
//! * `type=aad`: a token of the stack's identities, with roles as in "Connect to Azure Cosmos DB for NoSQL using
//!   role-based access control": roles are for items; databases, containers and throughput cannot be changed by token.
//! * `type=resource`: refused by name.

use std::{net::SocketAddr, sync::Arc};

use percent_encoding::percent_decode_str;

use crate::{
    cosmos::wire::{
        request::{Operation, Request},
        resource_ids::Address,
        signature::{self, Spelling, Unsigned},
    },
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
    #[error(transparent)]
    Signature(#[from] Unsigned),
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

    /// Lets a request in whose sender may make it, and says how its signature spells the link; `address` is how its path addresses, `secure` whether it came over TLS.
    ///
    /// # Errors
    /// Why it is not let in.
    pub(in crate::cosmos) fn admit(
        &self,
        request: &Request,
        address: &Address,
        secure: bool,
    ) -> Result<Spelling, Refused> {
        let header = request.header(http::header::AUTHORIZATION).ok_or(Denied::Signature(Unsigned::Missing))?;
        let decoded = percent_decode_str(header).decode_utf8().map_err(|_| Denied::Signature(Unsigned::Malformed))?;
        if decoded.starts_with("type=resource&") {
            return Err(Denied::ResourceToken.into());
        }
        let Some(token) = decoded.strip_prefix("type=aad&ver=1.0&sig=") else {
            return Ok(signature::check(request, address, self.key).map_err(Denied::Signature)?);
        };
        let audiences: Vec<&str> = self.audiences.iter().map(String::as_str).collect();
        let caller = self.identity.authenticate_request(secure, token, &audiences).map_err(Denied::Token)?;
        // Roles are on names.
        match address {
            Address::Ids(by_names) => check_roles(by_names, &caller)?,
            Address::Names | Address::Either => check_roles(request, &caller)?,
        }
        Ok(Spelling::Decoded)
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    fn request(path: &str, authorization: Option<&str>) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-date", HeaderValue::from_static("Thu, 27 Apr 2017 00:51:12 GMT"));
        if let Some(value) = authorization {
            headers.insert("authorization", value.parse().unwrap());
        }
        Request::new(Method::GET, path, headers, Bytes::new())
    }

    #[tokio::test]
    async fn a_token_needs_a_role_for_items_and_does_nothing_else() {
        let identity = Identity::sample().await;
        let guard = Guard::new(EMULATOR_KEY, identity.clone(), SocketAddr::from(([127, 0, 0, 1], 8081)));
        let admit = |method: Method, path: &str, token: &str| {
            let mut request = request(path, Some(&format!("type%3Daad%26ver%3D1.0%26sig%3D{token}")));
            request.method = method;
            guard.admit(&request, &Address::Names, true).map_err(|refused| (refused.substatus(), refused.to_string()))
        };
        let token = |name: &str, resource: &str| identity.token(name, resource).unwrap();
        let owner = token("owner", "https://cosmos.azure.com");
        let items = "/dbs/shop/colls/items/docs";
        for (method, path) in [(Method::GET, "/"), (Method::GET, "/dbs/shop/colls/items"), (Method::POST, items)] {
            assert_eq!(admit(method, path, &owner), Ok(Spelling::Decoded));
        }
        assert_eq!(admit(Method::POST, items, &token("owner", "https://127.0.0.1/")), Ok(Spelling::Decoded));
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
        assert!(guard.admit(&resource, &Address::Names, true).unwrap_err().to_string().contains("Resource tokens"));
        let plain = guard.admit(
            &request(items, Some(&format!("type%3Daad%26ver%3D1.0%26sig%3D{owner}"))),
            &Address::Names,
            false,
        );
        assert!(plain.unwrap_err().to_string().contains("over https only"));
    }
}
