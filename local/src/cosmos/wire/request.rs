//! A request of the REST protocol, and what kind of operation it is.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use percent_encoding::percent_decode_str;

use crate::transport::PlainPath;

pub(in crate::cosmos) static PARTITION_KEY: HeaderName = HeaderName::from_static("x-ms-documentdb-partitionkey");
pub(in crate::cosmos) static RANGE_ID: HeaderName = HeaderName::from_static("x-ms-documentdb-partitionkeyrangeid");
pub(in crate::cosmos) static A_IM: HeaderName = HeaderName::from_static("a-im");
pub(in crate::cosmos) static IS_BATCH: HeaderName = HeaderName::from_static("x-ms-cosmos-is-batch-request");

/// Of a request that creates a container: how many physical partitions it is to have. Not of the service; what clients send of it is dropped.
pub(in crate::cosmos) const PHYSICAL_PARTITIONS: &str = "x-local-physical-partitions";

static IS_ATOMIC: HeaderName = HeaderName::from_static("x-ms-cosmos-batch-atomic");
static IS_QUERY_PLAN: HeaderName = HeaderName::from_static("x-ms-cosmos-is-query-plan-request");
/// Either makes a query of a `POST`.
const IS_QUERY: [&str; 2] = ["x-ms-documentdb-isquery", "x-ms-documentdb-query"];

/// Characters that no name of a database or container has, as in the service.
const NOT_IN_NAMES: [char; 4] = ['/', '\\', '?', '#'];

/// Bytes of the longest id, as in "Azure Cosmos DB service quotas".
const LONGEST_ID: usize = 1023;

/// Database and container, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::cosmos) struct ContainerName {
    pub(in crate::cosmos) database: String,
    pub(in crate::cosmos) container: String,
}

impl ContainerName {
    pub(in crate::cosmos) fn new(database: &str, container: &str) -> Self {
        Self { database: database.to_owned(), container: container.to_owned() }
    }
}

impl std::fmt::Display for ContainerName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "dbs/{}/colls/{}", self.database, self.container)
    }
}

/// What a request does, as far as has to be known. Roles are asked for by it, and by it a request is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cosmos) enum Operation {
    /// Changes nothing: reads, feeds, queries and query plans.
    Read,
    /// Reads the change feed of a container.
    ChangeFeed,
    /// Many operations on items, each of which stands alone.
    Bulk,
    /// Changes something.
    Write(Write),
    /// The service has no such operation: it is refused.
    Unknown,
}

impl Operation {
    /// Whether it may change something.
    pub(in crate::cosmos) fn is_write(self) -> bool {
        matches!(self, Self::Bulk | Self::Write(_))
    }
}

/// A change, by what has to be remembered of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cosmos) enum Write {
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
    CreateDatabase,
    DeleteDatabase,
    /// `PUT` of an offer: throughput.
    ReplaceOffer,
}

/// One request, with its path in normal form.
#[derive(Clone)]
pub(in crate::cosmos) struct Request {
    pub(in crate::cosmos) method: Method,
    /// Percent-encoded as sent, without slashes at either end.
    pub(in crate::cosmos) path: String,
    pub(in crate::cosmos) query: Option<String>,
    pub(in crate::cosmos) headers: HeaderMap,
    pub(in crate::cosmos) body: Bytes,
    /// The path's segments, decoded.
    segments: Vec<String>,
}

