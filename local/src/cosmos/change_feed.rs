//! The latest-version change feed of a range, over the wire and in process.
//!
//! Feeds are served from the [`index`](crate::cosmos::feed::index); an idle poll does not touch the emulator. The scope is a
//! range, a part of one, or a partition key. Refused by name: the mode all versions and deletes (nothing keeps the
//! history), and a read without a scope (its continuation could not say where each range stands).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde::Deserialize;

use crate::cosmos::{
    account::Account,
    emulator::item::ItemKey,
    error::Error,
    feed::{
        index::{ContainerFeed, RangeFeed},
        request::{Filter, Scope, Start},
    },
    wire::{
        request::{A_IM, ContainerName, PARTITION_KEY, RANGE_ID, Request, encode},
        responses::{self, LSN, SESSION_TOKEN},
    },
};

static ITEM_LSN: HeaderName = HeaderName::from_static("x-ms-item-lsn");
static ITEM_COUNT: HeaderName = HeaderName::from_static("x-ms-item-count");
static WIRE_FORMAT: HeaderName = HeaderName::from_static("x-ms-cosmos-changefeed-wire-format-version");

/// Items of a page where the client leaves it to the service.
const DEFAULT_ITEMS: usize = 1000;
/// Bytes after which a page ends.
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

/// What one read found.
struct Page {
    documents: Vec<Document>,
    /// Everything up to here has been read.
    next: u64,
    /// The range's LSN.
    lsn: u64,
}

/// A changed document.
struct Document {
    text: String,
    lsn: u64,
}

/// Answers a feed request over the wire.
pub(super) async fn answer(account: &Account, request: &Request) -> Response<Bytes> {
    let refuse = |message: &str| responses::bad_request(request, message);
    if request.header(&A_IM).is_some_and(|mode| mode.eq_ignore_ascii_case("Full-Fidelity Feed")) {
        return refuse("The change feed mode AllVersionsAndDeletes is not supported here.");
    }
    let Some((name, feed)) =
        request.container().and_then(|name| Some((name.clone(), account.feeds().container(&name)?)))
    else {
        return account.read(request).await;
    };
    if request.header("x-ms-cosmos-intended-collection-rid").is_some_and(|rid| rid != feed.rid()) {
        // The emulator has the answer for a client that knows a container deleted since.
        return account.read(request).await;
    }
    let start = match Start::of(request) {
        Ok(start) => start,
        Err(message) => return refuse(&message),
    };
    let scope = match Scope::of(request, &feed) {
        Ok(scope) => scope,
        Err(message) => return refuse(&message),
    };
    match scope {
        Scope::Range(range, filter) => {
            let limit = request.header("x-ms-max-item-count").and_then(|count| count.trim().parse().ok());
            let limit = limit.filter(|limit| *limit > 0).unwrap_or(DEFAULT_ITEMS);
            match start.resolve(range) {
                Ok(after) => {
                    let page = read_range(account, &name, range, &filter, after, limit).await;
                    wire(request, &feed, range, page)
                }
                Err(message) => refuse(&message),
            }
        }
        Scope::Unknown => account.read(request).await,
        Scope::Everything => refuse(
            "A change feed read needs a scope, x-ms-documentdb-partitionkeyrangeid or x-ms-documentdb-partitionkey: a \
             continuation without one would hide changes of other ranges.",
        ),
    }
}

/// Reads a page of one range in process.
pub(super) async fn read(
    account: &Arc<Account>,
    name: &ContainerName,
    range_id: &str,
    continuation: Option<&str>,
    limit: usize,
) -> Result<FeedPage, Error> {
    let refused = |status, message| Error::Refused { operation: format!("change feed of {name}"), status, message };
    account.expire(name).await?;
    let feed = account.feeds().container(name).ok_or_else(|| no_container(name))?;
    let range = feed
        .range(range_id)
        .ok_or_else(|| refused(StatusCode::GONE, format!("there is no partition key range {range_id}")))?;
    let after = continuation
        .map_or(Ok(Start::After(0)), Start::parse)
        .and_then(|start| start.resolve(range))
        .map_err(|message| refused(StatusCode::BAD_REQUEST, message))?;
    let page = read_range(account, name, range, &Filter::All, after, limit.max(1)).await;
    let items = page.documents.into_iter().map(|document| document.text).collect();
    Ok(FeedPage { items, continuation: continuation_at(page.next), lsn: page.lsn })
}

/// The error for a container that does not exist.
pub(super) fn no_container(name: &ContainerName) -> Error {
    Error::Refused {
        operation: format!("change feed of {name}"),
        status: StatusCode::NOT_FOUND,
        message: "the container does not exist".to_owned(),
    }
}

