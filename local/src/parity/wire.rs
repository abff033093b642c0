//! The page's requests, asked of a running stack.

use std::time::Duration;

use azure_core::{credentials::Secret, hmac::hmac_sha256};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::page::{Page, Row, Sample};
use crate::{
    stack::{Ports, Stack, StackOptions},
    storage::Sync,
    topology::Topology,
    transport::Hosts,
};

/// Who may do everything that the page asks for.
const CALLER: &str = "auditor";

struct Fixture {
    stack: Stack,
    http: reqwest::Client,
    _data: TempDir,
}

impl Fixture {
    async fn start() -> Self {
        let role = |role: &str, scope: &str| json!({"role": role, "scope": scope});
        let topology: Topology = serde_json::from_value(json!({
            "cosmos": {"databases": [{"name": "shop", "containers": [{"name": "items", "partitionKey": "/id"}]}]},
            "eventHubs": {
                "namespace": "contoso",
                "schemaGroups": [{"name": "contoso", "compatibility": "Backward"}],
            },
            "storage": {"containers": ["files"], "queues": ["work"]},
            "eventGrid": {"topics": [{"name": "partners", "inputSchema": "CloudEventSchemaV1_0"}]},
            "identities": [{"name": CALLER, "roles": [
                role("Schema Registry Contributor", "eventHubs"),
                role("EventGrid Contributor", "eventGrid"),
                role("EventGrid Data Sender", "eventGrid"),
                role("Log Analytics Reader", "logAnalytics"),
                role("Monitoring Reader", "eventGrid"),
            ]}],
        }))
        .expect("a topology");
        let data = TempDir::new().expect("a directory");
        let data_dir = data.path().to_owned();
        let options =
            StackOptions { topology, data_dir, ports: Ports::auto(), sync: Sync::Process, hosts: Hosts::default() };
        let stack = Box::pin(Stack::start(options, &|_| {})).await.expect("the stack starts");
        // Whose certificate it is, is another test's.
        let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
        Self { stack, http, _data: data }
    }

    /// The sample as a request of a caller who may; none for services without HTTP.
    fn request(&self, section: &str, sample: &Sample) -> Option<RequestBuilder> {
        let endpoints = self.stack.endpoints();
        let topic = &endpoints.event_grid.topic_id;
        let group = topic.split("/providers/").next().unwrap_or_default();
        let target = sample
            .target
            .replace("{topic}", topic)
            .replace("{workspace}", &endpoints.monitor.workspace_id)
            .replace("{arm}", group);
        let ask = |base: &str, signature: &str| {
            let url = format!("{}{target}{signature}", base.trim_end_matches('/'));
            self.http.request(sample.method.clone(), url).headers(sample.headers.clone())
        };
        let token = |audience: &str| self.stack.identity().token(CALLER, audience).expect("a token");
        let grid = &endpoints.event_grid;
        Some(match section {
            "Schema registry" => {
                ask(&endpoints.event_hubs.schema_registry, "").bearer_auth(token("https://eventhubs.azure.net"))
            }
            "Event Grid" => ask(&grid.resource_manager, "").header("aeg-sas-key", &grid.topic_key),
            "Resource Manager" => ask(&grid.resource_manager, "").bearer_auth(token("https://management.azure.com/")),
            "Azure Monitor" if target.starts_with("/v1/") => {
                let query = json!({ "query": "AppRequests | take 1" });
                ask(&endpoints.monitor.log_analytics, "").bearer_auth(token("https://api.loganalytics.io")).json(&query)
            }
            "Azure Monitor" => ask(&grid.resource_manager, "").bearer_auth(token("https://management.azure.com/")),
            "Blob Storage" => ask(&self.stack.blobs().endpoint(), &self.account_signature(&target)),
            "Queue Storage" => ask(&self.stack.queues().endpoint(), &self.account_signature(&target)),
            "Cosmos DB" => {
                let (date, authorization) = self.cosmos_signature(sample);
                ask(&endpoints.cosmos.endpoint, "").header("x-ms-date", date).header("authorization", authorization)
            }
            "Identity" => {
                let credentials = &endpoints.identities[CALLER];
                ask(&credentials.endpoint, "").header("x-identity-header", &credentials.header)
            }
            _ => return None,
        })
    }

    /// An account signature that allows everything until tomorrow.
    fn account_signature(&self, target: &str) -> String {
        let blobs = self.stack.blobs();
        let expiry = (crate::clock::machine_now() + Duration::from_secs(86_400)).date();
        let text = format!("{}\nrwdlacup\nbq\nsco\n\n{expiry}\n\n\n2021-12-02\n\n", blobs.account());
        let signature = hmac_sha256(&text, &Secret::new(blobs.key().to_owned())).expect("a signature");
        let signature = utf8_percent_encode(&signature, NON_ALPHANUMERIC);
        let first = if target.contains('?') { '&' } else { '?' };
        format!("{first}sv=2021-12-02&ss=bq&srt=sco&sp=rwdlacup&se={expiry}&sig={signature}")
    }

