//! Request headers and parameters about blobs.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, request::Parts};
use uuid::Uuid;

use crate::{
    blobs::{
        conditions::{Conditions, EtagMatch},
        error::{Code, Failure},
        names::{BlobPath, ContainerName},
        record::ContentHeaders,
        store::Access,
    },
    storage_account::{
        self, MetadataHeaders, Query, Refusal,
        auth::{Need, Resource, Scope},
        dates,
    },
};

pub(in crate::blobs) type Call = storage_account::Call<Target>;

/// Bytes of an MD5.
const MD5_BYTES: usize = 16;

/// What the address names.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::blobs) enum Target {
    Service,
    Container(ContainerName),
    Blob(BlobPath),
}

impl Target {
    /// A single name is a container where the parameter `restype` says that it is no blob, and else a blob of the root
    /// container.
    pub(super) fn of(path: &str, query: Option<&str>, account: &str) -> Result<Self, Failure> {
        let (first, rest) = storage_account::address(path, account)?;
        let Some(first) = first else {
            return Ok(Self::Service);
        };
        let mut parameters = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        match rest {
            Some(blob) => Ok(Self::Blob(BlobPath::new(ContainerName::new(&first)?, &blob)?)),
            None if parameters.any(|(name, _)| name.eq_ignore_ascii_case("restype")) => {
                Ok(Self::Container(ContainerName::new(&first)?))
            }
            None => Ok(Self::Blob(BlobPath::new(ContainerName::root(), &first)?)),
        }
    }
}

/// Source: "Create a service SAS", the part on blobs.
impl Resource for Target {
    const LETTER: char = 'b';

    fn signed(&self, account: &str, query: &Query) -> Result<(Vec<String>, Scope), Refusal> {
        let field = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let kind = field("sr");
        let mut resource = format!("/blob/{account}");
        let scope = match (kind.as_str(), self) {
            ("c", Self::Container(name)) => {
                resource.push_str(&format!("/{}", name.as_str()));
                Scope::Container
            }
            ("c", Self::Blob(path)) => {
                resource.push_str(&format!("/{}", path.container.as_str()));
                Scope::Container
            }
            ("b", Self::Blob(path)) => {
                resource.push_str(&format!("/{}", path.written()));
                Scope::Object
            }
            _ => {
                let detail = format!("The signed resource {kind} does not fit this address.");
                return Err(Refusal::new(Code::AuthenticationFailed, detail));
            }
        };
        let version = field("sv");
        let mut fields = vec![field("sp"), field("st"), field("se"), resource];
        fields.extend(["si", "sip", "spr", "sv"].map(field));
        if version.as_str() >= WITH_RESOURCE_KIND {
            fields.extend([kind, field("snapshot")]);
        }
        if version.as_str() >= storage_account::auth::WITH_ENCRYPTION_SCOPE {
            fields.push(field("ses"));
        }
        fields.extend(["rscc", "rscd", "rsce", "rscl", "rsct"].map(field));
        Ok((fields, scope))
    }

    fn path(&self) -> String {
        match self {
            Self::Service => "storage/blobs".to_owned(),
            Self::Container(name) => format!("storage/blobs/{}", name.as_str()),
            Self::Blob(path) => format!("storage/blobs/{}", path.container.as_str()),
        }
    }

    fn is_reached(&self, scope: &Scope, need: Need) -> bool {
        match scope {
            // Signatures of one resource never reach the account or the container itself, except to list it.
            Scope::Container => need.resource == 'o' || need.permissions == "l",
            Scope::Object => matches!(self, Self::Blob(_)),
            Scope::Account(_) => true,
        }
    }
}

/// Since this version a service signature also covers the kind of resource and the snapshot.
const WITH_RESOURCE_KIND: &str = "2018-11-09";

/// # Errors
/// An address outside of `account`, or one that names nothing that could exist.
pub(super) fn read(parts: Parts, metadata: MetadataHeaders, id: String, account: &str) -> Result<Call, Failure> {
    let target = Target::of(parts.uri.path(), parts.uri.query(), account)?;
    Ok(Call::new(parts, metadata, id, target))
}

impl Call {
    fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        Ok(self.header(name)?.map(str::to_owned))
    }

    /// A header that is an MD5 in Base64; an empty one states none.
    ///
    /// # Errors
    /// [`Code::InvalidMd5`].
    pub(super) fn md5(&self, name: &str) -> Result<Option<&str>, Failure> {
        let text = self.header(name)?.map(str::trim).filter(|text| !text.is_empty());
        match text.map(|text| BASE64_STANDARD.decode(text)) {
            Some(Ok(bytes)) if bytes.len() == MD5_BYTES => Ok(text),
            None => Ok(None),
            Some(_) => Err(Failure::refused(Code::InvalidMd5, format!("Header: {name}."))),
        }
    }

    /// The conditions in the headers that start with `prefix`: none, or `x-ms-source-`.
    pub(super) fn conditions(&self, prefix: &str) -> Result<Conditions, Failure> {
        let tag =
            |name| Ok::<_, Failure>(self.joined(&format!("{prefix}{name}"))?.as_deref().and_then(EtagMatch::parse));
        let date = |name| {
            let name = format!("{prefix}{name}");
            let text = self.joined(&name)?.unwrap_or_default();
            // As HTTP has it, what cannot be read is as good as none; but several dates are refused.
            match text.matches("GMT").count() {
                0 | 1 => Ok(dates::parse(&text)),
                _ => Err(unusable(&name)),
            }
        };
        Ok(Conditions {
            if_match: tag("if-match")?,
            if_none_match: tag("if-none-match")?,
            if_modified_since: date("if-modified-since")?,
            if_unmodified_since: date("if-unmodified-since")?,
        })
    }

    /// All values of a header, in one list.
    fn joined(&self, name: &str) -> Result<Option<String>, Failure> {
        let values: Result<Vec<_>, _> = self.headers.get_all(name).iter().map(HeaderValue::to_str).collect();
        let values = values.map_err(|_| unusable(name))?;
        Ok((!values.is_empty()).then(|| values.join(", ")))
    }

    /// What a write says of what it expects.
    ///
    /// # Errors
    /// Conditions that a write may not combine.
    pub(super) fn write_conditions(&self) -> Result<Conditions, Failure> {
        let conditions = self.conditions("")?;
        conditions.check_combination()?;
        Ok(conditions)
    }

    pub(super) fn lease(&self) -> Result<Option<Uuid>, Failure> {
        Ok(self.parsed::<Uuid>("x-ms-lease-id")?)
    }

    /// For a read.
    pub(super) fn read_access(&self) -> Result<Access, Failure> {
        Ok(Access { conditions: self.conditions("")?, lease: self.lease()? })
    }

    /// For a write.
    ///
    /// # Errors
    /// Conditions that a write may not combine.
    pub(super) fn write_access(&self) -> Result<Access, Failure> {
        Ok(Access { conditions: self.write_conditions()?, lease: self.lease()? })
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
            content_md5: self.md5("x-ms-blob-content-md5")?.map(str::to_owned),
            cache_control: pick("cache-control")?,
            content_disposition: self.text("x-ms-blob-content-disposition")?,
        })
    }
}

pub(super) fn unusable(header: &str) -> Failure {
    storage_account::unusable(header).into()
}
