//! The routes of `OpsApi` for dead letters.

use std::{path::Path, time::Duration};

use reqwest::{Client, Method, redirect};
use serde_json::{Map, Value, json};

use super::Letters;
use crate::{
    commands::{Exit, WrongUsage},
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

    /// What is to be done (`verb`) as a wish for these letters, or how the command ends without it.
    pub(super) async fn order(
        &self,
        letters: &Letters,
        mut order: Value,
        verb: &str,
    ) -> anyhow::Result<Result<Value, Exit>> {
        let members = letters.filter.members();
        let is_chosen = if letters.all {
            // An end is what the command itself proposes.
            members.iter().all(|(name, _)| *name == "to")
        } else {
            !members.is_empty()
        };
        match (letters.ids.is_empty(), members.is_empty()) {
            (false, true) if !letters.all => order["ids"] = json!(letters.ids),
            (true, _) if is_chosen => {
                let there = self.there(&members).await?;
                let count = there["letters"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
                if count == 0 {
                    output::say("no such letters");
                    return Ok(Err(Exit::Done));
                }
                let mut filter: Map<String, Value> =
                    members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
                let is_open = !filter.contains_key("to");
                if !letters.yes {
                    let to = if is_open { there["asOf"].as_str() } else { None };
                    let to = to.map(|to| format!(" --to {to}")).unwrap_or_default();
                    let and = if is_open { ", for these and none that come later" } else { "" };
                    output::say(&format!("this would {verb} {}; say{to} --yes{and}", counted(count, "letter")));
                    return Ok(Err(Exit::Failed));
                }
                // What comes between counting and working was not counted.
                if is_open {
                    filter.insert("to".to_owned(), there["asOf"].clone());
                }
                order["filter"] = Value::Object(filter);
                order["expected"] = json!(count);
            }
            _ => {
                let said = "say either ids of letters, or a filter such as --function, or --all";
                return Err(WrongUsage(said.to_owned()).into());
            }
        }
        Ok(Ok(order))
    }

    /// How many letters a filter takes, and as of when.
    async fn there(&self, members: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.get("", &[members, &[("limit", "1")]].concat(), "count the dead letters").await
    }

    /// The members of a query that an address of an answer has.
    pub(super) fn members_of(address: &str) -> Vec<(String, String)> {
        let url = reqwest::Url::parse("http://app").and_then(|base| base.join(address));
        url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
    }
}
