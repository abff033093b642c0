//! Definition log: every successful change of databases, containers and throughput, in commit order.
//!
//! Databases, containers and offers are numbered in the order in which they are made, and clients keep these resource ids. So
//! their history is executed again at each start: it is short, since items are not part of it.
//!
//! What was written by earlier versions has no ETag and no time: it gets those of the start. A container of theirs has as
//! many ranges as was stated, or four.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};

use crate::cosmos::{
    data::definition::Stamp,
    store::framed,
    wire::request::{PHYSICAL_PARTITIONS, Request},
};

/// Headers that decide what a change does. Conditions are left out: they held.
const KEPT: [&str; 6] = [
    "content-type",
    "x-ms-cosmos-migrate-offer-to-autopilot",
    "x-ms-cosmos-migrate-offer-to-manual-throughput",
    "x-ms-cosmos-offer-autopilot-settings",
    "x-ms-offer-throughput",
    PHYSICAL_PARTITIONS,
];

/// Ranges of a container of an earlier version, where none were stated.
const FORMERLY: u32 = 4;

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stamp: Option<Stamped>,
}

/// What the change gave what it was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamped {
    etag: String,
    at_millis: i64,
    /// Ranges of a new container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partitions: Option<u32>,
}

impl Entry {
    /// The entry for `request`, which made the container `rid` of so many ranges if it made one.
    pub(in crate::cosmos) fn new(request: &Request, stamp: &Stamp, made: Option<(String, u32)>) -> Self {
        let (rid, partitions) = made.unzip();
        let stamp = Some(Stamped { etag: stamp.etag.clone(), at_millis: stamp.at_millis, partitions });
        let headers =
            KEPT.iter().filter_map(|name| Some(((*name).to_owned(), request.header(*name)?.to_owned()))).collect();
        let head = Head { method: request.method.to_string(), path: request.path.clone(), headers, rid, stamp };
        Self { head, body: request.body.clone() }
    }

    pub(in crate::cosmos) fn rid(&self) -> Option<&str> {
        self.head.rid.as_deref()
    }

    /// Whether the change takes something away.
    pub(in crate::cosmos) fn deletes(&self) -> bool {
        self.head.method == Method::DELETE.as_str()
    }

    /// What the change gave what it was about, or, of an earlier version, what it gets now.
    pub(in crate::cosmos) fn stamp(&self, now_millis: i64) -> Stamp {
        match &self.head.stamp {
            Some(Stamped { etag, at_millis, .. }) => Stamp { etag: etag.clone(), at_millis: *at_millis },
            None => Stamp::new(now_millis),
        }
    }

    /// Ranges of a new container; none where that follows from its headers.
    pub(in crate::cosmos) fn partitions(&self) -> Option<u32> {
        self.head.stamp.as_ref().map_or(Some(FORMERLY), |stamp| stamp.partitions)
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
