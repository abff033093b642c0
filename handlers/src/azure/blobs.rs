//! Files in blob storage.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    ops::Range,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use azure_core::{
    credentials::TokenCredential,
    error::ErrorKind,
    http::{Etag, ExponentialRetryOptions, NoFormat, RequestContent, RetryOptions, StatusCode},
};
use azure_storage_blob::{
    BlobServiceClient, BlobServiceClientOptions,
    models::{
        BlobClientDeleteOptions, BlobClientDownloadOptions, BlobClientSetMetadataOptions, BlobClientUploadOptions,
        BlobContainerClientListBlobsOptions, HttpRange, ListBlobsIncludeItem,
    },
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use time::OffsetDateTime;

use super::{credentials::Credentials, http::Http};
use crate::settings::StorageSettings;

/// For calls that move little.
const DEADLINE: Duration = Duration::from_secs(15);

/// Retries of one request by the client; what still fails comes again with its record.
const RETRIES: u32 = 3;

/// A write up to this size (bytes) moves little.
const LITTLE: usize = 4 << 20;

/// For calls that move a whole file.
const TRANSFER_DEADLINE: Duration = Duration::from_secs(120);

/// A storage account; cloning shares its connections.
#[derive(Clone)]
pub struct Blobs(Arc<Account>);

struct Account {
    settings: StorageSettings,
    identity: Arc<dyn TokenCredential>,
    http: Http,
    client: OnceLock<Arc<BlobServiceClient>>,
}

/// When a write is to happen.
#[derive(Debug, Clone, Copy)]
pub enum Condition<'a> {
    /// Whatever is there.
    None,
    /// Only if there is no such blob.
    IfAbsent,
    /// Only if the blob still has this ETag.
    IfMatch(&'a str),
}

/// A whole blob.
#[derive(Debug, Clone)]
pub struct Blob {
    /// Its bytes.
    pub body: Bytes,
    /// Changes with every write.
    pub etag: String,
    /// Its metadata.
    pub metadata: HashMap<String, String>,
}

/// A line of a listing.
#[derive(Debug, Clone)]
pub struct BlobEntry {
    /// The whole name, with slashes.
    pub name: String,
    /// Changes with every write.
    pub etag: String,
    /// Bytes.
    pub length: u64,
    /// When it was last written.
    pub last_modified: Option<OffsetDateTime>,
    /// Its metadata.
    pub metadata: HashMap<String, String>,
}

/// The bytes of a blob, as they arrive.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, BlobError>> + Send>>;

/// A call to blob storage failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} blob {name}: {kind}")]
pub struct BlobError {
    operation: &'static str,
    name: String,
    /// What the caller may do about it.
    pub kind: BlobErrorKind,
    #[source]
    source: Option<Box<azure_core::Error>>,
}

/// Why a call failed, as far as callers differ on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobErrorKind {
    /// The condition of the write does not hold.
    Conflict,
    /// There is no such blob or container.
    NotFound,
    /// Throttled, out of reach, out of time, or not allowed yet. Repeating may help.
    Transient,
    /// The request is malformed. Repeating is of no use.
    Refused,
}

impl fmt::Display for BlobErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "the condition of the write does not hold",
            Self::NotFound => "there is no such blob",
            Self::Transient => "the service did not do it; repeating is safe",
            Self::Refused => "the service refused it; repeating is of no use",
        })
    }
}

impl BlobError {
    /// Whether repeating the call may help.
    pub fn is_transient(&self) -> bool {
        self.kind == BlobErrorKind::Transient
    }
}

impl Blobs {
    /// The account in `settings`; nothing is connected yet.
    pub fn new(settings: &StorageSettings, credentials: &Credentials) -> Self {
        Self(Arc::new(Account {
            settings: settings.clone(),
            identity: credentials.identity(),
            http: credentials.http(),
            client: OnceLock::new(),
        }))
    }

    /// Writes a whole blob and returns its ETag.
    ///
    /// # Errors
    /// [`BlobErrorKind::Conflict`] if `condition` does not hold.
    pub async fn put(
        &self,
        container: &str,
        name: &str,
        body: impl Into<Bytes>,
        content_type: &str,
        metadata: HashMap<String, String>,
        condition: Condition<'_>,
    ) -> Result<String, BlobError> {
        let mut options = BlobClientUploadOptions {
            blob_content_type: Some(content_type.to_owned()),
            metadata: (!metadata.is_empty()).then_some(metadata),
            ..Default::default()
        };
        match condition {
            Condition::None => {}
            Condition::IfAbsent => options.if_none_match = Some(Etag::from("*")),
            Condition::IfMatch(etag) => options.if_match = Some(Etag::from(etag)),
        }
        let body: Bytes = body.into();
        let deadline = if body.len() <= LITTLE { DEADLINE } else { TRANSFER_DEADLINE };
        let content: RequestContent<Bytes, NoFormat> = body.into();
        self.call("write", container, name, deadline, |service| async move {
            let written = service.blob_client(container, name).upload(content, Some(options)).await?;
            Ok(text(written.etag))
        })
        .await
    }

