//! Texts of errors as the service writes them, which clients' suites look for, whatever the store says; what it says is kept
//! behind them, since it names what is missing.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::cosmos::wire::{
    request::Request,
    responses::{ACTIVITY_ID, SUBSTATUS},
};

/// The session token is ahead of what the replica has.
const SESSION_NOT_AVAILABLE: u16 = 1002;

/// Gives a refusal the service's text, if it has one of its own for it.
pub(in crate::cosmos) fn rewrite(request: &Request, response: &mut Response<Bytes>) {
    let substatus = response.headers().get(&SUBSTATUS).and_then(|value| value.to_str().ok()?.parse().ok());
    let text = match (response.status(), substatus) {
        (StatusCode::BAD_REQUEST, _) => return complete(response),
        (StatusCode::NOT_FOUND, Some(SESSION_NOT_AVAILABLE)) => {
            "The read/write session is not available for the input session token."
        }
        (StatusCode::NOT_FOUND, _) => "Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found",
        (StatusCode::PRECONDITION_FAILED, _) => {
            "One of the specified pre-condition is not met. Learn more: \
             https://aka.ms/CosmosDB/sql/errors/precondition-failed"
        }
        _ => return,
    };
    // Of a batch, and where nothing is said, there is no text to give.
    let Ok(Value::Object(body)) = contoso_json::from_slice(response.body()) else { return };
    let (Some(code), Some(said)) = (body.get("code"), body.get("message").and_then(Value::as_str)) else { return };
    let activity = response.headers().get(&ACTIVITY_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let errors = json!({ "Errors": [text] });
    let message = format!("Message: {errors}\r\nActivityId: {activity}, Request URI: /{}, {said}", request.path);
    let body = json!({ "code": code, "message": message });
    *response.body_mut() = body.to_string().into();
}

/// Ends a message in the service's form, such as that of a query that is wrong, as the service ends it.
fn complete(response: &mut Response<Bytes>) {
    let Ok(Value::Object(mut body)) = contoso_json::from_slice(response.body()) else { return };
    let activity = response.headers().get(&ACTIVITY_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    match body.get_mut("message") {
        Some(Value::String(message)) if message.starts_with("Message: {") => {
            message.push_str("\r\nActivityId: ");
            message.push_str(activity);
        }
        _ => return,
    }
    *response.body_mut() = Value::Object(body).to_string().into();
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::cosmos::wire::responses;

    #[test]
    fn what_is_missing_is_said_in_the_services_words() {
        let request = Request::new(Method::GET, "/dbs/a/colls/b/docs/c", HeaderMap::new(), Bytes::new());
        let refused = |status, substatus| {
            let error = responses::error(&request, status, "Code", "c is gone");
            let mut response = responses::with_substatus(error, substatus);
            rewrite(&request, &mut response);
            response
        };
        let mut wrong = responses::bad_request(&request, "Message: {\"errors\":[]}");
        rewrite(&request, &mut wrong);
        let said = std::str::from_utf8(wrong.body()).unwrap();
        assert!(said.contains("[]}\\r\\nActivityId: "), "{said}");
        for (status, substatus, text, left) in [
            (404, 0, "\\\"Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found\\\"", Some("0")),
            (404, 1002, "The read/write session is not available", Some("1002")),
            (412, 0, "One of the specified pre-condition is not met. Learn more: https://aka.ms/", Some("0")),
            (409, 0, "\"message\":\"c is gone\"", Some("0")),
        ] {
            let response = refused(StatusCode::from_u16(status).unwrap(), substatus);
            let body = std::str::from_utf8(response.body()).unwrap();
            assert!(body.contains(text) && body.contains("c is gone") && body.contains("\"Code\""), "{body}");
            assert_eq!(response.headers().get(&SUBSTATUS).map(|value| value.to_str().unwrap()), left, "{status}");
        }
    }
}
