//! The registry over HTTP.

use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{Purpose, SchemaRegistry};
use crate::{
    clock::Clock,
    identity::Identity,
    storage::{Storage, Sync},
    topology::{Compatibility, SchemaGroup},
};

const AVRO: &str = "application/json; serialization=Avro";
const NAME: &str = "com.contoso.Product";

struct Fixture {
    directory: TempDir,
    identity: Identity,
    registry: SchemaRegistry,
}

impl Fixture {
    async fn start() -> Self {
        Self::on(TempDir::new().expect("a directory")).await
    }

    async fn on(directory: TempDir) -> Self {
        let open = async {
            loop {
                if let Ok(storage) = Storage::open(directory.path(), Sync::Process) {
                    return storage;
                }
                tokio::task::yield_now().await;
            }
        };
        let storage = tokio::time::timeout(Duration::from_secs(10), open).await.expect("the directory becomes free");
        let group = |name: &str, compatibility| SchemaGroup { name: name.to_owned(), compatibility };
        let groups = [group("strict", Compatibility::Backward), group("lax", Compatibility::None)];
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let identity = Identity::sample().await;
        let clock = Clock::of(&storage).expect("a clock");
        let registry = SchemaRegistry::start(&groups, "contoso", &identity, listener, &storage, &clock).await;
        Self { directory, identity, registry: registry.expect("started") }
    }

    async fn restart(self) -> Self {
        let Self { directory, registry, .. } = self;
        registry.stop().await;
        drop(registry);
        Self::on(directory).await
    }

    async fn call(&self, method: Method, path: &str, content_type: &str, body: impl Into<String>) -> Response {
        let url = format!("https://{}/{path}", self.registry.address());
        let token = self.identity.token("owner", "https://eventhubs.azure.net").expect("a token");
        let request = client().request(method, url).bearer_auth(token).query(&[("api-version", "2022-10")]);
        request.header("content-type", content_type).body(body.into()).send().await.expect("an answer")
    }

    async fn register(&self, group: &str, schema: &str) -> Response {
        self.call(Method::PUT, &format!("$schemaGroups/{group}/schemas/{NAME}"), AVRO, schema).await
    }

    async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path, "", "").await
    }
}

/// Trusts whoever answers: whose certificate it is, is another test's.
fn client() -> Client {
    Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client")
}

fn header<'r>(answer: &'r Response, name: &str) -> &'r str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

