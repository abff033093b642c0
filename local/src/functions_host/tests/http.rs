//! HTTP functions: forwarded or not, routes, keys, the admin API.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::support::{BROKEN, FakeHandler, World};
use crate::functions_host::FunctionsHost;

fn http_binding(route: &str, methods: &[&str], level: &str) -> Value {
    json!([{"type": "httpTrigger", "name": "req", "route": route, "methods": methods, "authLevel": level},
        {"type": "http", "direction": "out", "name": "res"}])
}

#[tokio::test]
async fn a_forwarded_request_arrives_as_it_was_sent_and_its_answer_too() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &json!({"customHandler": {"enableForwardingHttpRequest": true}}));
    world.function("Products", &http_binding("products/{id}", &["PUT"], "anonymous"), &Value::Null);
    let host = world.start().await.expect("started");
    let client = reqwest::Client::new();
    handler.will_answer(&[(409, "application/problem+json", "conflict")]);
    let answer = client
        .put(format!("http://{}/api/products/a%20b?dry=1", host.address()))
        .header("x-own", "1")
        .body("{}")
        .send()
        .await
        .expect("answered");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (409, &"application/problem+json".parse().expect("a value"))
    );
    assert_eq!(answer.text().await.expect("text"), "conflict");
    let call = handler.next_call().await;
    assert_eq!((call.method.as_str(), call.path_and_query.as_str()), ("PUT", "/api/products/a%20b?dry=1"));
    assert_eq!((&call.headers["x-own"], &call.body[..]), (&"1".parse().expect("a value"), &b"{}"[..]));
    assert!(call.headers.contains_key("x-azure-functions-hostversion") && !call.invocation().is_empty());

    // A body without a length is not forwarded, and the function fails, as in the real host.
    let chunked = reqwest::Body::wrap_stream(futures::stream::iter([Ok::<_, std::io::Error>("lost")]));
    let answer = client.put(format!("http://{}/api/products/1", host.address())).body(chunked).send().await;
    assert_eq!(answer.expect("answered").status(), 500);
    assert!(handler.has_no_call());

    // Another method or path is not found.
    for url in ["api/products/1", "api/Products", "products/1"] {
        let answer = client.get(format!("http://{}/{url}", host.address())).send().await.expect("answered");
        assert_eq!(answer.status(), 404, "{url}");
    }
    host.stop().await;
}

