//! REST interface of the registry.
//!
//! Source: Azure Schema Registry data plane, versions 2021-10, 2022-10 and 2023-07-01.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;

use super::{
    definition::Definition,
    error::Refusal,
    store::{Registered, Store},
    uses::{Purpose, Uses},
};
use crate::{
    faults::Faults,
    identity::{Action, Identity},
    transport::Peer,
};

/// What roles on the registry are assigned on: the namespace.
const SCOPE: &str = "eventHubs";

pub(super) const API_VERSIONS: [&str; 3] = ["2021-10", "2022-10", "2023-07-01"];

/// Largest schema in bytes, and longest names in characters.
const MAX_SCHEMA: usize = 1024 * 1024;
const MAX_GROUP: usize = 50;
const MAX_NAME: usize = 100;

/// The one schema type, as `Content-Type` tells it.
const AVRO: &str = "application/json; serialization=Avro";

/// What answers requests.
pub(super) struct Service {
    pub(super) store: Store,
    pub(super) identity: Identity,
    /// What a token must be meant for.
    pub(super) audiences: [String; 2],
    /// `https://127.0.0.1:PORT`.
    pub(super) base: String,
    pub(super) uses: Uses,
}

/// The operations of the registry.
#[derive(Debug, PartialEq, Eq)]
enum Operation {
    ListGroups,
    GetById { id: String },
    Register { group: String, name: String },
    FindId { group: String, name: String },
    ListVersions { group: String, name: String },
    GetByVersion { group: String, name: String, version: u32 },
}

pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new().fallback(serve).with_state(service)
}

async fn serve(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match answer(service, &parts, body).await {
        Ok(response) => response,
        Err(refusal) => refused(&refusal),
    }
}

async fn answer(service: Arc<Service>, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    let version = api_version(&parts.uri)?;
    let operation = Operation::of(&parts.method, parts.uri.path())?;
    let caller = service.authorize(parts, operation.needs())?;
    let text = match operation {
        Operation::Register { .. } | Operation::FindId { .. } => {
            check_type(&parts.headers)?;
            receive(body).await?
        }
        _ => String::new(),
    };
    // Registering commits to the disk, and checks against many versions take a while.
    let work = tokio::task::spawn_blocking(move || service.carry_out(operation, &text, &version, &caller));
    work.await.map_err(|_| Refusal::Stopping)?
}

impl Operation {
    /// What the caller must be allowed to do.
    fn needs(&self) -> Action {
        match self {
            Self::Register { .. } => Action::SchemaWrite,
            _ => Action::SchemaRead,
        }
    }

    fn of(method: &Method, path: &str) -> Result<Self, Refusal> {
        let mut segments = Vec::new();
        for segment in path.trim_matches('/').split('/') {
            let segment = percent_decode_str(segment).decode_utf8();
            let segment = segment.map_err(|_| Refusal::InvalidRequest("the address is not UTF-8".to_owned()))?;
            segments.push(segment.into_owned());
        }
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let schema = |group: &str, name: &str| named(group, name);
        Ok(match (method.as_str(), segments.as_slice()) {
            ("GET", ["$schemaGroups"]) => Self::ListGroups,
            ("GET", ["$schemaGroups", "$schemas", id]) => Self::GetById { id: checked_id(id)? },
            ("PUT", ["$schemaGroups", group, "schemas", name]) => {
                let (group, name) = schema(group, name)?;
                Self::Register { group, name }
            }
            ("POST", ["$schemaGroups", group, "schemas", name]) if name.ends_with(":get-id") => {
                let (group, name) = schema(group, name.trim_end_matches(":get-id"))?;
                Self::FindId { group, name }
            }
            ("GET", ["$schemaGroups", group, "schemas", name, "versions"]) => {
                let (group, name) = schema(group, name)?;
                Self::ListVersions { group, name }
            }
            ("GET", ["$schemaGroups", group, "schemas", name, "versions", version]) => {
                let (group, name) = schema(group, name)?;
                let not_a_number = |_| Refusal::InvalidRequest(format!("{version:?} is not a version"));
                Self::GetByVersion { group, name, version: version.parse().map_err(not_a_number)? }
            }
            _ => return Err(Refusal::UnknownOperation(format!("{method} {path}"))),
        })
    }
}

