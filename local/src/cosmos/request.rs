//! A request of the REST protocol, and what kind of operation it is.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use percent_encoding::percent_decode_str;

pub(super) static PARTITION_KEY: HeaderName = HeaderName::from_static("x-ms-documentdb-partitionkey");
pub(super) static RANGE_ID: HeaderName = HeaderName::from_static("x-ms-documentdb-partitionkeyrangeid");
pub(super) static A_IM: HeaderName = HeaderName::from_static("a-im");
pub(super) static IS_BATCH: HeaderName = HeaderName::from_static("x-ms-cosmos-is-batch-request");

/// Headers that turn a `POST` into a read.
const QUERY_MARKERS: [&str; 3] =
    ["x-ms-documentdb-isquery", "x-ms-documentdb-query", "x-ms-cosmos-is-query-plan-request"];

/// Database and container, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ContainerName {
    pub(super) database: String,
    pub(super) container: String,
}

impl ContainerName {
    pub(super) fn new(database: &str, container: &str) -> Self {
        Self { database: database.to_owned(), container: container.to_owned() }
    }
}

impl std::fmt::Display for ContainerName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "dbs/{}/colls/{}", self.database, self.container)
    }
}

/// What a request does, as far as the bridge must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Changes nothing: reads, feeds, queries and query plans.
    Read,
    /// Reads the change feed of a container.
    ChangeFeed,
    /// Changes something.
    Write(Write),
}

/// A change, by what has to be remembered of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// `POST` of an item: create or upsert; the id is in the body.
    PostItem,
    /// `PUT` of an item.
    ReplaceItem,
    /// `PATCH` of an item.
    PatchItem,
    /// `DELETE` of an item.
    DeleteItem,
    /// Transactional batch.
    Batch,
    CreateContainer,
    ReplaceContainer,
    DeleteContainer,
    DeleteDatabase,
    /// Everything else that is not a read: databases, throughput.
    Other,
}

/// One request, with its path in normal form.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Percent-encoded as sent, without slashes at either end.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The path's segments, decoded.
    segments: Vec<String>,
}

impl Request {
    pub(super) fn new(method: Method, path_and_query: &str, headers: HeaderMap, body: Bytes) -> Self {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (path_and_query, None),
        };
        // The Python client ends its paths with a slash, which the emulator refuses.
        let path = path.trim_matches('/').to_owned();
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        Self { method, path, query, headers, body, segments }
    }

    /// The same request with another body.
    pub(super) fn with_body(&self, body: Bytes) -> Self {
        Self { body, ..self.clone() }
    }

    /// A header's text; none where it is absent or not UTF-8.
    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// Method and path, as messages name a request.
    pub(super) fn operation_name(&self) -> String {
        format!("{} /{}", self.method, self.path)
    }

    /// The segments of the path, decoded.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The container this request is about, if any.
    pub(super) fn container(&self) -> Option<ContainerName> {
        match self.segments().as_slice() {
            ["dbs", database, "colls", container, ..] => Some(ContainerName::new(database, container)),
            _ => None,
        }
    }

    /// The id of the item that the path names.
    pub(super) fn item_id(&self) -> Option<&str> {
        match self.segments().as_slice() {
            ["dbs", _, "colls", _, "docs", id] => Some(*id),
            _ => None,
        }
    }

    /// What the request does.
    pub(super) fn operation(&self) -> Operation {
        let is = |name: &str| self.header(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let segments = self.segments();
        let write = match (self.method.as_str(), segments.as_slice()) {
            ("GET", ["dbs", _, "colls", _, "docs"]) if self.headers.contains_key(&A_IM) => {
                return Operation::ChangeFeed;
            }
            ("GET" | "HEAD", _) => return Operation::Read,
            ("POST", _) if QUERY_MARKERS.into_iter().any(is) => return Operation::Read,
            ("POST", ["dbs", _, "colls", _, "docs"]) if is(IS_BATCH.as_str()) => Write::Batch,
            ("POST", ["dbs", _, "colls", _, "docs"]) => Write::PostItem,
            ("PUT", ["dbs", _, "colls", _, "docs", _]) => Write::ReplaceItem,
            ("PATCH", ["dbs", _, "colls", _, "docs", _]) => Write::PatchItem,
            ("DELETE", ["dbs", _, "colls", _, "docs", _]) => Write::DeleteItem,
            ("POST", ["dbs", _, "colls"]) => Write::CreateContainer,
            ("PUT", ["dbs", _, "colls", _]) => Write::ReplaceContainer,
            ("DELETE", ["dbs", _, "colls", _]) => Write::DeleteContainer,
            ("DELETE", ["dbs", _]) => Write::DeleteDatabase,
            _ => Write::Other,
        };
        Operation::Write(write)
    }
}

impl Write {
    /// Whether an answer of `status` means that something was stored. A failed batch is answered 207.
    pub(super) fn is_done(self, status: StatusCode) -> bool {
        match self {
            Self::Batch => status == StatusCode::OK,
            _ => status.is_success(),
        }
    }

    /// Whether it addresses items of one logical partition, which needs the partition key header.
    pub(super) fn is_item_write(self) -> bool {
        matches!(self, Self::PostItem | Self::ReplaceItem | Self::PatchItem | Self::DeleteItem | Self::Batch)
    }
}
