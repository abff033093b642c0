//! Point operations on items.

use std::sync::Arc;

use bytes::Bytes;
use contoso_cosmos_query::effective_partition_key::KeyValue;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::cosmos::{
    data::{
        container::Container,
        document::Document,
        item_key,
        operation::{Conditions, Effect, Operation, Work},
        patch::Patch,
    },
    serve::sessions,
    store::account::{Account, Unwritten},
    wire::{
        refusal::Refusal,
        request::{ContainerName, PARTITION_KEY, Request, Write},
        responses,
    },
};

static UPSERT: HeaderName = HeaderName::from_static("x-ms-documentdb-is-upsert");
static PREFER: HeaderName = HeaderName::from_static("prefer");

/// Reads the item that the path names.
pub(in crate::cosmos) fn read(account: &Account, request: &Request) -> Response<Bytes> {
    let read = || -> Result<Response<Bytes>, Refusal> {
        let (name, id) = named(request)?;
        let container = account.container(&name)?;
        let values = values(request)?;
        let (range, lsn, effect) = {
            let state = container.state();
            let mut work = Work::new(&container, &state, &values, account.clock().now_millis())?;
            let (range, lsn) = (work.range(), state.lsn(work.range()));
            (range, lsn, work.make(Operation::Read { id }, &conditions(request)))
        };
        sessions::check(request, &container, std::iter::once(range))?;
        let mut response = match &effect {
            Ok(effect) => answer(request, &container, effect, true),
            Err(refusal) => refusal.answer(request),
        };
        let item_lsn = effect.map_or(lsn, |effect| effect.item.version.lsn);
        sessions::tell(&mut response, &container, range, lsn, Some(item_lsn));
        Ok(response)
    };
    read().unwrap_or_else(|refusal| refusal.answer(request))
}

/// Makes a write of one item.
pub(in crate::cosmos) async fn write(account: &Arc<Account>, write: Write, request: &Request) -> Response<Bytes> {
    let operation = || -> Result<_, Refusal> {
        let name = request.container().ok_or_else(|| Refusal::bad_request("The path names no container."))?;
        Ok((name, values(request)?, operation(write, request)?))
    };
    let (name, values, operation) = match operation() {
        Ok(operation) => operation,
        Err(refusal) => return missing(account, request).unwrap_or(refusal).answer(request),
    };
    let conditions = conditions(request);
    let work = move |container: &Container, state: &_, at_millis| {
        let mut work = Work::new(container, state, &values, at_millis)?;
        let effect = work.make(operation, &conditions)?;
        Ok((work.finish(), effect))
    };
    let written = match account.write_items(name, write == Write::DeleteItem, work).await {
        Ok(written) => written,
        Err(Unwritten::Refused(refusal)) => return refused(account, request, &refusal),
        Err(Unwritten::Unavailable(message)) => return responses::unavailable(request, &message),
    };
    let mut response = answer(request, &written.container, &written.value, wants_content(request));
    let item_lsn = (write != Write::DeleteItem).then_some(written.value.item.version.lsn);
    sessions::tell(&mut response, &written.container, written.range, written.lsn, item_lsn.or(Some(written.lsn)));
    response
}

/// That the container is missing, which is said before what is wrong with the request.
fn missing(account: &Account, request: &Request) -> Option<Refusal> {
    account.container(&request.container()?).err()
}

/// A refusal, with how far the range is where that is known.
fn refused(account: &Account, request: &Request, refusal: &Refusal) -> Response<Bytes> {
    let mut response = refusal.answer(request);
    let container = request.container().and_then(|name| account.container(&name).ok());
    if let (Some(container), Ok(values)) = (container, values(request))
        && values.len() == container.partition_key.paths.len()
    {
        let range = container.range_of(&item_key::effective(&container.partition_key, &values));
        sessions::tell(&mut response, &container, range, container.lsn(range), None);
    }
    response
}

fn named(request: &Request) -> Result<(ContainerName, String), Refusal> {
    let named = request.container().zip(request.item_id().map(str::to_owned));
    named.ok_or_else(|| Refusal::bad_request("The path names no item."))
}

/// The values of the partition key that the request states.
///
/// # Errors
/// 400 where it states none.
pub(in crate::cosmos) fn values(request: &Request) -> Result<Vec<KeyValue>, Refusal> {
    let header = request.header(&PARTITION_KEY);
    let message = "The header x-ms-documentdb-partitionkey is required, a JSON array.";
    let header = header.ok_or_else(|| Refusal::bad_request(message))?;
    item_key::of_header(header).map_err(|error| Refusal::bad_request(format!("{message} {error}")))
}

fn operation(write: Write, request: &Request) -> Result<Operation, Refusal> {
    let id = || named(request).map(|(_, id)| id);
    match write {
        Write::ReplaceItem => Ok(Operation::Replace { id: id()?, document: Document::read(&request.body)? }),
        Write::PatchItem => Ok(Operation::Patch { id: id()?, patch: Patch::read(&request.body)? }),
        Write::DeleteItem => Ok(Operation::Delete { id: id()? }),
        _ => {
            let document = Document::read(&request.body)?;
            let is_upsert = request.header(&UPSERT).is_some_and(|value| value.eq_ignore_ascii_case("true"));
            Ok(if is_upsert { Operation::Upsert(document) } else { Operation::Create(document) })
        }
    }
}

/// The conditions that headers state.
fn conditions(request: &Request) -> Conditions {
    let etag = |name| request.header(name).map(str::to_owned);
    Conditions { if_match: etag(header::IF_MATCH), if_none_match: etag(header::IF_NONE_MATCH) }
}

/// Whether the answer to a write is to hold the document.
pub(in crate::cosmos) fn wants_content(request: &Request) -> bool {
    !request.header(&PREFER).is_some_and(|wish| wish.eq_ignore_ascii_case("return=minimal"))
}

fn answer(request: &Request, container: &Container, effect: &Effect, with_content: bool) -> Response<Bytes> {
    let has_content = with_content && matches!(effect.status, StatusCode::OK | StatusCode::CREATED);
    let body = if has_content { Bytes::from(effect.item.whole(container.id)) } else { Bytes::new() };
    let mut response = responses::charged(request, effect.status, effect.charge, body);
    if effect.status != StatusCode::NO_CONTENT
        && let Ok(etag) = HeaderValue::from_str(&effect.item.etag)
    {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}
