//! Blobs: put, read, change, lease, delete.

use uuid::Uuid;

use super::{Store, Transaction};
use crate::blobs::{
    bodies::{Draft, Pin},
    conditions::Conditions,
    error::{Code, Failure},
    lease::{Action, Lease},
    names::BlobPath,
    outbox::{Api, BlobCreated, Pending},
    record::{BlobRecord, Content, ContentHeaders, CopyRecord, Metadata},
};

/// What a request says about the blob it wants to touch.
#[derive(Clone, Debug, Default)]
pub(in crate::blobs) struct Access {
    pub(in crate::blobs) conditions: Conditions,
    pub(in crate::blobs) lease: Option<Uuid>,
}

/// Everything of a new version of a blob except its bytes.
#[derive(Clone, Debug, Default)]
pub(in crate::blobs) struct Replacement {
    pub(in crate::blobs) headers: ContentHeaders,
    pub(in crate::blobs) metadata: Metadata,
    pub(in crate::blobs) access: Access,
    /// `false` where the caller may create blobs only.
    pub(in crate::blobs) may_overwrite: bool,
    /// The copy that makes it.
    pub(in crate::blobs) copy: Option<CopyRecord>,
    /// For the news of it.
    pub(in crate::blobs) url: String,
    pub(in crate::blobs) request_id: String,
    pub(in crate::blobs) client_request_id: Option<String>,
}

/// A change that leaves the bytes as they are.
#[derive(Clone, Debug)]
pub(in crate::blobs) enum Change {
    Metadata(Metadata),
    Headers(ContentHeaders),
}

impl Store {
    /// Makes `draft` the blob's content.
    ///
    /// # Errors
    /// [`Code::ContainerNotFound`]; what conditions and lease refuse.
    pub(in crate::blobs) fn put_blob(
        &self,
        path: &BlobPath,
        draft: Draft,
        replacement: Replacement,
    ) -> Result<BlobRecord, Failure> {
        let (record, news) = self.write(|transaction| {
            let old = self.replaceable(path, &replacement)?;
            self.drop_uncommitted(transaction, path)?;
            let content = Content::Whole(transaction.adopt(draft));
            if let Some(old) = &old {
                transaction.disown(old.content.segments());
            }
            self.replace(transaction, path, old, content, replacement, Api::PutBlob)
        })?;
        self.outbox.hand_on(&news)?;
        Ok(record)
    }

    /// The blob that is about to be replaced, with the lease it keeps, if the request may replace it.
    pub(super) fn replaceable(&self, path: &BlobPath, new: &Replacement) -> Result<Option<BlobRecord>, Failure> {
        self.existing_container(&path.container)?;
        let mut old = self.blob(path)?;
        if old.is_some() && !new.may_overwrite {
            return Err(Failure::refused(Code::AuthorizationPermissionMismatch, "Overwriting needs w."));
        }
        let Access { conditions, lease: named } = &new.access;
        conditions.check_replace(old.as_ref().map(BlobRecord::version))?;
        let lease = old.as_ref().map_or(Lease::Available, |blob| blob.lease);
        let lease = lease.permit_write(*named, self.now_millis())?;
        if let Some(old) = &mut old {
            conditions.check_absent(named.is_some())?;
            old.lease = lease;
        }
        Ok(old)
    }

    /// Puts the new version into the transaction, with its news.
    pub(super) fn replace(
        &self,
        transaction: &mut Transaction<'_>,
        path: &BlobPath,
        old: Option<BlobRecord>,
        content: Content,
        new: Replacement,
        api: Api,
    ) -> Result<(BlobRecord, Pending), Failure> {
        let now = self.now();
        let etag = transaction.next_etag(now);
        let record = BlobRecord {
            etag,
            created: old.as_ref().map_or(now, |blob| blob.created),
            last_modified: now,
            headers: new.headers,
            metadata: new.metadata,
            content,
            lease: old.map_or(Lease::Available, |blob| blob.lease),
            copy: new.copy,
        };
        transaction.put_blob(path, &record)?;
        let news = Pending {
            etag,
            event: BlobCreated {
                container: path.container.as_str().to_owned(),
                name: path.name().to_owned(),
                etag: etag.to_string(),
                content_type: record.headers.content_type().to_owned(),
                length: record.content.length(),
                api,
                url: new.url,
                request_id: new.request_id,
                client_request_id: new.client_request_id,
            },
        };
        transaction.announce(&news)?;
        Ok((record, news))
    }

