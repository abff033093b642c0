//! Query endpoint of Log Analytics: `POST /v1/workspaces/<id>/query`.
//!
//! Source: "Azure Monitor Log Analytics API overview", its requests, answers and errors.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION};
use serde::Deserialize;
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};
use uuid::Uuid;

use super::{
    failures::Failures,
    query::{FailureQuery, TABLE},
};
use crate::{
    faults::Faults,
    identity::{Action, Identity, TENANT},
    transport::Peer,
};

/// What a token must be meant for: the older name of the service, and its own.
const AUDIENCES: [&str; 2] = ["https://api.loganalytics.io", "https://api.loganalytics.azure.com"];
/// What roles are assigned on: the one workspace.
const SCOPE: &str = "logAnalytics";
const MAX_BODY: usize = 64 * 1024;
/// Most rows of an answer, as in Azure.
const MAX_ROWS: usize = 500_000;

/// The one workspace.
pub(super) fn workspace_id() -> Uuid {
    Uuid::new_v5(&TENANT, b"log analytics workspace")
}

pub(super) fn router(failures: Arc<Failures>, identity: Identity) -> Router {
    Router::new().route("/v1/{*rest}", any(handle)).with_state((failures, identity))
}

async fn handle(State((failures, identity)): State<(Arc<Failures>, Identity)>, request: Request) -> Response {
    match answer(&failures, &identity, request).await {
        Ok(table) => Json(table).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

#[derive(Deserialize)]
struct QueryBody {
    query: String,
}

async fn answer(failures: &Failures, identity: &Identity, request: Request) -> Result<Value, Refusal> {
    let (parts, body) = request.into_parts();
    // The body is read before anything is refused, so that the client can read the answer.
    let body = read(body).await;
    let unauthorized = |message: String| Refusal::new(StatusCode::UNAUTHORIZED, "AuthorizationRequiredError", message);
    let token =
        bearer(&parts.headers).ok_or_else(|| unauthorized("Valid authentication was not provided".to_owned()))?;
    let caller = identity
        .authenticate_request(Peer::is_secure(&parts.extensions), token, &AUDIENCES)
        .map_err(|invalid| Refusal::new(StatusCode::UNAUTHORIZED, "InvalidTokenError", invalid.to_string()))?;
    let path = parts.uri.path();
    let workspace = path.strip_prefix("/v1/workspaces/").and_then(|rest| rest.strip_suffix("/query"));
    let Some(workspace) = workspace.filter(|_| parts.method == Method::POST) else {
        return Err(Refusal::unsupported(&format!("{} {path}", parts.method)));
    };
    if !workspace.eq_ignore_ascii_case(&workspace_id().to_string()) {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "WorkspaceNotFoundError",
            format!("POST {path}: the workspace could not be found; that of the local stack is {}.", workspace_id()),
        ));
    }
    caller
        .may(Action::LogsRead, SCOPE)
        .map_err(|forbidden| Refusal::new(StatusCode::FORBIDDEN, "InsufficientAccessError", forbidden.to_string()))?;
    let QueryBody { query } = contoso_json::from_slice(&body?)
        .map_err(|error| Refusal::bad_argument("BadArgumentError", &format!("The body is not a query: {error}.")))?;
    let Some(wanted) = FailureQuery::parse(&query).filter(|wanted| wanted.rows <= MAX_ROWS) else {
        let name = query.split('|').map(str::trim).find(|part| !part.is_empty()).unwrap_or("(empty)");
        let name: String = name.chars().take(80).collect();
        return Err(Refusal::unsupported(&format!(
            "POST {path} with a query of {name}: it knows the app's query of {TABLE} alone"
        )));
    };
    if !failures.exist() {
        // A table comes with its first row.
        return Err(Refusal::bad_argument(
            "SEM0100",
            &format!("'where' operator: Failed to resolve table or column expression named '{TABLE}'"),
        ));
    }
    let mut rows = failures.find(|row| wanted.matches(row)).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "the log of failed deliveries cannot be read");
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "The log cannot be read; see that of the stack.",
        )
    })?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.at_millis));
    rows.truncate(wanted.rows);
    let rows: Vec<_> = rows.into_iter().map(|row| json!([time(row.at_millis), row.message])).collect();
    Ok(json!({ "tables": [{
        "name": "PrimaryResult",
        "columns": [{ "name": "TimeGenerated", "type": "datetime" }, { "name": "Message", "type": "string" }],
        "rows": rows,
    }] }))
}

async fn read(body: Body) -> Result<axum::body::Bytes, Refusal> {
    to_bytes(body, MAX_BODY).await.map_err(|_| {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLarge", "The body is cut off, or larger than 64 KiB.")
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A time as the service writes it, with seven digits of a second.
fn time(millis: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()?;
    at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z")).ok()
}

/// A request that is refused, in the service's error shape.
struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self { status, body: json!({ "error": { "code": code, "message": message } }) }
    }

    /// A query that cannot be answered. The cause stands two levels below, with the code of the query engine.
    fn bad_argument(code: &'static str, message: &str) -> Self {
        let inner = json!({ "code": code, "message": message });
        let semantic = json!({ "code": "SemanticError", "message": "A semantic error occurred.", "innererror": inner });
        Self {
            status: StatusCode::BAD_REQUEST,
            body: json!({ "error": {
                "code": "BadArgumentError",
                "message": "The request had some invalid properties",
                "innererror": semantic,
            } }),
        }
    }

    fn unsupported(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotSupportedLocally",
            format!("The local stack does not support {what}."),
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// Faults that answer as the query endpoint does.
pub(crate) fn faults() -> Faults {
    Faults::new(|_, refusal| {
        let code = refusal.code_or(match refusal.status {
            StatusCode::TOO_MANY_REQUESTS => "ThrottledError",
            StatusCode::UNAUTHORIZED => "AuthorizationRequiredError",
            StatusCode::FORBIDDEN => "InsufficientAccessError",
            StatusCode::NOT_FOUND => "WorkspaceNotFoundError",
            status if status.is_server_error() => "InternalServerError",
            _ => "BadArgumentError",
        });
        let body = json!({ "error": { "code": code, "message": refusal.text() } });
        (refusal.status, Json(body)).into_response()
    })
}
