//! Partition key ranges, which clients read as a change feed: 304 as long as they are what they were.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::cosmos::{
    data::{container::Container, ranges::FeedRange},
    serve::paging::ITEM_COUNT,
    store::account::Account,
    wire::{
        refusal::Refusal,
        request::{ContainerName, Request},
        responses,
    },
};

/// Answers the ranges of a container.
pub(in crate::cosmos) fn answer(account: &Account, request: &Request, name: &ContainerName) -> Response<Bytes> {
    answered(account, request, name, |container| {
        let count = container.ranges.len();
        let body =
            json!({ "PartitionKeyRanges": ranges(container), "_rid": container.id.to_string(), "_count": count });
        let mut response = responses::answer(request, StatusCode::OK, "1", body.to_string().into());
        response.headers_mut().insert(ITEM_COUNT.clone(), count.into());
        Ok(response)
    })
}

/// Answers the range with this id or resource id.
pub(in crate::cosmos) fn one(account: &Account, request: &Request, name: &ContainerName, id: &str) -> Response<Bytes> {
    answered(account, request, name, |container| {
        let range = ranges(container).into_iter().find(|range| range["id"] == id || range["_rid"] == id);
        let range = range.ok_or_else(|| Refusal::not_found(format!("There is no partition key range {id}.")))?;
        Ok(responses::answer(request, StatusCode::OK, "1", range.to_string().into()))
    })
}

/// What `found` gives of a container, or 304 where its client has that.
fn answered(
    account: &Account,
    request: &Request,
    name: &ContainerName,
    found: impl FnOnce(&Container) -> Result<Response<Bytes>, Refusal>,
) -> Response<Bytes> {
    let answered = || -> Result<Response<Bytes>, Refusal> {
        let container = account.container(name)?;
        let etag = etag(&container);
        let mut response = match request.header(header::IF_NONE_MATCH) {
            Some(known) if known == etag => responses::answer(request, StatusCode::NOT_MODIFIED, "1", Bytes::new()),
            _ => found(&container)?,
        };
        if let Ok(etag) = HeaderValue::try_from(etag) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        Ok(response)
    };
    answered().unwrap_or_else(|refusal| refusal.answer(request))
}

/// Ranges never change, so their ETag says whose they are and how many.
fn etag(container: &Container) -> String {
    format!("\"{}-{}\"", container.id, container.ranges.len())
}

fn ranges(container: &Container) -> Vec<Value> {
    let (stamp, link) = (container.definition().stamp.clone(), container.id.link());
    let count = container.ranges.len() as f64;
    let range = |(number, range): (usize, &FeedRange)| {
        json!({
            "id": range.id,
            "_rid": container.id.range(number as u64),
            "_self": format!("{link}pkranges/{}/", container.id.range(number as u64)),
            "_etag": stamp.etag,
            "_ts": stamp.seconds(),
            "_lsn": container.lsn(number),
            "minInclusive": range.min,
            "maxExclusive": range.max,
            "ridPrefix": number,
            "throughputFraction": 1.0 / count,
            "status": "online",
            "parents": [],
        })
    };
    container.ranges.iter().enumerate().map(range).collect()
}
