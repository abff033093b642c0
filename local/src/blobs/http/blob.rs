//! Operations on blobs.

use http::StatusCode;

use super::{
    RequestBody, Service,
    lease::{lease_action, leased},
    operation::not_implemented,
    range::ByteRange,
    reply::Reply,
    request::{Call, unusable},
    transfer::{self, Download},
};
use crate::{
    blobs::{
        error::Failure,
        names::BlobPath,
        record::{ACCESS_TIER, BlobRecord},
        store::{Change, Replacement},
    },
    storage_account::{auth::Grant, dates},
};

/// Most bytes of one Put Blob, or Put Blob From URL.
pub(super) const MAX_PUT: u64 = 5000 * 1024 * 1024;
/// Most bytes of a range whose MD5 can be asked for.
const MAX_RANGE_WITH_MD5: u64 = 4 * 1024 * 1024;

impl Service {
    pub(super) async fn put_blob(
        &self,
        call: &Call,
        grant: &Grant,
        path: &BlobPath,
        body: &mut RequestBody,
    ) -> Result<Reply, Failure> {
        let mut replacement = self.replacement(call, grant, path, true)?;
        let expected = call.md5("content-md5")?;
        self.before_body(path).await?;
        let (draft, md5) = transfer::receive(call, body, self.store.upload().with_md5(), MAX_PUT).await?;
        let md5 = md5.map(transfer::base64).unwrap_or_default();
        transfer::check_md5(expected, &md5)?;
        transfer::check_md5(replacement.headers.content_md5.as_deref(), &md5)?;
        replacement.headers.content_md5 = Some(md5.clone());

        let path = path.clone();
        let record = self.store_body(move |store| store.put_blob(&path, draft, replacement)).await?;
        Ok(written(StatusCode::CREATED, &record).header("content-md5", md5))
    }

    /// Refuses what needs no body to be refused.
    pub(super) async fn before_body(&self, path: &BlobPath) -> Result<(), Failure> {
        let container = path.container.clone();
        self.on_store(move |store| store.existing_container(&container)).await?;
        Ok(())
    }

    /// What a request says of the version it makes.
    pub(super) fn replacement(
        &self,
        call: &Call,
        grant: &Grant,
        path: &BlobPath,
        body_is_the_blob: bool,
    ) -> Result<Replacement, Failure> {
        Ok(Replacement {
            headers: call.content_headers(body_is_the_blob)?,
            metadata: call.metadata()?,
            access: call.write_access()?,
            may_overwrite: grant.may_overwrite(),
            copy: None,
            url: path.url(&self.base),
            request_id: call.id.clone(),
            client_request_id: call.client_request_id(),
        })
    }

    pub(super) async fn get_blob(&self, call: &Call, path: &BlobPath) -> Result<Reply, Failure> {
        let (asked, access, path) = (ByteRange::of(call)?, call.read_access()?, path.clone());
        let with_md5 = call.header("x-ms-range-get-content-md5")? == Some("true");
        if with_md5 && asked.is_none() {
            return Err(unusable("x-ms-range-get-content-md5"));
        }
        let (record, (from, to), bytes, range_md5) = self
            .on_store(move |store| {
                let (record, pin) = store.open_blob(&path, &access)?;
                let length = record.content.length();
                let (from, to) = asked.map_or(Ok((0, length)), |range| range.within(length))?;
                if with_md5 && to - from > MAX_RANGE_WITH_MD5 {
                    return Err(unusable("x-ms-range-get-content-md5"));
                }
                let bytes = Download::new(pin, from, to)?;
                let range_md5 = if with_md5 { Some(bytes.md5()?) } else { None };
                Ok((record, (from, to), bytes, range_md5))
            })
            .await?;
        let length = record.content.length();
        let md5 = record.headers.content_md5.as_deref();
        let reply = match asked {
            None => self.described(StatusCode::OK, &record).optional("content-md5", md5),
            // Here `Content-MD5` speaks of the range.
            Some(_) => self
                .described(StatusCode::PARTIAL_CONTENT, &record)
                .header("content-range", format!("bytes {from}-{}/{length}", to - 1))
                .optional("x-ms-blob-content-md5", md5)
                .optional("content-md5", range_md5.map(transfer::base64)),
        };
        Ok(reply.header("content-length", (to - from).to_string()).body(bytes.into_body()))
    }

