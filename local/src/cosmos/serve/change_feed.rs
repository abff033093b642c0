//! The latest-version change feed of a range, over the wire and in process.
//!
//! A page of a whole range costs what it returns, and an idle poll nothing, however much there is; so does a start at a date. One
//! of a partition key costs at most its items: see [`Log::after_within`](crate::cosmos::data::log::Log::after_within).
//!
//! The scope is a range, a part of one, or a partition key. Refused by name: the mode all versions and deletes (nothing keeps the
//! history), and a read of several ranges (its continuation could not say where each range stands).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::cosmos::{
    data::{
        container::Container,
        item::Item,
        item_key::Interval,
        log::{Limits, Slice},
    },
    error::Error,
    serve::{paging::ITEM_COUNT, scope::Scope, sessions},
    store::account::Account,
    wire::{
        refusal::Refusal,
        request::{A_IM, ContainerName, Request},
        responses,
    },
};

static WIRE_FORMAT: HeaderName = HeaderName::from_static("x-ms-cosmos-changefeed-wire-format-version");

/// Items of a page where the client leaves it to the service.
const DEFAULT_ITEMS: usize = 1000;
/// Bytes of a page, unless one transaction alone has more.
const PAGE_BYTES: usize = 4 << 20;

/// One page of a range's change feed.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// Documents in order of their last change, each a JSON text with the system properties and `_lsn`. Empty where
    /// nothing changed.
    pub items: Vec<String>,
    /// Where the next read starts; the form of a lease's `ContinuationToken`, such as `"42"` with its quotes.
    pub continuation: String,
    /// The range's present LSN: its distance to `continuation` bounds what is left to read.
    pub lsn: u64,
}

/// Where a read starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    After(u64),
    Now,
    /// A date of the client's clock, or of the stack's where a client has it from there.
    Since(OffsetDateTime),
}

/// Answers a feed request over the wire.
pub(in crate::cosmos) fn answer(account: &Account, request: &Request) -> Response<Bytes> {
    let answer = || -> Result<Response<Bytes>, Refusal> {
        check_mode(request)?;
        let name = request.container().ok_or_else(|| Refusal::bad_request("The path names no container."))?;
        let container = account.container(&name)?;
        let start = Start::of(request)?;
        let scope = Scope::of(request, &container)?;
        sessions::check(request, &container, scope.ranges(&container))?;
        let range = scope.range.ok_or_else(|| {
            Refusal::bad_request(
                "A change feed read needs a scope, x-ms-documentdb-partitionkeyrangeid or x-ms-documentdb-partitionkey: \
                 a continuation without one would hide changes of other ranges.",
            )
        })?;
        let limit = request.header("x-ms-max-item-count").and_then(|count| count.trim().parse().ok());
        let limit = limit.filter(|limit| *limit > 0).unwrap_or(DEFAULT_ITEMS);
        let interval = (!scope.is_whole).then_some(&scope.interval);
        let slice = read_range(account, &container, range, interval, start, limit)?;
        Ok(wire(request, &container, range, &slice))
    };
    answer().unwrap_or_else(|refusal| refusal.answer(request))
}

/// Whether the mode that the request asks for is the latest-version one.
///
/// # Errors
/// 400 where it is not.
fn check_mode(request: &Request) -> Result<(), Refusal> {
    match request.header(&A_IM).unwrap_or_default().trim() {
        mode if mode.eq_ignore_ascii_case("Incremental feed") => Ok(()),
        mode if mode.eq_ignore_ascii_case("Full-Fidelity Feed") => {
            Err(Refusal::bad_request("The change feed mode AllVersionsAndDeletes is not supported here."))
        }
        mode => Err(Refusal::bad_request(format!("The value '{mode}' specified for the header 'A-IM' is invalid."))),
    }
}

/// Reads a page of one range in process.
pub(in crate::cosmos) async fn read(
    account: &Arc<Account>,
    name: &ContainerName,
    range_id: &str,
    continuation: Option<&str>,
    limit: usize,
) -> Result<FeedPage, Error> {
    let refused = |status, message| Error::Refused { operation: format!("change feed of {name}"), status, message };
    account.expire(name).await?;
    let container = account.container(name).map_err(|_| no_container(name))?;
    let range = container
        .range(range_id)
        .ok_or_else(|| refused(StatusCode::GONE, format!("there is no partition key range {range_id}")))?;
    let slice = continuation
        .map_or(Ok(Start::After(0)), Start::parse)
        .and_then(|start| read_range(account, &container, range, None, start, limit.max(1)))
        .map_err(|refusal| refused(refusal.status, refusal.message))?;
    let items = slice.items.iter().map(|item| item.with_lsn(container.id)).collect();
    Ok(FeedPage { items, continuation: continuation_at(slice.next), lsn: slice.lsn })
}

