//! Definition log: every successful change of databases, containers and throughput, in commit order.
//!
//! The emulator numbers databases and containers in the order in which they are made, and clients keep these resource
//! ids. So their history is executed again at each start: it is short, since items are not part of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};

use crate::cosmos::{emulator::hosted::PHYSICAL_PARTITIONS, store::framed, wire::request::Request};

/// Headers that decide what a change does. Conditions are left out: they held.
const KEPT: [&str; 4] =
    ["content-type", "x-ms-cosmos-offer-autopilot-settings", "x-ms-offer-throughput", PHYSICAL_PARTITIONS];

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct Entry {
    head: Head,
    body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    /// Resource id of the container that came into being, to tell at replay that all is as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rid: Option<String>,
}

impl Entry {
    /// The entry for `request`, which made the container `rid` if it made one.
    pub(in crate::cosmos) fn new(request: &Request, rid: Option<String>) -> Self {
        let headers =
            KEPT.iter().filter_map(|name| Some(((*name).to_owned(), request.header(*name)?.to_owned()))).collect();
        let head = Head { method: request.method.to_string(), path: request.path.clone(), headers, rid };
        Self { head, body: request.body.clone() }
    }

    pub(in crate::cosmos) fn rid(&self) -> Option<&str> {
        self.head.rid.as_deref()
    }

    /// The request that makes the change again; none where the entry is no request.
    pub(in crate::cosmos) fn to_request(&self) -> Option<Request> {
        let mut headers = HeaderMap::with_capacity(self.head.headers.len());
        for (name, value) in &self.head.headers {
            headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
        let method = Method::from_bytes(self.head.method.as_bytes()).ok()?;
        Some(Request::new(method, &self.head.path, headers, self.body.clone()))
    }

    pub(in crate::cosmos) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        framed::encode(&self.head, &self.body)
    }

    pub(in crate::cosmos) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (head, body) = framed::decode(bytes)?;
        Ok(Self { head, body })
    }
}
