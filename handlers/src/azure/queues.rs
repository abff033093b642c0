//! Queue storage: queues that are made and deleted, and their messages.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use azure_core::{
    credentials::TokenCredential,
    error::ErrorKind,
    http::{ExponentialRetryOptions, RetryOptions, StatusCode},
};
use azure_storage_queue::{QueueClient, QueueClientOptions, models::QueueClientReceiveMessagesOptions};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use time::OffsetDateTime;
use url::Url;

use super::{credentials::Credentials, http::Http};

/// For each call: they move at most 32 messages of 64 KiB.
const DEADLINE: Duration = Duration::from_secs(15);
/// Retries of one request by the client.
const RETRIES: u32 = 2;

/// Queues of a storage account; cloning shares its connections.
#[derive(Clone)]
pub struct Queues(Arc<Account>);

struct Account {
    endpoint: Option<Url>,
    identity: Arc<dyn TokenCredential>,
    http: Http,
}

/// A message that was taken, and comes again unless it is deleted in time.
#[derive(Debug, Clone)]
pub struct Message {
    /// What it is deleted by: its id and its receipt.
    pub receipt: Receipt,
    /// What was put: the bytes that the text is Base64 of, or the text itself.
    pub body: Bytes,
    /// How often it was taken, this time included.
    pub dequeue_count: u32,
    /// When it was put.
    pub inserted: Option<OffsetDateTime>,
}

/// Shows that the caller was the last who took a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Of the message.
    pub id: String,
    /// Of the taking.
    pub pop: String,
}

/// A call to queue storage failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} queue {name}: {kind}")]
pub struct QueueError {
    operation: &'static str,
    name: String,
    /// What the caller may do about it.
    pub kind: QueueErrorKind,
    #[source]
    source: Option<Box<azure_core::Error>>,
}

/// Why a call failed, as far as callers differ on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueErrorKind {
    /// The settings name no account.
    NotSet,
    /// There is no such queue or message, or the message was taken again by another.
    NotFound,
    /// Out of reach, throttled, not allowed yet, or a queue of the name is still being deleted. Repeating may help.
    Transient,
}

impl fmt::Display for QueueErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSet => "the setting Storage__queueServiceUri is missing",
            Self::NotFound => "there is no such queue or message",
            Self::Transient => "the service did not do it; repeating is safe",
        })
    }
}

impl Queues {
    /// The account at `endpoint`; nothing is connected yet.
    pub(crate) fn new(endpoint: Option<&Url>, credentials: &Credentials) -> Self {
        let (identity, http) = (credentials.identity(), credentials.http());
        Self(Arc::new(Account { endpoint: endpoint.cloned(), identity, http }))
    }

    /// Makes a queue; that there is one is fine.
    ///
    /// # Errors
    /// As [`QueueErrorKind`] says.
    pub async fn create(&self, name: &str) -> Result<(), QueueError> {
        self.call("create", name, |queue| async move { queue.create(None).await.map(drop) }).await
    }

    /// Deletes a queue with its messages; that there is none is fine.
    ///
    /// # Errors
    /// As [`QueueErrorKind`] says.
    pub async fn delete(&self, name: &str) -> Result<(), QueueError> {
        let deleted = self.call("delete", name, |queue| async move { queue.delete(None).await.map(drop) }).await;
        gone_is_fine(deleted)
    }

    /// Takes up to `most` messages, 32 at most. They come again after `hidden`, unless they are deleted.
    ///
    /// # Errors
    /// As [`QueueErrorKind`] says.
    pub async fn receive(&self, name: &str, most: u8, hidden: Duration) -> Result<Vec<Message>, QueueError> {
        let options = QueueClientReceiveMessagesOptions {
            number_of_messages: Some(most.into()),
            visibility_timeout: Some(i32::try_from(hidden.as_secs()).unwrap_or(i32::MAX)),
            ..Default::default()
        };
        let taken = self.call("receive from", name, |queue| async move {
            queue.receive_messages(Some(options)).await?.into_model()
        });
        let messages = taken.await?.items.unwrap_or_default().into_iter().filter_map(|message| {
            let receipt = Receipt { id: message.message_id?, pop: message.pop_receipt? };
            let dequeue_count = message.dequeue_count.and_then(|count| count.try_into().ok()).unwrap_or(1);
            let body = body(message.message_text.unwrap_or_default());
            Some(Message { receipt, body, dequeue_count, inserted: message.insertion_time })
        });
        Ok(messages.collect())
    }

