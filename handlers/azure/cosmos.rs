//! Documents in Cosmos DB.
//!
//! The client retries throttling and lost connections itself, within the deadline set here. Writes that must not be lost to a
//! concurrent writer carry the ETag that was read; [`write_if_newer`] is the loop around that for documents which know their version.
//!
//! Documents are generic here only as JSON text: every call of the client is in a function without type parameters that returns a
//! boxed future. The client's own code is one large state machine for each operation, and would else be compiled anew for
//! each type of document and each caller.

mod changes;

use std::{collections::HashMap, error::Error, fmt, future::Future, num::NonZeroU32, sync::Arc, time::Duration};

use azure_core::{
    credentials::TokenCredential,
    http::{Etag, StatusCode},
};
use azure_data_cosmos::{
    AccountReference, CosmosClient, FeedScope, Query, RoutingStrategy,
    clients::{ContainerClient, CosmosClientBuilder},
    feed::ContinuationToken,
    models::ItemResponse,
    options::{
        BinaryEncodingOptions, ChangeFeedStartFrom, FeedOptions, ItemWriteOptions, MaxItemCountHint, Precondition,
        QueryOptions, Region,
    },
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture};
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use tokio::sync::{Mutex, OnceCell};

pub use self::changes::Changes;
use super::credentials::Credentials;
use crate::settings::CosmosSettings;

/// Longer than the client's own retries of a throttled call usually take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Physical partitions that a query may ask; the client's own limit is 100.
const MAX_PARTITIONS: u32 = 1_000;

/// Lost races in a row after which a document counts as contended: the record comes again later.
const MAX_RACES: usize = 8;

/// A Cosmos DB account; cloning shares its connections.
#[derive(Clone)]
pub struct Cosmos(Arc<Account>);

struct Account {
    settings: CosmosSettings,
    credential: Arc<dyn TokenCredential>,
    client: OnceCell<CosmosClient>,
    containers: Mutex<HashMap<(String, String), ContainerClient>>,
}

/// A container of the account.
#[derive(Clone)]
pub struct Container {
    account: Cosmos,
    database: String,
    name: String,
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

/// How a document is written.
#[derive(Clone, Copy)]
enum Write<'a> {
    Create,
    /// Only where it is still the one that was read under this ETag.
    Replace {
        etag: &'a str,
    },
    Upsert,
}

/// A call to Cosmos DB failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {id}: {kind}")]
pub struct CosmosError {
    operation: &'static str,
    id: String,
    /// What the caller may do about it.
    pub kind: CosmosErrorKind,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Why a call failed, as far as callers differ on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CosmosErrorKind {
    /// The document exists already, or changed since it was read. Read again and decide anew.
    Conflict,
    /// There is no such document to replace or delete.
    NotFound,
    /// The document is larger than Cosmos DB stores (2 MB). Repeating is of no use.
    TooLarge,
    /// Throttled, out of reach, out of time, or not allowed yet. Repeating may help.
    Transient,
    /// The request is malformed. Repeating is of no use.
    Refused,
}

impl fmt::Display for CosmosErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "another writer was there first; read again",
            Self::NotFound => "there is no such document",
            Self::TooLarge => "the document is too large; repeating is of no use",
            Self::Transient => "the service did not do it; repeating is safe",
            Self::Refused => "the service refused it; repeating is of no use",
        })
    }
}

impl CosmosError {
    /// Whether repeating the call may help.
    pub fn is_transient(&self) -> bool {
        self.kind == CosmosErrorKind::Transient
    }

    fn is(&self, kind: CosmosErrorKind) -> bool {
        self.kind == kind
    }
}

impl Cosmos {
    /// The account in `settings`; nothing is connected yet.
    pub fn new(settings: &CosmosSettings, credentials: &Credentials) -> Self {
        Self(Arc::new(Account {
            settings: settings.clone(),
            credential: credentials.identity(),
            client: OnceCell::new(),
            containers: Mutex::default(),
        }))
    }

    /// A container by name; nothing is asked of the service yet.
    pub fn container(&self, database: &str, name: &str) -> Container {
        Container { account: self.clone(), database: database.to_owned(), name: name.to_owned() }
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
            CosmosClientBuilder::new()
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
        match self.read_text(partition_key, id).await {
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

    /// The text of a document and its ETag.
    fn read_text<'a>(
        &'a self,
        partition_key: &'a str,
        id: &'a str,
    ) -> BoxFuture<'a, Result<(Bytes, String), CosmosError>> {
        let read = self.call("read", id, move |container| async move {
            let response = container.read_item(partition_key.to_owned(), id, None).await?;
            let etag = etag_of(&response);
            Ok((response.into_body().single()?, etag))
        });
        read.boxed()
    }

