//! Leases of the change feed: one item per feed range in the lease container.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cosmos::{self, Cosmos};
use crate::functions_host::app::CosmosDbTrigger;

/// Characters of an id that stand as they are in a path.
const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PARTITION_KEY: HeaderName = HeaderName::from_static("x-ms-documentdb-partitionkey");
const IS_UPSERT: HeaderName = HeaderName::from_static("x-ms-documentdb-is-upsert");

/// A lease cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseError {
    /// Cosmos DB failed.
    #[error("{operation} of lease {id} failed; repeating is safe")]
    Service { operation: &'static str, id: String, source: cosmos::Error },
    /// Cosmos DB refused.
    #[error("{operation} of lease {id} was answered {status}: {body}")]
    Refused { operation: &'static str, id: String, status: StatusCode, body: String },
}

/// A lease item as the change feed processor lays it out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lease {
    id: String,
    #[serde(rename = "LeaseToken")]
    token: String,
    /// The host that processes the range.
    #[serde(rename = "Owner")]
    owner: Option<String>,
    /// `None` until the first batch has been handed over: a host that starts again before that starts anew.
    #[serde(rename = "ContinuationToken")]
    pub(crate) continuation: Option<String>,
    timestamp: String,
    #[serde(default)]
    properties: serde_json::Map<String, serde_json::Value>,
}

/// The lease container of one function.
#[derive(Clone)]
pub(crate) struct Leases {
    cosmos: Cosmos,
    database: String,
    container: String,
    prefix: String,
    owner: String,
}

impl Leases {
    pub(crate) fn new(cosmos: &Cosmos, trigger: &CosmosDbTrigger, owner: String) -> Self {
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
    pub(crate) async fn exists(&self) -> Result<bool, LeaseError> {
        let (status, body) =
            self.send("a look", "", Method::GET, &self.container_path(), HeaderMap::new(), Bytes::new()).await?;
        match status {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            status => Err(self.refused("a look", "", status, &body)),
        }
    }

    /// Creates the lease container with partition key `/id`.
    pub(crate) async fn create(&self) -> Result<(), LeaseError> {
        let path = format!("/dbs/{}/colls", segment(&self.database));
        let body = json!({"id": self.container, "partitionKey": {"paths": ["/id"], "kind": "Hash", "version": 2}});
        let (status, body) =
            self.send("creation", "", Method::POST, &path, HeaderMap::new(), body.to_string().into()).await?;
        if status.is_success() || status == StatusCode::CONFLICT {
            return Ok(());
        }
        Err(self.refused("creation", "", status, &body))
    }

    /// The lease of a range, taken over by this host, or a new one.
    pub(crate) async fn acquire(&self, range: &str, now: OffsetDateTime) -> Result<Lease, LeaseError> {
        let id = format!("{}..{range}", self.prefix);
        let path = format!("{}/docs/{}", self.container_path(), segment(&id));
        let (status, body) = self.send("a read", &id, Method::GET, &path, partition_key(&id), Bytes::new()).await?;
        let mut lease = match status {
            StatusCode::OK => serde_json::from_slice(&body)
                .map_err(|error| self.refused("a read", &id, status, error.to_string().as_bytes()))?,
            StatusCode::NOT_FOUND => Lease {
                id,
                token: range.to_owned(),
                owner: None,
                continuation: None,
                timestamp: String::new(),
                properties: serde_json::Map::new(),
            },
            status => return Err(self.refused("a read", &id, status, &body)),
        };
        lease.owner = Some(self.owner.clone());
        self.write(&mut lease, now).await?;
        Ok(lease)
    }

    /// Moves a lease on. Once this returns the change feed will not be handed over again from before `continuation`.
    pub(crate) async fn advance(
        &self,
        lease: &mut Lease,
        continuation: &str,
        now: OffsetDateTime,
    ) -> Result<(), LeaseError> {
        lease.continuation = Some(continuation.to_owned());
        self.write(lease, now).await
    }

    async fn write(&self, lease: &mut Lease, now: OffsetDateTime) -> Result<(), LeaseError> {
        lease.timestamp = now.format(&Rfc3339).unwrap_or_default();
        let body = serde_json::to_vec(lease).unwrap_or_default();
        let mut headers = partition_key(&lease.id);
        headers.insert(IS_UPSERT, HeaderValue::from_static("True"));
        let path = format!("{}/docs", self.container_path());
        let (status, body) = self.send("a write", &lease.id, Method::POST, &path, headers, body.into()).await?;
        if status.is_success() {
            return Ok(());
        }
        Err(self.refused("a write", &lease.id, status, &body))
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
