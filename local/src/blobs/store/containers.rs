//! Containers.

use uuid::Uuid;

use super::{Access, Store, decode};
use crate::blobs::{
    conditions::Conditions,
    error::{Code, Failure},
    lease::{Action, Lease},
    names::ContainerName,
    record::{BlobRecord, Block, ContainerRecord, Metadata},
};

impl Store {
    /// # Errors
    /// [`Code::ContainerAlreadyExists`].
    pub(in crate::blobs) fn create_container(
        &self,
        name: &ContainerName,
        metadata: Metadata,
    ) -> Result<ContainerRecord, Failure> {
        self.write(|transaction| {
            if self.container(name)?.is_some() {
                return Err(Code::ContainerAlreadyExists.into());
            }
            let now = self.now();
            let record = ContainerRecord {
                etag: transaction.next_etag(now),
                last_modified: now,
                metadata,
                lease: Lease::Available,
            };
            transaction.put(&self.containers, name.as_str().into(), &record, "container")?;
            Ok(record)
        })
    }

    /// # Errors
    /// [`Code::ContainerNotFound`].
    pub(in crate::blobs) fn existing_container(&self, name: &ContainerName) -> Result<ContainerRecord, Failure> {
        self.container(name)?.ok_or_else(|| Code::ContainerNotFound.into())
    }

    /// What is known of a container, for a caller who may name its lease.
    ///
    /// # Errors
    /// [`Code::ContainerNotFound`]; what the lease refuses.
    pub(in crate::blobs) fn container_properties(
        &self,
        name: &ContainerName,
        lease: Option<Uuid>,
    ) -> Result<ContainerRecord, Failure> {
        let record = self.existing_container(name)?;
        record.lease.permit_read(lease, self.now_millis()).map_err(of_container)?;
        Ok(record)
    }

    /// # Errors
    /// [`Code::ContainerNotFound`], [`Code::ConditionNotMet`].
    pub(in crate::blobs) fn set_container_metadata(
        &self,
        name: &ContainerName,
        metadata: Metadata,
        access: &Access,
    ) -> Result<ContainerRecord, Failure> {
        self.write(|transaction| {
            let mut record = self.existing_container(name)?;
            access.conditions.check_change(record.version())?;
            record.lease.permit_read(access.lease, self.now_millis()).map_err(of_container)?;
            record.last_modified = self.now();
            record.etag = transaction.next_etag(record.last_modified);
            record.metadata = metadata;
            transaction.put(&self.containers, name.as_str().into(), &record, "container")?;
            Ok(record)
        })
    }

    /// Removes the container with everything in it.
    ///
    /// # Errors
    /// [`Code::ContainerNotFound`], [`Code::ConditionNotMet`].
    pub(in crate::blobs) fn delete_container(&self, name: &ContainerName, access: &Access) -> Result<(), Failure> {
        self.write(|transaction| {
            let record = self.existing_container(name)?;
            access.conditions.check_change(record.version())?;
            record.lease.permit_write(access.lease, self.now_millis()).map_err(of_container)?;
            for entry in self.blobs.prefix(name.blob_prefix()) {
                let (key, value) = entry.into_inner()?;
                let blob: BlobRecord = decode(&value, || format!("blob in {}", name.as_str()))?;
                transaction.disown(blob.content.segments());
                transaction.batch.remove(&self.blobs, key);
            }
            for entry in self.blocks.prefix(name.blob_prefix()) {
                let (key, value) = entry.into_inner()?;
                let block: Block = decode(&value, || format!("block in {}", name.as_str()))?;
                transaction.disown(block.segment);
                transaction.batch.remove(&self.blocks, key);
            }
            transaction.batch.remove(&self.containers, name.as_str());
            Ok(())
        })
    }

    /// Carries out a lease action; answers the container and the seconds until a broken lease is free. A lease guards the
    /// container against deletion; blobs in it can be written all the same.
    ///
    /// # Errors
    /// [`Code::ContainerNotFound`]; what conditions and lease refuse.
    pub(in crate::blobs) fn lease_container(
        &self,
        name: &ContainerName,
        conditions: &Conditions,
        action: Action,
    ) -> Result<(ContainerRecord, u32), Failure> {
        self.write(|transaction| {
            let mut record = self.existing_container(name)?;
            conditions.check_change(record.version())?;
            let (lease, seconds) = record.lease.apply(action, self.now_millis())?;
            record.lease = lease;
            transaction.put(&self.containers, name.as_str().into(), &record, "container")?;
            Ok((record, seconds))
        })
    }

    /// All containers whose names start with `prefix`, in order.
    pub(in crate::blobs) fn list_containers(&self, prefix: &str) -> Result<Vec<(String, ContainerRecord)>, Failure> {
        self.containers
            .prefix(prefix)
            .map(|entry| {
                let (key, value) = entry.into_inner()?;
                let name = String::from_utf8_lossy(&key).into_owned();
                let record = decode(&value, || format!("container {name}"))?;
                Ok((name, record))
            })
            .collect()
    }
}

/// The refusals of a lease in the words of a container.
fn of_container(refusal: Failure) -> Failure {
    match refusal.code() {
        Code::LeaseIdMismatchWithBlobOperation => Code::LeaseIdMismatchWithContainerOperation.into(),
        Code::LeaseNotPresentWithBlobOperation => Code::LeaseNotPresentWithContainerOperation.into(),
        _ => refusal,
    }
}
