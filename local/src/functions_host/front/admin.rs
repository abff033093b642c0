//! Admin API of the host, as far as tools use it: status, restart, the list of functions, keys, and runs by hand.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use tracing::info;

use super::{
    key_admin,
    keys::Scope,
    manual,
    path::unescaped,
    request::{json_answer, presented_key, text},
    state::Front,
};
use crate::{
    functions_host::{
        app::{Bundle, Function, Trigger},
        handler::State,
        invocation::HOST_VERSION,
    },
    transport::foreign_page,
};

pub(super) async fn answer(front: &Arc<Front>, request: Request) -> Response {
    // Without keys a page could run and change what it likes, though it cannot read the answers.
    if front.hosts.is_from_elsewhere(request.headers()) {
        return foreign_page();
    }
    let path = unescaped(request.uri().path()).trim_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    if let (&Method::GET | &Method::POST, ["host", "ping"]) = (request.method(), &segments[..]) {
        // For whoever asks: it needs no key.
        return text(StatusCode::OK, "");
    }
    if let Some(keys) = &front.keys
        && !keys.open_admin(presented_key(&request).as_deref())
    {
        return text(StatusCode::UNAUTHORIZED, "");
    }
    match (request.method(), &segments[..]) {
        (&Method::GET, ["host", "status"]) => json_answer(&status(front)),
        (&Method::POST, ["host", "restart"]) => {
            info!("the host restarts, as was asked through its admin API");
            front.restart.cancel();
            text(StatusCode::OK, "")
        }
        (&Method::GET, ["functions"]) => {
            json_answer(&front.app.functions.iter().map(|function| describe(function)).collect::<Value>())
        }
        (&Method::GET, ["functions", name]) => match find(front, name) {
            Some(function) => json_answer(&describe(function)),
            None => text(StatusCode::NOT_FOUND, ""),
        },
        (&Method::GET, ["functions", name, "status"]) => match find(front, name) {
            // The errors of a function that cannot be indexed: an app with such a function does not start here.
            Some(_) => json_answer(&json!({})),
            None => text(StatusCode::NOT_FOUND, ""),
        },
        (&Method::POST, ["functions", name]) => match find(front, name) {
            Some(function) => {
                let (parts, body) = request.into_parts();
                manual::run(front, function, &parts.headers, body).await
            }
            None => text(StatusCode::NOT_FOUND, ""),
        },
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

fn find<'f>(front: &'f Front, name: &str) -> Option<&'f Arc<Function>> {
    front.app.functions.iter().find(|function| function.name.eq_ignore_ascii_case(name))
}

/// `GET /admin/host/status`. What only Azure's platform knows is empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    id: &'a str,
    state: &'static str,
    version: &'static str,
    version_details: &'static str,
    platform_version: &'static str,
    instance_id: String,
    computer_name: &'static str,
    /// Milliseconds.
    process_uptime: u128,
    function_app_content_editing_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension_bundle: Option<&'a Bundle>,
}

fn status(front: &Front) -> Status<'_> {
    Status {
        id: &front.host_id,
        state: match front.invoker.handler.state() {
            State::Starting => "Initializing",
            State::Ready(_) => "Running",
            State::Stopped(_) => "Error",
        },
        version: HOST_VERSION,
        version_details: HOST_VERSION,
        platform_version: "",
        instance_id: front.instance.to_string(),
        computer_name: "",
        process_uptime: front.started.elapsed().as_millis(),
        function_app_content_editing_state: "Unknown",
        extension_bundle: front.app.host.bundle.as_ref(),
    }
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
