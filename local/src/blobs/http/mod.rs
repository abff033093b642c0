//! REST interface of Blob Storage.
//!
//! Source: "Blob service REST API".

mod batch;
mod blob;
mod block;
mod container;
mod copy;
mod lease;
mod operation;
mod range;
mod reply;
pub(super) mod request;
mod service;
mod transfer;
mod xml;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use http::Method;
use tokio::sync::Semaphore;
use uuid::Uuid;

use self::{
    operation::{BlobOperation, ContainerOperation, Operation},
    reply::Reply,
    request::Call,
};
use super::{error::Failure, store::Store};
use crate::storage_account::{
    MetadataHeaders, RequestBody,
    auth::{Account, Grant},
    check_version, work,
};

/// What answers requests.
pub(super) struct Service {
    pub(super) store: Arc<Store>,
    pub(super) account: Account,
    /// `http://127.0.0.1:PORT/ACCOUNT`, without a slash at the end.
    pub(super) base: String,
}

pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new().fallback(serve).with_state(service)
}

async fn serve(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (headers, is_head) = (parts.headers.clone(), parts.method == Method::HEAD);
    let id = Uuid::new_v4().to_string();
    let mut body = RequestBody::new(body);
    let metadata = MetadataHeaders::of(&parts).await;
    let outcome = match request::read(parts, metadata, id.clone(), &service.account.name) {
        Ok(call) => service.answer(&call, &mut body).await,
        Err(failure) => Err(failure),
    };
    let reply = match outcome {
        Ok(reply) => reply,
        Err(failure) => {
            body.drain(&headers).await;
            report(&failure, &id);
            Reply::failure(&failure, is_head)
        }
    };
    reply.respond(&headers, &id, service.store.now()).await
}

fn report(failure: &Failure, request_id: &str) {
    if failure.status().is_server_error() {
        tracing::error!(request_id, error = failure as &dyn std::error::Error, "blob request failed");
    } else {
        tracing::debug!(request_id, %failure, "blob request refused");
    }
}

impl Service {
    async fn answer(&self, call: &Call, body: &mut RequestBody) -> Result<Reply, Failure> {
        check_version(&call.headers)?;
        let grant = self.account.authenticate(call, self.store.now())?;
        let operation = Operation::of(call)?;
        operation.authorize(&grant, call)?;
        match operation {
            Operation::ListContainers => self.list_containers(call).await,
            Operation::GetServiceProperties => Self::properties(),
            Operation::Batch(within) => self.batch(call, within, body).await,
            Operation::GetAccountInformation => Ok(Self::account_information()),
            Operation::Container(operation, name) => match operation {
                ContainerOperation::Create => self.create_container(call, name).await,
                ContainerOperation::GetProperties => self.get_container(call, name).await,
                ContainerOperation::SetMetadata => self.set_container_metadata(call, name).await,
                ContainerOperation::Delete => self.delete_container(call, name).await,
                ContainerOperation::List => self.list_blobs(call, name).await,
                ContainerOperation::Lease => self.lease_container(call, name).await,
            },
            Operation::Blob(operation, path) => match operation {
                BlobOperation::Put => self.put_blob(call, &grant, path, body).await,
                BlobOperation::Copy => self.copy_blob(call, &grant, path).await,
                BlobOperation::AbortCopy => self.abort_copy(call, path).await,
                BlobOperation::PutFromUrl => self.put_blob_from_url(call, &grant, path).await,
                BlobOperation::PutBlockFromUrl => self.put_block_from_url(call, path).await,
                BlobOperation::Get => Ok(grant.overriding(self.get_blob(call, path).await?, call)),
                BlobOperation::GetProperties => Ok(grant.overriding(self.get_blob_properties(call, path).await?, call)),
                BlobOperation::SetMetadata => self.set_blob_metadata(call, path).await,
                BlobOperation::SetProperties => self.set_blob_properties(call, path).await,
                BlobOperation::Delete => self.delete_blob(call, path).await,
                BlobOperation::Lease => self.lease_blob(call, path).await,
                BlobOperation::PutBlock => self.put_block(call, path, body).await,
                BlobOperation::PutBlockList => self.put_block_list(call, &grant, path, body).await,
                BlobOperation::GetBlockList => self.get_block_list(call, path).await,
            },
        }
    }

    /// Works on the store, where no bytes of a body are stored.
    async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = Arc::clone(&self.store);
        in_turn(&OTHER_WORK, move || work(&store)).await
    }

    /// As [`Service::on_store`], with the last bytes of a body.
    async fn store_body<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = Arc::clone(&self.store);
        in_turn(&BODY_WRITES, move || work(&store)).await
    }
}

impl Grant {
    /// The answer to who reads a blob, with the headers that a signature puts in place of the blob's.
    fn overriding(&self, reply: Reply, call: &Call) -> Reply {
        if self.overrides_headers() { reply.overridden(&call.query) } else { reply }
    }
}

/// How many store bytes of bodies at a time, which bounds these bytes and the threads that do it: the allocator keeps some
/// megabytes for each thread that ever stored a chunk.
static BODY_WRITES: Semaphore = Semaphore::const_new(4);
/// How many do everything else that is asked of the store, which does not wait for bodies.
static OTHER_WORK: Semaphore = Semaphore::const_new(8);

/// Works in its turn, away from the threads that serve connections: a commit may wait for the disk.
async fn in_turn<T: Send + 'static>(
    turns: &Semaphore,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    // They are never closed.
    let _turn = turns.acquire().await;
    work::blocking(work).await
}
