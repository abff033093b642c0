//! An account, its containers, and what can be done with a document of one.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    future::Future,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use azure_core::credentials::TokenCredential;
use azure_data_cosmos::{
    AccountReference, CosmosClient, CosmosRuntime, FeedScope, RoutingStrategy,
    clients::{ContainerClient, CosmosClientBuilder},
    models::ResponseHeaders,
    options::{BinaryEncodingOptions, ChangeFeedStartFrom, ConnectionPoolOptions, Region},
};
use futures::{FutureExt, StreamExt};
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value, value::to_raw_value};
use tokio::sync::OnceCell;

use super::{
    as_of::AsOf,
    error::{CosmosError, CosmosErrorKind, kind_of},
    write::{Write, unless_changed},
};
use crate::{azure::credentials::Credentials, settings::CosmosSettings, telemetry::Telemetry};

/// Longer than the client's own retries of a throttled call usually take.
const DEADLINE: Duration = Duration::from_secs(10);

/// HTTP/2 connections to the gateway; requests share one. The client's own choice, twice as many as there are cores and 32 from four
/// on, makes each answer wake another connection: a request costs a fifth more (docs/performance.md).
const CONNECTIONS: usize = 1;

/// A Cosmos DB account; cloning shares its connections.
#[derive(Clone)]
pub struct Cosmos(Arc<Account>);

struct Account {
    settings: CosmosSettings,
    credential: Arc<dyn TokenCredential>,
    client: OnceCell<CosmosClient>,
    containers: Mutex<HashMap<ContainerName, Arc<OnceCell<ContainerClient>>>>,
    telemetry: Telemetry,
}

/// Which container of which database. [`crate::stores`] has one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerName {
    /// The database.
    pub database: &'static str,
    /// The container.
    pub container: &'static str,
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.database, self.container)
    }
}

/// A container of the account.
#[derive(Clone)]
pub struct Container {
    account: Cosmos,
    name: ContainerName,
}

/// A document with the ETag it was read under.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    /// The document.
    pub value: T,
    /// Changes with every write of the document.
    pub etag: String,
}

/// A page of a query.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The documents of this page, in the query's order.
    pub items: Vec<T>,
    /// Asks for the next page; absent on the last.
    pub continuation: Option<String>,
}

impl Cosmos {
    /// The account in `settings`; nothing is connected yet.
    pub fn new(settings: &CosmosSettings, credentials: &Credentials, telemetry: Telemetry) -> Self {
        Self(Arc::new(Account {
            settings: settings.clone(),
            credential: credentials.identity(),
            client: OnceCell::new(),
            containers: Mutex::default(),
            telemetry,
        }))
    }

    /// A container by name; nothing is asked of the service yet.
    pub fn container(&self, name: ContainerName) -> Container {
        Container { account: self.clone(), name }
    }

    async fn client(&self) -> azure_data_cosmos::Result<&CosmosClient> {
        let account = &self.0;
        let connect = || async {
            let endpoint = account.settings.endpoint.clone().into();
            let reference = AccountReference::with_credential(endpoint, Arc::clone(&account.credential));
            let routing = match &account.settings.region {
                Some(region) => RoutingStrategy::ProximityTo(Region::from(region.clone())),
                None => RoutingStrategy::PreferredRegions(Vec::new()),
            };
            let connections =
                ConnectionPoolOptions::builder().with_max_http2_connections_per_endpoint(CONNECTIONS).build()?;
            let runtime = CosmosRuntime::builder().with_connection_pool(connections).build().await?;
            CosmosClientBuilder::new()
                .with_runtime(runtime)
                // In preview, and documents are already text here.
                .with_binary_encoding_options(BinaryEncodingOptions::new().with_enabled(false))
                .build(reference, routing)
                .await
        };
        account.client.get_or_try_init(connect).await
    }
}

impl Container {
    /// Reads a document.
    ///
    /// # Errors
    /// [`CosmosErrorKind::Refused`] if the document does not have the shape of `T`, else as [`CosmosErrorKind`] says.
    pub async fn read<T: DeserializeOwned>(
        &self,
        partition_key: &str,
        id: &str,
    ) -> Result<Option<Stored<T>>, CosmosError> {
        self.read_as_of(AsOf::OwnWrites, partition_key, id).await
    }

