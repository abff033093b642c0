//! Copies: blobs and blocks made from a blob of the same account, whose address is in the request.
//!
//! Source: "Copy Blob", "Copy Blob From URL", "Put Blob From URL", "Put Block From URL". Addresses are never dialled:
//! only what they name in this account is read, and other accounts are refused. So a copy is done when it is answered,
//! as most copies within an account are.

use http::{HeaderValue, Request, StatusCode, Uri, header::AUTHORIZATION};
use uuid::Uuid;

use super::{
    Service, blob, block,
    operation::{READ, not_implemented, refuse_versions},
    range::ByteRange,
    reply::Reply,
    request::{Call, Target, unusable},
    transfer,
};
use crate::{
    blobs::{
        bodies::Pin,
        error::{Code, Failure},
        names::BlobPath,
        record::{BlobRecord, ContentHeaders, CopyRecord},
        store::{Access, Replacement, Store},
    },
    storage_account::{MetadataHeaders, auth::Grant},
};

/// Longest source of Copy Blob From URL, in bytes.
const MAX_SYNC: u64 = 256 << 20;
/// Longest address of a source, in bytes.
const MAX_SOURCE: usize = 2048;
/// The header that names it.
const SOURCE: &str = "x-ms-copy-source";

/// What a request copies from.
struct Source {
    path: BlobPath,
    access: Access,
    /// Its address without parameters.
    shown: String,
}

impl Source {
    /// The blob with its bytes. What a condition refuses and what cannot be read differ from the same of the target.
    fn open(&self, store: &Store) -> Result<(BlobRecord, Pin), Failure> {
        store.open_blob(&self.path, &self.access).map_err(|failure| match failure.code() {
            Code::ConditionNotMet => Code::SourceConditionNotMet.into(),
            Code::UnsatisfiableCondition => failure,
            _ => Failure::Source(Box::new(failure)),
        })
    }
}

impl Service {
    pub(super) async fn copy_blob(&self, call: &Call, grant: &Grant, path: &BlobPath) -> Result<Reply, Failure> {
        let is_sync = call.header("x-ms-requires-sync")?.is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let source = self.source("Copy Blob", call, Some(grant).filter(|_| !is_sync))?;
        refuse_range(call)?;
        let id = Uuid::new_v4();
        let mut new = self.replacement(call, grant, path, false)?;
        new.copy = Some(CopyRecord { id, source: source.shown.clone(), completed: self.store.now() });
        let path = path.clone();
        let copied = self.store_body(move |store| {
            let (record, pin) = source.open(store)?;
            if is_sync {
                no_longer_than(MAX_SYNC, record.content.length())?;
            }
            let content = store.copy_content(&pin, &record.content)?;
            if new.metadata.is_empty() {
                new.metadata = record.metadata;
            }
            new.headers = record.headers;
            store.put_copy(&path, content, new)
        });
        let record = copied.await.map_err(|failure| match failure.code() {
            Code::ConditionNotMet => Code::TargetConditionNotMet.into(),
            _ => failure,
        })?;
        Ok(Reply::new(StatusCode::ACCEPTED)
            .version(record.etag, record.last_modified)
            .header("x-ms-copy-id", id.to_string())
            .header("x-ms-copy-status", CopyRecord::STATUS))
    }

    /// No copy is ever under way.
    pub(super) async fn abort_copy(&self, call: &Call, path: &BlobPath) -> Result<Reply, Failure> {
        if !call.required::<String>("x-ms-copy-action")?.eq_ignore_ascii_case("abort") {
            return Err(unusable("x-ms-copy-action"));
        }
        if call.query.get("copyid").is_none() {
            return Err(Failure::refused(Code::MissingRequiredQueryParameter, "Parameter: copyid."));
        }
        let path = path.clone();
        let lease = call.lease()?;
        self.on_store(move |store| store.blob_properties(&path, &Access { lease, ..Access::default() })).await?;
        Err(Code::NoPendingCopyOperation.into())
    }

    pub(super) async fn put_blob_from_url(
        &self,
        call: &Call,
        grant: &Grant,
        path: &BlobPath,
    ) -> Result<Reply, Failure> {
        let source = self.source("Put Blob From URL", call, None)?;
        refuse_range(call)?;
        let expected = call.md5("x-ms-source-content-md5")?.map(str::to_owned);
        let with_properties =
            !call.header("x-ms-copy-source-blob-properties")?.is_some_and(|text| text.eq_ignore_ascii_case("false"));
        let mut new: Replacement = self.replacement(call, grant, path, false)?;
        let path = path.clone();
        let (record, md5) = self
            .store_body(move |store| {
                let (record, pin) = source.open(store)?;
                let length = no_longer_than(blob::MAX_PUT, record.content.length())?;
                let (draft, md5) = store.copy_bytes(&pin, 0, length)?;
                let md5 = transfer::base64(md5);
                transfer::check_md5(expected.as_deref(), &md5)?;
                if with_properties {
                    new.headers = new.headers.or(record.headers);
                }
                transfer::check_md5(new.headers.content_md5.as_deref(), &md5)?;
                new.headers.content_md5 = Some(md5.clone());
                Ok((store.put_blob(&path, draft, new)?, md5))
            })
            .await?;
        Ok(blob::written(StatusCode::CREATED, &record).header("content-md5", md5))
    }

