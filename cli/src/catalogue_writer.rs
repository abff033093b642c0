//! Products straight into Cosmos DB, for a stack without a functions host of its own: as `Products` would have stored them.
//!
//! The domain decides what a product becomes and which version it has; only the call is another one, in the name of the
//! app's identity.

use contoso_handlers::{
    domain::{
        catalogue::{Command, Decision, decide},
        preconditions::Preconditions,
        product::{Product as Stored, ProductId},
        product_body,
    },
    stores::catalogue::NAME,
};
use contoso_json::Plain;
use contoso_local::stack::Endpoints;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde_json::Value;
use time::macros::format_description;

use crate::{
    catalogue::{Destination, Product},
    clock,
    failure::{self, CallError},
    identity::{self, SignedIn},
};

/// What a token for Cosmos DB is for.
const RESOURCE: &str = "https://cosmos.azure.com";
const VERSION: &str = "2018-12-31";
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// Writes products to the catalogue's container.
pub struct CatalogueWriter {
    app: SignedIn,
    token: String,
    documents: Url,
}

impl CatalogueWriter {
    /// As the app of the running stack.
    ///
    /// # Errors
    /// When the stack has no such identity, or gives it no token.
    pub async fn new(endpoints: &Endpoints) -> anyhow::Result<Self> {
        let app = SignedIn::new(endpoints, identity::APP)?;
        let token = app.token(RESOURCE).await?;
        let account = endpoints.cosmos.endpoint.replacen("http:", "https:", 1);
        let documents =
            format!("{}/dbs/{}/colls/{}/docs", account.trim_end_matches('/'), NAME.database, NAME.container);
        Ok(Self { app, token, documents: Url::parse(&documents)? })
    }

    fn request(&self, method: Method, id: &str, is_new: bool) -> RequestBuilder {
        let mut url = self.documents.clone();
        if !is_new && let Ok(mut segments) = url.path_segments_mut() {
            segments.push(id);
        }
        let date =
            format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        self.app
            .client()
            .request(method, url)
            .timeout(DEADLINE)
            .header(header::AUTHORIZATION, format!("type%3Daad%26ver%3D1.0%26sig%3D{}", self.token))
            .header("x-ms-version", VERSION)
            .header("x-ms-date", clock::now().format(date).unwrap_or_default())
            .header("x-ms-documentdb-partitionkey", Value::from(vec![id]).to_string())
    }

    /// The product as it is stored, with its tag.
    async fn read(&self, id: &str) -> Result<Option<(Stored, String)>, CallError> {
        let operation = || format!("read the product {id}");
        let answer = send(self.request(Method::GET, id, false), operation()).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = successful(answer, operation()).await?;
        let tag = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        let document = answer.json::<Plain>().await; // json: as plain data
        let Plain(document) = document.map_err(|source| CallError::Send { operation: operation(), source })?;
        let stored = serde_json::from_value(document).map_err(|error| no_product(id, error.to_string()))?;
        Ok(Some((stored, tag)))
    }
}

impl Destination for CatalogueWriter {
    async fn put(&self, product: &Product) -> Result<(), CallError> {
        let refused = |reason: String| no_product(&product.id, reason);
        let id = ProductId::try_from(product.id.clone()).map_err(|error| refused(error.to_string()))?;
        let content = product_body::parse(&product.body, &id).map_err(|errors| {
            refused(
                errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join("; "),
            )
        })?;
        let (current, tag) = self.read(id.as_str()).await?.unzip();
        let decision = decide(&id, current.as_ref(), &Command::Put(content), &Preconditions::default(), clock::now());
        let (method, stored) = match decision.map_err(|error| refused(error.to_string()))? {
            Decision::Unchanged(_) => return Ok(()),
            Decision::Create(stored) => (Method::POST, stored),
            Decision::Replace(stored) => (Method::PUT, stored),
        };
        let mut request = self.request(method.clone(), id.as_str(), method == Method::POST).json(&stored);
        if let Some(tag) = tag {
            request = request.header(header::IF_MATCH, tag);
        }
        let operation = || format!("store the product {id}");
        successful(send(request, operation()).await?, operation()).await?;
        Ok(())
    }
}

/// The error of the function for the same.
fn no_product(id: &str, detail: String) -> CallError {
    CallError::Refused { operation: format!("store the product {id}"), status: StatusCode::BAD_REQUEST, detail }
}

async fn send(request: RequestBuilder, operation: String) -> Result<Response, CallError> {
    request.send().await.map_err(|source| CallError::Send { operation, source })
}

async fn successful(answer: Response, operation: String) -> Result<Response, CallError> {
    if answer.status().is_success() { Ok(answer) } else { Err(failure::refused(operation, answer).await) }
}
