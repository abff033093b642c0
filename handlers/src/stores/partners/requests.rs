//! Container `partners/requests`: requests with an idempotency key, and what was answered. Documents expire after two days.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored},
    domain::partner::{PartnerName, idempotency::Fingerprint},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "partners", container: "requests" };

/// How long the container keeps a document.
pub const KEPT: time::Duration = time::Duration::days(2);

/// The requests.
pub struct Requests(Container);

/// A request, and its answer once it has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Of key, method and path.
    pub id: String,
    /// Who sent it.
    pub partner: PartnerName,
    /// What its body says.
    pub fingerprint: Fingerprint,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub began: OffsetDateTime,
    /// What was answered; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// An answer that may be given again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its `Location`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Its body, without what is shown once.
    pub body: Value,
    /// Whether it is made anew each time, by what the request made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anew: bool,
}

impl Requests {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// Notes that a request begins.
    ///
    /// # Errors
    /// A lost race if it is there.
    pub async fn begin(&self, request: &Request) -> Result<String, CosmosError> {
        self.0.create(request.partner.as_str(), &request.id, request).await
    }

    /// What is known of a request.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(&self, partner: &PartnerName, id: &str) -> Result<Option<Stored<Request>>, CosmosError> {
        self.0.read(partner.as_str(), id).await
    }

    /// Replaces what was read under `etag`.
    ///
    /// # Errors
    /// A lost race if it changed since.
    pub async fn replace(&self, request: &Request, etag: &str) -> Result<String, CosmosError> {
        self.0.replace(request.partner.as_str(), &request.id, request, etag).await
    }

    /// Forgets a request that had no effect, so that it can be sent again.
    ///
    /// # Errors
    /// A lost race if it changed since it was read under `etag`.
    pub async fn forget(&self, request: &Request, etag: &str) -> Result<(), CosmosError> {
        self.0.delete(request.partner.as_str(), &request.id, Some(etag)).await
    }
}
