//! The routes of `OpsApi` for dead letters.

use std::{path::Path, time::Duration};

use reqwest::{Client, Method, redirect};
use serde_json::Value;

use crate::{
    commands::Exit,
    endpoints,
    failure::{self, CallError},
    output::{self, counted},
};

/// Longer than the longest request: one that drops thousands of letters.
const DEADLINE: Duration = Duration::from_secs(120);

pub(super) struct Console {
    http: Client,
    functions: String,
    key: Option<String>,
}

impl Console {
    pub(super) async fn new(file: Option<&Path>, key: Option<String>) -> anyhow::Result<Self> {
        let endpoints = endpoints::read(&endpoints::locate(file)?)?;
        endpoints::check_functions(&endpoints).await?;
        // A redirect would carry the key elsewhere.
        let http = Client::builder().redirect(redirect::Policy::none()).timeout(DEADLINE).build()?;
        Ok(Self { http, functions: endpoints.functions.trim_end_matches('/').to_owned(), key })
    }

    /// What `path` below `/api/ops/dead-letters` has, as bytes. `operation` is what the error says was tried.
    pub(super) async fn bytes(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        operation: &str,
    ) -> Result<Vec<u8>, CallError> {
        let url = format!("{}/api/ops/dead-letters{path}", self.functions);
        let mut request = self.http.request(method, url).query(query);
        if let Some(key) = &self.key {
            request = request.header("x-functions-key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let failed = |source: reqwest::Error| CallError::Send { operation: operation.to_owned(), source };
        let response = request.send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(failure::refused(operation.to_owned(), response).await);
        }
        Ok(response.bytes().await.map_err(failed)?.to_vec())
    }

    /// The same of an answer that is JSON.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)], operation: &str) -> anyhow::Result<Value> {
        let bytes = self.bytes(Method::GET, path, query, None, operation).await?;
        Ok(contoso_json::plain(&bytes)?)
    }

    /// Sends a wish.
    pub(super) async fn post(&self, path: &str, body: &Value, operation: &str) -> anyhow::Result<Value> {
        let bytes = self.bytes(Method::POST, path, &[], Some(body), operation).await?;
        Ok(contoso_json::plain(&bytes)?)
    }

    /// How many letters a filter takes, if they are to be worked on: what comes between counting and working is not what was looked at.
    /// Else how the command ends.
    pub(super) async fn confirmed(
        &self,
        members: &[(&str, &str)],
        yes: bool,
        verb: &str,
    ) -> anyhow::Result<Result<Value, Exit>> {
        let query = [members, &[("limit", "1")]].concat();
        let there = self.get("", &query, "count the dead letters").await?;
        let count = there["letters"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
        if count == 0 {
            output::say("no such letters");
            return Ok(Err(Exit::Done));
        }
        if !yes {
            output::say(&format!("this would {verb} {}; say --yes", counted(count, "letter")));
            return Ok(Err(Exit::Failed));
        }
        Ok(Ok(there["letters"].clone()))
    }

    /// The members of a query that an address of an answer has.
    pub(super) fn members_of(address: &str) -> Vec<(String, String)> {
        let url = reqwest::Url::parse("http://app").and_then(|base| base.join(address));
        url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
    }
}
