//! In-process API of blobs: the same store and the same conditions, without the wire.

use std::collections::BTreeMap;

use bytes::Bytes;
use time::OffsetDateTime;

use super::{
    Blobs,
    conditions::{Conditions, EtagMatch},
    error::{Code, Error, Failure},
    names::{BlobPath, ContainerName},
    record::{BlobRecord, Metadata},
    store::{Access, Change, Entry, PageRequest, Store},
};
use crate::storage_account::check_metadata;

/// What to say of a blob that is put.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// `application/octet-stream` where absent.
    pub content_type: Option<String>,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
    /// What must hold of the version there is.
    pub condition: Option<Condition>,
}

/// What must hold of the version there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is none; else [`Code::BlobAlreadyExists`].
    IfAbsent,
    /// It has this entity tag; else [`Code::ConditionNotMet`].
    IfMatch(String),
}

/// What is known of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// Entity tag as the `ETag` header has it, with quotes.
    pub etag: String,
    /// When it was last written, to the second.
    pub last_modified: OffsetDateTime,
    /// When there was first a blob of this name, to the second.
    pub created: OffsetDateTime,
    /// Content type.
    pub content_type: String,
    /// MD5 of the content in base64, where it was stored with one.
    pub content_md5: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// Bytes.
    pub length: u64,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
}

/// A blob with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its bytes.
    pub body: Bytes,
    /// What is known of it.
    pub properties: Properties,
}

impl From<&BlobRecord> for Properties {
    fn from(record: &BlobRecord) -> Self {
        Self {
            etag: record.etag.quoted(),
            last_modified: record.last_modified,
            created: record.created,
            content_type: record.headers.content_type().to_owned(),
            content_md5: record.headers.content_md5.clone(),
            content_encoding: record.headers.content_encoding.clone(),
            content_language: record.headers.content_language.clone(),
            content_disposition: record.headers.content_disposition.clone(),
            cache_control: record.headers.cache_control.clone(),
            length: record.content.length(),
            metadata: record.metadata.clone(),
        }
    }
}

impl From<Option<Condition>> for Access {
    fn from(condition: Option<Condition>) -> Self {
        let mut conditions = Conditions::default();
        match condition {
            None => {}
            Some(Condition::IfAbsent) => conditions.if_none_match = Some(EtagMatch::Any),
            Some(Condition::IfMatch(tag)) => conditions.if_match = EtagMatch::parse(&tag),
        }
        Self { conditions, lease: None }
    }
}

impl Blobs {
    fn store(&self) -> &Store {
        &self.inner.service.store
    }

    /// Creates a container; `false` where it was there.
    ///
    /// # Errors
    /// An impossible name; a failing store.
    pub fn create_container(&self, name: &str) -> Result<bool, Error> {
        let created = ContainerName::new(name).and_then(|name| self.store().create_container(&name, Metadata::new()));
        match created {
            Ok(_) => Ok(true),
            Err(failure) if failure.code() == Code::ContainerAlreadyExists => Ok(false),
            Err(failure) => Err(Error::new("create container", name, failure)),
        }
    }

    /// Puts a blob whole. It raises the same news as Put Blob.
    ///
    /// # Errors
    /// A missing container, what the condition or a lease refuses, a failing store or observer.
    pub fn put(&self, container: &str, name: &str, body: Bytes, options: PutOptions) -> Result<Properties, Error> {
        let mut writer = self.create(container, name, options)?;
        writer.write(&body)?;
        writer.commit()
    }

    /// Replaces the metadata of a blob; its bytes stay.
    ///
    /// # Errors
    /// A missing blob, what the condition or a lease refuses, a failing store.
    pub fn set_metadata(
        &self,
        container: &str,
        name: &str,
        metadata: BTreeMap<String, String>,
        condition: Option<Condition>,
    ) -> Result<Properties, Error> {
        let set = || {
            check_metadata(&metadata)?;
            let path = BlobPath::parse(container, name)?;
            let change = Change::Metadata(metadata);
            self.store().change_blob(&path, &condition.into(), change)
        };
        match set() {
            Ok(record) => Ok(Properties::from(&record)),
            Err(cause) => Err(Error::new("set metadata of blob", format!("{container}/{name}"), cause)),
        }
    }

    /// A blob with all its bytes, which are in memory then; `None` where blob or container is missing.
    ///
    /// # Errors
    /// An impossible name; a failing store.
    pub fn get(&self, container: &str, name: &str) -> Result<Option<Blob>, Error> {
        let get = || {
            let path = BlobPath::parse(container, name)?;
            let (record, pin) = self.store().open_blob(&path, &Access::default())?;
            let mut body = Vec::new();
            for slice in pin.slices(0, record.content.length()) {
                body.extend_from_slice(&pin.read(slice)?);
            }
            Ok(Blob { body: body.into(), properties: Properties::from(&record) })
        };
        found(get()).map_err(|cause| Error::new("get blob", format!("{container}/{name}"), cause))
    }

    /// What is known of a blob; `None` where blob or container is missing.
    ///
    /// # Errors
    /// An impossible name; a failing store.
    pub fn properties(&self, container: &str, name: &str) -> Result<Option<Properties>, Error> {
        let look = || {
            let path = BlobPath::parse(container, name)?;
            let record = self.store().blob_properties(&path, &Access::default())?;
            Ok(Properties::from(&record))
        };
        found(look()).map_err(|cause| Error::new("look up blob", format!("{container}/{name}"), cause))
    }

    /// All blobs whose names start with `prefix`, in the order of their names.
    ///
    /// # Errors
    /// A missing container; a failing store.
    pub fn list(&self, container: &str, prefix: &str) -> Result<Vec<(String, Properties)>, Error> {
        let request = PageRequest { prefix: prefix.to_owned(), limit: usize::MAX, ..PageRequest::default() };
        let page = ContainerName::new(container)
            .and_then(|container| self.store().list_blobs(&container, &request))
            .map_err(|cause| Error::new("list blobs of", container, cause))?;
        let blobs = page.entries.into_iter().filter_map(|entry| match entry {
            Entry::Blob(name, record) => Some((name, Properties::from(&*record))),
            Entry::Prefix(_) | Entry::Uncommitted(_) => None,
        });
        Ok(blobs.collect())
    }

    /// Deletes a blob; `false` where blob or container was missing.
    ///
    /// # Errors
    /// What the condition or a lease refuses; a failing store.
    pub fn delete(&self, container: &str, name: &str, condition: Option<Condition>) -> Result<bool, Error> {
        let delete = || {
            let path = BlobPath::parse(container, name)?;
            self.store().delete_blob(&path, &condition.into())
        };
        let deleted =
            found(delete()).map_err(|cause| Error::new("delete blob", format!("{container}/{name}"), cause))?;
        Ok(deleted.is_some())
    }
}

/// Turns what is missing into `None`.
fn found<T>(outcome: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(failure) if matches!(failure.code(), Code::BlobNotFound | Code::ContainerNotFound) => Ok(None),
        Err(failure) => Err(failure),
    }
}
