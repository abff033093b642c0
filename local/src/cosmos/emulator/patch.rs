//! Patches of an item, with their condition, which the emulator does not evaluate.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cosmos::{
    emulator::{etags::EtagAliases, hosted::Emulator, patch_limits, sql},
    wire::{
        request::{PARTITION_KEY, Request},
        responses,
    },
};

/// The request to forward instead of `request`, if it cannot be forwarded as it is.
///
/// A patch is `{"operations": […], "condition": "from c where …"}`. The JavaScript client sends the bare list of
/// operations; the emulator ignores the condition, so it is evaluated here and taken out.
///
/// # Errors
/// The answer, where the request is refused.
pub(in crate::cosmos) async fn prepare(
    emulator: &Emulator,
    request: &Request,
) -> Result<Option<Request>, Response<Bytes>> {
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