fn product(more: &str) -> String {
    format!(r#"{{"type":"record","name":"{NAME}","fields":[{{"name":"id","type":"string","doc":"SKU"}}{more}]}}"#)
}

const PRICE: &str = r#",{"name":"price","type":"long"}"#;
const PRICE_OR_ZERO: &str = r#",{"name":"price","type":"long","default":0}"#;

#[tokio::test]
async fn a_schema_is_found_by_id_by_content_and_by_version_after_a_restart_too() {
    let fixture = Fixture::start().await;
    let first = fixture.register("strict", &product("")).await;
    assert_eq!((first.status().as_u16(), header(&first, "schema-version")), (204, "1"));
    let id = header(&first, "schema-id").to_owned();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let second = fixture.register("strict", &product(PRICE_OR_ZERO)).await;
    assert_eq!(header(&second, "schema-version"), "2");

    let fixture = fixture.restart().await;
    // The same schema, spaced and ordered in another way, is the same version.
    let spaced = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&product("")).expect("JSON"));
    let again = fixture.register("strict", &spaced.expect("JSON")).await;
    assert_eq!((header(&again, "schema-id"), header(&again, "schema-version")), (id.as_str(), "1"));
    let by_content = format!("$schemaGroups/strict/schemas/{NAME}:get-id");
    let found = fixture.call(Method::POST, &by_content, AVRO, product("")).await;
    assert_eq!((found.status().as_u16(), header(&found, "schema-id")), (204, id.as_str()));

    for path in [format!("$schemaGroups/$schemas/{id}"), format!("%24schemaGroups/strict/schemas/{NAME}/versions/1")] {
        let found = fixture.get(&path).await;
        assert_eq!((found.status().as_u16(), header(&found, "content-type")), (200, AVRO), "{path}");
        assert_eq!(
            ["schema-id", "schema-version", "schema-group-name", "schema-name"].map(|name| header(&found, name)),
            [&id, "1", "strict", NAME]
        );
        assert_eq!(found.text().await.expect("a body"), product(""), "the text is as registered");
    }
    // Who has the text by its id reads by it, who asks for the id of a text writes, and who looks at a version only looks.
    let uses = fixture.registry.uses();
    let used: Vec<_> = uses.iter().map(|used| (used.version, used.caller.as_str(), used.purpose, used.times)).collect();
    let since_the_start = [(1, "owner", Purpose::Read, 1), (1, "owner", Purpose::Write, 1)];
    assert_eq!(used, since_the_start);
    let versions: Value =
        fixture.get(&format!("$schemaGroups/strict/schemas/{NAME}/versions")).await.json().await.expect("JSON");
    assert_eq!(versions, json!({ "schemaVersions": [1, 2], "Value": [1, 2] }));
    let groups: Value = fixture.get("$schemaGroups").await.json().await.expect("JSON");
    assert_eq!(groups, json!({ "schemaGroups": ["strict", "lax"], "Value": ["strict", "lax"] }));

    let fresh = Fixture::start().await.register("strict", &product("")).await;
    assert_eq!(header(&fresh, "schema-id"), id, "a fresh stack gives the same id");
}

#[tokio::test]
async fn each_version_must_read_what_all_earlier_ones_wrote() {
    let fixture = Fixture::start().await;
    assert_eq!(fixture.register("strict", &product("")).await.status(), 204);
    assert_eq!(fixture.register("strict", &product(PRICE_OR_ZERO)).await.status(), 204);
    // It reads version 2, but not version 1.
    let refused = fixture.register("strict", &product(PRICE)).await;
    assert_eq!((refused.status().as_u16(), header(&refused, "x-ms-error-code")), (409, "IncompatibleSchema"));
    let error: Value = refused.json().await.expect("JSON");
    let message = error["error"]["message"].as_str().expect("a message");
    assert!(message.contains("version 1") && message.contains("price"), "{message}");
    assert_eq!(fixture.register("lax", &product("")).await.status(), 204);
    assert_eq!(fixture.register("lax", &product(PRICE)).await.status(), 204);
}