/// What is judged as one path must not be forwarded as another: raw requests past the keys of a function, of the admin
/// API and of webhooks.
#[tokio::test]
async fn a_path_is_forwarded_as_it_was_judged_or_refused() {
    let mut world = World::new().await;
    world.enforce_keys = true;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &json!({"customHandler": {"enableForwardingHttpRequest": true}}));
    world.function("Site", &http_binding("site/{*path}", &["GET", "DELETE"], "anonymous"), &Value::Null);
    world.function("Ops", &http_binding("ops/{*path}", &["GET", "DELETE"], "function"), &Value::Null);
    world.function("Admin", &http_binding("managed", &["GET", "DELETE"], "admin"), &Value::Null);
    let host = world.start().await.expect("started");
    let key = host.function_key("Ops").expect("a key");
    for target in [
        "/api/site/..\\ops\\overview",
        "/api/site/..\\ops/overview",
        "/api/site\\..\\ops/overview",
        "\\api\\ops\\overview",
        "/api/site/../ops/overview",
        "/api/site/./x",
        "/api/site/x/..",
        "/api/site/%2e%2E/ops/overview",
        "/api/site/.%2e/ops/overview",
        "/api/site/%2E/x",
        "/api/site/..%2fops/overview",
        "/api/site/..%5cops%5Coverview",
        "/api/site/.\t./ops/overview",
        "/api/site/\u{0}",
        "/api/site/%00",
        "/api/site/caf\u{e9}",
        "/api/site/x?q=caf\u{e9}",
        "/api/site/a b",
        "/api/site/{x}",
        "/api/site/\"x\"",
        "/api/site/../../admin/host/keys",
        "/api/site/..\\..\\admin\\functions",
        "/admin/..\\api\\ops\\overview",
        "/admin/../api/managed",
        "/runtime/webhooks/eventgrid/..\\..\\..\\admin/functions",
        "/runtime/webhooks/../../admin/functions",
        "/runtime/webhooks/%2e%2e/%2e%2e/api/ops/overview",
        "http://127.0.0.1/api/site/..\\ops",
        "http://127.0.0.1/api/site/../ops",
        "*",
    ] {
        for method in ["GET", "DELETE"] {
            assert_eq!(raw(&host, method, target, "").await, 400, "{method} {target:?}");
        }
        assert_eq!(
            raw(&host, "GET", target, &format!("x-functions-key: {key}\r\n")).await,
            400,
            "{target:?} with a key"
        );
    }
    // However a path is spelled that asks for a key, it asks for it.
    for (target, expected) in [
        ("/api/ops/overview", 401),
        ("/API/ops/overview/", 401),
        ("/api/%6Fps/overview", 401),
        ("/api/managed", 401),
        ("http://localhost/api/ops/overview", 401),
        ("http://elsewhere.example/api/ops/overview", 421),
        ("/admin/functions", 401),
        ("/ADMIN/functions", 401),
        ("/admin//functions", 401),
        ("//admin/functions", 404),
        ("/%61dmin/functions", 401),
        // Segments with nothing in them are of no route.
        ("/API//ops/overview/", 404),
        ("//api/ops/overview", 404),
        ("/api/site///x", 404),
        ("/api/site/%252e%252e/x", 400),
        ("/api%2Fops/overview", 404),
        ("/api/site%2Fops", 404),
        ("/api/ops;x/overview", 404),
    ] {
        assert_eq!(raw(&host, "GET", target, "").await, expected, "{target}");
    }
    assert_eq!(raw(&host, "HEAD", "/api/site/x", "").await, 404);
    assert_eq!(raw(&host, "OPTIONS", "/api/ops/overview", "").await, 404);
    assert!(handler.has_no_call());
    assert_eq!(raw(&host, "get", "/api/site/x", "").await, 200);
    assert_eq!(handler.next_call().await.method, "GET");
    // Every other path arrives unescaped once and escaped anew, and so do queries.
    for (target, arrives) in [
        ("/api/site/a%20b/%C3%A4/%25/a%2Fb?x=%2e%2e/..&y=\\", "/api/site/a%20b/%C3%A4/%25/a%2Fb?x=..%2F..&y=%5C"),
        ("/%61pi/site/x///...", "/api/site/x///..."),
        ("/Api/Site/x;y=1,2@3:4!$&'()*+~|^[z]", "/Api/Site/x;y=1,2@3:4!$&'()*+~%7C%5E[z]"),
        ("/api/site/a%3Fb?c", "/api/site/a?c="),
        ("/api/site/a%2520b%41%5Cc", "/api/site/a%20bA/c"),
        ("/api/site/x?$filter=name%20eq%20'a'", "/api/site/x?$filter=name%20eq%20%27a%27"),
        ("/api/site/x#/../ops", "/api/site/x"),
        ("http://localhost/api/site/x?y", "/api/site/x?y="),
        ("/api/site/x//127.0.0.1@elsewhere.example/", "/api/site/x//127.0.0.1@elsewhere.example/"),
    ] {
        assert_eq!(raw(&host, "GET", target, "").await, 200, "{target}");
        assert_eq!(handler.next_call().await.path_and_query, arrives);
    }
    host.stop().await;
}

/// Status of the answer to a request, of which no client normalises anything.
async fn raw(host: &FunctionsHost, method: &str, target: &str, headers: &str) -> u16 {
    let mut connection = tokio::net::TcpStream::connect(host.address()).await.expect("connected");
    let request = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
    connection.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.expect("read");
    let answer = String::from_utf8_lossy(&answer);
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).expect("a status")
}

