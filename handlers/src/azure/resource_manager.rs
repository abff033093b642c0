//! Azure Resource Manager: event subscriptions on the partners' topic (api-version 2025-02-15).
//!
//! In the extension form of the path, which the narrow role EventGrid EventSubscription Contributor covers. A `PUT` replaces everything,
//! so there is no `PATCH` here. How far a change is, the subscription itself says: the status of an operation lies outside the
//! topic, where the app has no role.

use std::{sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use contoso_json::Plain;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::{
    credentials::{Bearer, Credentials},
    http::Http,
};

const API_VERSION: &str = "2025-02-15";
const SCOPE: &str = "https://management.azure.com/.default";
const DEADLINE: Duration = Duration::from_secs(10);
const RETRIES: usize = 2;
/// The longest code of an error that is kept.
const CODE: usize = 60;

/// Resource Manager; cloning shares its connections.
#[derive(Clone)]
pub struct ResourceManager(Arc<Inner>);

struct Inner {
    endpoint: Url,
    bearer: Bearer,
    http: Http,
}

/// A call failed. The message of the service is left out: it may quote the endpoint of the subscription, which is a secret.
#[derive(Debug, thiserror::Error)]
#[error("{operation} event subscription {name}: {kind:?} ({detail})")]
pub struct ManagerError {
    operation: &'static str,
    name: String,
    /// What the caller may do about it.
    pub kind: ManagerErrorKind,
    detail: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Why a call failed, as far as callers differ on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagerErrorKind {
    /// Out of reach, throttled, or not allowed yet. Repeating is safe and may help.
    Transient,
    /// A change is under way, or the topic is full. Repeating later may help.
    Busy,
    /// The service does not accept the subscription. Repeating is of no use.
    Refused,
}

/// An event subscription as the service has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSubscription {
    /// How far it is.
    pub state: ProvisioningState,
    /// Its labels.
    pub labels: Vec<String>,
}

/// `provisioningState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisioningState {
    /// It is being made or changed.
    Underway,
    /// The endpoint was asked, and must call back.
    AwaitingManualAction,
    /// It delivers.
    Succeeded,
    /// It does not, and won't by itself: the endpoint did not consent, or the change was called off.
    Failed,
    /// It is being deleted.
    Deleting,
}

impl ManagerError {
    /// Whether repeating the call may help.
    pub fn is_transient(&self) -> bool {
        self.kind != ManagerErrorKind::Refused
    }
}

impl ResourceManager {
    /// The one at `endpoint`; nothing is connected yet.
    pub(crate) fn new(endpoint: &Url, credentials: &Credentials) -> Self {
        Self(Arc::new(Inner {
            endpoint: endpoint.clone(),
            bearer: credentials.bearer(SCOPE),
            http: credentials.http(),
        }))
    }

    /// Makes or replaces the event subscription `name` on the topic with the resource id `topic`. The service goes on by itself.
    ///
    /// # Errors
    /// As [`ManagerErrorKind`] says.
    pub async fn put(&self, topic: &str, name: &str, body: &Value) -> Result<(), ManagerError> {
        self.call(Method::PUT, "make", topic, name, Some(body)).await.map(drop)
    }

    /// The event subscription, `None` if there is none.
    ///
    /// # Errors
    /// As [`ManagerErrorKind`] says.
    pub async fn get(&self, topic: &str, name: &str) -> Result<Option<EventSubscription>, ManagerError> {
        let Some(response) = self.call(Method::GET, "read", topic, name, None).await? else { return Ok(None) };
        let read: Result<Plain, _> = response.json().await; // json: as plain data
        let Plain(read) = read.map_err(|error| {
            let error = error.without_url();
            failed("read", name, ManagerErrorKind::Transient, String::new(), Some(error.into()))
        })?;
        let properties = &read["properties"];
        let labels = properties["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let state = match properties["provisioningState"].as_str().unwrap_or_default() {
            "Succeeded" => ProvisioningState::Succeeded,
            "Failed" | "Canceled" => ProvisioningState::Failed,
            "AwaitingManualAction" => ProvisioningState::AwaitingManualAction,
            "Deleting" => ProvisioningState::Deleting,
            _ => ProvisioningState::Underway,
        };
        Ok(Some(EventSubscription { state, labels: labels.map(str::to_owned).collect() }))
    }

    /// Deletes the event subscription with everything that waits for it; one that is gone is deleted.
    ///
    /// # Errors
    /// As [`ManagerErrorKind`] says.
    pub async fn delete(&self, topic: &str, name: &str) -> Result<(), ManagerError> {
        self.call(Method::DELETE, "delete", topic, name, None).await.map(drop)
    }

    async fn call(
        &self,
        method: Method,
        operation: &'static str,
        topic: &str,
        name: &str,
        body: Option<&Value>,
    ) -> Result<Option<Response>, ManagerError> {
        let send = || self.send(method.clone(), operation, topic, name, body);
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(300))
            .with_max_times(RETRIES)
            .with_jitter();
        send.retry(pauses).when(|error| error.kind == ManagerErrorKind::Transient).await
    }

    /// `None` if there is no such subscription.
    async fn send(
        &self,
        method: Method,
        operation: &'static str,
        topic: &str,
        name: &str,
        body: Option<&Value>,
    ) -> Result<Option<Response>, ManagerError> {
        let transient = |error: Box<dyn std::error::Error + Send + Sync>| {
            failed(operation, name, ManagerErrorKind::Transient, "no answer".to_owned(), Some(error))
        };
        let client = self.0.http.client().map_err(|error| transient(error.into()))?;
        let is_read = method == Method::GET;
        let mut request: RequestBuilder = client.request(method, self.address(topic, name)).timeout(DEADLINE);
        if let Some(body) = body {
            request = request.json(body);
        }
        let request = self.0.bearer.apply(request).await.map_err(|error| transient(error.into()))?;
        let response = request.send().await.map_err(|error| transient(error.without_url().into()))?;
        let status = response.status();
        let kind = match status {
            status if status.is_success() => return Ok(Some(response)),
            // What a call on the topic itself finds missing is the topic, which a deployment makes.
            StatusCode::NOT_FOUND if is_read || operation == "delete" => return Ok(None),
            StatusCode::CONFLICT => ManagerErrorKind::Busy,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => ManagerErrorKind::Refused,
            _ => ManagerErrorKind::Transient,
        };
        let detail = match code(response).await {
            Some(code) => format!("status {status}, {code}"),
            None => format!("status {status}"),
        };
        Err(failed(operation, name, kind, detail, None))
    }

    fn address(&self, topic: &str, name: &str) -> Url {
        let mut address = self.0.endpoint.clone();
        address.set_path(&format!(
            "{}/{}/providers/Microsoft.EventGrid/eventSubscriptions/{name}",
            address.path().trim_end_matches('/'),
            topic.trim_matches('/')
        ));
        address.query_pairs_mut().append_pair("api-version", API_VERSION);
        address
    }
}

fn failed(
    operation: &'static str,
    name: &str,
    kind: ManagerErrorKind,
    detail: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
) -> ManagerError {
    ManagerError { operation, name: name.to_owned(), kind, detail, source }
}

/// The code of an error: a word of the service's own, if it looks like one.
async fn code(response: Response) -> Option<String> {
    let read: Result<Plain, _> = response.json().await; // json: as plain data
    let Plain(read) = read.ok()?;
    let code = read["error"]["code"].as_str()?;
    let is_word = code.len() <= CODE && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    is_word.then(|| code.to_owned())
}
