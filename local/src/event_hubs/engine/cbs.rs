//! `$cbs`, where clients put their tokens (AMQP claims-based security).

use super::request::{Request, Response};
use super::tokens::{Token, Unauthorized, check};
use crate::event_hubs::amqp::Value;
use crate::event_hubs::amqp::condition::Condition;

pub(super) fn answer(request: &Request, now_unix_seconds: i64) -> Response {
    match request.property("operation") {
        "put-token" => put_token(request, now_unix_seconds),
        "delete-token" => Response::ok(202, "Accepted", Value::Null),
        other => Response::refused(
            501,
            Condition::NotImplemented,
            format!("The operation {other:?} of $cbs is not supported."),
        ),
    }
}

fn put_token(request: &Request, now_unix_seconds: i64) -> Response {
    let token = Token {
        kind: request.property("type"),
        audience: request.property("name"),
        text: request.body.as_text().unwrap_or_default(),
    };
    match check(&token, now_unix_seconds) {
        Ok(()) => Response::ok(202, "Accepted", Value::Null),
        Err(Unauthorized(reason)) => Response::refused(401, Condition::UnauthorizedAccess, reason),
    }
}
