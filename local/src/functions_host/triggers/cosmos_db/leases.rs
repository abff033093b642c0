//! Leases of the change feed: one item per feed range in the lease container.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    cosmos::{self, Cosmos},
    functions_host::app::CosmosDbTrigger,
};

/// Characters of an id that stand as they are in a path.
const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PARTITION_KEY: HeaderName = HeaderName::from_static("x-ms-documentdb-partitionkey");

/// A lease cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaseError {
    /// Cosmos DB failed.
    #[error("{operation} of lease {id} failed; repeating is safe")]
    Service { operation: &'static str, id: String, source: cosmos::Error },
    /// Cosmos DB refused.
    #[error("{operation} of lease {id} was answered {status}: {body}")]
    Refused { operation: &'static str, id: String, status: StatusCode, body: String },
}

/// A lease item as the change feed processor lays it out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Lease {
    id: String,
    #[serde(rename = "LeaseToken")]
    token: String,
    /// The host that processes the range.
    #[serde(rename = "Owner")]
    owner: Option<String>,
    /// `None` until the first batch has been handed over: a host that starts again before that starts anew.
    #[serde(rename = "ContinuationToken")]
    pub(super) continuation: Option<String>,
    timestamp: String,
    #[serde(default)]
    properties: serde_json::Map<String, serde_json::Value>,
    #[serde(rename = "_etag", default, skip_serializing)]
    etag: String,
}

impl Lease {
    /// The feed range it is about.
    pub(super) fn range(&self) -> &str {
        &self.token
    }

    pub(super) fn is_owned_by(&self, owner: &str) -> bool {
        self.owner.as_deref() == Some(owner)
    }

    /// The owner, unless it was silent for `expiration`.
    pub(super) fn active_owner(&self, now: OffsetDateTime, expiration: Duration) -> Option<&str> {
        let written = OffsetDateTime::parse(&self.timestamp, &Rfc3339).ok()?;
        self.owner.as_deref().filter(|owner| !owner.is_empty() && now - written < expiration)
    }

    pub(super) fn take(&mut self, owner: &str, now: OffsetDateTime) {
        self.owner = Some(owner.to_owned());
        self.timestamp = timestamp(now);
    }

    #[cfg(test)]
    pub(super) fn example(range: usize, owner: &str, now: OffsetDateTime) -> Self {
        let mut lease: Self =
            serde_json::from_value(json!({"id": "", "LeaseToken": range.to_string(), "timestamp": ""}))
                .expect("a lease");
        lease.take(owner, now);
        lease
    }
}

fn timestamp(now: OffsetDateTime) -> String {
    // An instant of this era has no way to fail here.
    now.format(&Rfc3339).unwrap_or_default()
}

/// The lease container of one function.
#[derive(Clone)]
pub(super) struct Leases {
    cosmos: Cosmos,
    database: String,
    container: String,
    prefix: String,
    owner: String,
}

impl Leases {
    pub(super) fn new(cosmos: &Cosmos, trigger: &CosmosDbTrigger, owner: String) -> Self {
        let host = trigger.endpoint.split_once("://").map_or(trigger.endpoint.as_str(), |(_, rest)| rest);
        let host = host.split(['/', ':']).next().unwrap_or(host);
        Self {
            cosmos: cosmos.clone(),
            database: trigger.lease_database.clone(),
            container: trigger.lease_container.clone(),
            prefix: format!("{}{host}_{}_{}", trigger.lease_prefix, trigger.database, trigger.container),
            owner,
        }
    }

    /// Whether the lease container is there.
    pub(super) async fn exists(&self) -> Result<bool, LeaseError> {
        let (status, body) =
            self.send("a look", "", Method::GET, &self.container_path(), HeaderMap::new(), Bytes::new()).await?;
        match status {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            status => Err(self.refused("a look", "", status, &body)),
        }
    }

    /// Creates the lease container with partition key `/id`.
    pub(super) async fn create(&self) -> Result<(), LeaseError> {
        let path = format!("/dbs/{}/colls", segment(&self.database));
        let body = json!({"id": self.container, "partitionKey": {"paths": ["/id"], "kind": "Hash", "version": 2}});
        let (status, body) =
            self.send("creation", "", Method::POST, &path, HeaderMap::new(), body.to_string().into()).await?;
        if status.is_success() || status == StatusCode::CONFLICT {
            return Ok(());
        }
        Err(self.refused("creation", "", status, &body))
    }

