//! Refusals: why an operation is not carried out, before it becomes an answer or a result of a batch.

use bytes::Bytes;
use contoso_cosmos_query::QueryError;
use http::{Response, StatusCode};
use serde_json::json;

use crate::cosmos::wire::{
    request::Request,
    responses,
    texts::{self, Refused},
};

/// The partition key of the request is not the document's.
const WRONG_PARTITION_KEY: u16 = 1001;
/// The condition of a patch does not hold.
const CONDITION_OF_PATCH: u16 = 1110;

/// What a batch reads does not fit in one answer: `BatchResponseSizeExceeded` of the .NET client.
const ANSWER_TOO_LARGE: u16 = 3402;

/// Why an operation is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct Refusal {
    pub(in crate::cosmos) status: StatusCode,
    pub(in crate::cosmos) substatus: Option<u16>,
    /// What the service says of it, where that does not follow from the status.
    pub(in crate::cosmos) text: Option<&'static str>,
    /// What is said here.
    pub(in crate::cosmos) message: String,
}

impl Refusal {
    pub(in crate::cosmos) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, substatus: None, text: None, message: message.into() }
    }

    pub(in crate::cosmos) fn with_substatus(self, substatus: u16) -> Self {
        Self { substatus: Some(substatus), ..self }
    }

    pub(in crate::cosmos) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 400 with one sentence in the form in which the service's replicas refuse.
    pub(in crate::cosmos) fn errors(sentence: &str) -> Self {
        Self::bad_request(format!("Message: {}", json!({ "Errors": [sentence] })))
    }

    /// Of a query, in the form of the service's planner.
    pub(in crate::cosmos) fn query(error: &QueryError) -> Self {
        Self::bad_request(format!("Message: {error}"))
    }

    /// Of a body that is no document.
    pub(in crate::cosmos) fn invalid_input(message: impl Into<String>) -> Self {
        Self { text: Some("One of the specified inputs is invalid"), ..Self::bad_request(message) }
    }

    /// Of a document without an id.
    pub(in crate::cosmos) fn no_id() -> Self {
        let text = "The input content is invalid because the required properties - 'id; ' - are missing";
        Self { text: Some(text), ..Self::bad_request("Missing 'id' field in document") }
    }

    pub(in crate::cosmos) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(in crate::cosmos) fn no_item(id: &str) -> Self {
        Self::not_found(format!("Entity with the specified id does not exist in the system. ResourceId: {id}"))
    }

    pub(in crate::cosmos) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    pub(in crate::cosmos) fn precondition() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "One of the specified pre-condition is not met.")
    }

    pub(in crate::cosmos) fn condition_of_patch() -> Self {
        Self::precondition().with_substatus(CONDITION_OF_PATCH)
    }

    pub(in crate::cosmos) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Request size is too large")
    }

    /// Of an operation of a batch that reads; clients read such an item by itself.
    pub(in crate::cosmos) fn answer_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Response size is too large").with_substatus(ANSWER_TOO_LARGE)
    }

    /// Clients read the container's definition again at this: it may have been made anew with another key.
    pub(in crate::cosmos) fn partition_key() -> Self {
        let message = "PartitionKey extracted from document doesn't match the one specified in the header. Learn more: \
                       https://aka.ms/CosmosDB/sql/errors/wrong-pk-value";
        Self::bad_request(message).with_substatus(WRONG_PARTITION_KEY)
    }

    /// The answer in the service's shape.
    pub(in crate::cosmos) fn answer(&self, request: &Request) -> Response<Bytes> {
        let code = match self.status {
            StatusCode::NOT_FOUND => "NotFound",
            StatusCode::CONFLICT => "Conflict",
            StatusCode::PRECONDITION_FAILED => "PreconditionFailed",
            StatusCode::PAYLOAD_TOO_LARGE => "RequestEntityTooLarge",
            StatusCode::FORBIDDEN => "Forbidden",
            StatusCode::GONE => "Gone",
            StatusCode::NOT_IMPLEMENTED => "NotImplemented",
            _ => "BadRequest",
        };
        let response = responses::error_of(request, self.status, code, |activity| {
            texts::message(request, activity, &self.words())
        });
        match self.substatus {
            Some(substatus) => responses::with_substatus(response, substatus),
            None => response,
        }
    }

    fn words(&self) -> Refused<'_> {
        Refused { status: self.status, substatus: self.substatus, text: self.text, said: &self.message }
    }
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
            let whole = texts::message(&request, "A", &refusal.words());
            assert!(whole.contains(text) && whole.starts_with("Message: {\"Errors\":["), "{whole}");
            assert!(whole.ends_with("}\r\nActivityId: A, Request URI: /dbs/a/colls/b/docs/c, c is gone"), "{whole}");
        }
        assert_eq!(texts::message(&request, "A", &Refusal::conflict("c is gone").words()), "c is gone");
        let query = Refusal::bad_request("Message: {\"errors\":[]}");
        assert_eq!(texts::message(&request, "A", &query.words()), "Message: {\"errors\":[]}\r\nActivityId: A");
    }
}
