//! A request, taken apart.

use std::str::FromStr;

use http::{HeaderMap, Method, Uri, request::Parts};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::blobs::{
    conditions::{Conditions, EtagMatch},
    error::{Code, Failure},
    names::{BlobPath, ContainerName},
    record::{ContentHeaders, Metadata},
    store::Access,
};

use super::dates;

/// Most bytes of metadata, names and values.
const MAX_METADATA: usize = 8 * 1024;

/// Everything of a request but its body.
pub(in crate::blobs) struct Call {
    pub(in crate::blobs) method: Method,
    /// As it came, percent-encoded: signatures cover this form.
    pub(in crate::blobs) path: String,
    pub(in crate::blobs) query: Query,
    pub(in crate::blobs) headers: HeaderMap,
    pub(in crate::blobs) target: Target,
    /// `x-ms-request-id` of the answer.
    pub(in crate::blobs) id: String,
}

/// What the address names.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::blobs) enum Target {
    Service,
    Container(ContainerName),
    Blob(BlobPath),
}

/// Decoded parameters in the order they came.
pub(in crate::blobs) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(uri: &Uri) -> Self {
        let text = uri.query().unwrap_or_default();
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(in crate::blobs) fn get(&self, name: &str) -> Option<&str> {
        self.pairs().find_map(|(key, value)| (key == name).then_some(value))
    }

    pub(in crate::blobs) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Call {
    /// # Errors
    /// An address outside of `account`, or one that names nothing that could exist.
    pub(super) fn new(parts: Parts, id: String, account: &str) -> Result<Self, Failure> {
        Ok(Self {
            target: target(parts.uri.path(), account)?,
            path: parts.uri.path().to_owned(),
            query: Query::parse(&parts.uri),
            method: parts.method,
            headers: parts.headers,
            id,
        })
    }

    pub(in crate::blobs) fn header(&self, name: &str) -> Result<Option<&str>, Failure> {
        let Some(value) = self.headers.get(name) else {
            return Ok(None);
        };
        match value.to_str() {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(unusable(name)),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        Ok(self.header(name)?.map(str::to_owned))
    }

    /// A header's value, read as a `T`.
    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(text) = self.header(name)? else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| unusable(name))
    }

    pub(super) fn required<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        let missing = || Failure::refused(Code::MissingRequiredHeader, format!("Header: {name}."));
        self.parsed(name)?.ok_or_else(missing)
    }

    pub(super) fn client_request_id(&self) -> Option<String> {
        let value = self.headers.get("x-ms-client-request-id")?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    pub(super) fn conditions(&self) -> Result<Conditions, Failure> {
        let tag = |name| Ok::<_, Failure>(self.header(name)?.map(EtagMatch::parse));
        let date = |name| match self.header(name)? {
            Some(text) => dates::parse(text).map(Some).ok_or_else(|| unusable(name)),
            None => Ok(None),
        };
        Ok(Conditions {
            if_match: tag("if-match")?,
            if_none_match: tag("if-none-match")?,
            if_modified_since: date("if-modified-since")?,
            if_unmodified_since: date("if-unmodified-since")?,
        })
    }

    pub(super) fn access(&self) -> Result<Access, Failure> {
        Ok(Access { conditions: self.conditions()?, lease: self.parsed::<Uuid>("x-ms-lease-id")? })
    }

    /// The headers that are kept with a blob. `Content-Type` and its like describe the body of this request; only where
    /// the body is the blob do they count, and `x-ms-blob-…` wins.
    pub(super) fn content_headers(&self, body_is_the_blob: bool) -> Result<ContentHeaders, Failure> {
        let pick = |name: &str| match self.text(&format!("x-ms-blob-{name}"))? {
            None if body_is_the_blob => self.text(name),
            given => Ok(given.filter(|text| !text.is_empty())),
        };
        Ok(ContentHeaders {
            content_type: pick("content-type")?,
            content_encoding: pick("content-encoding")?,
            content_language: pick("content-language")?,
            content_md5: self.text("x-ms-blob-content-md5")?,
            cache_control: pick("cache-control")?,
            content_disposition: self.text("x-ms-blob-content-disposition")?,
        })
    }

    pub(super) fn metadata(&self) -> Result<Metadata, Failure> {
        let mut metadata = Metadata::new();
        for (name, value) in &self.headers {
            let Some(name) = name.as_str().strip_prefix("x-ms-meta-") else {
                continue;
            };
            let value = std::str::from_utf8(value.as_bytes())
                .map_err(|_| Failure::refused(Code::InvalidMetadata, format!("Name: {name}.")))?;
            if name.is_empty() {
                return Err(Code::EmptyMetadataKey.into());
            }
            metadata.insert(name.to_owned(), value.trim().to_owned());
        }
        check_metadata(&metadata)?;
        Ok(metadata)
    }
}

/// Whether the service would keep this metadata.
///
/// # Errors
/// [`Code::InvalidMetadata`], [`Code::MetadataTooLarge`].
pub(in crate::blobs) fn check_metadata(metadata: &Metadata) -> Result<(), Failure> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    for (name, value) in metadata {
        let identifier = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
        if !identifier || value.chars().any(char::is_control) {
            return Err(Failure::refused(Code::InvalidMetadata, format!("Name: {name}.")));
        }
    }
    if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_METADATA {
        return Err(Code::MetadataTooLarge.into());
    }
    Ok(())
}

pub(super) fn unusable(header: &str) -> Failure {
    Failure::refused(Code::InvalidHeaderValue, format!("Header: {header}."))
}

/// `/{account}[/{container}[/{blob}]]`. Slashes within a blob's name may come encoded or not.
fn target(path: &str, account: &str) -> Result<Target, Failure> {
    let decode = |text: &str| match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(Failure::from(Code::InvalidUri)),
    };
    let mut parts = path.trim_start_matches('/').splitn(3, '/');
    let mut next = || parts.next().filter(|part| !part.is_empty());
    if next() != Some(account) {
        let detail = format!("The only account is {account}; addresses start with /{account}.");
        return Err(Failure::refused(Code::ResourceNotFound, detail));
    }
    let Some(container) = next() else {
        return Ok(Target::Service);
    };
    let container = ContainerName::new(&decode(container)?)?;
    match next() {
        None => Ok(Target::Container(container)),
        Some(blob) => Ok(Target::Blob(BlobPath::new(container, &decode(blob)?)?)),
    }
}