    /// # Errors
    /// [`Code::ContainerNotFound`], [`Code::BlobNotFound`].
    pub(super) fn existing_blob(&self, path: &BlobPath) -> Result<BlobRecord, Failure> {
        match self.blob(path)? {
            Some(record) => Ok(record),
            None => {
                self.existing_container(&path.container)?;
                Err(Code::BlobNotFound.into())
            }
        }
    }

    /// What is known of a blob, without its bytes.
    ///
    /// # Errors
    /// Where it is not there, or conditions or lease refuse.
    pub(in crate::blobs) fn blob_properties(&self, path: &BlobPath, access: &Access) -> Result<BlobRecord, Failure> {
        let record = self.existing_blob(path)?;
        access.conditions.check_read(record.version())?;
        record.lease.permit_read(access.lease, self.now_millis())?;
        Ok(record)
    }

    /// A blob whose bytes stay readable while the pin is held.
    ///
    /// # Errors
    /// As [`Store::blob_properties`].
    pub(in crate::blobs) fn open_blob(&self, path: &BlobPath, access: &Access) -> Result<(BlobRecord, Pin), Failure> {
        // Under the writers' lock, so that no commit can drop the bytes between looking them up and pinning them.
        let turn = self.last_etag.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let record = self.blob_properties(path, access)?;
        let pin = self.bodies.pin(record.content.segments());
        drop(turn);
        Ok((record, pin))
    }

    /// # Errors
    /// Where it is not there, or conditions or lease refuse.
    pub(in crate::blobs) fn change_blob(
        &self,
        path: &BlobPath,
        access: &Access,
        change: Change,
    ) -> Result<BlobRecord, Failure> {
        self.write(|transaction| {
            let mut record = self.existing_blob(path)?;
            access.conditions.check_change(record.version())?;
            record.lease = record.lease.permit_write(access.lease, self.now_millis())?;
            match change {
                Change::Metadata(metadata) => record.metadata = metadata,
                Change::Headers(headers) => {
                    record.headers = headers;
                    record.copy = None;
                }
            }
            record.last_modified = self.now();
            record.etag = transaction.next_etag(record.last_modified);
            transaction.put_blob(path, &record)?;
            Ok(record)
        })
    }

    /// # Errors
    /// Where it is not there, or conditions or lease refuse.
    pub(in crate::blobs) fn delete_blob(&self, path: &BlobPath, access: &Access) -> Result<(), Failure> {
        self.write(|transaction| {
            let record = self.existing_blob(path)?;
            access.conditions.check_change(record.version())?;
            record.lease.permit_write(access.lease, self.now_millis())?;
            transaction.disown(record.content.segments());
            transaction.batch.remove(&self.blobs, path.key());
            Ok(())
        })
    }

    /// Carries out a lease action; answers the blob and the seconds until a broken lease is free. Leasing is no new
    /// version: the tag stays.
    ///
    /// # Errors
    /// Where the blob is not there, or conditions or lease refuse.
    pub(in crate::blobs) fn lease_blob(
        &self,
        path: &BlobPath,
        conditions: &Conditions,
        action: Action,
    ) -> Result<(BlobRecord, u32), Failure> {
        self.write(|transaction| {
            let mut record = self.existing_blob(path)?;
            conditions.check_change(record.version())?;
            let (lease, seconds) = record.lease.apply(action, self.now_millis())?;
            record.lease = lease;
            transaction.put_blob(path, &record)?;
            Ok((record, seconds))
        })
    }
}