    pub(super) async fn put_block_from_url(&self, call: &Call, path: &BlobPath) -> Result<Reply, Failure> {
        let source = self.source("Put Block From URL", call, None)?;
        let missing = || Failure::refused(Code::MissingRequiredQueryParameter, "Parameter: blockid.");
        let id = call.query.get("blockid").ok_or_else(missing)?.to_owned();
        let (asked, lease) = (ByteRange::of_source(call)?, call.lease()?);
        let expected = call.md5("x-ms-source-content-md5")?.map(str::to_owned);
        let path = path.clone();
        let md5 = self
            .store_body(move |store| {
                store.existing_container(&path.container)?;
                let (record, pin) = source.open(store)?;
                let length = record.content.length();
                let (from, to) = asked.map_or(Ok((0, length)), |range| range.within(length))?;
                no_longer_than(block::MAX_BLOCK, to - from)?;
                let (draft, md5) = store.copy_bytes(&pin, from, to)?;
                let md5 = transfer::base64(md5);
                transfer::check_md5(expected.as_deref(), &md5)?;
                store.put_block(&path, &id, draft, lease)?;
                Ok(md5)
            })
            .await?;
        Ok(Reply::new(StatusCode::CREATED).header("content-md5", md5).header("x-ms-request-server-encrypted", "true"))
    }

    /// The blob that the request copies from, once the caller may read it: by a signature in its address, by an
    /// authorization of its own, or by what the request itself was let in by, `grant`, where that counts for a source. It does for a copy that
    /// may take its time, and not for what is copied before the answer, though the source is in the same account.
    ///
    /// # Errors
    /// An address that cannot be read or is another account's; [`Failure::Source`] where it may not be read.
    fn source(&self, operation: &str, call: &Call, grant: Option<&Grant>) -> Result<Source, Failure> {
        let text = call.required::<String>(SOURCE)?;
        let address: Uri = text.parse().map_err(|_| unusable(SOURCE))?;
        let (Some(scheme), true) = (address.scheme_str(), text.len() <= MAX_SOURCE) else {
            return Err(unusable(SOURCE));
        };
        let elsewhere = || not_implemented(&format!("{operation} from another account"));
        if !self.is_here(&address, call) {
            return Err(elsewhere());
        }
        let target = match Target::of(address.path(), address.query(), &self.account.name) {
            Err(failure) if failure.code() == Code::ResourceNotFound => return Err(elsewhere()),
            target => target?,
        };
        let mut request = Request::get(&address).body(()).map_err(|_| unusable(SOURCE))?;
        if let Some(own) = call.headers.get("x-ms-copy-source-authorization") {
            request.headers_mut().insert(AUTHORIZATION, HeaderValue::clone(own));
        }
        let mut reading = Call::new(request.into_parts().0, MetadataHeaders::default(), call.id.clone(), target);
        // The address is not dialled: a bearer token for the source came over the connection of this request, whatever
        // scheme the address has.
        reading.secure = call.secure;
        refuse_versions(&reading)?;
        let own = reading.query.get("sig").is_some() || reading.headers.contains_key(AUTHORIZATION);
        let allowed = match grant {
            _ if own => {
                self.account.authenticate(&reading, self.store.now()).and_then(|own| own.covers(READ, &reading))
            }
            // A signature for the target says nothing of the source.
            None | Some(Grant::Sas(_)) => Err(Code::NoAuthenticationInformation.into()),
            Some(grant @ (Grant::Key | Grant::Identity(_))) => grant.covers(READ, &reading),
        };
        allowed.map_err(|refusal| Failure::Source(Box::new(refusal.into())))?;
        let Target::Blob(path) = reading.target else {
            return Err(Failure::Source(Box::new(Code::BlobNotFound.into())));
        };
        let access = call.source_access()?;
        let shown =
            format!("{scheme}://{}{}", address.authority().map_or("", |authority| authority.as_str()), reading.path);
        Ok(Source { path, access, shown })
    }

    /// Whether an address leads to this service: by the name that the request itself used, or by one of this
    /// machine's own.
    fn is_here(&self, address: &Uri, call: &Call) -> bool {
        let Some(authority) = address.authority() else { return false };
        let same_host = call.headers.get("host").is_some_and(|host| host.as_bytes() == authority.as_str().as_bytes());
        let ours = self.base.parse::<Uri>().ok().and_then(|base| base.port_u16());
        let loopback = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
        same_host || loopback && ours.is_some() && authority.port_u16() == ours
    }
}

/// The length of what is to be copied, if the operation takes as much. A source may be far longer than what is stored of
/// it, since a block list may name a block many times; a copy has all its bytes.
fn no_longer_than(most: u64, length: u64) -> Result<u64, Failure> {
    if length > most { Err(Failure::SourceTooLong { most }) } else { Ok(length) }
}

/// Only blocks are made of a part of a blob.
fn refuse_range(call: &Call) -> Result<(), Failure> {
    if call.headers.contains_key("x-ms-source-range") { Err(unusable("x-ms-source-range")) } else { Ok(()) }
}

impl ContentHeaders {
    /// These, and where they say nothing, those of the source; the digest is its own.
    fn or(self, source: Self) -> Self {
        Self {
            content_type: self.content_type.or(source.content_type),
            content_encoding: self.content_encoding.or(source.content_encoding),
            content_language: self.content_language.or(source.content_language),
            content_md5: self.content_md5,
            cache_control: self.cache_control.or(source.cache_control),
            content_disposition: self.content_disposition.or(source.content_disposition),
        }
    }
}

impl Call {
    /// What a request says of the source it copies.
    fn source_access(&self) -> Result<Access, Failure> {
        let lease = self.parsed("x-ms-source-lease-id")?;
        Ok(Access { conditions: self.conditions("x-ms-source-")?, lease })
    }
}
