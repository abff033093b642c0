//! HTTP client of the app's products: what staff call.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

use crate::{
    catalogue::{Destination, Product},
    failure::{self, CallError},
};

const DEADLINE: Duration = Duration::from_secs(30);

/// A client of the app's products.
#[derive(Clone, Debug)]
pub struct Products {
    http: Client,
    functions: String,
    key: Option<String>,
}

impl Products {
    /// Products of the app at `functions`; `key` is the function key, where keys are asked for.
    #[must_use]
    pub fn new(http: Client, functions: &str, key: Option<String>) -> Self {
        Self { http, functions: functions.trim_end_matches('/').to_owned(), key }
    }

    /// Creates or replaces a product.
    ///
    /// # Errors
    /// When the app does not answer or refuses it.
    pub async fn put(&self, product: &Product) -> Result<(), CallError> {
        self.send(Method::PUT, &product.id, &product.body).await
    }

    /// Changes some fields of a product.
    ///
    /// # Errors
    /// When the app does not answer or refuses it.
    pub async fn patch(&self, id: &str, changes: &Value) -> Result<(), CallError> {
        self.send(Method::PATCH, id, changes).await
    }

    async fn send(&self, method: Method, id: &str, body: &Value) -> Result<(), CallError> {
        let operation = || format!("{method} /api/products/{id}");
        let mut request = self.http.request(method.clone(), format!("{}/api/products/{id}", self.functions));
        if let Some(key) = &self.key {
            request = request.header("x-functions-key", key);
        }
        let response = request
            .timeout(DEADLINE)
            .json(body)
            .send()
            .await
            .map_err(|source| CallError::Send { operation: operation(), source })?;
        if response.status().is_success() { Ok(()) } else { Err(failure::refused(operation(), response).await) }
    }
}

impl Destination for Products {
    fn put(&self, product: &Product) -> impl Future<Output = Result<(), CallError>> + Send {
        Self::put(self, product)
    }
}
