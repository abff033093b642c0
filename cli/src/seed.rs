//! Seeding the catalogue: through the public write path, or into the store where no app takes products.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;

use crate::{
    catalogue::{Destination, Product},
    failure::CallError,
};

/// Calls in flight at once: enough to keep the app busy, few enough to leave it room.
const CONCURRENCY: usize = 16;

/// A product was not taken. Those before it are stored; repeating the whole is safe.
#[derive(Debug, thiserror::Error)]
#[error("{catalogue}: entry {number} ({id})")]
pub struct SeedError {
    catalogue: String,
    number: usize,
    id: String,
    source: CallError,
}

/// Puts every product, some at once. `catalogue` is its name in messages.
///
/// # Errors
/// At the first product that is refused, or still not taken after some attempts.
pub async fn seed(
    destination: &impl Destination,
    catalogue: &str,
    products: &[Product],
    bar: &ProgressBar,
) -> Result<(), SeedError> {
    stream::iter(products.iter().enumerate())
        .map(|(index, product)| async move {
            let put = || destination.put(product);
            put.retry(
                ExponentialBuilder::default()
                    .with_min_delay(Duration::from_millis(100))
                    .with_max_times(6)
                    .with_jitter(),
            )
            .when(CallError::is_transient)
            .await
            .map_err(|source| SeedError {
                catalogue: catalogue.to_owned(),
                number: index + 1,
                id: product.id.clone(),
                source,
            })?;
            bar.inc(1);
            Ok(())
        })
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::extract::Path;
    use axum::http::StatusCode;
    use axum::routing::put;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;
    use crate::{output, products::Products};

    /// An app that is busy for its first two calls, and refuses the product `bad`.
    async fn app(calls: Arc<AtomicUsize>) -> String {
        let answer = async move |Path(id): Path<String>| match (calls.fetch_add(1, Ordering::SeqCst), id.as_str()) {
            (0 | 1, _) => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
            (_, "bad") => (StatusCode::BAD_REQUEST, json!({ "detail": "name must\nhave characters" }).to_string()),
            _ => (StatusCode::CREATED, String::new()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/api/products/{id}", put(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn products(ids: &[&str]) -> Vec<Product> {
        ids.iter().map(|id| Product { id: (*id).to_owned(), body: json!({}) }).collect()
    }

    #[tokio::test]
    async fn a_busy_app_is_asked_again() {
        let calls = Arc::new(AtomicUsize::new(0));
        let api = Products::new(reqwest::Client::new(), &app(Arc::clone(&calls)).await, None);
        seed(&api, "shop.json", &products(&["a", "b", "c"]), &ProgressBar::hidden()).await.expect("seeded");
        assert_eq!(calls.load(Ordering::SeqCst), 5);
    }

    #[tokio::test]
    async fn a_refused_product_is_named_in_one_line() {
        let api = Products::new(reqwest::Client::new(), &app(Arc::default()).await, None);
        let error = seed(&api, "shop.json", &products(&["bad"]), &ProgressBar::hidden()).await.expect_err("refused");
        assert_eq!(
            output::chain(&error),
            "shop.json: entry 1 (bad): cannot PUT /api/products/bad: 400 Bad Request: name must have characters"
        );
    }
}
