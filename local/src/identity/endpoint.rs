//! The App Service identity endpoint.
//!
//! Source: "Use managed identities for App Service and Azure Functions", REST endpoint, version 2019-08-01.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{caller::Principal, tokens::Tokens};
use crate::faults::Faults;

/// Where tokens are given.
pub(super) const PATH: &str = "/msi/token";

const API_VERSION: &str = "2019-08-01";
const SECRET_HEADER: &str = "x-identity-header";

struct Service {
    tokens: Tokens,
    principals: Vec<Arc<Principal>>,
}

/// The query of a request.
#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
    resource: Option<String>,
    client_id: Option<String>,
    principal_id: Option<String>,
    object_id: Option<String>,
    mi_res_id: Option<String>,
}

/// The answer.
#[derive(Serialize)]
struct Given {
    access_token: String,
    /// Seconds since the Unix epoch, as text.
    expires_on: String,
    resource: String,
    token_type: &'static str,
    client_id: String,
}

pub(super) fn router(tokens: Tokens, principals: Vec<Arc<Principal>>) -> Router {
    let service = Arc::new(Service { tokens, principals });
    Router::new().route(PATH, get(token).fallback(unknown)).fallback(unknown).with_state(service)
}

async fn token(State(service): State<Arc<Service>>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    match service.give(asked, &headers) {
        Ok(given) => ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(given)).into_response(),
        Err((status, message)) => refused(status, &message),
    }
}

impl Service {
    fn give(&self, asked: Asked, headers: &HeaderMap) -> Result<Given, (StatusCode, String)> {
        let bad = |message: &str| (StatusCode::BAD_REQUEST, message.to_owned());
        let secret = headers.get(SECRET_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
        // Comparing digests takes the same time wherever the secrets differ.
        let shown = Sha256::digest(secret);
        let principal = self.principals.iter().find(|principal| Sha256::digest(&principal.secret) == shown);
        let Some(principal) = principal else {
            return Err((StatusCode::UNAUTHORIZED, "X-IDENTITY-HEADER is missing or wrong.".to_owned()));
        };
        if asked.api_version.as_deref() != Some(API_VERSION) {
            return Err(bad("The api-version must be 2019-08-01."));
        }
        let resource = asked.resource.filter(|resource| !resource.is_empty());
        let resource = resource.ok_or_else(|| bad("The query names no resource."))?;
        if asked.mi_res_id.is_some() {
            return Err(bad("The local stack does not support mi_res_id; use client_id or object_id."));
        }
        let client_id = principal.client_id.to_string();
        let object_id = principal.object_id.to_string();
        let other =
            |id: Option<String>, ours: &str| id.is_some_and(|id| !id.is_empty() && !id.eq_ignore_ascii_case(ours));
        if other(asked.client_id, &client_id)
            || other(asked.object_id, &object_id)
            || other(asked.principal_id, &object_id)
        {
            return Err(bad("The app has no identity with this id."));
        }
        let issued = self.tokens.issue(principal, &resource).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot sign a token");
            (StatusCode::INTERNAL_SERVER_ERROR, "The token cannot be signed.".to_owned())
        })?;
        Ok(Given {
            access_token: issued.token,
            expires_on: issued.expires_on.to_string(),
            resource,
            token_type: "Bearer",
            client_id,
        })
    }
}

async fn unknown(method: Method, uri: Uri) -> Response {
    let message = format!("The identity endpoint has no {method} {}; it serves GET {PATH}.", uri.path());
    refused(StatusCode::NOT_FOUND, &message)
}

/// Faults that answer as the endpoint does.
pub(super) fn faults() -> Faults {
    Faults::new(|_, refusal| refused(refusal.status, refusal.text()))
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "statusCode": status.as_u16(), "message": message }))).into_response()
}
