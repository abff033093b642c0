//! Operations on queues.

use http::StatusCode;

use super::{Service, target::Call};
use crate::{
    queues::{error::Failure, names::QueueName},
    storage_account::Reply,
};

impl Service {
    pub(super) async fn create_queue(&self, call: &Call, name: &QueueName) -> Result<Reply, Failure> {
        let (name, metadata) = (name.clone(), call.metadata()?);
        let created = self.on_store(move |store| store.create(&name, metadata)).await?;
        Ok(Reply::new(if created { StatusCode::CREATED } else { StatusCode::NO_CONTENT }))
    }

    pub(super) async fn get_metadata(&self, name: &QueueName) -> Result<Reply, Failure> {
        let name = name.clone();
        let description = self.on_store(move |store| store.describe(&name)).await?;
        Ok(Reply::new(StatusCode::OK)
            .header("x-ms-approximate-messages-count", description.messages.to_string())
            .metadata(&description.metadata))
    }

    pub(super) async fn set_metadata(&self, call: &Call, name: &QueueName) -> Result<Reply, Failure> {
        let (name, metadata) = (name.clone(), call.metadata()?);
        self.on_store(move |store| store.set_metadata(&name, metadata)).await?;
        Ok(Reply::new(StatusCode::NO_CONTENT))
    }

    pub(super) async fn delete_queue(&self, name: &QueueName) -> Result<Reply, Failure> {
        let name = name.clone();
        self.on_store(move |store| store.delete(&name)).await?;
        Ok(Reply::new(StatusCode::NO_CONTENT))
    }
}
