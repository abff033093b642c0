//! Texts of errors as the service writes them, which clients' suites look for, whatever the store says; what it says is kept
//! behind them, since it names what is missing.

use http::StatusCode;
use serde_json::json;

use crate::cosmos::wire::request::Request;

/// The session token is ahead of what the replica has.
const SESSION_NOT_AVAILABLE: u16 = 1002;

/// What is refused, and in which words.
pub(in crate::cosmos) struct Refused<'a> {
    /// The status of HTTP.
    pub(in crate::cosmos) status: StatusCode,
    /// The service's own, where it has one.
    pub(in crate::cosmos) substatus: Option<u16>,
    /// The service's text for it, if it is none of the status.
    pub(in crate::cosmos) text: Option<&'static str>,
    /// What the store says.
    pub(in crate::cosmos) said: &'a str,
}

/// The whole message of a refusal, in the service's text if it has one of its own for it.
pub(in crate::cosmos) fn message(request: &Request, activity: &str, refused: &Refused<'_>) -> String {
    let said = refused.said;
    let text = match (refused.status, refused.substatus) {
        (StatusCode::NOT_FOUND, Some(SESSION_NOT_AVAILABLE)) => {
            "The read/write session is not available for the input session token."
        }
        (StatusCode::NOT_FOUND, _) => "Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found",
        (StatusCode::PRECONDITION_FAILED, _) => {
            "One of the specified pre-condition is not met. Learn more: \
             https://aka.ms/CosmosDB/sql/errors/precondition-failed"
        }
        _ => match refused.text {
            Some(text) => text,
            // In the service's form already, such as that of a query that is wrong: it ends as the service ends it.
            None if said.starts_with("Message: {") => return format!("{said}\r\nActivityId: {activity}"),
            None => return said.to_owned(),
        },
    };
    let errors = json!({ "Errors": [text] });
    format!("Message: {errors}\r\nActivityId: {activity}, Request URI: /{}, {said}", request.path)
}
