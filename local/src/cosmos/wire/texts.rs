//! Texts of errors as the service writes them, which clients' suites look for, whatever the store says; what it says is kept
//! behind them, since it names what is missing.

use http::StatusCode;
use serde_json::json;

use crate::cosmos::wire::{refusal::Refusal, request::Request};

/// The session token is ahead of what the replica has.
const SESSION_NOT_AVAILABLE: u16 = 1002;

/// The whole message of a refusal, in the service's text if it has one of its own for it.
pub(in crate::cosmos) fn message(request: &Request, activity: &str, refusal: &Refusal) -> String {
    let said = &refusal.message;
    let text = match (refusal.status, refusal.substatus) {
        (StatusCode::NOT_FOUND, Some(SESSION_NOT_AVAILABLE)) => {
            "The read/write session is not available for the input session token."
        }
        (StatusCode::NOT_FOUND, _) => "Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found",
        (StatusCode::PRECONDITION_FAILED, _) => {
            "One of the specified pre-condition is not met. Learn more: \
             https://aka.ms/CosmosDB/sql/errors/precondition-failed"
        }
        _ => match refusal.text {
            Some(text) => text,
            // In the service's form already, such as that of a query that is wrong: it ends as the service ends it.
            None if said.starts_with("Message: {") => return format!("{said}\r\nActivityId: {activity}"),
            None => return said.clone(),
        },
    };
    let errors = json!({ "Errors": [text] });
    format!("Message: {errors}\r\nActivityId: {activity}, Request URI: /{}, {said}", request.path)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_the_services_words() {
        let request = Request::new(Method::GET, "/dbs/a/colls/b/docs/c", HeaderMap::new(), Bytes::new());
        let gone = Refusal::not_found("c is gone");
        for (refusal, text) in [
            (gone.clone(), "Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found\""),
            (gone.with_substatus(1002), "The read/write session is not available"),
            (Refusal::new(StatusCode::PRECONDITION_FAILED, "c is gone"), "Learn more: https://aka.ms/CosmosDB/sql/"),
            (Refusal::invalid_input("c is gone"), "\"One of the specified inputs is invalid\""),
        ] {
            let whole = message(&request, "A", &refusal);
            assert!(whole.contains(text) && whole.starts_with("Message: {\"Errors\":["), "{whole}");
            assert!(whole.ends_with("}\r\nActivityId: A, Request URI: /dbs/a/colls/b/docs/c, c is gone"), "{whole}");
        }
        assert_eq!(message(&request, "A", &Refusal::conflict("c is gone")), "c is gone");
        let query = Refusal::bad_request("Message: {\"errors\":[]}");
        assert_eq!(message(&request, "A", &query), "Message: {\"errors\":[]}\r\nActivityId: A");
    }
}
