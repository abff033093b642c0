//! Admin API of the host, as far as tools use it: status, the list of functions, keys, and running a timer by hand.

use axum::{extract::Request, response::Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    key_admin,
    keys::Scope,
    request::{json_answer, presented_key, text},
    state::Front,
};
use crate::{
    functions_host::{
        app::{Function, Trigger},
        handler::State,
        invocation::HOST_VERSION,
    },
    transport::foreign_page,
};

pub(super) async fn answer(front: &Front, request: Request) -> Response {
    // Without keys a page could run and change what it likes, though it cannot read the answers.
    if front.hosts.is_from_elsewhere(request.headers()) {
        return foreign_page();
    }
    if let Some(keys) = &front.keys
        && !keys.open_admin(presented_key(&request).as_deref())
    {
        return text(StatusCode::UNAUTHORIZED, "");
    }
    let path = request.uri().path().trim_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), &segments[..]) {
        (&Method::GET, ["host", "status"]) => json_answer(&status(front)),
        (&Method::GET, ["functions"]) => {
            json_answer(&front.app.functions.iter().map(|function| describe(function)).collect::<Value>())
        }
        (&Method::GET, ["functions", name]) => match find(front, name) {
            Some(function) => json_answer(&describe(function)),
            None => text(StatusCode::NOT_FOUND, ""),
        },
        (&Method::POST, ["functions", name]) => run(front, name).await,
        (_, ["functions", name, "keys", key @ ..]) if key.len() < 2 => match find(front, name) {
            Some(function) => {
                let scope = Scope::Function(&function.name);
                key_admin::answer(front.keys.as_ref(), scope, key.first().copied(), request).await
            }
            None => text(StatusCode::NOT_FOUND, ""),
        },
        (_, ["host", "keys" | "functionkeys", key @ ..]) if key.len() < 2 => {
            key_admin::answer(front.keys.as_ref(), Scope::Host, key.first().copied(), request).await
        }
        (_, ["host", "systemkeys", key @ ..]) if key.len() < 2 => {
            key_admin::answer(front.keys.as_ref(), Scope::System, key.first().copied(), request).await
        }
        _ => text(StatusCode::NOT_FOUND, ""),
    }
}

fn find<'f>(front: &'f Front, name: &str) -> Option<&'f Function> {
    front.app.functions.iter().map(AsRef::as_ref).find(|function| function.name.eq_ignore_ascii_case(name))
}

/// Starts a run and does not wait for it, as the real host does.
async fn run(front: &Front, name: &str) -> Response {
    let Some(function) = find(front, name) else {
        return text(StatusCode::NOT_FOUND, "");
    };
    match front.timers.get(&function.name) {
        Some(timer) if timer.ask().await => text(StatusCode::ACCEPTED, ""),
        Some(_) => text(StatusCode::SERVICE_UNAVAILABLE, "the host is stopping"),
        None => text(
            StatusCode::BAD_REQUEST,
            format!("{} cannot be run by hand: only timers can, it has a {}", function.name, function.trigger.kind()),
        ),
    }
}

fn status(front: &Front) -> Value {
    let state = match front.invoker.handler.state() {
        State::Starting => "Initializing",
        State::Ready(_) => "Running",
        State::Stopped(_) => "Error",
    };
    json!({"id": front.host_id, "state": state, "version": HOST_VERSION, "processUptime": null})
}

fn describe(function: &Function) -> Value {
    let mut bindings = vec![json!({"name": function.binding, "type": function.trigger.kind(), "direction": "in"})];
    if let Some(name) = &function.http_output {
        bindings.push(json!({"name": name, "type": "http", "direction": "out"}));
    }
    let mut description =
        json!({"name": function.name, "isDisabled": function.disabled, "config": {"bindings": bindings}});
    if let Trigger::Http(trigger) = &function.trigger {
        description["route"] = json!(trigger.route.text());
        description["methods"] = json!(trigger.methods);
    }
    description
}
