//! Sessions: tokens and LSNs, by which clients see what they have written.
//!
//! A token is `<range>:<version>#<lsn>#<region>=<lsn>`, several with commas; an older form is `<range>:<lsn>`. There is one region to the data,
//! number 0, and nothing that would raise a version.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::cosmos::{
    data::container::Container,
    wire::{
        refusal::Refusal,
        request::{RANGE_ID, Request},
        responses::{LSN, SESSION_TOKEN},
    },
};

/// The session token is ahead of what there is.
const NOT_AVAILABLE: u16 = 1002;

/// Headers that tell the LSN of a range.
const OF_RANGE: [&str; 4] =
    ["x-ms-cosmos-llsn", "x-ms-cosmos-quorum-acked-llsn", "x-ms-global-committed-lsn", "x-ms-quorum-acked-lsn"];
/// Headers that tell the LSN of an item.
const OF_ITEM: [&str; 2] = ["x-ms-item-lsn", "x-ms-cosmos-item-llsn"];
static USAGE: HeaderName = HeaderName::from_static("x-ms-resource-usage");
static QUOTA: HeaderName = HeaderName::from_static("x-ms-resource-quota");
const QUOTAS: HeaderValue =
    HeaderValue::from_static("documentSize=10240;documentsSize=10485760;documentsCount=-1;collectionSize=10485760;");

/// Whether the ranges, by number, are as far as the request's session token says.
///
/// # Errors
/// 404 with sub-status 1002 where they are not, 400 where it is no token.
pub(in crate::cosmos) fn check(
    request: &Request,
    container: &Container,
    mut ranges: impl Iterator<Item = usize>,
) -> Result<(), Refusal> {
    let Some(token) = request.header(&SESSION_TOKEN).filter(|token| !token.trim().is_empty()) else { return Ok(()) };
    let parsed: Option<Vec<(&str, u64)>> = token.split(',').map(parse).collect();
    let parsed = parsed.ok_or_else(|| Refusal::bad_request(format!("Invalid session token: {token}")))?;
    let is_ahead = |range: usize| {
        let id = container.ranges.get(range).map(|range| range.id.as_str());
        parsed.iter().any(|(of, lsn)| Some(*of) == id && *lsn > container.lsn(range))
    };
    if ranges.any(is_ahead) {
        let message = "The read session is not available for the input session token.";
        return Err(Refusal::new(StatusCode::NOT_FOUND, message).with_substatus(NOT_AVAILABLE));
    }
    Ok(())
}

/// Range and LSN.
fn parse(part: &str) -> Option<(&str, u64)> {
    let (range, progress) = part.trim().split_once(':')?;
    let mut fields = progress.split('#');
    let first = fields.next()?;
    let Some(lsn) = fields.next() else { return Some((range, first.parse().ok()?)) };
    for field in fields {
        field.split_once('=')?.1.parse::<i64>().ok()?;
    }
    Some((range, lsn.parse().ok()?))
}

/// The token of a range.
fn token(container: &Container, range: usize, lsn: u64) -> Option<HeaderValue> {
    let id = &container.ranges.get(range)?.id;
    HeaderValue::try_from(format!("{id}:0#{lsn}#0={lsn}")).ok()
}

/// Tells in an answer what range it is about and how far that is, and of an item when it was written.
pub(in crate::cosmos) fn tell(
    response: &mut Response<Bytes>,
    container: &Container,
    range: usize,
    lsn: u64,
    item_lsn: Option<u64>,
) {
    let headers = response.headers_mut();
    if let (Some(token), Some(bounds)) = (token(container, range, lsn), container.ranges.get(range)) {
        headers.insert(SESSION_TOKEN.clone(), token);
        if let Ok(id) = HeaderValue::try_from(&bounds.id) {
            headers.insert(RANGE_ID.clone(), id);
        }
    }
    headers.insert(LSN.clone(), lsn.into());
    for name in OF_RANGE {
        headers.insert(HeaderName::from_static(name), lsn.into());
    }
    for (name, lsn) in OF_ITEM.into_iter().zip(std::iter::repeat(item_lsn)) {
        if let Some(lsn) = lsn {
            headers.insert(HeaderName::from_static(name), lsn.into());
        }
    }
    tell_usage(response, container);
}

/// Tells in an answer about several ranges how far the first of them is: of such the service
/// tells one, and older clients cannot read a list.
pub(in crate::cosmos) fn tell_first(response: &mut Response<Bytes>, container: &Container, range: usize) {
    if let Some(token) = token(container, range, container.lsn(range)) {
        response.headers_mut().insert(SESSION_TOKEN.clone(), token);
    }
    tell_usage(response, container);
}

/// Tells how much there is. Sizes are not counted.
pub(in crate::cosmos) fn tell_usage(response: &mut Response<Bytes>, container: &Container) {
    let count = container.state().count();
    let usage = format!("documentSize=0;documentsSize=0;documentsCount={count};collectionSize=0;");
    if let Ok(usage) = HeaderValue::try_from(usage) {
        response.headers_mut().insert(USAGE.clone(), usage);
        response.headers_mut().insert(QUOTA.clone(), QUOTAS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_both_forms_are_read() {
        assert_eq!(parse("0:0#23#0=23"), Some(("0", 23)));
        assert_eq!(parse("12:-1#7"), Some(("12", 7)));
        assert_eq!(parse("3:9"), Some(("3", 9)));
        for wrong in ["", "0", "0:x", "0:0#x", "0:0#1#0"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
