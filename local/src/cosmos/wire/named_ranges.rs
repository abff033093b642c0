//! Ranges as clients name them: by link, `…/pkranges/<id>/`, which is the `_self` that the list of ranges gives one, and in the
//! header `x-ms-documentdb-partitionkeyrangeid` as `<resource id of the container>,<id>`, as the clients of Java and older ones
//! of .NET do.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

use crate::cosmos::wire::{
    request::{RANGE_ID, Request, encode},
    resource_ids::{self, ResourceIds},
    responses,
};

/// Of a client that knows another container of this name, which was deleted since; it looks again.
const NAME_CACHE_IS_STALE: u16 = 1000;

/// A client means a container that is no longer the one of this name.
pub(in crate::cosmos) struct StaleName(String);

impl StaleName {
    /// 410, at which clients look what the name stands for now.
    pub(in crate::cosmos) fn answer(&self, request: &Request) -> Response<Bytes> {
        responses::with_substatus(responses::error(request, StatusCode::GONE, "Gone", &self.0), NAME_CACHE_IS_STALE)
    }
}

/// The request with the id alone in the header, if the container stands before it.
///
/// # Errors
/// When the client means another container.
pub(in crate::cosmos) fn without_container(
    request: &Request,
    ids: &impl ResourceIds,
) -> Result<Option<Request>, StaleName> {
    let named = request.header(&RANGE_ID).and_then(|range| range.split_once(','));
    // Anything else before a comma is a part of what is no range's id.
    let named = named.filter(|(container, _)| is_container_id(container.trim()));
    let (Some((container, id)), Some(name)) = (named, request.container()) else { return Ok(None) };
    if ids.container_id(&name).is_some_and(|known| known != container.trim()) {
        return Err(StaleName(format!("{name} is another container than {container}.")));
    }
    let mut request = request.clone();
    if let Ok(id) = HeaderValue::from_str(id.trim()) {
        request.headers.insert(RANGE_ID.clone(), id);
    }
    Ok(Some(request))
}

/// Whether a text has the form of a container's resource id.
fn is_container_id(text: &str) -> bool {
    resource_ids::decode(text).is_some_and(|bytes| bytes.len() == 8)
}

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