#[tokio::test]
async fn without_forwarding_the_output_binding_is_the_answer() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Orders", &http_binding("orders/{id:int?}", &["POST"], "anonymous"), &Value::Null);
    let host = world.start().await.expect("started");
    let client = reqwest::Client::new();
    let url = format!("http://{}/api/orders/7", host.address());
    handler.will_answer(&[
        (200, "application/json", r#"{"Outputs":{"res":{"statusCode":"201","body":{"a":1},"headers":{"x-own":"1"}}}}"#),
        BROKEN,
    ]);
    let answer = client.post(&url).body(r#"{"qty":2}"#).send().await.expect("answered");
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-own"]), (201, &"1".parse().expect("a value")));
    assert_eq!(answer.text().await.expect("text"), "{\n  \"a\": 1\n}");
    let call = handler.next_call().await;
    assert_eq!((call.method.as_str(), call.path_and_query.as_str()), ("POST", "/Orders"));
    assert_eq!(call.json()["Data"]["req"]["Params"], json!({"id": "7"}));
    assert_eq!(client.post(&url).body("{}").send().await.expect("answered").status(), 500);
    host.stop().await;
}

/// Routes are tried by the names of their functions, whatever they say; the host's page comes after them.
#[tokio::test]
async fn the_first_function_by_name_that_matches_is_called() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &json!({"extensions": {"http": {"routePrefix": ""}}}));
    world.function("b_special", &http_binding("items/special", &["GET"], "anonymous"), &Value::Null);
    world.function("AItem", &http_binding("items/{id}", &["GET", "PATCH"], "anonymous"), &Value::Null);
    world.function("BRest", &http_binding("items/{*rest}", &["GET"], "anonymous"), &Value::Null);
    let every = json!([{"type": "httpTrigger", "name": "req", "route": "{*path}", "authLevel": "anonymous"}]);
    world.function("Z", &every, &Value::Null);
    let host = world.start().await.expect("started");
    let client = reqwest::Client::new();
    for (method, path, function) in [
        ("GET", "items/special", "/AItem"),
        ("GET", "items/a/b", "/BRest"),
        ("GET", "", "/Z"),
        ("PURGE", "items/special", "/Z"),
        ("PATCH", "runtime/webhooks/eventgrid", "/Z"),
    ] {
        let request = client.request(method.parse().expect("a method"), format!("http://{}/{path}", host.address()));
        assert!(request.send().await.expect("answered").status().is_success(), "{method} {path}");
        assert_eq!(handler.next_call().await.path_and_query, function, "{method} {path}");
    }
    host.stop().await;
}

#[tokio::test]
async fn keys_are_asked_for_and_kept() {
    let mut world = World::new().await;
    world.enforce_keys = true;
    let handler = FakeHandler::start().await;
    world.with_handler(&handler, &json!({"customHandler": {"enableForwardingHttpRequest": true}}));
    world.function("Open", &http_binding("open", &["GET"], "anonymous"), &Value::Null);
    world.function("Closed", &http_binding("closed", &["GET"], "function"), &Value::Null);
    world.function("Admin", &http_binding("managed", &["GET"], "admin"), &Value::Null);
    world.function("OnEvent", &json!([{"type": "eventGridTrigger", "name": "ev"}]), &Value::Null);
    let host = world.start().await.expect("started");
    let client = reqwest::Client::new();
    let get = async |path: &str, key: Option<&str>| {
        let request = client.get(format!("http://{}/{path}", host.address()));
        let request = key.map_or_else(
            || request.try_clone().expect("no body"),
            |key| request.try_clone().expect("no body").header("x-functions-key", key),
        );
        request.send().await.expect("answered").status().as_u16()
    };
    let (own, master) = (host.function_key("Closed"), host.master_key());
    let (own, master) = (own.as_deref(), master.as_deref());
    assert_eq!(get("api/open", None).await, 200);
    assert_eq!(get("api/closed", None).await, 401);
    assert_eq!(get("api/closed", Some("wrong")).await, 401);
    assert_eq!(get("api/closed", host.function_key("Open").as_deref()).await, 401);
    assert_eq!(get("api/closed", own).await, 200);
    assert_eq!(get(&format!("api/closed?code={}", own.expect("a key").replace('=', "%3D")), None).await, 200);
    assert_eq!(get("api/managed", own).await, 401);
    assert_eq!(get("api/managed", master).await, 200);
    assert_eq!(get("admin/functions", own).await, 401);
    assert_eq!(get("admin/functions", master).await, 200);
    let event_grid = "runtime/webhooks/eventgrid?functionName=OnEvent";
    assert_eq!(get(event_grid, own).await, 401);
    assert_eq!(get(event_grid, host.extension_key("eventgrid").as_deref()).await, 400);
    // Each extension has a key of its own, and the master key opens all.
    assert_eq!(get(event_grid, host.extension_key("blobs").as_deref()).await, 401);
    assert_eq!(get("runtime/webhooks/blobs/below", host.extension_key("blobs").as_deref()).await, 400);
    assert_eq!(get("runtime/webhooks/EventGrid/below?functionName=OnEvent", master).await, 400);
    assert_eq!(get("runtime/webhooks/other", master).await, 404);
    assert_eq!(get("admin/host/ping", None).await, 200);
    let first = own.map(str::to_owned);
    host.stop().await;
    let again = world.start().await.expect("started");
    assert_eq!(again.function_key("Closed"), first);
    again.stop().await;
}

