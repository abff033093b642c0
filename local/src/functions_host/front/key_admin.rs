//! Key management: the part of the admin API that lists and changes keys.
//!
//! Source: the host's keys controller. `POST` makes a random key, `PUT` sets one. `_master` is set through every list of the host,
//! read through that of system keys, and not deleted.

use axum::{body::Body, extract::Request, response::Response};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    key_store::{Key, KeysError},
    keys::{Keys, Scope},
    request::{json_answer, origin, text},
};

const MASTER: &str = "_master";
/// Largest body, which is a name and a value.
const BODY_LIMIT: usize = 64 << 10;

#[derive(Default, Deserialize)]
struct Wanted {
    #[serde(alias = "Value")]
    value: Option<String>,
}

/// Answers for the keys of `scope`, or the one of this name.
pub(super) async fn answer(keys: Option<&Keys>, scope: Scope<'_>, name: Option<&str>, request: Request) -> Response {
    let Some(keys) = keys else {
        return text(StatusCode::NOT_FOUND, "This host asks for no keys and has none.");
    };
    let path = origin(request.extensions(), request.headers()) + request.uri().path();
    let (parts, body) = request.into_parts();
    let wanted = match wanted(&parts.method, body).await {
        Ok(wanted) => wanted,
        Err(problem) => return text(StatusCode::BAD_REQUEST, problem),
    };
    let answered = match name {
        None if parts.method == Method::GET => keys.list(scope).map(|keys| json_answer(&all(&keys, &path))),
        None => Ok(text(StatusCode::METHOD_NOT_ALLOWED, "")),
        Some(name) if name.eq_ignore_ascii_case(MASTER) && parts.method == Method::DELETE => {
            Ok(text(StatusCode::BAD_REQUEST, "Cannot delete System Key."))
        }
        Some(name) if name.eq_ignore_ascii_case(MASTER) && !matches!(scope, Scope::Function(_)) => {
            master(keys, scope, &parts.method, name, wanted, &path)
        }
        Some(name) => one(keys, scope, &parts.method, name, wanted, &path),
    };
    answered.unwrap_or_else(|error| {
        tracing::error!("{error}");
        text(StatusCode::INTERNAL_SERVER_ERROR, "")
    })
}

async fn wanted(method: &Method, body: Body) -> Result<Wanted, &'static str> {
    if *method != Method::PUT {
        return Ok(Wanted::default());
    }
    let body = axum::body::to_bytes(body, BODY_LIMIT).await.map_err(|_| "The body cannot be read.")?;
    let wanted: Wanted =
        contoso_json::from_slice(&body).map_err(|_| "The body must be a key: its name and its value.")?;
    // The name in it does not count. An empty key would open to whoever brings an empty one: the real host takes it.
    let has_value = wanted.value.as_deref().is_some_and(|value| !value.is_empty());
    if has_value { Ok(wanted) } else { Err("Invalid key value") }
}

fn master(
    keys: &Keys,
    scope: Scope<'_>,
    method: &Method,
    name: &str,
    wanted: Wanted,
    path: &str,
) -> Result<Response, KeysError> {
    let (value, is_new) = match *method {
        Method::GET if scope == Scope::System => (keys.master()?, false),
        Method::GET => return Ok(text(StatusCode::NOT_FOUND, "")),
        Method::POST | Method::PUT => {
            let is_random = wanted.value.is_none();
            (keys.set_master(wanted.value)?, is_random)
        }
        _ => return Ok(text(StatusCode::METHOD_NOT_ALLOWED, "")),
    };
    let mut response = json_answer(&described(name, &value, path));
    if is_new {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

fn one(
    keys: &Keys,
    scope: Scope<'_>,
    method: &Method,
    name: &str,
    wanted: Wanted,
    path: &str,
) -> Result<Response, KeysError> {
    let not_found = || text(StatusCode::NOT_FOUND, "");
    Ok(match *method {
        Method::GET => {
            let found = keys.list(scope)?.into_iter().find(|key| key.name == name);
            found.map_or_else(not_found, |key| json_answer(&described(&key.name, &key.value, path)))
        }
        Method::POST | Method::PUT => {
            let (key, is_new) = keys.set(scope, name, wanted.value)?;
            let mut response = json_answer(&described(&key.name, &key.value, path));
            if is_new {
                *response.status_mut() = StatusCode::CREATED;
            }
            response
        }
        Method::DELETE if keys.delete(scope, name)? => text(StatusCode::NO_CONTENT, ""),
        Method::DELETE => not_found(),
        _ => text(StatusCode::METHOD_NOT_ALLOWED, ""),
    })
}

/// A list, whose items have no links of their own.
fn all(keys: &[Key], path: &str) -> Value {
    let item = |key: &Key| json!({"name": key.name, "value": key.value});
    json!({"keys": keys.iter().map(item).collect::<Value>(), "links": [link(path)]})
}

/// `path` is the whole address that was asked for.
fn described(name: &str, value: &str, path: &str) -> Value {
    json!({"name": name, "value": value, "links": [link(path)]})
}

fn link(path: &str) -> Value {
    json!({"rel": "self", "href": path})
}