    /// This host, as owner.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    /// The lease of a range; a new one without an owner where there is none.
    pub(super) async fn read_or_create(&self, range: &str, now: OffsetDateTime) -> Result<Lease, LeaseError> {
        let id = format!("{}..{range}", self.prefix);
        if let Some(lease) = self.read(&id).await? {
            return Ok(lease);
        }
        let lease = Lease {
            id: id.clone(),
            token: range.to_owned(),
            owner: None,
            continuation: None,
            timestamp: timestamp(now),
            properties: serde_json::Map::new(),
            etag: String::new(),
        };
        let path = format!("{}/docs", self.container_path());
        let body = serde_json::to_vec(&lease).unwrap_or_default();
        let (status, body) = self.send("creation", &id, Method::POST, &path, partition_key(&id), body.into()).await?;
        if !status.is_success() && status != StatusCode::CONFLICT {
            return Err(self.refused("creation", &id, status, &body));
        }
        // Another host may have been faster, so what counts is what is there.
        self.read(&id).await?.ok_or_else(|| self.refused("a read", &id, StatusCode::NOT_FOUND, b"it was deleted"))
    }

    async fn read(&self, id: &str) -> Result<Option<Lease>, LeaseError> {
        let path = self.item_path(id);
        let (status, body) = self.send("a read", id, Method::GET, &path, partition_key(id), Bytes::new()).await?;
        match status {
            StatusCode::OK => contoso_json::from_slice(&body)
                .map(Some)
                .map_err(|error| self.refused("a read", id, status, error.to_string().as_bytes())),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(self.refused("a read", id, status, &body)),
        }
    }

    /// Makes this host the owner; `false` where another wrote the lease since it was read.
    pub(super) async fn take(&self, lease: &mut Lease, now: OffsetDateTime) -> Result<bool, LeaseError> {
        lease.take(&self.owner, now);
        self.replace(lease).await
    }

    /// Says that the owner lives; `false` where the lease is lost.
    pub(super) async fn renew(&self, lease: &mut Lease, now: OffsetDateTime) -> Result<bool, LeaseError> {
        lease.timestamp = timestamp(now);
        self.replace(lease).await
    }

    /// Gives the lease back; `false` where it was lost anyway.
    pub(super) async fn release(&self, lease: &mut Lease, now: OffsetDateTime) -> Result<bool, LeaseError> {
        lease.owner = None;
        lease.timestamp = timestamp(now);
        self.replace(lease).await
    }

    /// Moves a lease on; `false` where it is lost. Once this returned `true` the change feed will not be handed over again
    /// from before `continuation`.
    pub(super) async fn advance(
        &self,
        lease: &mut Lease,
        continuation: &str,
        now: OffsetDateTime,
    ) -> Result<bool, LeaseError> {
        let mut moved =
            Lease { continuation: Some(continuation.to_owned()), timestamp: timestamp(now), ..lease.clone() };
        let held = self.replace(&mut moved).await?;
        if held {
            *lease = moved;
        }
        Ok(held)
    }

    /// Writes a lease as long as nobody else did since it was read.
    async fn replace(&self, lease: &mut Lease) -> Result<bool, LeaseError> {
        let mut headers = partition_key(&lease.id);
        if let Ok(etag) = HeaderValue::from_str(&lease.etag) {
            headers.insert(header::IF_MATCH, etag);
        }
        let path = self.item_path(&lease.id);
        let body = serde_json::to_vec(lease).unwrap_or_default();
        let (status, body) = self.send("a write", &lease.id, Method::PUT, &path, headers, body.into()).await?;
        match status {
            StatusCode::OK => {
                let written: Lease = contoso_json::from_slice(&body)
                    .map_err(|error| self.refused("a write", &lease.id, status, error.to_string().as_bytes()))?;
                lease.etag = written.etag;
                Ok(true)
            }
            StatusCode::PRECONDITION_FAILED | StatusCode::NOT_FOUND => Ok(false),
            status => Err(self.refused("a write", &lease.id, status, &body)),
        }
    }

    fn item_path(&self, id: &str) -> String {
        format!("{}/docs/{}", self.container_path(), segment(id))
    }

    async fn send(
        &self,
        operation: &'static str,
        id: &str,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), LeaseError> {
        let response = self
            .cosmos
            .execute(method, path, headers, body)
            .await
            .map_err(|source| LeaseError::Service { operation, id: id.to_owned(), source })?;
        Ok((response.status(), response.into_body()))
    }

    fn refused(&self, operation: &'static str, id: &str, status: StatusCode, body: &[u8]) -> LeaseError {
        LeaseError::Refused {
            operation,
            id: if id.is_empty() { format!("container {}/{}", self.database, self.container) } else { id.to_owned() },
            status,
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }

    fn container_path(&self) -> String {
        format!("/dbs/{}/colls/{}", segment(&self.database), segment(&self.container))
    }
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, ID).to_string()
}

fn partition_key(id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&json!([id]).to_string()) {
        headers.insert(PARTITION_KEY, value);
    }
    headers
}
