//! What a patch may make of a document: one that can be read again. The emulator sets values wherever a path leads,
//! so small patches could deepen a document without end, and give members names that no text may have
//! (`contoso_json`).

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use crate::cosmos::{
    emulator::{change::document, hosted::Emulator},
    wire::{request::Request, responses},
};

/// Levels of objects and arrays in a document: what `serde_json` reads, and so what comes back after a restart.
const DEEPEST: usize = 127;

/// Checks the operations of a patch of the item that `request` names.
///
/// # Errors
/// The answer, where the document could not be read again.
pub(in crate::cosmos) async fn check(
    emulator: &Emulator,
    request: &Request,
    operations: &[Value],
) -> Result<(), Response<Bytes>> {
    let mut deepest = 0;
    for operation in operations {
        let path = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Some(name) = path("path").split('/').find(|name| contoso_json::is_reserved(name)) {
            return Err(responses::bad_request(request, &format!("PATCH: no member may have the name {name}.")));
        }
        let added = match operation.get("op").and_then(Value::as_str) {
            Some("move") => {
                let present = document(request, emulator).await;
                let present: Option<Value> = present.and_then(|text| contoso_json::from_slice(&text).ok());
                present.as_ref().map_or(0, levels).max(deepest).saturating_sub(segments(path("from")))
            }
            _ => operation.get("value").map_or(0, levels),
        };
        deepest = deepest.max(segments(path("path")) + added);
        if deepest > DEEPEST {
            let message = format!("PATCH: the document would have more than {DEEPEST} levels.");
            return Err(responses::bad_request(request, &message));
        }
    }
    Ok(())
}

/// Levels above the value that a path names.
fn segments(path: &str) -> usize {
    path.matches('/').count()
}

/// Levels of objects and arrays. What was read has no more than 128, so this has an end.
fn levels(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(levels).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or_default(),
        _ => 0,
    }
}
