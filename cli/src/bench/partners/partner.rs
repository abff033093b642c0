//! A partner as partners are: with a key of `contoso partners add`, and a subscription of its own at the partner API.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use contoso_json::Plain;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::process::Command;

use super::super::shop::Shop;
use crate::{
    clock,
    failure::{self, CallError},
};

/// How long a subscription may take to become active.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at it; a key may send 20 requests a second.
const LOOK: Duration = Duration::from_millis(100);

/// A partner with its key.
pub(super) struct Partner {
    http: Client,
    address: String,
    key: String,
}

impl Partner {
    /// Joins.
    pub(super) async fn join(shop: &Shop, endpoints: &Path, name: &str) -> Result<Self> {
        let program = std::env::current_exe().context("cannot find this program to start it again")?;
        let added = Command::new(program)
            .args(["partners", "add", name, "--contact", "ops@partner.example", "--key-only", "--endpoints"])
            .arg(endpoints)
            .kill_on_drop(true)
            .output()
            .await
            .context("cannot start `contoso partners add`")?;
        if !added.status.success() {
            bail!("`contoso partners add {name}` failed: {}", String::from_utf8_lossy(&added.stderr).trim());
        }
        let key = String::from_utf8(added.stdout)?.trim().to_owned();
        let address = format!("{}/api/partners/{name}", shop.stack.endpoints().functions.trim_end_matches('/'));
        Ok(Self { http: shop.http.clone(), address, key })
    }

    /// Subscribes a webhook to all changes of products, and waits until that is in force.
    pub(super) async fn subscribe(&self, name: &str, endpoint: &str) -> Result<()> {
        let wish = json!({ "name": name, "endpoint": endpoint });
        self.call(self.request(Method::POST, "/subscriptions").json(&wish)).await?;
        let began = Instant::now();
        loop {
            let shown = self.call(self.request(Method::GET, &format!("/subscriptions/{name}"))).await?;
            match shown["state"]["name"].as_str().unwrap_or_default() {
                "active" => return Ok(()),
                "creating" if began.elapsed() < PATIENCE => clock::until_next_look(LOOK).await,
                _ => bail!("subscription {name} of {} is not active: {}", self.address, shown["state"]),
            }
        }
    }

    /// What Event Grid counted of a subscription: deliveries, and attempts that failed.
    pub(super) async fn counted(&self, name: &str) -> Result<(u64, u64)> {
        let metrics = self.call(self.request(Method::GET, &format!("/subscriptions/{name}/metrics"))).await?;
        let total = |of: &str| metrics["totals"][of].as_u64().unwrap_or_default();
        Ok((total("delivered"), total("failedAttempts")))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address)).bearer_auth(&self.key)
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value> {
        let operation = || format!("call {}", self.address);
        let answer = request.send().await.map_err(|source| CallError::Send { operation: operation(), source })?;
        if !answer.status().is_success() {
            return Err(failure::refused(operation(), answer).await.into());
        }
        let answer = answer.json::<Plain>().await; // json: as plain data
        let Plain(answer) = answer.map_err(|source| CallError::Send { operation: operation(), source })?;
        Ok(answer)
    }
}
