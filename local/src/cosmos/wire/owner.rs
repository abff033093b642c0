//! Content paths: the headers of an answer that name the parent of what it is about, `x-ms-alt-content-path` by names and
//! `x-ms-content-path` by its resource id. The .NET client keeps session tokens by them, and none where they are missing.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cosmos::wire::{
    request::{ContainerName, Request},
    resource_ids::ResourceIds,
};

static BY_NAMES: HeaderName = HeaderName::from_static("x-ms-alt-content-path");
static BY_ID: HeaderName = HeaderName::from_static("x-ms-content-path");

/// Clients unescape the path, which is not ASCII where a name is not.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names the parent of what `request`, which addresses by names, is about.
pub(in crate::cosmos) fn name(request: &Request, ids: &impl ResourceIds, response: &mut Response<Bytes>) {
    let escaped = |name: &str| utf8_percent_encode(name, ESCAPED).to_string();
    let (path, id) = match request.segments().as_slice() {
        ["dbs", database, "colls"] | ["dbs", database, "colls", _] => {
            (format!("dbs/{}", escaped(database)), ids.database_id(database))
        }
        ["dbs", database, "colls", container, ..] => (
            format!("dbs/{}/colls/{}", escaped(database), escaped(container)),
            ids.container_id(&ContainerName::new(database, container)),
        ),
        _ => return,
    };
    let headers = response.headers_mut();
    if let Some(id) = id
        && let (Ok(path), Ok(id)) = (HeaderValue::try_from(path), HeaderValue::try_from(id))
    {
        headers.insert(BY_NAMES.clone(), path);
        headers.insert(BY_ID.clone(), id);
    }
}
