//! Resource ids, which ties of ORDER BY are broken by.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

/// The number of a document in its container, from its `_rid`: the last eight of its sixteen bytes, as clients compare it.
pub(crate) fn number(document: &Value) -> Option<u64> {
    parse(document.get("_rid")?.as_str()?)
}

/// As [`number`], from the id itself.
pub(crate) fn parse(rid: &str) -> Option<u64> {
    // The service writes `-` where the alphabet has `/`.
    let bytes = BASE64_STANDARD.decode(rid.replace('-', "/")).ok()?;
    let document: [u8; 8] = bytes.get(8..16)?.try_into().ok()?;
    Some(u64::from_le_bytes(document))
}