/// The error for a container that does not exist.
pub(in crate::cosmos) fn no_container(name: &ContainerName) -> Error {
    Error::Refused {
        operation: format!("change feed of {name}"),
        status: StatusCode::NOT_FOUND,
        message: "the container does not exist".to_owned(),
    }
}

fn read_range(
    account: &Account,
    container: &Container,
    range: usize,
    interval: Option<&Interval>,
    start: Start,
    limit: usize,
) -> Result<Slice, Refusal> {
    let state = container.state();
    let lsn = state.lsn(range);
    let after = match start {
        Start::Now => lsn,
        Start::Since(date) => {
            let at = account.clock().of_machine(date).unix_timestamp_nanos() / 1_000_000;
            state.lsn_before(range, i64::try_from(at).unwrap_or(i64::MAX))
        }
        Start::After(after) if after <= lsn => after,
        // Of another life of the data: waiting for the LSN to come would hide every change until then.
        Start::After(after) => {
            let id = container.ranges.get(range).map_or("", |range| range.id.as_str());
            let message = format!(
                "The change feed continuation {after} is ahead of partition key range {id}, which is at {lsn}."
            );
            return Err(Refusal::bad_request(message));
        }
    };
    Ok(state.changes(range, after, interval, account.clock().now_millis(), Limits { items: limit, bytes: PAGE_BYTES }))
}

impl Start {
    /// Where `request` starts: at its continuation, at a date, or at the beginning.
    ///
    /// # Errors
    /// 400 where it is none of these.
    fn of(request: &Request) -> Result<Self, Refusal> {
        let continuation = request.header(header::IF_NONE_MATCH).or_else(|| request.header("x-ms-continuation"));
        if let Some(continuation) = continuation {
            return Self::parse(continuation);
        }
        match request.header(header::IF_MODIFIED_SINCE) {
            None => Ok(Self::After(0)),
            Some(date) => OffsetDateTime::parse(date, &Rfc2822)
                .map(Self::Since)
                .map_err(|error| Refusal::bad_request(format!("The header If-Modified-Since is not a date: {error}."))),
        }
    }

    /// `"42"` or `*`.
    fn parse(continuation: &str) -> Result<Self, Refusal> {
        if continuation == "*" {
            return Ok(Self::Now);
        }
        let number = continuation.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(continuation);
        number.parse().map(Self::After).map_err(|_| Refusal::bad_request("Invalid change feed continuation."))
    }
}

/// The wire form of a page: 304 where it is empty.
fn wire(request: &Request, container: &Container, range: usize, page: &Slice) -> Response<Bytes> {
    let mut response = if page.items.is_empty() {
        responses::answer(request, StatusCode::NOT_MODIFIED, "1", Bytes::new())
    } else {
        let is_enveloped = request.headers.contains_key(&WIRE_FORMAT);
        let document = |item: &Arc<Item>| match is_enveloped {
            true => envelope(item, container),
            false => item.with_lsn(container.id),
        };
        let documents: Vec<String> = page.items.iter().map(document).collect();
        let body = format!(
            r#"{{"_rid":"{}","Documents":[{}],"_count":{}}}"#,
            container.id,
            documents.join(","),
            documents.len()
        );
        responses::answer(request, StatusCode::OK, "1", Bytes::from(body))
    };
    sessions::tell(&mut response, container, range, page.lsn, None);
    let headers = response.headers_mut();
    headers.insert(ITEM_COUNT.clone(), HeaderValue::from(page.items.len()));
    if let Ok(etag) = HeaderValue::from_str(&continuation_at(page.next)) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// The structured form that newer clients ask for; the latest-version mode tells no operation type.
fn envelope(item: &Item, container: &Container) -> String {
    let (text, lsn, ts) = (item.with_lsn(container.id), item.version.lsn, item.seconds());
    format!(r#"{{"current":{text},"metadata":{{"lsn":{lsn},"crts":{ts}}}}}"#)
}

fn continuation_at(lsn: u64) -> String {
    format!("\"{lsn}\"")
}