#[tokio::test]
async fn keys_are_listed_made_set_and_deleted_through_the_admin_api() {
    let mut world = World::new().await;
    world.enforce_keys = true;
    let handler = FakeHandler::start().await;
    world.with_handler(&handler, &json!({"customHandler": {"enableForwardingHttpRequest": true}}));
    world.function("Closed", &http_binding("closed", &["GET"], "function"), &Value::Null);
    let host = world.start().await.expect("started");
    let client = reqwest::Client::new();
    let admin = async |method: &str, path: &str, body: Value| {
        let method = method.parse::<http::Method>().expect("a method");
        let master = host.master_key().expect("a key");
        let url = format!("http://{}/admin/{path}", host.address());
        let request = client.request(method, url).header("x-functions-key", master);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let answer = request.send().await.expect("answered");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("text");
        (status, serde_json::from_str::<Value>(&text).unwrap_or(Value::Null))
    };
    let opens = async |key: &str| {
        let request = client.get(format!("http://{}/api/closed", host.address())).header("x-functions-key", key);
        request.send().await.expect("answered").status() == 200
    };
    let (status, made) = admin("POST", "functions/closed/keys/partner", Value::Null).await;
    assert_eq!((status, &made["name"]), (201, &json!("partner")));
    let made = made["value"].as_str().expect("a value");
    assert!(opens(made).await);
    let (_, listed) = admin("GET", "functions/Closed/keys", Value::Null).await;
    let names: Vec<&Value> = listed["keys"].as_array().expect("keys").iter().map(|key| &key["name"]).collect();
    assert_eq!(names, ["partner"], "a key that is made before any is asked for is alone");
    assert!(listed["keys"][0].get("links").is_none(), "{listed}");
    let href = format!("http://{}/admin/functions/Closed/keys", host.address());
    assert_eq!(listed["links"][0]["href"], href);
    assert_eq!(admin("POST", "functions/closed/keys/partner", Value::Null).await.0, 200);
    assert!(!opens(made).await, "renewed");
    assert_eq!(admin("PUT", "host/functionkeys/all", json!({"name": "all", "value": "mine"})).await.0, 201);
    assert!(opens("mine").await);
    // The name in the body does not count.
    assert_eq!(admin("PUT", "host/functionkeys/all", json!({"name": "other", "value": "mine"})).await.0, 200);
    assert_eq!(admin("PUT", "host/functionkeys/all", json!({"name": "all"})).await.0, 400);
    assert_eq!(admin("DELETE", "host/functionkeys/all", Value::Null).await.0, 204);
    assert_eq!(admin("DELETE", "host/functionkeys/all", Value::Null).await.0, 404);
    assert!(!opens("mine").await);
    let (_, system) = admin("GET", "host/systemkeys/eventgrid_extension", Value::Null).await;
    assert_eq!(system["value"].as_str(), host.extension_key("eventgrid").as_deref());
    let before = host.master_key();
    let (status, master) = admin("POST", "host/keys/_master", Value::Null).await;
    assert_eq!((status, master["value"].as_str()), (201, host.master_key().as_deref()));
    assert_ne!(host.master_key(), before);
    assert_eq!(admin("DELETE", "host/keys/_master", Value::Null).await.0, 400);
    assert_eq!(admin("GET", "host/keys/_master", Value::Null).await.0, 404);
    assert_eq!(admin("GET", "host/systemkeys/_master", Value::Null).await.1["value"], json!(host.master_key()));
    assert_eq!(admin("GET", "functions/nobody/keys", Value::Null).await.0, 404);
    host.stop().await;
}

