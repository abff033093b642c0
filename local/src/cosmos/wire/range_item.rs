//! A range by its link, `…/pkranges/<id>/`, which is the `_self` that the list of ranges gives it.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

use crate::cosmos::wire::{
    request::{Request, encode},
    responses,
};

/// The list that has the range which `request` reads, and the range's id; none where it reads no range.
pub(in crate::cosmos) fn feed_of(request: &Request) -> Option<(Request, String)> {
    match request.segments().as_slice() {
        ["dbs", database, "colls", container, "pkranges", id] => {
            let path = format!("dbs/{}/colls/{}/pkranges", encode(database), encode(container));
            Some((request.with_path(&path), (*id).to_owned()))
        }
        _ => None,
    }
}

/// Of an answer that lists ranges, the range with this id or resource id.
pub(in crate::cosmos) fn only(request: &Request, id: &str, mut ranges: Response<Bytes>) -> Response<Bytes> {
    let Ok(list) = contoso_json::from_slice::<Value>(ranges.body()) else { return ranges };
    let Some(all) = list.get("PartitionKeyRanges").and_then(Value::as_array) else { return ranges };
    match all.iter().find(|range| range["id"] == id || range["_rid"] == id) {
        Some(range) => {
            *ranges.body_mut() = range.to_string().into();
            ranges
        }
        None => {
            let message = format!("There is no partition key range {id}.");
            responses::error(request, StatusCode::NOT_FOUND, "NotFound", &message)
        }
    }
}
