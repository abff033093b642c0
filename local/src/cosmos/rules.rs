//! Writes as the emulator understands them: what clients send otherwise, it refuses or silently gets wrong.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    account::Account,
    batch_patch,
    emulator::Emulator,
    etags::EtagAliases,
    expiry::parse_ttl,
    outcome::Summary,
    patch_limits,
    request::{PARTITION_KEY, Request, Write, check_id, check_name},
    responses, sql,
};

/// Members of a batch operation that state a condition.
const CONDITIONS: [&str; 2] = ["ifMatch", "ifNoneMatch"];

/// The request to forward instead of `request`, if it cannot be forwarded as it is. Called while no other write runs,
/// so that a condition evaluated here holds until the write is done.
///
/// # Errors
/// The answer, where the request is refused.
pub(super) async fn prepare(
    account: &Account,
    write: Write,
    request: &Request,
) -> Result<Option<Request>, Response<Bytes>> {
    if let Err(message) = check_documents(write, &request.body) {
        return Err(responses::bad_request(request, &message));
    }
    match write {
        Write::PatchItem => patch(account.emulator(), request).await,
        Write::Batch => {
            let resolved = account.resolve_batch_etags(&request.body).map(|body| request.with_body(body));
            let patched = batch_patch::resolve(account.emulator(), resolved.as_ref().unwrap_or(request)).await?;
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

/// A patch is `{"operations": […], "condition": "from c where …"}`. The JavaScript client sends the bare list of
/// operations; the emulator ignores the condition, so it is evaluated here and taken out.
pub(super) async fn patch(emulator: &Emulator, request: &Request) -> Result<Option<Request>, Response<Bytes>> {
    let Ok(document) = contoso_json::from_slice::<Value>(&request.body) else {
        // Let the emulator say what is wrong with it.
        return Ok(None);
    };
    let operations = match &document {
        Value::Array(operations) => Some(operations),
        document => document.get("operations").and_then(Value::as_array),
    };
    patch_limits::check(emulator, request, operations.map(Vec::as_slice).unwrap_or_default()).await?;
    let with = |document: Value| request.with_body(document.to_string().into());
    match document {
        Value::Array(operations) => Ok(Some(with(json!({ "operations": operations })))),
        Value::Object(mut members) => match members.remove("condition") {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(with(Value::Object(members)))),
            Some(Value::String(condition)) => {
                check_patch_condition(emulator, request, &condition).await?;
                Ok(Some(with(Value::Object(members))))
            }
            Some(_) => Err(responses::bad_request(request, "PATCH: the member condition is not a string.")),
        },
        _ => Ok(None),
    }
}

/// Whether the item is among those that `condition` (`from c where …`) selects; 412 where it is not.
async fn check_patch_condition(emulator: &Emulator, request: &Request, condition: &str) -> Result<(), Response<Bytes>> {
    #[derive(Deserialize)]
    struct Selected {
        #[serde(rename = "Documents")]
        documents: Vec<Identified>,
    }
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    // Without its FROM the emulator would take every name for an undefined property, and the condition for false.
    if !condition.trim_start().get(..5).is_some_and(|word| word.trim_end().eq_ignore_ascii_case("from")) {
        return Err(responses::bad_request(request, "PATCH: the condition does not begin with FROM."));
    }
    let mut headers = HeaderMap::new();
    if let Some(partition_key) = request.headers.get(&PARTITION_KEY) {
        headers.insert(PARTITION_KEY.clone(), partition_key.clone());
    }
    let read = |request: Request| async move { emulator.send(&request, &EtagAliases::default()).await };
    let existing = read(Request::new(Method::GET, &request.path, headers.clone(), Bytes::new())).await;
    if !existing.status().is_success() {
        return Err(existing);
    }
    headers.insert("x-ms-documentdb-isquery", HeaderValue::from_static("true"));
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/query+json"));
    let feed = request.path.rsplit_once('/').map_or("", |(feed, _)| feed);
    let query = format!("SELECT * {condition}");
    let query = sql::single_quoted(&query).unwrap_or(query);
    let query = json!({ "query": query, "parameters": [] }).to_string();
    let response = read(Request::new(Method::POST, feed, headers, query.into())).await;
    let Ok(selected) = contoso_json::from_slice::<Selected>(response.body()) else {
        let message = format!("PATCH: the condition cannot be evaluated: {}", responses::message_of(&response));
        return Err(responses::bad_request(request, &message));
    };
    if selected.documents.iter().any(|document| Some(document.id.as_str()) == request.item_id()) {
        return Ok(());
    }
    let message = "One of the specified pre-condition is not met.";
    Err(responses::with_substatus(
        responses::error(request, StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message),
        1110,
    ))
}

/// The batch with `resolve` applied to the ETags in its conditions. None where that changes nothing.
pub(super) fn with_batch_etags<'a>(body: &[u8], resolve: impl Fn(&str) -> Option<&'a str>) -> Option<Bytes> {
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
