//! Injected errors, which the control port asks for, as these services word them.

use http::{Method, StatusCode};
use uuid::Uuid;

use super::Reply;
use crate::{clock::Clock, faults::Faults};

/// No faults yet, for a service of a storage account.
pub(crate) fn faults(clock: &Clock) -> Faults {
    let clock = clock.clone();
    Faults::new(move |parts, refusal| {
        let code = refusal.code_or(match refusal.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "ServerBusy",
            StatusCode::INTERNAL_SERVER_ERROR => "InternalError",
            StatusCode::UNAUTHORIZED => "NoAuthenticationInformation",
            StatusCode::FORBIDDEN => "AuthorizationFailure",
            StatusCode::NOT_FOUND => "ResourceNotFound",
            StatusCode::PRECONDITION_FAILED => "ConditionNotMet",
            status if status.is_server_error() => "OperationTimedOut",
            _ => "InvalidInput",
        });
        let is_head = parts.method == Method::HEAD;
        let id = Uuid::new_v4().to_string();
        Reply::error(refusal.status, code, refusal.text(), is_head).finish(&parts.headers, &id, clock.now())
    })
}
