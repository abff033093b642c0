//! Gateway: the one way in. Every request, from the listener or from within the stack, is answered here.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;

use crate::{
    cosmos::{
        account::Account,
        change_feed,
        emulator::{bulk::Bulk, offers, sql},
        error::Error,
        wire::{
            container_definition, named_ranges, owner, query_body,
            request::{Operation, Request, Write},
            responses, texts, unsupported,
        },
    },
    storage::StorageError,
};

/// Answers a request whose sender may make it, and which addresses by names.
pub(super) async fn answer(account: &Arc<Account>, request: Arc<Request>) -> Response<Bytes> {
    let request = match named_ranges::without_container(&request, &**account) {
        Ok(plain) => plain.map_or(request, Arc::new),
        Err(stale) => return stale.answer(&request),
    };
    let mut response = served(account, &request).await;
    owner::name(&request, &**account, &mut response);
    texts::rewrite(&request, &mut response);
    response
}

async fn served(account: &Arc<Account>, request: &Arc<Request>) -> Response<Bytes> {
    if let Err(message) = request.check_path() {
        return responses::bad_request(request, message);
    }
    if let Some(refusal) = unsupported::refuse(request) {
        return refusal;
    }
    let operation = request.operation();
    let understood = query_body::check_numbers(request).and_then(|()| query_body::check_members(request));
    let understood = understood.and_then(|()| match operation {
        Operation::Write(Write::CreateContainer | Write::ReplaceContainer) => {
            container_definition::check(&request.body)
        }
        _ => Ok(()),
    });
    if let Err(message) = understood {
        return responses::bad_request(request, &message);
    }
    if let Some(name) = request.container()
        && let Err(error) = account.expire(&name).await
        && (operation.is_write() || !is_full(&error))
    {
        return responses::unavailable(request, &format!("{error}; expired items are not yet removed."));
    }
    match operation {
        Operation::Unknown => unsupported::unknown(request),
        Operation::Bulk => in_bulk(account, request).await,
        Operation::Read => {
            if let Some((ranges, id)) = named_ranges::feed_of(request) {
                return named_ranges::only(request, &id, account.read(&ranges).await);
            }
            let by_id = offers::by_resource_id(request);
            let request = by_id.as_ref().unwrap_or(request);
            account.read(sql::with_strings(request).as_ref().unwrap_or(request)).await
        }
        Operation::ChangeFeed => change_feed::answer(account, request).await,
        Operation::Write(write) => account.write_through(write, request).await,
    }
}

/// Answers a bulk request: each of its operations takes the way of a request of its own.
async fn in_bulk(account: &Arc<Account>, request: &Request) -> Response<Bytes> {
    let mut bulk = match Bulk::of(request) {
        Ok(bulk) => bulk,
        Err(message) => return responses::bad_request(request, &message),
    };
    while let Some(single) = bulk.next() {
        bulk.add(&Box::pin(answer(account, Arc::new(single))).await);
    }
    bulk.answer()
}

/// Whether all that is missing is room. Reads then go on: the emulator has deleted what expired, only the store has not.
fn is_full(error: &Error) -> bool {
    matches!(error, Error::Storage(StorageError::Full { .. }))
}
