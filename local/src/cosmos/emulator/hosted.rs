//! The hosted emulator: an HTTP request in, an HTTP response out.

use std::{
    net::SocketAddr,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use azure_core::http::{Method, Request as EmulatorRequest, Url, headers::HeaderName};
use azure_data_cosmos_driver::{
    binary_json,
    in_memory_emulator::{
        ConsistencyLevel, ContainerConfig, InMemoryEmulatorHttpClient, VirtualAccountConfig, VirtualRegion,
    },
    models::PartitionKeyDefinition,
};
use bytes::Bytes;
use contoso_json::Plain;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::{
    Deserialize,
    de::{DeserializeOwned, Error as _},
};

use crate::cosmos::{
    emulator::{
        definition::{Definition, FeedRange},
        etags::EtagAliases,
    },
    error::Error,
    wire::{
        request::{ContainerName, Request, encode},
        responses,
    },
};

/// Name of the first region where the topology names none.
pub(in crate::cosmos) const DEFAULT_REGION: &str = "East US";

/// Of a request that creates a container: how many physical partitions it is to have. Not of the service; what clients send of it is dropped.
pub(in crate::cosmos) const PHYSICAL_PARTITIONS: &str = "x-local-physical-partitions";

/// An account in memory. It has one region; those of the account are endpoints to it.
pub(in crate::cosmos) struct Emulator {
    client: InMemoryEmulatorHttpClient,
    base: Url,
    requests: AtomicU64,
}

impl Emulator {
    /// An empty account.
    pub(in crate::cosmos) fn new(address: SocketAddr) -> Result<Self, Error> {
        let failed = |reason: String| Error::Emulator { operation: "creating the account".to_owned(), reason };
        let base = Url::parse(&format!("http://{address}/")).map_err(|error| failed(error.to_string()))?;
        let config = VirtualAccountConfig::new(vec![VirtualRegion::new(DEFAULT_REGION, base.clone())])
            .map_err(|error| failed(error.to_string()))?
            .with_consistency(ConsistencyLevel::Session);
        let client = InMemoryEmulatorHttpClient::try_new(config).map_err(|error| failed(error.to_string()))?;
        Ok(Self { client, base, requests: AtomicU64::new(0) })
    }

    /// Executes `request`. ETags of earlier lives in its conditions are replaced by what they stand for.
    pub(in crate::cosmos) async fn send(&self, request: &Request, etags: &EtagAliases) -> Response<Bytes> {
        match request.header(PHYSICAL_PARTITIONS).map(str::parse) {
            Some(Ok(partitions)) => self.create_partitioned(request, partitions).await,
            _ => self.forward(request, etags).await,
        }
    }

    /// Creates a container of so many partitions. The emulator's HTTP interface knows only four, and its other one no properties but the
    /// partition key: so it is made by the latter, and then replaced by what was asked for.
    async fn create_partitioned(&self, request: &Request, partitions: u32) -> Response<Bytes> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wanted {
            id: String,
            partition_key: PartitionKeyDefinition,
        }
        let segments = request.segments();
        let (&["dbs", database, "colls"], Ok(wanted)) =
            (segments.as_slice(), contoso_json::from_slice::<Wanted>(&request.body))
        else {
            return responses::bad_request(request, "Only a container is created in partitions.");
        };
        let config = match ContainerConfig::default().with_partition_count(partitions).build() {
            Ok(config) => config,
            Err(error) => return responses::bad_request(request, &error.to_string()),
        };
        let (database_path, path) =
            (format!("dbs/{}", encode(database)), format!("{}/{}", request.path, encode(&wanted.id)));
        let is_there = |path: &str| {
            let read = Request::new(http::Method::GET, path, HeaderMap::new(), Bytes::new());
            async move { self.forward(&read, &EtagAliases::default()).await.status().is_success() }
        };
        if !is_there(&database_path).await || is_there(&path).await {
            // It says what is wrong.
            return self.forward(request, &EtagAliases::default()).await;
        }
        self.client.store().create_container_with_config(database, &wanted.id, wanted.partition_key, config);
        let replace = Request::new(http::Method::PUT, &path, HeaderMap::new(), request.body.clone());
        let mut response = self.forward(&replace, &EtagAliases::default()).await;
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::CREATED;
        }
        response
    }

    async fn forward(&self, request: &Request, etags: &EtagAliases) -> Response<Bytes> {
        // Methods are told apart by case (RFC 9110 §9.1), which the emulator's client does not.
        let named = Method::from_str(request.method.as_str()).ok();
        let Some(method) = named.filter(|method| method.as_str() == request.method.as_str()) else {
            let message = format!("{} is not a method of this service.", request.method);
            return responses::error(request, StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", &message);
        };
        // It reads bodies, and headers such as partition keys, by means that have no bottom (`contoso_json`).
        let texts = request.headers.values().map(HeaderValue::as_bytes).chain([&request.body[..]]);
        if let Some(error) = texts.map(contoso_json::check).chain([check_binary(&request.body)]).find_map(Result::err) {
            return responses::bad_request(request, &format!("{error}."));
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        // The emulator finds the region by scheme, host and port, so the URL is never built from the Host header.
        let mut url = self.base.clone();
        url.set_path(&request.path);
        url.set_query(request.query.as_deref());
        if url.path().strip_prefix('/') != Some(request.path.as_str()) {
            // What was judged, and would be stored, is not what the emulator would do.
            return responses::bad_request(request, "The path is not in normal form.");
        }
        let mut forwarded = EmulatorRequest::new(url, method);
        for name in request.headers.keys() {
            // The first of several, as everywhere here: the emulator would take the last. Values may hold UTF-8:
            // continuations carry item ids.
            let Some(value) = request.header(name) else {
                return responses::bad_request(request, &format!("The header {name} is not UTF-8."));
            };
            let is_condition = name == header::IF_MATCH || name == header::IF_NONE_MATCH;
            let value = is_condition.then(|| etags.resolve(value)).flatten().unwrap_or(value);
            forwarded.headers_mut().insert(HeaderName::from(name.as_str().to_owned()), value.to_owned());
        }
        forwarded.set_body(request.body.clone());
        match self.client.execute_request(&forwarded).await {
            Ok(answer) => match answer.try_into_raw_response().await {
                Ok(answer) => {
                    let (status, headers, body) = answer.deconstruct();
                    response(u16::from(status), headers, body.into())
                }
                Err(error) => responses::unavailable(request, &format!("The answer could not be read: {error}.")),
            },
            Err(error) => responses::unavailable(request, &format!("The emulator failed: {error}.")),
        }
    }

    /// What a container is, with its ranges.
    ///
    /// # Errors
    /// When the emulator does not tell.
    pub(in crate::cosmos) async fn definition(&self, name: &ContainerName) -> Result<Definition, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Container {
            #[serde(rename = "_rid")]
            rid: String,
            default_ttl: Option<i64>,
            partition_key: PartitionKeyDefinition,
        }
        #[derive(Deserialize)]
        struct Ranges {
            #[serde(rename = "PartitionKeyRanges")]
            ranges: Vec<Range>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Range {
            id: String,
            min_inclusive: String,
            max_exclusive: String,
            vector_clock_version: u64,
        }
        let path = format!("dbs/{}/colls/{}", encode(&name.database), encode(&name.container));
        let Container { rid, default_ttl, partition_key } = self.get(&path).await?;
        let Ranges { ranges } = self.get(&format!("{path}/pkranges")).await?;
        let bounds = |range: Range| {
            let bounds = FeedRange { id: range.id, min: range.min_inclusive, max: range.max_exclusive };
            (bounds, range.vector_clock_version)
        };
        Ok(Definition { rid, default_ttl, partition_key, ranges: ranges.into_iter().map(bounds).collect() })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let request = Request::new(http::Method::GET, path, HeaderMap::new(), Bytes::new());
        let response = self.send(&request, &EtagAliases::default()).await;
        contoso_json::from_slice(response.body()).map_err(|error| Error::Emulator {
            operation: request.operation_name(),
            reason: format!("{} ({error})", responses::message_of(&response)),
        })
    }

    /// Requests it was sent in its life.
    #[cfg(test)]
    pub(in crate::cosmos) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// The same for a body in Cosmos' binary JSON, which has many ways to write a name.
fn check_binary(body: &[u8]) -> serde_json::Result<()> {
    if !binary_json::is_binary(body) {
        return Ok(());
    }
    let Plain(value) = binary_json::from_slice(body).map_err(serde_json::Error::custom)?;
    contoso_json::check(value.to_string().as_bytes())
}

fn response(status: u16, headers: azure_core::http::headers::Headers, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_bytes(value.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