impl Service {
    /// The name of who asks, if it may.
    fn authorize(&self, parts: &Parts, action: Action) -> Result<String, Refusal> {
        let credential =
            parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, token) = credential.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refusal::NoToken);
        }
        let audiences = self.audiences.each_ref().map(String::as_str);
        let secure = Peer::is_secure(&parts.extensions);
        let caller = self.identity.authenticate_request(secure, token.trim(), &audiences)?;
        caller.may(action, SCOPE)?;
        Ok(caller.name().to_owned())
    }

    fn carry_out(&self, operation: Operation, text: &str, version: &str, caller: &str) -> Result<Response, Refusal> {
        match operation {
            Operation::ListGroups => {
                let groups = self.store.groups();
                // The documented name of the member, and the one that the Python client reads.
                Ok(axum::Json(json!({ "schemaGroups": groups, "Value": groups })).into_response())
            }
            Operation::ListVersions { group, name } => {
                let versions = self.store.versions(&group, &name)?;
                if versions.is_empty() {
                    return Err(Refusal::NotFound(format!("the schema {name} in the group {group}")));
                }
                let versions: Vec<_> = versions.iter().map(|schema| schema.version).collect();
                Ok(axum::Json(json!({ "schemaVersions": versions, "Value": versions })).into_response())
            }
            Operation::Register { group, name } => {
                let schema = self.store.register(&group, &name, &Definition::parse(text)?)?;
                Ok(self.found(&schema, version, None))
            }
            Operation::FindId { group, name } => {
                let schema = self.store.find(&group, &name, &Definition::parse(text)?)?;
                self.uses.count(&schema, caller, Purpose::Write);
                Ok(self.found(&schema, version, None))
            }
            Operation::GetById { id } => {
                let missing = || Refusal::NotFound(format!("the schema id {id}"));
                let schema = self.store.by_id(&id)?.ok_or_else(missing)?;
                self.uses.count(&schema, caller, Purpose::Read);
                Ok(self.found(&schema, version, Some(&schema.text)))
            }
            Operation::GetByVersion { group, name, version: number } => {
                let missing =
                    || Refusal::NotFound(format!("version {number} of the schema {name} in the group {group}"));
                let schema = self.store.by_version(&group, &name, number)?.ok_or_else(missing)?;
                Ok(self.found(&schema, version, Some(&schema.text)))
            }
        }
    }

    /// The headers that describe a schema, with its text where that was asked for.
    fn found(&self, schema: &Registered, api_version: &str, text: Option<&str>) -> Response {
        let in_path = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let root = format!("{}/$schemaGroups", self.base);
        let id_location = format!("{root}/$schemas/{}?api-version={api_version}", schema.id);
        let (group, name) = (in_path(&schema.group), in_path(&schema.name));
        let location = format!("{root}/{group}/schemas/{name}/versions/{}?api-version={api_version}", schema.version);
        let described = [
            ("Schema-Id", schema.id.clone()),
            ("Schema-Version", schema.version.to_string()),
            ("Schema-Group-Name", schema.group.clone()),
            ("Schema-Name", schema.name.clone()),
            ("Schema-Id-Location", id_location),
            ("Location", location),
        ];
        match text {
            Some(text) => (described, [(header::CONTENT_TYPE, AVRO)], text.to_owned()).into_response(),
            None => (StatusCode::NO_CONTENT, described).into_response(),
        }
    }
}

fn refused(refusal: &Refusal) -> Response {
    let (status, code) = (refusal.status(), refusal.code());
    if status.is_server_error() {
        tracing::error!(error = refusal as &dyn std::error::Error, "schema registry request failed");
    }
    error(status, code, &refusal.to_string())
}

/// An error in the service's shape.
fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message, "details": [] } });
    (status, [("x-ms-error-code", code)], axum::Json(body)).into_response()
}

/// Faults that answer as the service does.
pub(super) fn faults() -> Faults {
    Faults::new(|_, refusal| {
        let code = refusal.code_or(match refusal.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "ServerBusy",
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "Unauthorized",
            StatusCode::NOT_FOUND => "ItemNotFound",
            status if status.is_server_error() => "InternalServerError",
            _ => "InvalidRequest",
        });
        error(refusal.status, code, refusal.text())
    })
}

fn api_version(uri: &Uri) -> Result<String, Refusal> {
    let query = uri.query().unwrap_or_default();
    let version = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "api-version");
    let version = version.map(|(_, value)| value.into_owned()).unwrap_or_default();
    match API_VERSIONS.contains(&version.as_str()) {
        true => Ok(version),
        false => Err(Refusal::ApiVersion(version)),
    }
}

/// `application/json; serialization=Avro`, however it is spaced and cased.
fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let given = given.unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    if is_json && parts.any(|parameter| parameter.eq_ignore_ascii_case("serialization=Avro")) {
        return Ok(());
    }
    Err(Refusal::SchemaType(given.into_owned()))
}

async fn receive(body: Body) -> Result<String, Refusal> {
    let bytes = to_bytes(body, MAX_SCHEMA).await.map_err(|_| Refusal::TooLarge(MAX_SCHEMA))?;
    String::from_utf8(bytes.into()).map_err(|_| Refusal::InvalidRequest("the schema is not UTF-8".to_owned()))
}

/// Names that the service would take: letters, digits, `.`, `-` and `_`.
fn named(group: &str, name: &str) -> Result<(String, String), Refusal> {
    for (what, text, longest) in [("group", group, MAX_GROUP), ("schema", name, MAX_NAME)] {
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if text.is_empty() || text.len() > longest || !plain {
            return Err(Refusal::InvalidRequest(format!("{text:?} cannot be the name of a {what}")));
        }
    }
    Ok((group.to_owned(), name.to_owned()))
}

fn checked_id(id: &str) -> Result<String, Refusal> {
    if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(id.to_ascii_lowercase());
    }
    Err(Refusal::InvalidRequest(format!("{id:?} is not a schema id")))
}
