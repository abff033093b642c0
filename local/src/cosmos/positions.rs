//! LSNs as clients know them, and as the emulator counts them in this life.
//!
//! At each start the emulator counts from 1 again: one per living item, loaded in the order of their last writes. What a
//! client holds from before (a place in the change feed, a session token) keeps its meaning because LSNs are translated
//! at the one place where requests and responses pass: a range goes on counting where it stood, deletes and overwritten
//! versions included, and a loaded item keeps the LSN of its last write.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use serde_json::Value;

use super::{
    feed_index::ContainerFeed,
    request::{RANGE_ID, Request},
    responses::{LSN, SESSION_TOKEN},
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

/// The LSNs of one range.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Positions {
    /// The LSN of each loaded item, by the emulator's LSN less one.
    loaded: Vec<u64>,
    /// The range's LSN when everything was loaded.
    base: u64,
}

impl Positions {
    /// `loaded` are the items' LSNs in the order in which the emulator got them; the range stood at `base`.
    pub(super) fn new(loaded: Vec<u64>, base: u64) -> Self {
        Self { loaded, base }
    }

    fn loaded(&self) -> u64 {
        self.loaded.len() as u64
    }

    /// The range's LSN, where the emulator has it at `lsn`.
    fn of_range(&self, lsn: u64) -> u64 {
        // Everything is loaded before the first request, so the emulator is never behind.
        self.base + lsn.saturating_sub(self.loaded())
    }

    /// The LSN of an item's last write, where the emulator has it at `lsn`.
    fn of_item(&self, lsn: u64) -> u64 {
        let place = lsn.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.loaded.get(place).copied()).unwrap_or_else(|| self.of_range(lsn))
    }

    /// What the emulator has to have reached for the range to be at `lsn`.
    fn to_emulator(&self, lsn: u64) -> u64 {
        match lsn.checked_sub(self.base) {
            Some(since) => self.loaded() + since,
            // Before this life: everything of it is loaded.
            None => self.loaded(),
        }
    }
}

/// The request as the emulator understands it.
pub(super) fn incoming<'a>(feed: &ContainerFeed, request: &'a Request) -> Cow<'a, Request> {
    let Some(token) = request.header(&SESSION_TOKEN) else { return Cow::Borrowed(request) };
    let token = translate_token(feed, token, Positions::to_emulator);
    let mut request = request.clone();
    if let Ok(token) = HeaderValue::from_str(&token) {
        request.headers.insert(SESSION_TOKEN.clone(), token);
    }
    Cow::Owned(request)
}

/// The response as clients understand it.
pub(super) fn outgoing(feed: &ContainerFeed, request: &Request, response: &mut Response<Bytes>) {
    let headers = response.headers_mut();
    if let Some(token) = headers.get(&SESSION_TOKEN).and_then(|token| token.to_str().ok())
        && let Ok(token) = HeaderValue::from_str(&translate_token(feed, token, Positions::of_range))
    {
        headers.insert(SESSION_TOKEN.clone(), token);
    }
    let range = headers.get(&RANGE_ID).and_then(|id| id.to_str().ok()).and_then(|id| feed.range(id));
    match range.map(super::feed_index::RangeFeed::positions) {
        Some(positions) => {
            let mut translate = |name: HeaderName, by: &dyn Fn(u64) -> u64| {
                let lsn = headers.get(&name).and_then(|lsn| lsn.to_str().ok()?.parse().ok());
                if let Some(lsn) = lsn {
                    headers.insert(name, HeaderValue::from(by(lsn)));
                }
            };
            for name in OF_RANGE {
                translate(HeaderName::from_static(name), &|lsn| positions.of_range(lsn));
            }
            translate(ITEM_LSN.clone(), &|lsn| positions.of_item(lsn));
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
            range["_lsn"] = known.positions().of_range(lsn).into();
        }
    }
    Some(document.to_string().into())
}

/// `<range>:<version>#<lsn>#<region>=<lsn>…`, several with commas, or the old form `<range>:<lsn>`.
fn translate_token(feed: &ContainerFeed, token: &str, by: impl Fn(&Positions, u64) -> u64) -> String {
    let translate = |part: &str| -> Option<String> {
        let (id, progress) = part.split_once(':')?;
        let positions = feed.range(id.trim())?.positions();
        let number = |text: &str| Some(by(positions, text.parse().ok()?).to_string());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_goes_on_where_it_stood_and_loaded_items_keep_their_places() {
        let positions = Positions::new(vec![3, 7, 7], 9);
        assert_eq!([1, 2, 3, 4].map(|lsn| positions.of_item(lsn)), [3, 7, 7, 10]);
        assert_eq!([3, 4, 5].map(|lsn| positions.of_range(lsn)), [9, 10, 11]);
        assert_eq!([0, 5, 9, 10, 20].map(|lsn| positions.to_emulator(lsn)), [3, 3, 3, 4, 14]);
        let fresh = Positions::default();
        assert_eq!((fresh.of_item(4), fresh.of_range(4), fresh.to_emulator(4)), (4, 4, 4));
    }
}