    /// Reads a whole blob; `None` if there is none. For large files use [`Blobs::stream`].
    ///
    /// # Errors
    /// As [`BlobErrorKind`] says.
    pub async fn get(&self, container: &str, name: &str) -> Result<Option<Blob>, BlobError> {
        let read = self.call("read", container, name, TRANSFER_DEADLINE, |service| async move {
            let download = service.blob_client(container, name).download(None).await?;
            let (etag, metadata) = (text(download.properties.etag), download.properties.metadata);
            Ok(Blob { body: download.body.collect().await?, etag, metadata })
        });
        match read.await {
            Ok(blob) => Ok(Some(blob)),
            Err(error) if error.kind == BlobErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads some bytes of a blob.
    ///
    /// # Errors
    /// [`BlobErrorKind::NotFound`] if there is no such blob.
    pub async fn read_range(&self, container: &str, name: &str, range: Range<u64>) -> Result<Bytes, BlobError> {
        self.call("read", container, name, TRANSFER_DEADLINE, |service| async move {
            let options = BlobClientDownloadOptions { range: Some(HttpRange::from(range)), ..Default::default() };
            service.blob_client(container, name).download(Some(options)).await?.body.collect().await
        })
        .await
    }

    /// The bytes of a blob as they arrive; the blob is read in parts, all of the same version.
    ///
    /// # Errors
    /// [`BlobErrorKind::NotFound`] if there is no such blob; later errors come in the stream.
    pub async fn stream(&self, container: &str, name: &str) -> Result<ByteStream, BlobError> {
        self.stream_with(container, name, None).await
    }

    async fn stream_with(
        &self,
        container: &str,
        name: &str,
        options: Option<BlobClientDownloadOptions<'static>>,
    ) -> Result<ByteStream, BlobError> {
        let download = self
            .call("read", container, name, DEADLINE, |service| async move {
                service.blob_client(container, name).download(options).await
            })
            .await?;
        let place = format!("{container}/{name}");
        let bytes = download.body.map(move |part| part.map_err(|error| failed("read", &place, Some(error))));
        Ok(Box::pin(bytes))
    }

    /// The same of one version of a blob.
    ///
    /// # Errors
    /// [`BlobErrorKind::Conflict`] if it was written again, [`BlobErrorKind::NotFound`] if there is no such blob.
    pub async fn stream_version(&self, container: &str, name: &str, etag: &str) -> Result<ByteStream, BlobError> {
        let etag = Etag::from(format!("\"{}\"", etag.trim_matches('"')));
        let options = BlobClientDownloadOptions { if_match: Some(etag), ..Default::default() };
        self.stream_with(container, name, Some(options)).await
    }

    /// Lists the blobs whose names begin with `prefix`, with their metadata, in order of name.
    ///
    /// # Errors
    /// [`BlobErrorKind::NotFound`] if there is no such container.
    pub async fn list(&self, container: &str, prefix: &str) -> Result<Vec<BlobEntry>, BlobError> {
        self.list_first(container, prefix, usize::MAX).await
    }

    /// The first `most` of [`Blobs::list`]; no page beyond them is asked for.
    ///
    /// # Errors
    /// [`BlobErrorKind::NotFound`] if there is no such container.
    pub async fn list_first(&self, container: &str, prefix: &str, most: usize) -> Result<Vec<BlobEntry>, BlobError> {
        self.call("list", container, prefix, TRANSFER_DEADLINE, |service| async move {
            let options = BlobContainerClientListBlobsOptions {
                prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
                include: Some(vec![ListBlobsIncludeItem::Metadata]),
                ..Default::default()
            };
            let pages = service.blob_container_client(container).list_blobs(Some(options))?;
            let entry = |item: azure_storage_blob::models::BlobItem| {
                let properties = item.properties.unwrap_or_default();
                BlobEntry {
                    name: item.name.unwrap_or_default(),
                    etag: text(properties.etag),
                    length: properties.content_length.unwrap_or_default(),
                    last_modified: properties.last_modified,
                    metadata: item.metadata.and_then(|metadata| metadata.values).unwrap_or_default(),
                }
            };
            pages.map_ok(entry).take(most).try_collect().await
        })
        .await
    }

    /// Replaces the metadata of a blob, if `etag` is given only if the blob did not change since.
    ///
    /// # Errors
    /// [`BlobErrorKind::Conflict`] if it changed, [`BlobErrorKind::NotFound`] if there is none.
    pub async fn set_metadata(
        &self,
        container: &str,
        name: &str,
        metadata: &HashMap<String, String>,
        etag: Option<&str>,
    ) -> Result<(), BlobError> {
        self.call("set metadata of", container, name, DEADLINE, |service| async move {
            let options = BlobClientSetMetadataOptions { if_match: etag.map(Etag::from), ..Default::default() };
            service.blob_client(container, name).set_metadata(metadata, Some(options)).await.map(drop)
        })
        .await
    }

    /// Deletes a blob; that there is none is fine.
    ///
    /// # Errors
    /// As [`BlobErrorKind`] says.
    pub async fn delete(&self, container: &str, name: &str) -> Result<(), BlobError> {
        let deleted = self.call("delete", container, name, DEADLINE, |service| async move {
            service.blob_client(container, name).delete(None::<BlobClientDeleteOptions<'_>>).await.map(drop)
        });
        match deleted.await {
            Err(error) if error.kind != BlobErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes a blob, if `etag` is given only if it was not written again since.
    ///
    /// # Errors
    /// [`BlobErrorKind::NotFound`] if there is none, [`BlobErrorKind::Conflict`] if it changed.
    pub async fn delete_version(&self, container: &str, name: &str, etag: Option<&str>) -> Result<(), BlobError> {
        let if_match = etag.map(|etag| Etag::from(format!("\"{}\"", etag.trim_matches('"'))));
        self.call("delete", container, name, DEADLINE, |service| async move {
            let options = BlobClientDeleteOptions { if_match, ..Default::default() };
            service.blob_client(container, name).delete(Some(options)).await.map(drop)
        })
        .await
    }

    async fn call<T, F, Fut>(
        &self,
        operation: &'static str,
        container: &str,
        name: &str,
        deadline: Duration,
        run: F,
    ) -> Result<T, BlobError>
    where
        F: FnOnce(Arc<BlobServiceClient>) -> Fut,
        Fut: Future<Output = azure_core::Result<T>>,
    {
        let place = format!("{container}/{name}");
        let service = self.service().map_err(|error| failed(operation, &place, Some(error)))?;
        match tokio::time::timeout(deadline, Box::pin(run(service))).await {
            Ok(done) => done.map_err(|error| failed(operation, &place, Some(error))),
            Err(_) => Err(failed(operation, &place, None)),
        }
    }

    fn service(&self) -> azure_core::Result<Arc<BlobServiceClient>> {
        if let Some(service) = self.0.client.get() {
            return Ok(Arc::clone(service));
        }
        let mut options = BlobServiceClientOptions::default();
        options.client_options.transport = Some(self.0.http.transport()?);
        options.client_options.retry =
            RetryOptions::exponential(ExponentialRetryOptions { max_retries: RETRIES, ..Default::default() });
        let identity = Some(Arc::clone(&self.0.identity));
        let service = BlobServiceClient::new(self.0.settings.endpoint.clone(), identity, Some(options))?;
        Ok(Arc::clone(self.0.client.get_or_init(|| Arc::new(service))))
    }
}

fn text(etag: Option<Etag>) -> String {
    etag.map(String::from).unwrap_or_default()
}

/// No error below it means that the deadline passed.
fn failed(operation: &'static str, place: &str, source: Option<azure_core::Error>) -> BlobError {
    let kind = match source.as_ref().map(|error| (error.kind(), error.http_status())) {
        Some((ErrorKind::HttpResponse { .. }, Some(status))) => match status {
            StatusCode::Conflict | StatusCode::PreconditionFailed => BlobErrorKind::Conflict,
            StatusCode::NotFound => BlobErrorKind::NotFound,
            StatusCode::BadRequest => BlobErrorKind::Refused,
            _ => BlobErrorKind::Transient,
        },
        _ => BlobErrorKind::Transient,
    };
    BlobError { operation, name: place.to_owned(), kind, source: source.map(Box::new) }
}
