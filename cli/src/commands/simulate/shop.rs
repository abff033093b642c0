//! What the site lists.

use std::time::Duration;

use contoso_handlers::domain::money::Money;
use contoso_handlers::domain::product::ProductId;
use reqwest::Client;
use serde::Deserialize;

use crate::failure::{self, CallError};

const DEADLINE: Duration = Duration::from_secs(30);
/// The most that the site lists on one page.
const PAGE: &str = "100";

/// A product as a list shows it, as far as a simulation needs it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) id: ProductId,
    pub(super) price: Money,
    /// The list's, not the row's.
    #[serde(skip)]
    pub(super) category: String,
}

/// A page of `GET /api/site/products`.
#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Listed>,
    /// Address of the next page, relative to this one's.
    next: Option<String>,
}

/// Every product that the site lists in `categories`.
pub(super) async fn products(http: &Client, functions: &str, categories: &[String]) -> Result<Vec<Listed>, CallError> {
    let mut products = Vec::new();
    for category in categories {
        let operation = || format!("list the products in {category}");
        let unsent = |source| CallError::Send { operation: operation(), source };
        let first = format!("{}/api/site/products", functions.trim_end_matches('/'));
        let mut request = http.get(first).query(&[("category", category.as_str()), ("limit", PAGE)]);
        loop {
            let response = request.timeout(DEADLINE).send().await.map_err(unsent)?;
            if !response.status().is_success() {
                return Err(failure::refused(operation(), response).await);
            }
            let address = response.url().clone();
            let page: Page = response.json().await.map_err(unsent)?;
            products.extend(page.items.into_iter().map(|listed| Listed { category: category.clone(), ..listed }));
            let Some(next) = page.next.and_then(|next| address.join(&next).ok()) else { break };
            request = http.get(next);
        }
    }
    Ok(products)
}