/// `error` is a record by another name, at the top, in a field, in a union, in an array, and named again.
#[tokio::test]
async fn errors_are_records_by_another_name() {
    let fixture = Fixture::start().await;
    let error = |more: &str| {
        format!(
            r#"{{"type":"error","name":"{NAME}","fields":[
                {{"name":"cause","type":["null",{{"type":"error","name":"Cause","fields":[{{"name":"code","type":"int"}}]}}]}},
                {{"name":"others","type":{{"type":"array","items":"Cause"}}}},
                {{"name":"sort","type":{{"type":"record","name":"error","fields":[]}}}},
                {{"name":"again","type":"error"}},
                {{"name":"text","type":"string","default":"error","type_of":{{"type":"error","fields":[]}}}}{more}]}}"#
        )
    };
    let first = fixture.register("strict", &error("")).await;
    assert_eq!(first.status(), 204, "{}", first.text().await.expect("a body"));
    let id = header(&first, "schema-id").to_owned();
    let found = fixture.get(&format!("$schemaGroups/$schemas/{id}")).await;
    assert_eq!(found.text().await.expect("a body"), error(""), "the text is as registered");
    assert_eq!(fixture.register("strict", &error(PRICE)).await.status(), 409, "an error evolves as a record does");
    let second = fixture.register("strict", &error(PRICE_OR_ZERO)).await;
    assert_eq!((second.status().as_u16(), header(&second, "schema-version")), (204, "2"));
    let narrowed = error(PRICE_OR_ZERO).replace(r#""name":"code","type":"int""#, r#""name":"code","type":"boolean""#);
    assert_eq!(fixture.register("strict", &narrowed).await.status(), 409, "within an error too");
    // The other name is another text, and reads the same data.
    let record = error(PRICE_OR_ZERO).replace(r#"{"type":"error","name""#, r#"{"type":"record","name""#);
    let third = fixture.register("strict", &record).await;
    assert_eq!((third.status().as_u16(), header(&third, "schema-version")), (204, "3"));
    for broken in [
        r#"{"type":"error","name":"E"}"#,
        r#"{"type":"error","fields":[]}"#,
        r#"{"type":"mistake","name":"E","fields":[]}"#,
    ] {
        assert_eq!(fixture.register("lax", broken).await.status(), 400, "{broken}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_the_error_shape() {
    let fixture = Fixture::start().await;
    let schema = format!("$schemaGroups/strict/schemas/{NAME}");
    let by_content = format!("{schema}:get-id");
    let unknown = "$schemaGroups/$schemas/00000000000000000000000000000000";
    let json = "application/json; serialization=Json";
    let (put, post, get) = (Method::PUT, Method::POST, Method::GET);
    for (method, path, kind, body, status, code) in [
        (&put, schema.as_str(), AVRO, "", 400, "InvalidRequest"),
        (&put, &schema, AVRO, r#"{"type":"record","name":"x"}"#, 400, "InvalidRequest"),
        (&put, &schema, json, "{}", 415, "InvalidSchemaType"),
        (&put, &schema, "text/plain; charset=utf-8", "{}", 415, "InvalidSchemaType"),
        (&put, "$schemaGroups/none/schemas/a", AVRO, r#""string""#, 404, "ItemNotFound"),
        (&post, &by_content, AVRO, r#""string""#, 404, "ItemNotFound"),
        (&get, unknown, "", "", 404, "ItemNotFound"),
        (&get, "$schemaGroups/$schemas/short", "", "", 400, "InvalidRequest"),
        (&get, "$schemaGroups/strict/schemas/a/versions/1", "", "", 404, "ItemNotFound"),
        (&get, "$schemaGroups/strict/schemas/a/versions/one", "", "", 400, "InvalidRequest"),
        (&get, "elsewhere", "", "", 405, "MethodNotAllowed"),
    ] {
        let answer = fixture.call(method.clone(), path, kind, body).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "x-ms-error-code")), (status, code), "{path}");
        let error: Value = answer.json().await.expect("JSON");
        assert_eq!(error["error"]["code"], code);
    }
    let url = format!("http://{}/$schemaGroups", fixture.registry.address());
    assert_eq!(reqwest::get(url).await.expect("an answer").status(), 400, "api-version is required");
}

#[tokio::test]
async fn callers_show_a_token_and_need_a_role() {
    let fixture = Fixture::start().await;
    let ask = |scheme: &str, name: &str, resource: &str| {
        let token = fixture.identity.token(name, resource).expect("a token");
        let url = format!("{scheme}://{}/$schemaGroups?api-version=2022-10", fixture.registry.address());
        async move { client().get(url).bearer_auth(token).send().await.expect("an answer").status().as_u16() }
    };
    assert_eq!(ask("https", "owner", "https://contoso.servicebus.windows.net/").await, 200);
    assert_eq!(ask("http", "owner", "https://contoso.servicebus.windows.net/").await, 401);
    assert_eq!(ask("https", "owner", "https://storage.azure.com").await, 401);
    assert_eq!(ask("https", "stranger", "https://eventhubs.azure.net").await, 403);
    let url = format!("http://{}/$schemaGroups?api-version=2022-10", fixture.registry.address());
    assert_eq!(reqwest::get(url).await.expect("an answer").status(), 401);
}
