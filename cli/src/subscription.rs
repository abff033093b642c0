//! The demo partner's subscription to the partner topic, made as any partner's is: through Resource Manager.

use std::time::Duration;

use contoso_json::Plain;
use contoso_local::stack::EventGridEndpoints;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::json;

use crate::{
    clock,
    failure::{self, CallError},
    identity::SignedIn,
};

/// Name of the subscription, and of the audience that reaches this partner alone.
const NAME: &str = "demo-partner";
/// What a token for Resource Manager is for.
const RESOURCE: &str = "https://management.azure.com";
const API_VERSION: &str = "2025-02-15";
const DEADLINE: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(50);
/// The handshake has 30 s; a little more for the operation around it.
const OPERATION_DEADLINE: Duration = Duration::from_secs(35);

/// The partner is not subscribed.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The operation ended otherwise, such as after a failed handshake.
    #[error("cannot subscribe the demo partner: the operation ended as {status}: {message}")]
    Operation {
        /// Its final status.
        status: String,
        /// What it said.
        message: String,
    },
    /// The operation did not end.
    #[error("cannot subscribe the demo partner: the operation did not end within {} s", OPERATION_DEADLINE.as_secs())]
    Unfinished,
}

/// Subscribes `webhook` to what concerns all partners or this one, and waits until the handshake is done. Replaces what an
/// earlier run left.
///
/// # Errors
/// When Event Grid refuses the subscription or the handshake fails. Repeating is safe.
pub async fn subscribe(
    deployment: &SignedIn,
    event_grid: &EventGridEndpoints,
    webhook: &str,
) -> Result<(), SubscribeError> {
    let operation = "subscribe the demo partner";
    let body = json!({ "properties": {
        "destination": { "endpointType": "WebHook", "properties": { "endpointUrl": webhook } },
        "eventDeliverySchema": "CloudEventSchemaV1_0",
        "filter": { "advancedFilters": [{ "operatorType": "StringIn", "key": "audience", "values": ["all", NAME] }] },
        "retryPolicy": { "maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440 },
        "deadLetterDestination": {
            "endpointType": "StorageBlob",
            "properties": { "blobContainerName": "event-grid-dead-letters" },
        },
    }});
    let response = send(request(deployment, Method::PUT, &address(event_grid)).await?.json(&body), operation).await?;
    let Some(status_url) =
        response.headers().get("azure-asyncoperation").and_then(|value| value.to_str().ok()).map(str::to_owned)
    else {
        return Ok(());
    };
    tokio::time::timeout(OPERATION_DEADLINE, finished(deployment, &status_url))
        .await
        .map_err(|_| SubscribeError::Unfinished)?
}

/// Removes the subscription that an earlier run with the demo left, which would otherwise be retried for a day.
///
/// # Errors
/// When Event Grid does not answer. Repeating is safe.
pub async fn unsubscribe(deployment: &SignedIn, event_grid: &EventGridEndpoints) -> Result<(), CallError> {
    match send(request(deployment, Method::DELETE, &address(event_grid)).await?, "remove the demo partner").await {
        Err(CallError::Refused { status: StatusCode::NOT_FOUND, .. }) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn finished(deployment: &SignedIn, status_url: &str) -> Result<(), SubscribeError> {
    let operation = "ask how far the subscription of the demo partner is";
    loop {
        let response = send(request(deployment, Method::GET, status_url).await?, operation).await?;
        let state = response.json::<Plain>().await; // json: as plain data
        let Plain(state) = state.map_err(|source| CallError::Send { operation: operation.to_owned(), source })?;
        match state["status"].as_str().unwrap_or_default() {
            "Succeeded" => return Ok(()),
            status @ ("Failed" | "Canceled") => {
                let message = state["error"]["message"].as_str().unwrap_or("no details").to_owned();
                return Err(SubscribeError::Operation { status: status.to_owned(), message });
            }
            _ => clock::until_next_look(POLL).await,
        }
    }
}

/// The extension form of the address: the narrow role of subscribers covers it, and not the nested one.
fn address(event_grid: &EventGridEndpoints) -> String {
    let EventGridEndpoints { resource_manager, topic_id, .. } = event_grid;
    let base = resource_manager.trim_end_matches('/');
    format!("{base}{topic_id}/providers/Microsoft.EventGrid/eventSubscriptions/{NAME}?api-version={API_VERSION}")
}

async fn request(deployment: &SignedIn, method: Method, url: &str) -> Result<RequestBuilder, CallError> {
    Ok(deployment.request(method, url, RESOURCE).await?.timeout(DEADLINE))
}

async fn send(request: RequestBuilder, operation: &str) -> Result<Response, CallError> {
    let response =
        request.send().await.map_err(|source| CallError::Send { operation: operation.to_owned(), source })?;
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(failure::refused(operation.to_owned(), response).await)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::HeaderName;
    use axum::routing::{get, put};
    use axum::{Json, Router};
    use contoso_local::identity::Credentials;
    use reqwest::Client;
    use tokio::net::TcpListener;

    use serde_json::Value;

    use super::*;
    use crate::output;

    /// A Resource Manager whose only operation ends as `state` says, and an identity endpoint beside it.
    async fn resource_manager(state: Value) -> (SignedIn, EventGridEndpoints) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let operation = format!("{base}/operation");
        let accept =
            async move || (StatusCode::CREATED, [(HeaderName::from_static("azure-asyncoperation"), operation)]);
        let router = Router::new()
            .route("/topic/providers/Microsoft.EventGrid/eventSubscriptions/demo-partner", put(accept))
            .route("/operation", get(async move || Json(state)))
            .route("/token", get(async || Json(json!({ "access_token": "a" }))));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let credentials = Credentials {
            endpoint: format!("{base}/token"),
            header: "secret".to_owned(),
            client_id: uuid::Uuid::nil(),
        };
        let endpoints = EventGridEndpoints {
            topic_endpoint: String::new(),
            topic_key: String::new(),
            resource_manager: base,
            topic_id: "/topic".to_owned(),
        };
        (SignedIn::with(Client::new(), credentials), endpoints)
    }

    #[tokio::test]
    async fn the_end_of_the_operation_decides() {
        let (deployment, good) = resource_manager(json!({ "status": "Succeeded" })).await;
        subscribe(&deployment, &good, "http://127.0.0.1:1/hook").await.expect("subscribed");

        let failed = json!({ "status": "Failed", "error": { "code": "Url validation", "message": "no handshake" } });
        let (deployment, bad) = resource_manager(failed).await;
        let error = subscribe(&deployment, &bad, "http://127.0.0.1:1/hook").await.expect_err("refused");
        assert_eq!(
            output::chain(&error),
            "cannot subscribe the demo partner: the operation ended as Failed: no handshake"
        );
    }
}
