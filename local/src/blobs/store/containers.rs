//! Containers.

use crate::blobs::{
    conditions::Conditions,
    error::{Code, Failure},
    names::ContainerName,
    record::{BlobRecord, Block, ContainerRecord, Metadata},
};

use super::{Store, decode};

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
            let record = ContainerRecord { etag: transaction.next_etag(now), last_modified: now, metadata };
            transaction.put(&self.containers, name.as_str().into(), &record, "container")?;
            Ok(record)
        })
    }

    /// # Errors
    /// [`Code::ContainerNotFound`].
    pub(in crate::blobs) fn existing_container(&self, name: &ContainerName) -> Result<ContainerRecord, Failure> {
        self.container(name)?.ok_or_else(|| Code::ContainerNotFound.into())
    }

    /// # Errors
    /// [`Code::ContainerNotFound`], [`Code::ConditionNotMet`].
    pub(in crate::blobs) fn set_container_metadata(
        &self,
        name: &ContainerName,
        metadata: Metadata,
        conditions: &Conditions,
    ) -> Result<ContainerRecord, Failure> {
        self.write(|transaction| {
            let mut record = self.existing_container(name)?;
            conditions.check_container(record.etag, record.last_modified)?;
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
    pub(in crate::blobs) fn delete_container(
        &self,
        name: &ContainerName,
        conditions: &Conditions,
    ) -> Result<(), Failure> {
        self.write(|transaction| {
            let record = self.existing_container(name)?;
            conditions.check_container(record.etag, record.last_modified)?;
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
