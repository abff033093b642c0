//! REST interface of Queue Storage.
//!
//! Source: "Queue service REST API".

mod messages;
mod operation;
mod queue;
mod service;
mod target;
mod xml;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use http::{Method, StatusCode};
use uuid::Uuid;

use self::{
    operation::{MessageOperation, Operation, QueueOperation},
    target::Call,
};
use super::{error::Failure, store::Store};
use crate::storage_account::{MetadataHeaders, Reply, RequestBody, auth::Account, check_version, work};

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
    let outcome = match target::read(parts, metadata, id.clone(), &service.account.name) {
        Ok(call) => service.answer(&call, &mut body).await,
        Err(refusal) => Err(refusal.into()),
    };
    let reply = match outcome {
        Ok(reply) => reply,
        Err(failure) => {
            body.drain(&headers).await;
            report(&failure, &id);
            let code = failure.code();
            Reply::error(code.status(), code, &failure.to_string(), is_head)
        }
    };
    reply.respond(&headers, &id, service.store.clock().now()).await
}

fn report(failure: &Failure, request_id: &str) {
    match failure.code().status() {
        StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(request_id, error = failure as &dyn std::error::Error, "queue request failed");
        }
        _ => tracing::debug!(request_id, %failure, "queue request refused"),
    }
}

impl Service {
    async fn answer(&self, call: &Call, body: &mut RequestBody) -> Result<Reply, Failure> {
        check_version(&call.headers)?;
        let grant = self.account.authenticate(call, self.store.clock().now())?;
        let operation = Operation::of(call)?;
        grant.covers(operation.need(), call)?;
        match operation {
            Operation::ListQueues => self.list_queues(call).await,
            Operation::GetServiceProperties => Self::properties(),
            Operation::Queue(operation, name) => match operation {
                QueueOperation::Create => self.create_queue(call, name).await,
                QueueOperation::GetMetadata => self.get_metadata(name).await,
                QueueOperation::SetMetadata => self.set_metadata(call, name).await,
                QueueOperation::Delete => self.delete_queue(name).await,
            },
            Operation::Message(operation, name) => match operation {
                MessageOperation::Put => self.put_message(call, name, body).await,
                MessageOperation::Get => self.get_messages(call, name).await,
                MessageOperation::Peek => self.peek_messages(call, name).await,
                MessageOperation::Clear => self.clear_messages(name).await,
                MessageOperation::Update(id) => self.update_message(call, name, id, body).await,
                MessageOperation::Delete(id) => self.delete_message(call, name, id).await,
            },
        }
    }

    /// Works on the store away from the threads that serve connections: a commit may wait for the disk.
    async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = Arc::clone(&self.store);
        work::blocking(move || work(&store)).await
    }
}