impl Request {
    pub(in crate::cosmos) fn new(method: Method, path_and_query: &str, headers: HeaderMap, body: Bytes) -> Self {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (path_and_query, None),
        };
        // The Python client ends its paths with a slash.
        let mut path = path.trim_matches('/').to_owned();
        let mut segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        if let ([.., kind, id], Some(query)) = (segments.as_mut_slice(), &query)
            && kind == "docs"
        {
            // No operation on an item has a query, and the clients of .NET and JavaScript leave the `?` of an id as it is.
            let rest = percent_decode_str(query).decode_utf8_lossy();
            *id = format!("{id}?{rest}");
            path = format!("{path}%3F{}", encode(&rest));
        }
        Self { method, path, query, headers, body, segments }
    }

    /// The same request with another body.
    pub(in crate::cosmos) fn with_body(&self, body: Bytes) -> Self {
        Self { body, ..self.clone() }
    }

    /// The same request about the item whose id is the last segment as it was sent, escapes and all, where that is another.
    pub(in crate::cosmos) fn with_id_as_sent(&self) -> Option<Self> {
        let (parent, sent) = self.path.rsplit_once('/')?;
        let is_another = self.item_id().is_some_and(|id| id != sent);
        is_another.then(|| self.with_path(&format!("{parent}/{}", encode(sent))))
    }

    /// The same request about what `path` names.
    pub(in crate::cosmos) fn with_path(&self, path: &str) -> Self {
        let Self { method, query, headers, body, .. } = self.clone();
        Self { query, ..Self::new(method, path, headers, body) }
    }

    /// A header's text; none where it is absent or not UTF-8.
    pub(in crate::cosmos) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// Method and path, as messages name a request.
    pub(in crate::cosmos) fn operation_name(&self) -> String {
        format!("{} /{}", self.method, self.path)
    }

    /// The segments of the path, decoded.
    pub(in crate::cosmos) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The container this request is about, if any.
    pub(in crate::cosmos) fn container(&self) -> Option<ContainerName> {
        match self.segments().as_slice() {
            ["dbs", database, "colls", container, ..] => Some(ContainerName::new(database, container)),
            _ => None,
        }
    }

    /// The id of the item that the path names.
    pub(in crate::cosmos) fn item_id(&self) -> Option<&str> {
        match self.segments().as_slice() {
            ["dbs", _, "colls", _, "docs", id] => Some(*id),
            _ => None,
        }
    }

    /// Whether the path means the same to everybody who reads it, also as a URL. Of names without an escape that is so anyway.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub(in crate::cosmos) fn check_path(&self) -> Result<(), &'static str> {
        if PlainPath::new(&format!("/{}", self.path)).is_none() {
            return Err(
                "The path is not in normal form: it has segments . or .., backslashes, or characters that must be \
                        escaped.",
            );
        }
        if !self.path.split('/').all(|segment| percent_decode_str(segment).decode_utf8().is_ok()) {
            return Err("The path is not UTF-8.");
        }
        match self.segments().as_slice() {
            ["dbs", database, rest @ ..] => {
                check_name(database)?;
                if let ["colls", container, ..] = rest { check_name(container) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Whether a `POST` of items is one of a query's plan.
    pub(in crate::cosmos) fn is_query_plan(&self) -> bool {
        self.method == Method::POST
            && self.header(&IS_QUERY_PLAN).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// What the request does. A header counts for the resource that it belongs to, and nowhere else.
    pub(in crate::cosmos) fn operation(&self) -> Operation {
        let is = |name: &str| self.header(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let is_query = || IS_QUERY.into_iter().any(is);
        let segments = self.segments();
        let write = match (self.method.as_str(), segments.as_slice()) {
            ("GET", ["dbs", _, "colls", _, "docs"]) if self.headers.contains_key(&A_IM) => {
                return Operation::ChangeFeed;
            }
            ("GET" | "HEAD", _) => return Operation::Read,
            ("POST", ["dbs", _, "colls", _, "docs"]) => match () {
                () if is(IS_QUERY_PLAN.as_str()) || is_query() => return Operation::Read,
                () if is(IS_BATCH.as_str()) && self.is_bulk() => return Operation::Bulk,
                () if is(IS_BATCH.as_str()) => Write::Batch,
                () => Write::PostItem,
            },
            ("POST", ["dbs"] | ["dbs", _, "colls"] | ["offers"]) if is_query() => return Operation::Read,
            ("PUT", ["dbs", _, "colls", _, "docs", _]) => Write::ReplaceItem,
            ("PATCH", ["dbs", _, "colls", _, "docs", _]) => Write::PatchItem,
            ("DELETE", ["dbs", _, "colls", _, "docs", _]) => Write::DeleteItem,
            ("POST", ["dbs", _, "colls"]) => Write::CreateContainer,
            ("PUT", ["dbs", _, "colls", _]) => Write::ReplaceContainer,
            ("DELETE", ["dbs", _, "colls", _]) => Write::DeleteContainer,
            ("POST", ["dbs"]) => Write::CreateDatabase,
            ("DELETE", ["dbs", _]) => Write::DeleteDatabase,
            ("PUT", ["offers", _]) => Write::ReplaceOffer,
            _ => return Operation::Unknown,
        };
        Operation::Write(write)
    }

    /// Whether the operations of a batch stand alone.
    fn is_bulk(&self) -> bool {
        let atomic = self.header(&IS_ATOMIC);
        atomic.is_some_and(|value| value.eq_ignore_ascii_case("false"))
    }
}

/// Whether `name` can be that of a database, a container or an item that is to be made.
///
/// # Errors
/// What is wrong, as a sentence.
pub(in crate::cosmos) fn check_id(id: &str) -> Result<(), &'static str> {
    match id {
        "" => Err("The id is empty."),
        // No URL can name it.
        "." | ".." => Err("The ids . and .. are not supported here."),
        _ if id.len() > LONGEST_ID => Err("The id is longer than 1,023 bytes."),
        // Clients write a backslash as a slash, and the gateway takes neither in a path.
        _ if id.contains('\\') || id.chars().any(char::is_control) => {
            Err("An id has no backslash and no control characters.")
        }
        _ => Ok(()),
    }
}

/// As [`check_id`], for a database or container: its name is a part of the scopes that roles are on.
pub(in crate::cosmos) fn check_name(name: &str) -> Result<(), &'static str> {
    if name.contains(NOT_IN_NAMES) {
        return Err("The name of a database or container has none of the characters / \\ ? #.");
    }
    check_id(name)
}

impl Write {
    /// Whether it addresses items of one logical partition, which needs the partition key header.
    pub(in crate::cosmos) fn is_item_write(self) -> bool {
        matches!(self, Self::PostItem | Self::ReplaceItem | Self::PatchItem | Self::DeleteItem | Self::Batch)
    }
}

/// A path segment, encoded.
pub(in crate::cosmos) fn encode(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: &str, path: &str, headers: &[(&'static str, &str)]) -> Operation {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        Request::new(method.parse().unwrap(), path, headers.collect(), Bytes::new()).operation()
    }

    /// A header counts for the resource it belongs to, and nowhere else.
    #[test]
    fn a_request_is_what_it_is_carried_out_as() {
        use Operation::{Bulk, ChangeFeed, Read, Unknown};
        let query = ("x-ms-documentdb-isquery", "True");
        let plan = ("x-ms-cosmos-is-query-plan-request", "true");
        let batch = ("x-ms-cosmos-is-batch-request", "true");
        let alone = ("x-ms-cosmos-batch-atomic", "false");
        let keyed = ("x-ms-documentdb-partitionkey", "[]");
        let (items, item) = ("/dbs/d/colls/c/docs", "/dbs/d/colls/c/docs/i");
        for (method, path, headers, expected) in [
            ("POST", items, &[][..], Operation::Write(Write::PostItem)),
            ("POST", items, &[query], Read),
            ("POST", items, &[plan], Read),
            ("POST", items, &[query, batch, alone], Read),
            ("POST", items, &[batch, keyed], Operation::Write(Write::Batch)),
            ("POST", items, &[batch, alone, keyed], Bulk),
            ("POST", items, &[batch, alone], Bulk),
            ("POST", items, &[alone], Operation::Write(Write::PostItem)),
            ("GET", items, &[batch, alone], Read),
            ("GET", items, &[("a-im", "Incremental feed")], ChangeFeed),
            ("GET", item, &[("a-im", "Incremental feed")], Read),
            ("PUT", item, &[query, plan], Operation::Write(Write::ReplaceItem)),
            ("PATCH", item, &[query], Operation::Write(Write::PatchItem)),
            ("DELETE", item, &[plan], Operation::Write(Write::DeleteItem)),
            ("POST", item, &[query], Unknown),
            ("POST", "/dbs", &[plan], Operation::Write(Write::CreateDatabase)),
            ("POST", "/dbs", &[batch, alone], Operation::Write(Write::CreateDatabase)),
            ("POST", "/dbs", &[query], Read),
            ("DELETE", "/dbs/d", &[query], Operation::Write(Write::DeleteDatabase)),
            ("POST", "/dbs/d", &[query], Unknown),
            ("POST", "/dbs/d/colls", &[plan], Operation::Write(Write::CreateContainer)),
            ("POST", "/dbs/d/colls", &[query], Read),
            ("PUT", "/dbs/d/colls/c", &[query], Operation::Write(Write::ReplaceContainer)),
            ("DELETE", "/dbs/d/colls/c", &[query], Operation::Write(Write::DeleteContainer)),
            ("POST", "/offers", &[query], Read),
            ("POST", "/offers", &[plan], Unknown),
            ("PUT", "/offers/o", &[query], Operation::Write(Write::ReplaceOffer)),
            ("HEAD", item, &[], Read),
            ("OPTIONS", items, &[], Unknown),
            ("post", "/dbs", &[], Unknown),
            ("delete", item, &[], Unknown),
        ] {
            assert_eq!(operation(method, path, headers), expected, "{method} {path} {headers:?}");
        }
        // The first of several counts.
        let mut twice = Request::new(Method::POST, items, HeaderMap::new(), Bytes::new());
        for value in ["false", "true"] {
            twice.headers.append(query.0, http::HeaderValue::from_static(value));
        }
        assert_eq!(twice.operation(), Operation::Write(Write::PostItem));
    }
}
