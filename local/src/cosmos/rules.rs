//! Writes as the emulator understands them: what clients send otherwise, it refuses or silently gets wrong.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    account::Account,
    request::{PARTITION_KEY, Request, Write},
    responses,
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
    match write {
        Write::PatchItem => patch(account, request).await,
        Write::Batch => Ok(account.resolve_batch_etags(&request.body).map(|body| request.with_body(body))),
        _ => Ok(None),
    }
}

/// A patch is `{"operations": […], "condition": "from c where …"}`. The JavaScript client sends the bare list of
/// operations; the emulator ignores the condition, so it is evaluated here and taken out.
async fn patch(account: &Account, request: &Request) -> Result<Option<Request>, Response<Bytes>> {
    let Ok(document) = serde_json::from_slice::<Value>(&request.body) else {
        // Let the emulator say what is wrong with it.
        return Ok(None);
    };
    let with = |document: Value| request.with_body(document.to_string().into());
    match document {
        Value::Array(operations) => Ok(Some(with(json!({ "operations": operations })))),
        Value::Object(mut members) => match members.remove("condition") {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(with(Value::Object(members)))),
            Some(Value::String(condition)) => {
                check_patch_condition(account, request, &condition).await?;
                Ok(Some(with(Value::Object(members))))
            }
            Some(_) => Err(responses::bad_request(request, "PATCH: the member condition is not a string.")),
        },
        _ => Ok(None),
    }
}

/// Whether the item is among those that `condition` (`from c where …`) selects; 412 where it is not.
async fn check_patch_condition(account: &Account, request: &Request, condition: &str) -> Result<(), Response<Bytes>> {
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
    let existing = account.read(&Request::new(Method::GET, &request.path, headers.clone(), Bytes::new())).await;
    if !existing.status().is_success() {
        return Err(existing);
    }
    headers.insert("x-ms-documentdb-isquery", HeaderValue::from_static("true"));
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/query+json"));
    let feed = request.path.rsplit_once('/').map_or("", |(feed, _)| feed);
    let query = json!({ "query": format!("SELECT * {condition}"), "parameters": [] }).to_string();
    let response = account.read(&Request::new(Method::POST, feed, headers, query.into())).await;
    let Ok(selected) = serde_json::from_slice::<Selected>(response.body()) else {
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

/// The batch without its conditions, for the journal: they held. None where it has none.
pub(super) fn without_batch_conditions(body: &[u8]) -> Option<Bytes> {
    rewrite_batch(body, |operation| CONDITIONS.iter().filter(|name| operation.remove(**name).is_some()).count() > 0)
}

/// The batch with `resolve` applied to the ETags in its conditions. None where that changes nothing.
pub(super) fn with_batch_etags<'a>(body: &[u8], resolve: impl Fn(&str) -> Option<&'a str>) -> Option<Bytes> {
    rewrite_batch(body, |operation| {
        let mut changed = false;
        for name in CONDITIONS {
            if let Some(Value::String(etag)) = operation.get_mut(name)
                && let Some(current) = resolve(etag)
            {
                current.clone_into(etag);
                changed = true;
            }
        }
        changed
    })
}

fn rewrite_batch(body: &[u8], rewrite: impl Fn(&mut serde_json::Map<String, Value>) -> bool) -> Option<Bytes> {
    let mut operations: Vec<Value> = serde_json::from_slice(body).ok()?;
    let changed = operations
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .filter_map(|operation| rewrite(operation).then_some(()))
        .count();
    (changed > 0).then(|| Value::Array(operations).to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_a_batch_are_resolved_then_left_out() {
        let body = br#"[{"operationType":"Replace","id":"a","ifMatch":"old"},{"operationType":"Delete","id":"b"}]"#;
        let resolved = with_batch_etags(body, |etag| (etag == "old").then_some("new")).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&resolved).unwrap(),
            json!([{"operationType":"Replace","id":"a","ifMatch":"new"},{"operationType":"Delete","id":"b"}])
        );
        assert_eq!(
            serde_json::from_slice::<Value>(&without_batch_conditions(&resolved).unwrap()).unwrap(),
            json!([{"operationType":"Replace","id":"a"},{"operationType":"Delete","id":"b"}])
        );
        assert_eq!(with_batch_etags(body, |_| None), None);
    }
}