    /// Deletes a message that was taken. False where there is none that this receipt is of: it is gone, it was taken again since and is
    /// another's now, or it never was in this queue.
    ///
    /// # Errors
    /// As [`QueueErrorKind`] says.
    pub async fn acknowledge(&self, name: &str, receipt: &Receipt) -> Result<bool, QueueError> {
        let Receipt { id, pop } = receipt;
        let deleted = self.call("delete a message of", name, |queue| async move {
            queue.delete_message(id, pop, None).await.map(drop)
        });
        match deleted.await {
            Ok(()) => Ok(true),
            Err(error) if error.kind == QueueErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn call<T, F, Fut>(&self, operation: &'static str, name: &str, run: F) -> Result<T, QueueError>
    where
        F: FnOnce(QueueClient) -> Fut,
        Fut: Future<Output = azure_core::Result<T>>,
    {
        let error = |kind, source: Option<azure_core::Error>| QueueError {
            operation,
            name: name.to_owned(),
            kind,
            source: source.map(Box::new),
        };
        let endpoint = self.0.endpoint.as_ref().ok_or_else(|| error(QueueErrorKind::NotSet, None))?;
        let queue = self.queue(endpoint, name).map_err(|source| error(QueueErrorKind::Transient, Some(source)))?;
        match tokio::time::timeout(DEADLINE, Box::pin(run(queue))).await {
            Ok(done) => done.map_err(|source| error(kind(&source), Some(source))),
            Err(_) => Err(error(QueueErrorKind::Transient, None)),
        }
    }

    fn queue(&self, endpoint: &Url, name: &str) -> azure_core::Result<QueueClient> {
        let mut address = endpoint.clone();
        address.set_path(&format!("{}/{name}", endpoint.path().trim_end_matches('/')));
        let mut options = QueueClientOptions::default();
        options.client_options.transport = Some(self.0.http.transport()?);
        options.client_options.retry =
            RetryOptions::exponential(ExponentialRetryOptions { max_retries: RETRIES, ..Default::default() });
        QueueClient::new(address, Some(Arc::clone(&self.0.identity)), Some(options))
    }
}

fn kind(error: &azure_core::Error) -> QueueErrorKind {
    match (error.kind(), error.http_status()) {
        // 400 is a receipt that is not one of this message any more.
        (ErrorKind::HttpResponse { .. }, Some(StatusCode::NotFound | StatusCode::BadRequest)) => {
            QueueErrorKind::NotFound
        }
        _ => QueueErrorKind::Transient,
    }
}

fn gone_is_fine(done: Result<(), QueueError>) -> Result<(), QueueError> {
    match done {
        Err(error) if error.kind != QueueErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What Event Grid put into a message: today Base64 of the event, once the event itself. No event begins like Base64.
fn body(text: String) -> Bytes {
    let is_plain = text.trim_start().starts_with(['{', '[']);
    match BASE64_STANDARD.decode(text.trim()) {
        Ok(bytes) if !is_plain => bytes.into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_event_or_base64_of_it() {
        let event = r#" {"id":"1","data":{"name":"Zelt für zwei"}}"#;
        for text in [event.to_owned(), BASE64_STANDARD.encode(event), format!("{}\n", BASE64_STANDARD.encode(event))] {
            assert_eq!(body(text.clone()), event.as_bytes(), "{text}");
        }
        assert_eq!(body("neither".to_owned() + "!"), "neither!");
    }
}
