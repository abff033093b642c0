//! Publishing: credentials, content types, limits.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use http::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::support::Stack;

const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";
const SINGLE: &str = "application/cloudevents+json; charset=utf-8";
const EVENT_GRID: &str = "application/json; charset=utf-8";

fn order(id: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/shop", "type": "t", "data": 1.10 })
}

#[tokio::test]
async fn credentials_are_checked_in_every_form() {
    let stack = Stack::start().await;
    let (url, key) = (stack.publish_url("orders"), stack.grid.topic_key("orders").expect("key"));
    let other_key = stack.grid.topic_key("classic").expect("key");
    let sas_until = |key: &str, expiry: &str| {
        let resource = url.replace("api-version", "apiVersion");
        let resource: String = url::form_urlencoded::byte_serialize(resource.as_bytes()).collect();
        let signed = format!("r={resource}&e={expiry}");
        let mac = Hmac::<Sha256>::new_from_slice(&BASE64_STANDARD.decode(key).expect("base64")).expect("any length");
        let signature = BASE64_STANDARD.encode(mac.chain_update(&signed).finalize().into_bytes());
        let signature: String = url::form_urlencoded::byte_serialize(signature.as_bytes()).collect();
        format!("{signed}&s={signature}")
    };
    let sas = |key: &str| sas_until(key, "1%2F2%2F2099%203%3A04%3A05%20PM");
    // `EventGridSasBuilder` of .NET, which escapes in lower case; with the data of newer cultures; and expired.
    let dotnet = |year: u16, space: &str| sas_until(&key, &format!("11%2f28%2f{year}+7%3a40%3a16{space}PM+%2b00%3a00"));
    let in_query = |key: &str| {
        let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
        format!("{url}&aeg-sas-key={key}")
    };
    for (url, header, value, status) in [
        (url.clone(), "aeg-sas-key", key.clone(), 200),
        (in_query(&key), "x-none", String::new(), 200),
        (url.clone(), "aeg-sas-token", sas(&key), 200),
        (url.clone(), "authorization", format!("SharedAccessSignature {}", sas(&key)), 200),
        (url.clone(), "aeg-sas-token", dotnet(2099, "+"), 200),
        (url.clone(), "aeg-sas-token", dotnet(2099, "%e2%80%af"), 200),
        (url.clone(), "aeg-sas-token", dotnet(2020, "+"), 401),
        (url.clone(), "x-none", String::new(), 401),
        (url.clone(), "aeg-sas-key", other_key.clone(), 401),
        (in_query(&other_key), "x-none", String::new(), 401),
        (url.clone(), "aeg-sas-token", sas(&other_key), 401),
        (url.clone(), "authorization", "Bearer token".to_owned(), 401),
    ] {
        let request = stack.http.post(&url).header(header, &value).header("content-type", SINGLE);
        let answer = request.body(order("1").to_string()).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{header}: {value}");
        let body = answer.bytes().await.expect("a body");
        if status == 200 {
            assert!(body.is_empty());
        } else {
            let error: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(error["error"]["code"], "Unauthorized");
            assert!(error["error"]["details"][0]["message"].is_string());
        }
    }
}

#[tokio::test]
async fn the_content_type_selects_the_parser_and_limits_hold() {
    let stack = Stack::start().await;
    let classic = json!([{ "id": "1", "subject": "s", "eventType": "t", "eventTime": "2026-03-04T10:11:12Z", "data": {}, "dataVersion": "1" }]);
    let large =
        json!([{ "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": "x".repeat(1024 * 1024) }]);
    let many: Vec<_> = (0..5001)
        .map(|id| json!({ "specversion": "1.0", "id": id.to_string(), "source": "/s", "type": "t" }))
        .collect();
    for (topic, content_type, body, status) in [
        ("orders", SINGLE, order("1"), 200),
        ("orders", BATCH, json!([order("1"), order("2")]), 200),
        ("orders", "Application/CloudEvents-Batch+JSON", json!([]), 200),
        ("orders", SINGLE, json!([order("1")]), 400),
        ("orders", BATCH, order("1"), 400),
        ("orders", EVENT_GRID, json!([order("1")]), 400),
        ("orders", BATCH, json!([order("1"), { "id": "2" }]), 400),
        ("orders", BATCH, large, 413),
        ("orders", BATCH, json!(many), 413),
        ("classic", EVENT_GRID, classic.clone(), 200),
        ("classic", EVENT_GRID, classic[0].clone(), 400),
        ("classic", BATCH, json!([order("1")]), 400),
    ] {
        let answer = stack.publish(topic, content_type, body.to_string()).await;
        assert_eq!(answer.status(), status, "{topic} {content_type}");
    }
    let without_version = stack.grid.topic_endpoint("orders").expect("a topic");
    assert_eq!(stack.call(Method::POST, &without_version, Some(order("1"))).await.0, 400);
    let unknown = without_version.replace("orders", "nothing");
    assert_eq!(stack.call(Method::POST, &unknown, Some(order("1"))).await.0, 404);
}

#[tokio::test]
async fn a_token_publishes_where_its_identity_has_the_role() {
    let stack = Stack::start().await;
    let event = json!({ "specversion": "1.0", "id": "1", "source": "/shop", "type": "com.example.order.placed" });
    for (scheme, name, resource, status) in [
        ("https:", "owner", "https://eventgrid.azure.net", 200),
        ("https:", "stranger", "https://eventgrid.azure.net", 403),
        ("https:", "owner", "https://management.azure.com", 401),
        ("http:", "owner", "https://eventgrid.azure.net", 401),
    ] {
        let url = stack.publish_url("orders").replacen("http:", scheme, 1);
        let request = stack.http.post(url).bearer_auth(stack.token(name, resource));
        let request = request.header("content-type", "application/cloudevents+json").body(event.to_string());
        assert_eq!(request.send().await.expect("an answer").status(), status, "{scheme} {name} {resource}");
    }
}