    pub(super) async fn get_blob_properties(&self, call: &Call, path: &BlobPath) -> Result<Reply, Failure> {
        let (access, path) = (call.read_access()?, path.clone());
        let record = self.on_store(move |store| store.blob_properties(&path, &access)).await?;
        let reply = self.described(StatusCode::OK, &record);
        if call.method == http::Method::GET {
            return Ok(reply);
        }
        Ok(reply
            .optional("content-md5", record.headers.content_md5.as_deref())
            .header("content-length", record.content.length().to_string()))
    }

    pub(super) async fn set_blob_metadata(&self, call: &Call, path: &BlobPath) -> Result<Reply, Failure> {
        self.change_blob(call, path, Change::Metadata(call.metadata()?)).await
    }

    pub(super) async fn set_blob_properties(&self, call: &Call, path: &BlobPath) -> Result<Reply, Failure> {
        self.change_blob(call, path, Change::Headers(call.content_headers(false)?)).await
    }

    async fn change_blob(&self, call: &Call, path: &BlobPath, change: Change) -> Result<Reply, Failure> {
        let (access, path) = (call.write_access()?, path.clone());
        let record = self.on_store(move |store| store.change_blob(&path, &access, change)).await?;
        Ok(written(StatusCode::OK, &record))
    }

    pub(super) async fn delete_blob(&self, call: &Call, path: &BlobPath) -> Result<Reply, Failure> {
        // `include` asks for the snapshots as well, of which there are none.
        match call.header("x-ms-delete-snapshots")?.map(str::to_ascii_lowercase).as_deref() {
            None | Some("include") => {}
            Some("only") => return Err(not_implemented("x-ms-delete-snapshots: only")),
            Some(_) => return Err(unusable("x-ms-delete-snapshots")),
        }
        let (access, path) = (call.write_access()?, path.clone());
        self.on_store(move |store| store.delete_blob(&path, &access)).await?;
        Ok(Reply::new(StatusCode::ACCEPTED).header("x-ms-delete-type-permanent", "true"))
    }

    pub(super) async fn lease_blob(&self, call: &Call, path: &BlobPath) -> Result<Reply, Failure> {
        let (action, conditions, path) = (lease_action(call)?, call.write_conditions()?, path.clone());
        let (record, seconds) = self.on_store(move |store| store.lease_blob(&path, &conditions, action)).await?;
        Ok(leased(action, seconds).version(record.etag, record.last_modified))
    }

    /// An answer that says all about a blob but its length and MD5.
    fn described(&self, status: StatusCode, record: &BlobRecord) -> Reply {
        let (headers, now) = (&record.headers, self.store.now_millis());
        let lease = record.lease.state(now);
        Reply::new(status)
            .version(record.etag, record.last_modified)
            .header("content-type", headers.content_type())
            .optional("content-encoding", headers.content_encoding.as_deref())
            .optional("content-language", headers.content_language.as_deref())
            .optional("cache-control", headers.cache_control.as_deref())
            .optional("content-disposition", headers.content_disposition.as_deref())
            .header("accept-ranges", "bytes")
            .header("x-ms-blob-type", "BlockBlob")
            .header("x-ms-access-tier", ACCESS_TIER)
            .header("x-ms-access-tier-inferred", "true")
            .header("x-ms-creation-time", dates::format(record.created))
            .header("x-ms-lease-status", lease.status())
            .header("x-ms-lease-state", lease.as_str())
            .optional("x-ms-lease-duration", record.lease.duration(now))
            .header("x-ms-server-encrypted", "true")
            .copied(record.copy.as_ref(), record.content.length())
            .metadata(&record.metadata)
    }
}

/// The answer to a write.
pub(super) fn written(status: StatusCode, record: &BlobRecord) -> Reply {
    Reply::new(status).version(record.etag, record.last_modified).header("x-ms-request-server-encrypted", "true")
}