    /// Reads a document, maybe as it was a moment ago, even before this process wrote it last. For who writes under the ETag and reads
    /// with [`Container::read`] once that is refused: it costs less processor time the more partitions the container has.
    ///
    /// # Errors
    /// As of [`Container::read`].
    pub async fn read_lately<T: DeserializeOwned>(
        &self,
        partition_key: &str,
        id: &str,
    ) -> Result<Option<Stored<T>>, CosmosError> {
        self.read_as_of(AsOf::Lately, partition_key, id).await
    }

    async fn read_as_of<T: DeserializeOwned>(
        &self,
        as_of: AsOf,
        partition_key: &str,
        id: &str,
    ) -> Result<Option<Stored<T>>, CosmosError> {
        match self.read_text(as_of, partition_key, id).await {
            Ok((text, etag)) => Ok(Some(Stored { value: self.parsed("read", id, &text)?, etag })),
            Err(error) if error.is(CosmosErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a document and returns its ETag.
    ///
    /// # Errors
    /// [`CosmosErrorKind::Conflict`] if there is one with this id.
    pub async fn create<T: Serialize>(
        &self,
        partition_key: &str,
        id: &str,
        document: &T,
    ) -> Result<String, CosmosError> {
        let text = to_raw_value(document).map_err(|error| self.not_json("create", id, error))?;
        self.write(Write::Create, partition_key, id, text).await
    }

    /// Replaces a document that was read under `etag`, and returns its new ETag.
    ///
    /// # Errors
    /// [`CosmosErrorKind::Conflict`] if it changed since, [`CosmosErrorKind::NotFound`] if it is gone.
    pub async fn replace<T: Serialize>(
        &self,
        partition_key: &str,
        id: &str,
        document: &T,
        etag: &str,
    ) -> Result<String, CosmosError> {
        let text = to_raw_value(document).map_err(|error| self.not_json("replace", id, error))?;
        self.write(Write::Replace { etag }, partition_key, id, text).await
    }

    /// Creates a document, or replaces the one that was read under `etag`, and returns its new ETag: optimistic concurrency.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if another writer was there first.
    pub async fn write_unchanged<T: Serialize>(
        &self,
        partition_key: &str,
        id: &str,
        document: &T,
        etag: Option<&str>,
    ) -> Result<String, CosmosError> {
        match etag {
            Some(etag) => self.replace(partition_key, id, document, etag).await,
            None => self.create(partition_key, id, document).await,
        }
    }

    /// Creates a document or replaces what is there, whatever it is.
    ///
    /// # Errors
    /// As [`CosmosErrorKind`] says.
    pub async fn upsert<T: Serialize>(&self, partition_key: &str, id: &str, document: &T) -> Result<(), CosmosError> {
        let text = to_raw_value(document).map_err(|error| self.not_json("upsert", id, error))?;
        self.write(Write::Upsert, partition_key, id, text).await.map(drop)
    }

    /// Deletes a document, if `etag` is given only if it did not change since it was read under it.
    ///
    /// # Errors
    /// [`CosmosErrorKind::NotFound`] if it is gone, [`CosmosErrorKind::Conflict`] if it changed.
    pub async fn delete(&self, partition_key: &str, id: &str, etag: Option<&str>) -> Result<(), CosmosError> {
        let delete = self.call("delete", id, move |container| async move {
            container.delete_item(partition_key.to_owned(), id, etag.map(unless_changed)).await.map(drop)
        });
        delete.boxed().await
    }

    /// One page of a query within one partition; `parameters` are the query's `@names` and their values.
    ///
    /// # Errors
    /// [`CosmosErrorKind::Refused`] if the query or the continuation is malformed, else as [`CosmosErrorKind`] says.
    pub async fn query_partition<T: DeserializeOwned + Send + 'static>(
        &self,
        partition_key: &str,
        sql: &str,
        parameters: &[(&str, Value)],
        max_items: NonZeroU32,
        continuation: Option<&str>,
    ) -> Result<Page<T>, CosmosError> {
        let page = self.query_page(partition_key, sql, parameters, max_items, continuation).await?;
        let items = page.items.iter().map(|text| self.parsed("query", partition_key, text.get().as_bytes()));
        Ok(Page { items: items.collect::<Result<_, _>>()?, continuation: page.continuation })
    }

    /// All documents that a query finds in any partition. For containers that stay small: it reads them all.
    ///
    /// # Errors
    /// [`CosmosErrorKind::Refused`] if the query is malformed, else as [`CosmosErrorKind`] says.
    pub async fn query<T: DeserializeOwned + Send + 'static>(&self, sql: &str) -> Result<Vec<T>, CosmosError> {
        let found = self.query_all(sql).await?;
        found.iter().map(|text| self.parsed("query", "all", text.get().as_bytes())).collect()
    }

    /// The present session token of each physical partition, `<partition>:<version>#<LSN>…`. No document is read: each answer is
    /// that of a change feed at its end.
    ///
    /// # Errors
    /// As [`CosmosErrorKind`] says.
    pub async fn session_tokens(&self) -> Result<Vec<String>, CosmosError> {
        let tokens = self.call("read the session tokens of", "all", move |container| async move {
            let mut tokens = Vec::new();
            for range in container.read_feed_ranges(None).await? {
                let scope = FeedScope::range(range);
                let mut pages =
                    container.query_change_feed::<IgnoredAny>(scope, ChangeFeedStartFrom::Now, None).await?;
                let page = pages.next().await.transpose()?;
                let token = page.as_ref().and_then(|page| page.headers().session_token());
                tokens.extend(token.iter().flat_map(|token| token.as_str().split(',')).map(str::to_owned));
            }
            Ok(tokens)
        });
        tokens.boxed().await
    }

    /// A document from its text.
    fn parsed<T: DeserializeOwned>(&self, operation: &'static str, id: &str, text: &[u8]) -> Result<T, CosmosError> {
        // json: as the client itself would read it; what may hold anything asks for `Plain`.
        serde_json::from_slice(text).map_err(|error| self.not_json(operation, id, error)) // json: see above
    }

    /// What is to be written is not JSON, or what was read has not the shape that it should have.
    pub(super) fn not_json(&self, operation: &'static str, id: &str, error: serde_json::Error) -> CosmosError {
        self.failed(operation, id, CosmosErrorKind::Refused, Some(Box::new(error)))
    }

    pub(super) fn failed(
        &self,
        operation: &'static str,
        id: &str,
        kind: CosmosErrorKind,
        source: Option<Box<dyn Error + Send + Sync>>,
    ) -> CosmosError {
        CosmosError { operation, id: format!("{}/{id}", self.name), kind, source }
    }

    /// Tells what an operation cost that succeeded.
    pub(super) fn charged(&self, operation: &'static str, headers: &ResponseHeaders) {
        if let Some(charge) = headers.request_charge() {
            self.account.0.telemetry.request_charge(self.name.container, operation, charge.value());
        }
    }

    /// Runs one operation on this container under the deadline.
    pub(super) async fn call<T, F, Fut>(&self, operation: &'static str, id: &str, run: F) -> Result<T, CosmosError>
    where
        F: FnOnce(ContainerClient) -> Fut,
        Fut: Future<Output = azure_data_cosmos::Result<T>>,
    {
        let whole = Box::pin(async {
            // A container that is missing is a fault of the deployment; only a document may be found missing.
            let container = self.client().await.map_err(|error| (CosmosErrorKind::Transient, error))?;
            run(container).await.map_err(|error| (kind_of(&error), error))
        });
        match tokio::time::timeout(DEADLINE, whole).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err((kind, error))) => Err(self.failed(operation, id, kind, Some(Box::new(error)))),
            Err(_) => Err(self.failed(operation, id, CosmosErrorKind::Transient, None)),
        }
    }

    /// The client of this container. Making one reads the container's properties, so it is kept.
    async fn client(&self) -> azure_data_cosmos::Result<ContainerClient> {
        let cell = {
            let mut containers = self.account.0.containers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(containers.entry(self.name).or_default())
        };
        // One that does not answer holds up no other.
        let container = cell.get_or_try_init(|| async {
            let database = self.account.client().await?.database_client(self.name.database);
            database.container_client(self.name.container, None).await
        });
        container.await.cloned()
    }
}