    fn cosmos_signature(&self, sample: &Sample) -> (String, String) {
        let segments: Vec<&str> = sample.target.trim_matches('/').split('/').collect();
        let (kind, link) = match segments[..] {
            [ref container @ .., "operations", "partitionkeydelete"] => ("colls", container.join("/")),
            [.., kind, _] if segments.len().is_multiple_of(2) => (kind, segments.join("/")),
            [ref parent @ .., kind] => (kind, parent.join("/")),
            [] => ("", String::new()),
        };
        let date = azure_core::time::to_rfc7231(&crate::clock::machine_now());
        let method = sample.method.as_str().to_lowercase();
        let text = format!("{method}\n{kind}\n{link}\n{}\n\n", date.to_lowercase());
        let key = Secret::new(self.stack.cosmos().key().to_owned());
        let signature = hmac_sha256(&text, &key).expect("a signature");
        let authorization = format!("type=master&ver=1.0&sig={signature}");
        (date, utf8_percent_encode(&authorization, NON_ALPHANUMERIC).to_string())
    }
}

/// What the answer of `section` gives as its error code and text, where it has the service's shape.
fn shape(section: &str, headers: &reqwest::header::HeaderMap, body: &str) -> Option<(Option<String>, String)> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let said: Value = contoso_json::from_str(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match section {
        "Blob Storage" | "Queue Storage" => {
            let code = header("x-ms-error-code")?;
            header("x-ms-request-id")?;
            let opens = body.contains(&format!("<Error><Code>{code}</Code><Message>")) && body.ends_with("</Error>");
            opens.then(|| (Some(code), body.to_owned()))
        }
        "Cosmos DB" => {
            header("x-ms-activity-id")?;
            Some((Some(text(&said["code"])?), text(&said["message"])?))
        }
        "Schema registry" => {
            let code = text(&said["error"]["code"])?;
            (header("x-ms-error-code")? == code).then_some(())?;
            Some((Some(code), text(&said["error"]["message"])?))
        }
        "Event Grid" | "Resource Manager" => {
            said["error"]["details"].as_array()?;
            Some((Some(text(&said["error"]["code"])?), text(&said["error"]["message"])?))
        }
        // Resource Manager gives details too, Log Analytics does not.
        "Azure Monitor" => Some((Some(text(&said["error"]["code"])?), text(&said["error"]["message"])?)),
        "Identity" => {
            said["statusCode"].as_u64()?;
            Some((None, text(&said["message"])?))
        }
        _ => None,
    }
}

/// Whether a text names what the row refuses: by the words of the page or the code, or by method and path.
fn names(row: &Row, sample: &Sample, text: &str) -> bool {
    let path = sample.target.split('?').next().unwrap_or_default();
    let path = path.rsplit_once('}').map_or(path, |(_, rest)| rest);
    let by_path = text.contains(sample.method.as_str()) && text.contains(path.trim_start_matches('/'));
    let headers = || {
        sample
            .headers
            .iter()
            .any(|(name, value)| text.contains(name.as_str()) || value.to_str().is_ok_and(|value| text.contains(value)))
    };
    let parameter = || {
        sample
            .target
            .split(['?', '&'])
            .skip(1)
            .any(|pair| pair.split_once('=').is_some_and(|(_, value)| value.len() > 3 && text.contains(value)))
    };
    text.contains(&row.operation)
        || row.in_code.iter().any(|name| text.contains(name.trim_matches('"')))
        || by_path
        || headers()
        || parameter()
        || text.contains("api-version")
}

async fn complaint(section: &str, row: &Row, sample: &Sample, response: Response) -> Option<String> {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await.unwrap_or_default();
    let seen = format!("{section}: {} was answered {status} {body}", row.operation);
    let Some((expected, code)) = row.refusal() else {
        // A kept one may lack what it works on, but it is understood.
        let refused = status.is_server_error() || matches!(status.as_u16(), 400 | 401 | 403 | 405);
        return refused.then_some(seen);
    };
    if status != expected {
        return Some(format!("{seen}, wanted {expected}"));
    }
    let Some((given, text)) = shape(section, &headers, &body) else {
        return Some(format!("{seen}: not the service's shape; {headers:?}"));
    };
    if code.is_some() && given.as_deref() != code {
        return Some(format!("{seen}: its code is {given:?}"));
    }
    (!names(row, sample, &text)).then(|| format!("{seen}: it does not name what it refuses"))
}

#[tokio::test]
async fn what_is_refused_is_refused_by_name_and_what_is_kept_is_not() {
    let fixture = Fixture::start().await;
    let page = Page::read();
    let (mut asked, mut complaints) = (0, Vec::new());
    for (section, rows) in &page.sections {
        for row in rows {
            let Some(sample) = &row.request else { continue };
            let request = fixture.request(section, sample).unwrap_or_else(|| panic!("{section} speaks no HTTP"));
            let response = request.send().await.expect("an answer");
            complaints.extend(complaint(section, row, sample, response).await);
            asked += 1;
        }
    }
    assert!(complaints.is_empty(), "{} of {asked}:\n{}", complaints.len(), complaints.join("\n"));
    fixture.stack.stop().await;
}
