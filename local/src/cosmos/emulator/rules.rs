//! Validation and rewriting of writes, as the emulator understands them: what clients send otherwise, it refuses or
//! silently gets wrong.

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::cosmos::{
    emulator::{
        batch_patch,
        etags::EtagAliases,
        hosted::Emulator,
        item::{Summary, parse_ttl},
        patch,
    },
    wire::{
        request::{Request, Write, check_id, check_name},
        responses,
    },
};

/// Members of a batch operation that state a condition.
const CONDITIONS: [&str; 2] = ["ifMatch", "ifNoneMatch"];

/// The request to forward instead of `request`, if it cannot be forwarded as it is. Called while no other write runs,
/// so that a condition evaluated here holds until the write is done.
///
/// # Errors
/// The answer, where the request is refused.
pub(in crate::cosmos) async fn prepare(
    emulator: &Emulator,
    etags: &EtagAliases,
    write: Write,
    request: &Request,
) -> Result<Option<Request>, Response<Bytes>> {
    if let Err(message) = check_documents(write, &request.body) {
        return Err(responses::bad_request(request, &message));
    }
    match write {
        Write::PatchItem => patch::prepare(emulator, request).await,
        Write::Batch => {
            let resolved = with_present_etags(etags, &request.body).map(|body| request.with_body(body));
            let patched = batch_patch::resolve(emulator, resolved.as_ref().unwrap_or(request)).await?;
            Ok(patched.map(|body| request.with_body(body)).or(resolved))
        }
        _ => Ok(None),
    }
}

const UNREADABLE: &str = "The body is no JSON object with a text for its id, or has a member twice.";

/// What a document says of itself.
fn summary(body: &[u8]) -> Result<Summary, String> {
    contoso_json::check(body).map_err(|error| error.to_string())?;
    Summary::of(body).ok_or_else(|| UNREADABLE.to_owned())
}

/// Whether every time to live that a write states is one, and everything that it makes has an id of its own, by which it
/// can be found. What cannot be read is refused, since the emulator reads some of it: of a member that is there twice it
/// takes the last, where the store would find no item.
fn check_documents(write: Write, body: &[u8]) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Definition {
        default_ttl: Option<Value>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct BatchOperation {
        operation_type: String,
        id: Option<String>,
        resource_body: Option<Box<RawValue>>,
    }
    match write {
        Write::PostItem | Write::ReplaceItem => {
            let summary = summary(body)?;
            check_id(summary.id.as_deref().ok_or("Missing 'id' field in document")?)?;
            summary.ttl()?;
        }
        Write::CreateDatabase | Write::CreateContainer | Write::ReplaceContainer => {
            let summary = summary(body)?;
            check_name(summary.id.as_deref().ok_or("Missing 'id' field")?)?;
            if let Ok(Definition { default_ttl }) = contoso_json::from_slice(body) {
                parse_ttl(default_ttl.as_ref())?;
            }
        }
        Write::Batch => {
            let operations: Vec<BatchOperation> =
                contoso_json::from_slice(body).map_err(|error| format!("Invalid batch JSON body: {error}."))?;
            for operation in operations {
                operation.id.as_deref().map_or(Ok(()), check_id)?;
                if let Some(document) = operation.resource_body.filter(|_| operation.operation_type != "Patch") {
                    let summary = Summary::of(document.get().as_bytes()).unwrap_or_default();
                    check_id(summary.id.as_deref().ok_or("Missing 'id' field in document")?)?;
                    summary.ttl()?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// A batch body with ETags of earlier lives replaced; none where it has none.
fn with_present_etags(etags: &EtagAliases, body: &[u8]) -> Option<Bytes> {
    if etags.is_empty() {
        return None;
    }
    with_batch_etags(body, |etag| etags.resolve(etag))
}

/// The batch with `resolve` applied to the ETags in its conditions. None where that changes nothing.
fn with_batch_etags<'a>(body: &[u8], resolve: impl Fn(&str) -> Option<&'a str>) -> Option<Bytes> {
    let mut operations: Vec<Value> = contoso_json::from_slice(body).ok()?;
    let mut changed = false;
    for operation in &mut operations {
        for name in CONDITIONS {
            if let Some(Value::String(etag)) = operation.get_mut(name)
                && let Some(current) = resolve(etag)
            {
                current.clone_into(etag);
                changed = true;
            }
        }
    }
    changed.then(|| Value::Array(operations).to_string().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_of_a_batch_are_resolved() {
        let body = br#"[{"operationType":"Replace","id":"a","ifMatch":"old"},{"operationType":"Delete","id":"b"}]"#;
        let resolved = with_batch_etags(body, |etag| (etag == "old").then_some("new")).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&resolved).unwrap(),
            json!([{"operationType":"Replace","id":"a","ifMatch":"new"},{"operationType":"Delete","id":"b"}])
        );
        assert_eq!(with_batch_etags(body, |_| None), None);
    }
}