/// Reads on until there is something to return or nothing left.
async fn read_range(
    account: &Account,
    name: &ContainerName,
    range: &RangeFeed,
    filter: &Filter<'_>,
    after: u64,
    limit: usize,
) -> Page {
    let mut page = Page { documents: Vec::new(), next: after, lsn: after };
    let mut bytes = 0;
    loop {
        let slice = range.after(page.next, limit);
        page.lsn = slice.lsn;
        for (lsn, items) in slice.transactions {
            for item in items.into_iter().filter(|item| filter.admits(item)) {
                match fetch(account, name, range, &item, lsn).await {
                    Fetched::Document(document) => {
                        bytes += document.text.len();
                        page.documents.push(document);
                    }
                    Fetched::Superseded => {}
                    // What replaced it is not stored: a crash now would bring it back, so the reader must not pass it.
                    Fetched::Unsettled => return page,
                }
            }
            page.next = lsn;
            if page.documents.len() >= limit || bytes >= PAGE_BYTES {
                return page;
            }
        }
        if slice.complete {
            page.next = slice.lsn;
            return page;
        }
        if !page.documents.is_empty() {
            return page;
        }
    }
}

enum Fetched {
    Document(Document),
    /// Written or deleted since; it comes later in the feed, or never.
    Superseded,
    /// Written or deleted, but that is not stored.
    Unsettled,
}

/// The item as it was left at `lsn`.
async fn fetch(account: &Account, name: &ContainerName, range: &RangeFeed, item: &Arc<ItemKey>, lsn: u64) -> Fetched {
    let path = format!("dbs/{}/colls/{}/docs/{}", encode(&name.database), encode(&name.container), encode(&item.id));
    let headers = HeaderMap::from_iter([(PARTITION_KEY.clone(), item.header())]);
    let response = account.read(&Request::new(Method::GET, &path, headers, Bytes::new())).await;
    let found = response.headers().get(&ITEM_LSN).and_then(|lsn| lsn.to_str().ok()?.parse::<u64>().ok());
    if response.status() == StatusCode::OK
        && found == Some(lsn)
        && let Ok(text) = std::str::from_utf8(response.body())
        && let Some(open) = text.trim_end().strip_suffix('}')
    {
        // The service adds the LSN to documents of the feed, and only there.
        return Fetched::Document(Document { text: format!("{open},\"_lsn\":{lsn}}}"), lsn });
    }
    if range.is_last_change(item, lsn) {
        account.settled().await;
        if range.is_last_change(item, lsn) {
            return Fetched::Unsettled;
        }
    }
    Fetched::Superseded
}

/// The wire form of a page: 304 where it is empty.
fn wire(request: &Request, feed: &ContainerFeed, range: &RangeFeed, page: Page) -> Response<Bytes> {
    let mut response = if page.documents.is_empty() {
        responses::answer(request, StatusCode::NOT_MODIFIED, "1", Bytes::new())
    } else {
        let enveloped = request.headers.contains_key(&WIRE_FORMAT);
        let documents: Vec<String> = page
            .documents
            .iter()
            .map(|document| if enveloped { envelope(document) } else { document.text.clone() })
            .collect();
        let body = format!(
            r#"{{"_rid":"{}","Documents":[{}],"_count":{}}}"#,
            feed.rid(),
            documents.join(","),
            documents.len()
        );
        responses::answer(request, StatusCode::OK, "1", Bytes::from(body))
    };
    let headers = response.headers_mut();
    headers.insert(ITEM_COUNT.clone(), HeaderValue::from(page.documents.len()));
    headers.insert(LSN.clone(), HeaderValue::from(page.lsn));
    for (name, value) in [
        (&header::ETAG, continuation_at(page.next)),
        (&SESSION_TOKEN, range.session_token(page.lsn)),
        (&RANGE_ID, range.bounds().id.clone()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name.clone(), value);
        }
    }
    response
}

/// The structured form that newer clients ask for; the latest-version mode tells no operation type.
fn envelope(document: &Document) -> String {
    #[derive(Deserialize)]
    struct Stamp {
        #[serde(rename = "_ts")]
        ts: u64,
    }
    let ts = contoso_json::from_str::<Stamp>(&document.text).map_or(0, |stamp| stamp.ts);
    format!(r#"{{"current":{},"metadata":{{"lsn":{},"crts":{ts}}}}}"#, document.text, document.lsn)
}

fn continuation_at(lsn: u64) -> String {
    format!("\"{lsn}\"")
}
