//! Gateway: the one way in. Every request, from the listener or from within the stack, is answered here.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::cosmos::{
    data::definition::Definition,
    serve::{batch, bulk::Bulk, change_feed, definitions, feeds, items, offers, queries, ranges},
    store::account::Account,
    wire::{
        consistency, container_definition, named_ranges, owner, query_body,
        refusal::Refusal,
        request::{ContainerName, Operation, Request, Write},
        responses, unsupported,
    },
};

/// The container is not the one that the client knows by this name.
const ANOTHER_CONTAINER: u16 = 1024;

/// Answers a request whose sender may make it, and which addresses by names.
pub(super) async fn answer(account: &Arc<Account>, request: Arc<Request>) -> Response<Bytes> {
    let request = match named_ranges::without_container(&request, &**account) {
        Ok(plain) => plain.map_or(request, Arc::new),
        Err(stale) => return stale.answer(&request),
    };
    let mut response = served(account, &request).await;
    owner::name(&request, &**account, &mut response);
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
    let headers = query_body::check_texts(request).and_then(|()| query_body::check_numbers(request));
    let headers = headers.and_then(|()| consistency::check(request));
    if let Err(message) = headers.and_then(|()| query_body::check_members(request)) {
        return responses::bad_request(request, &message);
    }
    if let Operation::Write(write) = operation
        && let Err(refusal) = check_definition(write, &request.body)
    {
        return refusal.answer(request);
    }
    if let Some(name) = request.container()
        && let Err(error) = account.expire(&name).await
        // Reads do not show what has expired, removed or not.
        && (operation.is_write() || !error.is_full())
    {
        return responses::unavailable(request, &format!("{error}; expired items are not yet removed."));
    }
    if let Err(refusal) = check_container(account, request) {
        return refusal.answer(request);
    }
    match operation {
        Operation::Unknown => unsupported::unknown(request),
        Operation::Bulk => in_bulk(account, request).await,
        Operation::Read => read(account, request).await,
        Operation::ChangeFeed => change_feed::answer(account, request),
        Operation::Write(Write::Batch) => batch::answer(account, request).await,
        Operation::Write(write) if write.is_item_write() => items::write(account, write, request).await,
        Operation::Write(write) => definitions::write(account, write, request).await,
    }
}

/// Whether what is to be made, if a database or container is, can be taken.
fn check_definition(write: Write, body: &[u8]) -> Result<(), Refusal> {
    if matches!(write, Write::CreateDatabase | Write::CreateContainer) {
        container_definition::check_name(body)?;
    }
    if matches!(write, Write::CreateContainer | Write::ReplaceContainer) {
        container_definition::check(body).map_err(Refusal::bad_request)?;
        Definition::check(body)?;
    }
    Ok(())
}

/// Whether the container is the one that the client means: it says so by a resource id, and one of the same name may have been
/// made since.
fn check_container(account: &Account, request: &Request) -> Result<(), Refusal> {
    let intended = request.header("x-ms-cosmos-intended-collection-rid");
    match intended.zip(request.container().and_then(|name| account.container(&name).ok())) {
        Some((intended, container)) if container.id.to_string() != intended => {
            let message = "The collection resource ID does not match the intended collection resource ID.";
            Err(Refusal::bad_request(message).with_substatus(ANOTHER_CONTAINER))
        }
        _ => Ok(()),
    }
}

/// Answers what changes nothing.
async fn read(account: &Account, request: &Request) -> Response<Bytes> {
    if request.method == http::Method::HEAD {
        return unsupported::head(request);
    }
    if let Some((ranges, id)) = named_ranges::feed_of(request) {
        let range = ranges.container().map(|name| ranges::one(account, &ranges, &name, &id));
        return range.unwrap_or_else(|| unsupported::unknown(request));
    }
    let is_query = request.method == http::Method::POST;
    match request.segments().as_slice() {
        // Its document is the listener's to write, which knows by what name it was reached.
        [] => responses::answer(request, StatusCode::OK, "1", Bytes::from_static(b"{}")),
        ["dbs"] => definitions::databases(account, request),
        ["dbs", database] => definitions::database(account, request, database),
        ["dbs", database, "colls"] => definitions::containers(account, request, database),
        ["dbs", database, "colls", container] => {
            definitions::container(account, request, &ContainerName::new(database, container))
        }
        ["dbs", database, "colls", container, "pkranges"] => {
            ranges::answer(account, request, &ContainerName::new(database, container))
        }
        ["dbs", _, "colls", _, "docs"] if request.is_query_plan() => queries::plan(account, request),
        ["dbs", _, "colls", _, "docs"] if is_query => queries::answer(account, request).await,
        ["dbs", _, "colls", _, "docs"] => feeds::answer(account, request),
        ["dbs", _, "colls", _, "docs", _] => items::read(account, request),
        ["offers"] => offers::list(account, request),
        ["offers", id] => offers::one(account, request, id),
        _ => responses::bad_request(request, &format!("{} is no path of this service.", request.path)),
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