#[tokio::test]
async fn the_admin_api_lists_functions_and_runs_timers() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Open", &http_binding("open", &["GET"], "anonymous"), &Value::Null);
    world.function("Tick", &json!([{"type": "timerTrigger", "name": "tick", "schedule": "0 0 0 1 1 *"}]), &Value::Null);
    world.write("local.settings.json", &json!({"Values": {"AzureWebJobs.Off.Disabled": true}}));
    world.function("Off", &http_binding("off", &["GET"], "anonymous"), &Value::Null);
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    assert_eq!(host.function_names(), ["Open", "Tick"]);
    let client = reqwest::Client::new();
    let url = |path: &str| format!("http://{}/{path}", host.address());
    let status: Value = serde_json::from_str(
        &client.get(url("admin/host/status")).send().await.expect("answered").text().await.expect("text"),
    )
    .expect("JSON");
    assert_eq!(status["state"], "Running");
    let listed: Value = serde_json::from_str(
        &client.get(url("admin/functions")).send().await.expect("answered").text().await.expect("text"),
    )
    .expect("JSON");
    assert_eq!((&listed[0]["name"], &listed[0]["isDisabled"]), (&json!("Off"), &json!(true)));
    assert_eq!(client.get(url("api/off")).send().await.expect("answered").status(), 404);
    assert_eq!(client.post(url("admin/functions/tick")).json(&json!({})).send().await.expect("answered").status(), 202);
    assert_eq!(handler.next_call().await.path_and_query, "/Tick");
    assert_eq!(client.post(url("admin/functions/Open")).json(&json!({})).send().await.expect("answered").status(), 202);
    // A page in a browser on this machine could send these without asking.
    for from in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        for method in [http::Method::POST, http::Method::GET] {
            let request = client.request(method, url("admin/functions/tick")).header(from.0, from.1);
            assert_eq!(request.send().await.expect("answered").status(), 403, "{from:?}");
        }
        let request = client.post(url("admin/functions/tick/keys/mine")).header(from.0, from.1);
        assert_eq!(request.send().await.expect("answered").status(), 403, "{from:?}");
    }
    let request = client.post(url("admin/functions/tick")).header("host", "evil.example");
    assert_eq!(request.send().await.expect("answered").status(), 421);
    host.stop().await;
    assert!(handler.has_no_call(), "nothing ran but what was asked for from here");
}

/// What a page may send to a function is the function's to say, by CORS; the host's name is not.
#[tokio::test]
async fn pages_from_elsewhere_reach_functions_under_the_hosts_own_names_only() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &json!({"customHandler": {"enableForwardingHttpRequest": true}}));
    world.function("Clicks", &http_binding("clicks", &["POST"], "anonymous"), &Value::Null);
    let host = world.start().await.expect("started");
    let post = |name: &str| {
        let request = reqwest::Client::new().post(format!("http://{}/api/clicks", host.address()));
        request.header("origin", "https://shop.example").header("host", name).body("{}").send()
    };
    assert_eq!(post("localhost:7071").await.expect("answered").status(), 200);
    assert_eq!(handler.next_call().await.headers["origin"], "https://shop.example");
    assert_eq!(post("shop.example").await.expect("answered").status(), 421);
    assert!(handler.has_no_call());
    host.stop().await;
}
