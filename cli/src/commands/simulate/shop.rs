//! What the site lists.

use std::{collections::BTreeSet, time::Duration};

use anyhow::bail;
use contoso_handlers::domain::{money::Money, product::ProductId};
use reqwest::Client;
use serde::Deserialize;
use tokio::time::Instant;

use crate::{
    clock,
    failure::{self, CallError},
    output,
};

/// How long the site may take for its first list: right after the start its projection still reads the hub.
const CATCH_UP: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a category may be on its way: a product that was put on sale just now.
const ON_ITS_WAY: Duration = Duration::from_secs(2);
/// The most categories that a message lists.
const MOST_NAMED: usize = 40;
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

/// The answer of `GET /api/site/categories`.
#[derive(Debug, Deserialize)]
struct Categories {
    categories: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

/// Checks that the categories exist: they were seeded, or the site lists them. A shop without any is waited for by [`listed`].
///
/// # Errors
/// When one does not; the message names those there are.
pub(super) async fn check(http: &Client, functions: &str, asked: &[String], seeded: &[String]) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        let mut known: BTreeSet<String> = seeded.iter().cloned().collect();
        let missing = |known: &BTreeSet<String>| asked.iter().find(|name| !known.contains(*name)).cloned();
        if missing(&known).is_some() {
            known.extend(categories(http, functions).await?);
        }
        let Some(unknown) = missing(&known).filter(|_| !known.is_empty()) else { return Ok(()) };
        if started.elapsed() >= ON_ITS_WAY {
            let more = if known.len() > MOST_NAMED { ", …" } else { "" };
            let names: Vec<String> = known.into_iter().take(MOST_NAMED).collect();
            bail!("there is no category {unknown:?}; there are {}{more}", names.join(", "));
        }
        clock::until_next_look(LOOK_AGAIN).await;
    }
}

async fn categories(http: &Client, functions: &str) -> Result<impl Iterator<Item = String>, CallError> {
    let operation = || "list the categories".to_owned();
    let unsent = |source| CallError::Send { operation: operation(), source };
    let url = format!("{}/api/site/categories", functions.trim_end_matches('/'));
    let response = http.get(url).timeout(DEADLINE).send().await.map_err(unsent)?;
    if !response.status().is_success() {
        return Err(failure::refused(operation(), response).await);
    }
    let Categories { categories } = response.json().await.map_err(unsent)?; // json: names and numbers only
    Ok(categories.into_iter().map(|category| category.name))
}

/// What the site lists, as soon as it lists anything.
pub(super) async fn listed(http: &Client, functions: &str, categories: &[String]) -> anyhow::Result<Vec<Listed>> {
    listed_within(http, functions, categories, CATCH_UP).await
}

async fn listed_within(
    http: &Client,
    functions: &str,
    categories: &[String],
    patience: Duration,
) -> anyhow::Result<Vec<Listed>> {
    let started = Instant::now();
    let mut told = false;
    loop {
        let products = products(http, functions, categories).await?;
        if !products.is_empty() {
            return Ok(products);
        }
        let names = categories.join(", ");
        if started.elapsed() >= patience {
            bail!(
                "the site listed no products in {names} for {} seconds; \
                 {functions}/api/site/health says how far its projection is",
                patience.as_secs()
            );
        }
        if !told {
            output::say(&format!("waiting for the site to list products in {names}"));
            told = true;
        }
        clock::until_next_look(LOOK_AGAIN).await;
    }
}

/// Every product that the site lists in `categories`.
async fn products(http: &Client, functions: &str, categories: &[String]) -> Result<Vec<Listed>, CallError> {
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
            let page: Page = response.json().await.map_err(unsent)?; // json: a type without open ends
            products.extend(page.items.into_iter().map(|listed| Listed { category: category.clone(), ..listed }));
            let Some(next) = page.next.and_then(|next| address.join(&next).ok()) else { break };
            request = http.get(next);
        }
    }
    Ok(products)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{Json, Router, routing::get};
    use serde_json::{Value, json};

    use super::*;

    /// A site that lists its one product from the look number `from` on.
    async fn site(from: usize) -> String {
        let looks = Arc::new(AtomicUsize::new(0));
        let list = move || async move {
            let product = json!({"id": "boot", "price": {"amount": "9.99", "currency": "USD"}});
            let items = if looks.fetch_add(1, Ordering::SeqCst) < from { vec![] } else { vec![product] };
            Json::<Value>(json!({"items": items, "next": null}))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let categories = get(async || Json::<Value>(json!({"categories": [{"name": "Bags"}, {"name": "Climbing"}]})));
        let router = Router::new().route("/api/site/products", get(list)).route("/api/site/categories", categories);
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    #[tokio::test]
    async fn a_category_that_is_not_there_is_refused_with_those_that_are() {
        let (http, site) = (Client::new(), site(0).await);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (asked, seeded) in [(&["Climbing"] as &[&str], &[] as &[&str]), (&["Boats", "Bags"], &["Boats"])] {
            check(&http, &site, &names(asked), &names(seeded)).await.expect("there");
        }
        let error = check(&http, &site, &names(&["Bags", "Nope"]), &names(&["Boats"])).await.expect_err("not there");
        assert_eq!(error.to_string(), "there is no category \"Nope\"; there are Bags, Boats, Climbing");
    }

    #[tokio::test]
    async fn the_first_list_is_waited_for_and_no_longer_than_said() {
        let (http, categories) = (Client::new(), ["Climbing".to_owned()]);
        let found = listed(&http, &site(2).await, &categories).await.expect("the third look finds it");
        assert_eq!(found.len(), 1);
        let error =
            listed_within(&http, &site(usize::MAX).await, &categories, Duration::ZERO).await.expect_err("nothing");
        assert!(error.to_string().contains("no products in Climbing"), "{error}");
    }
}
