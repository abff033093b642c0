//! Unsupported operations, refused by name.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::cosmos::wire::{
    request::{IS_BATCH, Request},
    responses,
};

/// Headers that name triggers to run with a write: without them it would be another write.
const TRIGGERS: [&str; 2] = ["x-ms-documentdb-pre-trigger-include", "x-ms-documentdb-post-trigger-include"];

/// The answer to a request for something that is not there, if `request` is one.
pub(in crate::cosmos) fn refuse(request: &Request) -> Option<Response<Bytes>> {
    let what = match request.segments().as_slice() {
        ["dbs", _, "colls", _, "docs", ..] if TRIGGERS.iter().any(|name| request.headers.contains_key(*name)) => {
            "Triggers are"
        }
        ["dbs", _, "colls", _, "docs"] if is_hybrid_row(request) => "Batches as HybridRow, the .NET client's, are",
        ["dbs", _, "colls", _, "sprocs", ..] => "Stored procedures are",
        ["dbs", _, "colls", _, "triggers", ..] => "Triggers are",
        ["dbs", _, "colls", _, "udfs", ..] => "User-defined functions are",
        ["dbs", _, "colls", _, "conflicts", ..] => "The conflict feed is",
        ["dbs", _, "colls", _, "operations", "partitionkeydelete"] => "Deletion by partition key is",
        ["dbs", _, "colls", _, "docs", _, "attachments", ..] => "Attachments are",
        ["dbs", _, "users", ..] => "Users, permissions and resource tokens are",
        ["dbs", _, "clientencryptionkeys", ..] => "Client encryption keys are",
        ["operations", "dtc", ..] => "Distributed transactions are",
        _ => return None,
    };
    let message = format!("{what} not supported here: {}.", request.operation_name());
    Some(responses::error(request, StatusCode::NOT_IMPLEMENTED, "NotImplemented", &message))
}

/// Whether a batch is HybridRow and not JSON: a row begins with the version of its layout.
fn is_hybrid_row(request: &Request) -> bool {
    const VERSION: u8 = 0x81;
    request.headers.contains_key(&IS_BATCH) && request.body.first() == Some(&VERSION)
}

/// The answer to a client in direct mode, which asks for the addresses of replicas first, signed as nothing else is. A 400 is
/// what clients show at once.
pub(in crate::cosmos) fn refuse_direct_mode(request: &Request) -> Option<Response<Bytes>> {
    let message = "Direct mode is not served here; use ConnectionMode.Gateway (in Java, gatewayMode()).";
    matches!(request.segments().as_slice(), ["addresses", ..]).then(|| responses::bad_request(request, message))
}

/// The answer to a request for what the service has no operation for.
pub(in crate::cosmos) fn unknown(request: &Request) -> Response<Bytes> {
    let message = format!("{} is no operation of this service.", request.operation_name());
    responses::error(request, StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", &message)
}

/// The answer to `HEAD`, which no client of ours sends.
pub(in crate::cosmos) fn head(request: &Request) -> Response<Bytes> {
    let message = format!("{} is not supported here.", request.operation_name());
    responses::error(request, StatusCode::NOT_IMPLEMENTED, "NotImplemented", &message)
}
