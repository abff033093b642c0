//! Translation of LSNs in requests and responses: session tokens, headers and partition key ranges.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use serde_json::Value;

use crate::cosmos::{
    feed::{
        index::{ContainerFeed, RangeFeed},
        lsns::LsnTranslation,
    },
    wire::{
        request::{RANGE_ID, Request},
        responses::{LSN, SESSION_TOKEN},
    },
};

/// Headers that tell the LSN of a range.
const OF_RANGE: [&str; 6] = [
    "lsn",
    "x-ms-cosmos-item-llsn",
    "x-ms-cosmos-llsn",
    "x-ms-cosmos-quorum-acked-llsn",
    "x-ms-global-committed-lsn",
    "x-ms-quorum-acked-lsn",
];
static ITEM_LSN: HeaderName = HeaderName::from_static("x-ms-item-lsn");

/// The request as the emulator understands it.
pub(in crate::cosmos) fn incoming<'a>(feed: &ContainerFeed, request: &'a Request) -> Cow<'a, Request> {
    let Some(token) = request.header(&SESSION_TOKEN) else { return Cow::Borrowed(request) };
    let token = translate_token(feed, token, LsnTranslation::to_emulator);
    let mut request = request.clone();
    if let Ok(token) = HeaderValue::from_str(&token) {
        request.headers.insert(SESSION_TOKEN.clone(), token);
    }
    Cow::Owned(request)
}

/// The response as clients understand it.
pub(in crate::cosmos) fn outgoing(feed: &ContainerFeed, request: &Request, response: &mut Response<Bytes>) {
    let headers = response.headers_mut();
    if let Some(token) = headers.get(&SESSION_TOKEN).and_then(|token| token.to_str().ok())
        && let Ok(token) = HeaderValue::from_str(&translate_token(feed, token, LsnTranslation::of_range))
    {
        headers.insert(SESSION_TOKEN.clone(), token);
    }
    let range = headers.get(&RANGE_ID).and_then(|id| id.to_str().ok()).and_then(|id| feed.range(id));
    match range.map(RangeFeed::lsns) {
        Some(lsns) => {
            let mut translate = |name: HeaderName, by: &dyn Fn(u64) -> u64| {
                let lsn = headers.get(&name).and_then(|lsn| lsn.to_str().ok()?.parse().ok());
                if let Some(lsn) = lsn {
                    headers.insert(name, HeaderValue::from(by(lsn)));
                }
            };
            for name in OF_RANGE {
                translate(HeaderName::from_static(name), &|lsn| lsns.of_range(lsn));
            }
            translate(ITEM_LSN.clone(), &|lsn| lsns.of_item(lsn));
        }
        // The highest of several ranges, which means nothing.
        None => drop(headers.remove(&LSN)),
    }
    if matches!(request.segments().as_slice(), ["dbs", _, "colls", _, "pkranges"])
        && let Some(body) = translate_ranges(feed, response.body())
    {
        *response.body_mut() = body;
    }
}

/// `_lsn` of each partition key range.
fn translate_ranges(feed: &ContainerFeed, body: &[u8]) -> Option<Bytes> {
    let mut document: Value = contoso_json::from_slice(body).ok()?;
    for range in document.get_mut("PartitionKeyRanges")?.as_array_mut()? {
        let lsn = range.get("_lsn").and_then(Value::as_u64);
        let known = range.get("id").and_then(Value::as_str).and_then(|id| feed.range(id));
        if let (Some(lsn), Some(known)) = (lsn, known) {
            range["_lsn"] = known.lsns().of_range(lsn).into();
        }
    }
    Some(document.to_string().into())
}

/// `<range>:<version>#<lsn>#<region>=<lsn>…`, several with commas, or the old form `<range>:<lsn>`.
fn translate_token(feed: &ContainerFeed, token: &str, by: impl Fn(&LsnTranslation, u64) -> u64) -> String {
    let translate = |part: &str| -> Option<String> {
        let (id, progress) = part.split_once(':')?;
        let lsns = feed.range(id.trim())?.lsns();
        let number = |text: &str| Some(by(lsns, text.parse().ok()?).to_string());
        let mut fields = progress.split('#');
        let first = fields.next()?;
        let Some(lsn) = fields.next() else { return Some(format!("{id}:{}", number(first)?)) };
        let mut translated = format!("{id}:{first}#{}", number(lsn)?);
        for field in fields {
            let (region, lsn) = field.split_once('=')?;
            translated = format!("{translated}#{region}={}", number(lsn)?);
        }
        Some(translated)
    };
    token.split(',').map(|part| translate(part).unwrap_or_else(|| part.to_owned())).collect::<Vec<_>>().join(",")
}
