//! `$cbs`, where clients put their tokens (AMQP claims-based security).

use super::{
    machine::Machine,
    request::{Request, Response},
};
use crate::event_hubs::{
    access::Token,
    amqp::{Value, condition::Condition},
};

pub(super) fn answer(request: &Request, machine: &mut Machine) -> Response {
    match request.property("operation") {
        "put-token" => put_token(request, machine),
        "delete-token" => delete_token(request, machine),
        other => Response::refused(
            501,
            Condition::NotImplemented,
            format!("The operation {other:?} of $cbs is not supported."),
        ),
    }
}

fn put_token(request: &Request, machine: &mut Machine) -> Response {
    let token = Token {
        kind: request.property("type"),
        audience: request.property("name"),
        text: request.body.as_text().unwrap_or_default(),
    };
    match machine.hubs.access().redeem(token) {
        Ok(grant) => match machine.claims.add(grant, machine.now) {
            true => Response::ok(202, "Accepted", Value::Null),
            false => Response::refused(403, Condition::ResourceLimitExceeded, "The connection holds too many tokens."),
        },
        Err(reason) => {
            tracing::debug!(audience = token.audience, %reason, "a token was refused");
            Response::refused(401, Condition::UnauthorizedAccess, reason.to_string())
        }
    }
}

fn delete_token(request: &Request, machine: &mut Machine) -> Response {
    if let Some(audience) = machine.hubs.access().audience(request.property("name")) {
        machine.claims.remove(&audience);
        machine.enforce_claims("The token of the link was deleted.");
    }
    Response::ok(202, "Accepted", Value::Null)
}
