//! Schemas over the registry's wire: each registration is a new version of one of a few schemas.

use axum::http::{Method, StatusCode};
use contoso_local::stack::Stack;
use reqwest::Response;
use serde_json::json;

const GROUP: &str = "contoso";
/// Schemas of one writer.
const SCHEMAS: u64 = 3;
const TYPE: &str = "application/json; serialization=Avro";

/// Registers entry `number` of `writer`. The line says the version and the id that were handed out.
pub(super) async fn register(stack: &Stack, writer: usize, number: u64) -> Result<String, String> {
    let name = format!("S-{writer}-{}", number % SCHEMAS);
    let path = format!("{GROUP}/schemas/{name}");
    let answer = ask(stack, Method::PUT, &path, schema(&name, number)).await.map_err(|e| format!("schema: {e}"))?;
    let status = answer.status();
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match (header("schema-id"), header("schema-version")) {
        (Some(id), Some(version)) if status == StatusCode::NO_CONTENT => {
            Ok(format!("schema {name} {number} {version} {id}"))
        }
        _ => Err(format!("schema: {status} {}", answer.text().await.unwrap_or_default())),
    }
}

/// Whether the registry has lost what `number` registered, or knows it by another version or id.
pub(super) async fn missing(stack: &Stack, name: &str, number: u64, version: &str, id: &str) -> Option<String> {
    let text = schema(name, number);
    let mut found = Vec::new();
    for path in [format!("{GROUP}/schemas/{name}/versions/{version}"), format!("$schemas/{id}")] {
        let answer = ask(stack, Method::GET, &path, String::new()).await.expect("an answer");
        let given = answer.headers().get("schema-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
        found.push((given, answer.text().await.expect("a body")));
    }
    // Registering what is there hands out the id that it has.
    let again = ask(stack, Method::PUT, &format!("{GROUP}/schemas/{name}"), text.clone()).await.expect("an answer");
    let given = again.headers().get("schema-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    found.push((given, text.clone()));
    let is_kept = found.iter().all(|(given, kept)| given.as_deref() == Some(id) && *kept == text);
    (!is_kept).then(|| format!("version {version} of schema {name}, {id}: {found:?}"))
}

/// A record with more fields the later it is registered; each can be read with those before.
fn schema(name: &str, number: u64) -> String {
    let field = |number: u64| json!({"name": format!("f{number}"), "type": "string", "default": ""});
    let fields: Vec<_> = (0..number).map(field).collect();
    json!({"type": "record", "name": name.replace('-', "_"), "fields": fields}).to_string()
}

async fn ask(stack: &Stack, method: Method, path: &str, body: String) -> Result<Response, String> {
    let registry = &stack.endpoints().event_hubs.schema_registry;
    let url = format!("{registry}/$schemaGroups/{path}?api-version=2023-07-01");
    let token = super::deployment(stack, "https://eventhubs.azure.net");
    let request = super::client().request(method, url).bearer_auth(token).body(body).header("content-type", TYPE);
    request.send().await.map_err(|error| super::chain(&error))
}
