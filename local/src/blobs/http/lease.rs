//! Lease operations, of blobs and of containers alike, and how they are answered.

use http::StatusCode;
use uuid::Uuid;

use super::{
    reply::Reply,
    request::{Call, unusable},
};
use crate::blobs::{
    error::{Code, Failure},
    lease::Action,
};

/// The answer to a lease action that was carried out; a broken lease is free after so many `seconds`.
pub(super) fn leased(action: Action, seconds: u32) -> Reply {
    match action {
        Action::Acquire { proposed: id, .. } => Reply::new(StatusCode::CREATED).header("x-ms-lease-id", id.to_string()),
        Action::Renew { id } | Action::Change { proposed: id, .. } => {
            Reply::new(StatusCode::OK).header("x-ms-lease-id", id.to_string())
        }
        Action::Release { .. } => Reply::new(StatusCode::OK),
        Action::Break { .. } => Reply::new(StatusCode::ACCEPTED).header("x-ms-lease-time", seconds.to_string()),
    }
}

pub(super) fn lease_action(call: &Call) -> Result<Action, Failure> {
    let id = || call.required::<Uuid>("x-ms-lease-id");
    let proposed = || call.parsed::<Uuid>("x-ms-proposed-lease-id");
    Ok(match call.required::<String>("x-ms-lease-action")?.to_ascii_lowercase().as_str() {
        "acquire" => Action::Acquire {
            proposed: proposed()?.unwrap_or_else(Uuid::new_v4),
            duration: match call.required::<i32>("x-ms-lease-duration")? {
                -1 => None,
                seconds @ 15..=60 => Some(seconds.unsigned_abs()),
                _ => return Err(unusable("x-ms-lease-duration")),
            },
        },
        "renew" => Action::Renew { id: id()? },
        "change" => Action::Change { id: id()?, proposed: call.required("x-ms-proposed-lease-id")? },
        "release" => Action::Release { id: id()? },
        "break" => match call.parsed("x-ms-lease-break-period")? {
            Some(61..) => return Err(unusable("x-ms-lease-break-period")),
            period => Action::Break { period },
        },
        _ => return Err(Failure::refused(Code::InvalidHeaderValue, "Header: x-ms-lease-action.")),
    })
}