    /// Writes the text of a document, and gives its new ETag.
    fn write<'a>(
        &'a self,
        write: Write<'a>,
        partition_key: &'a str,
        id: &'a str,
        text: Box<RawValue>,
    ) -> BoxFuture<'a, Result<String, CosmosError>> {
        let (operation, options) = match write {
            Write::Create => ("create", None),
            Write::Replace { etag } => ("replace", Some(unless_changed(etag))),
            Write::Upsert => ("upsert", None),
        };
        let written = self.call(operation, id, move |container| async move {
            let key = partition_key.to_owned();
            let response = match write {
                Write::Create => container.create_item(key, id, &text, options).await?,
                Write::Replace { .. } => container.replace_item(key, id, &text, options).await?,
                Write::Upsert => container.upsert_item(key, id, &text, options).await?,
            };
            Ok(etag_of(&response))
        });
        written.boxed()
    }

    fn query_page<'a>(
        &'a self,
        partition_key: &'a str,
        sql: &'a str,
        parameters: &'a [(&'a str, Value)],
        max_items: NonZeroU32,
        continuation: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Page<Box<RawValue>>, CosmosError>> {
        let page = self.call("query", partition_key, move |container| async move {
            let mut query = Query::from(sql);
            for (name, value) in parameters {
                query = query.with_parameter(*name, value)?;
            }
            let mut options = QueryOptions::default().with_max_item_count(MaxItemCountHint::Limit(max_items));
            if let Some(continuation) = continuation {
                options = options.with_continuation_token(ContinuationToken::from_string(continuation.to_owned()));
            }
            let scope = FeedScope::partition(partition_key.to_owned());
            let mut pages = container.query_items::<Box<RawValue>>(query, scope, Some(options)).await?.into_pages();
            let Some(page) = pages.next().await.transpose()? else {
                return Ok(Page { items: Vec::new(), continuation: None });
            };
            // The iterator's token is never empty; only the service's header says whether more follows.
            let continuation = match page.headers().continuation() {
                Some(_) => Some(pages.to_continuation_token()?.as_str().to_owned()),
                None => None,
            };
            Ok(Page { items: page.into_items(), continuation })
        });
        page.boxed()
    }

    fn query_all<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Box<RawValue>>, CosmosError>> {
        let found = self.call("query", "all", move |container| async move {
            let options = FeedOptions::default().with_max_fan_out(MAX_PARTITIONS);
            let options = QueryOptions::default().with_feed_options(options);
            let scope = FeedScope::full_container();
            let found = container.query_items::<Box<RawValue>>(Query::from(sql), scope, Some(options)).await?;
            found.try_collect().await
        });
        found.boxed()
    }

    /// A document from its text.
    fn parsed<T: DeserializeOwned>(&self, operation: &'static str, id: &str, text: &[u8]) -> Result<T, CosmosError> {
        // json: as the client itself would read it; what may hold anything asks for `Plain`.
        serde_json::from_slice(text).map_err(|error| self.not_json(operation, id, error)) // json: see above
    }

    /// What is to be written is not JSON, or what was read has not the shape that it should have.
    fn not_json(&self, operation: &'static str, id: &str, error: serde_json::Error) -> CosmosError {
        self.failed(operation, id, CosmosErrorKind::Refused, Some(Box::new(error)))
    }

    fn failed(
        &self,
        operation: &'static str,
        id: &str,
        kind: CosmosErrorKind,
        source: Option<Box<dyn Error + Send + Sync>>,
    ) -> CosmosError {
        CosmosError { operation, id: format!("{}/{}/{id}", self.database, self.name), kind, source }
    }

    /// Runs one operation on this container under the deadline.
    async fn call<T, F, Fut>(&self, operation: &'static str, id: &str, run: F) -> Result<T, CosmosError>
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
        let key = (self.database.clone(), self.name.clone());
        let mut containers = self.account.0.containers.lock().await;
        if let Some(container) = containers.get(&key) {
            return Ok(container.clone());
        }
        let database = self.account.client().await?.database_client(&self.database);
        let container = database.container_client(&self.name, None).await?;
        containers.insert(key, container.clone());
        Ok(container)
    }
}

fn etag_of(response: &ItemResponse) -> String {
    response.headers().etag().map(ToString::to_string).unwrap_or_default()
}

fn unless_changed(etag: &str) -> ItemWriteOptions {
    ItemWriteOptions::default().with_precondition(Precondition::if_match(Etag::from(etag)))
}

/// Sub-status under which the client reports, as a 500 of its own, that an answer has not the shape it was to be read as.
const UNREADABLE: u16 = 20_020;

fn kind_of(error: &azure_data_cosmos::CosmosError) -> CosmosErrorKind {
    if error.status().sub_status().is_some_and(|sub_status| sub_status.value() == UNREADABLE) {
        return CosmosErrorKind::Refused;
    }
    match error.status().status_code() {
        StatusCode::Conflict | StatusCode::PreconditionFailed => CosmosErrorKind::Conflict,
        StatusCode::NotFound if error.status().is_not_found() => CosmosErrorKind::NotFound,
        StatusCode::PayloadTooLarge => CosmosErrorKind::TooLarge,
        StatusCode::BadRequest => CosmosErrorKind::Refused,
        _ => CosmosErrorKind::Transient,
    }
}

/// A document that knows how new it is.
pub trait Versioned {
    /// Revision and hub sequence number, compared in this order.
    fn version(&self) -> (i64, i64);
}

/// What [`write_if_newer`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The document is stored.
    Yes,
    /// What is stored is as new or newer.
    No,
}

/// Stores `document` unless the stored one is as new or newer: safe to repeat, and in any order.
///
/// # Errors
/// As [`CosmosErrorKind`] says; never `Conflict` before `MAX_RACES` lost races, which come out as `Transient`.
pub async fn write_if_newer<T: Versioned + Serialize + DeserializeOwned>(
    container: &Container,
    partition_key: &str,
    id: &str,
    document: &T,
) -> Result<Written, CosmosError> {
    let mut races = 0;
    loop {
        let tried = match container.read::<T>(partition_key, id).await? {
            None => container.create(partition_key, id, document).await,
            Some(stored) if stored.value.version() >= document.version() => return Ok(Written::No),
            Some(stored) => container.replace(partition_key, id, document, &stored.etag).await,
        };
        match tried {
            Ok(_) => return Ok(Written::Yes),
            // Someone wrote between reading and writing, or the document expired: decide again on what is there now.
            Err(error) if error.is(CosmosErrorKind::Conflict) || error.is(CosmosErrorKind::NotFound) => {
                races += 1;
                if races == MAX_RACES {
                    return Err(CosmosError { kind: CosmosErrorKind::Transient, ..error });
                }
            }
            Err(error) => return Err(error),
        }
    }
}
