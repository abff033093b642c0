//! What the real host was seen to do where it is easily imagined otherwise: answers, keys, claims, the admin API, runs by hand.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    raw_handler::{OK, RawHandler},
    support::{FakeHandler, World},
};
use crate::functions_host::FunctionsHost;

fn http(route: &str, level: &str, output: Option<&str>) -> Value {
    let mut bindings = vec![json!({"type": "httpTrigger", "name": "req", "route": route, "authLevel": level})];
    bindings.extend(output.map(|name| json!({"type": "http", "direction": "out", "name": name})));
    Value::Array(bindings)
}

fn with_raw(world: &World, handler: &RawHandler, forwards: bool) {
    let description = json!({"defaultExecutablePath": "sleep", "arguments": ["1000"]});
    let handler = json!({"description": description, "port": handler.port, "enableForwardingHttpRequest": forwards});
    world.write("host.json", &json!({"version": "2.0", "customHandler": handler}));
}

/// The whole answer to raw bytes.
async fn exchange(host: &FunctionsHost, request: &[u8]) -> String {
    let mut connection = tokio::net::TcpStream::connect(host.address()).await.expect("connected");
    connection.write_all(request).await.expect("written");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(host: &FunctionsHost, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{}/{path}", host.address())).await.expect("answered");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

#[tokio::test]
async fn a_forwarded_body_needs_a_length_and_the_reason_phrase_comes_back() {
    let world = World::new().await;
    let mut handler = RawHandler::answering(|_| "HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n").await;
    with_raw(&world, &handler, true);
    world.function("Any", &http("any", "anonymous", Some("res")), &Value::Null);
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    let head = "POST /api/any HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");
    let refused = exchange(&host, chunked.as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 500 "), "{refused}");
    assert!(handler.has_none(), "the handler is not called");
    // Of the headers of a body its type goes along, with a body; what belongs to the connection does.
    let of_body = "Content-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Language: de\r\nLast-Modified: x";
    let head = format!("{head}{of_body}\r\nTE: trailers\r\nProxy-Authorization: x\r\n");
    let sent = exchange(&host, format!("{head}Content-Length: 2\r\n\r\n{{}}").as_bytes()).await;
    assert!(sent.starts_with("HTTP/1.1 200 X\r\n"), "{sent}");
    let named = |headers: Vec<(String, String)>| headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let ours = ["X-Azure-Functions-HostVersion", "X-Azure-Functions-InvocationId"];
    let of_request = ["Connection", "Host", "Proxy-Authorization", "TE"];
    let mut whole = named(handler.next().await.1);
    whole.retain(|name| !ours.contains(&name.as_str()) && name != "User-Agent");
    assert_eq!(whole, [&of_request[..], &["Content-Length", "Content-Type"]].concat());
    exchange(&host, format!("{head}Content-Length: 0\r\n\r\n").as_bytes()).await;
    assert!(!named(handler.next().await.1).contains(&"Content-Type".to_owned()));
    // Bytes beyond ASCII, be they UTF-8 or not.
    for target in [&b"/api/any?q=\xe4"[..], b"/api/\xe4", "/api/any?q=ä".as_bytes()] {
        let request = [b"GET ", target, b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"].concat();
        let refused = exchange(&host, &request).await;
        assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
    }
    host.stop().await;
}

/// As .NET's client follows it: what was a POST comes again as a GET, without its body. Where requests are forwarded, the client
/// follows none.
#[tokio::test]
async fn a_redirect_of_an_invocation_is_followed_unless_requests_are_forwarded() {
    let world = World::new().await;
    let mut handler = RawHandler::answering(|request| match request {
        "POST /Tick HTTP/1.1" => "HTTP/1.1 301 Moved\r\nLocation: /Tick/\r\nContent-Length: 0\r\n\r\n",
        _ => OK,
    })
    .await;
    with_raw(&world, &handler, false);
    world.function("Tick", &json!([{"type": "timerTrigger", "name": "tick", "schedule": "0 0 0 1 1 *"}]), &Value::Null);
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    assert!(host.fire_timer("Tick").await.expect("a timer"));
    assert!(!handler.next().await.2.is_empty());
    let (request, headers, body) = handler.next().await;
    assert_eq!((request.as_str(), body.as_str()), ("GET /Tick/ HTTP/1.1", ""));
    assert!(
        headers.iter().all(|(name, _)| !name.starts_with("Content-") && name != "Transfer-Encoding"),
        "{headers:?}"
    );
    host.stop().await;
    with_raw(&world, &handler, true);
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    assert!(!host.fire_timer("Tick").await.expect("a timer"));
    assert_eq!(handler.next().await.0, "POST /Tick HTTP/1.1");
    host.stop().await;
    assert!(handler.has_none());
}

#[tokio::test]
async fn an_answer_without_the_http_output_is_an_empty_object_or_204() {
    let world = World::new().await;
    let handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Named", &http("named", "anonymous", Some("res")), &Value::Null);
    world.function("Returned", &http("returned", "anonymous", Some("$return")), &Value::Null);
    let host = world.start().await.expect("started");
    assert_eq!(get(&host, "api/named").await, (200, "{}".to_owned()));
    assert_eq!(get(&host, "api/returned").await, (204, String::new()));
    host.stop().await;
}

#[tokio::test]
async fn a_function_is_told_by_which_key_it_was_called() {
    let mut world = World::new().await;
    world.enforce_keys = true;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Open", &http("open", "anonymous", Some("res")), &Value::Null);
    world.function("Closed", &http("closed", "function", Some("res")), &Value::Null);
    let host = world.start().await.expect("started");
    let stored = |file: &str| world.services.blobs.get("azure-webjobs-secrets", &format!("test/{file}")).expect("read");
    assert!(stored("host.json").is_none() && stored("closed.json").is_none(), "nobody brought a key so far");
    assert_eq!(get(&host, "api/open").await.0, 200);
    let identity = handler.next_call().await.json()["Data"]["req"]["Identities"][0].clone();
    assert_eq!((&identity["IsAuthenticated"], &identity["Claims"]), (&json!(false), &json!([])));

    assert_eq!(get(&host, "api/closed?code=wrong").await.0, 401);
    let document = stored("host.json").expect("made by the first key").body;
    let text = String::from_utf8(document.to_vec()).expect("UTF-8");
    assert!(text.starts_with("{\n  \"masterKey\": {\n"), "{text}");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    for member in ["functionKeys", "systemKeys", "hostName", "instanceId", "source", "decryptionKeyId"] {
        assert!(document.get(member).is_some(), "{member}");
    }
    for (key, level, name) in [
        (host.function_key("Closed"), "Function", "default"),
        (host.master_key(), "Admin", "master"),
        (document["functionKeys"][0]["value"].as_str().map(str::to_owned), "Function", "default"),
    ] {
        assert_eq!(get(&host, &format!("api/closed?code={}", key.expect("a key"))).await.0, 200);
        let identity = handler.next_call().await.json()["Data"]["req"]["Identities"][0].clone();
        let claims: Vec<(&str, &str)> = identity["Claims"]
            .as_array()
            .expect("claims")
            .iter()
            .map(|claim| (claim["Type"].as_str().expect("text"), claim["Value"].as_str().expect("text")))
            .map(|(kind, value)| (kind.rsplit('/').next().unwrap_or_default(), value))
            .collect();
        assert_eq!(claims, [("authlevel", level), ("invoke", "true"), ("keyid", name)]);
    }
    host.stop().await;
}

#[tokio::test]
async fn webhooks_answer_in_plain_text_and_fail_over_what_is_no_json() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    let many = json!([{"type": "eventGridTrigger", "name": "evs", "cardinality": "many"}]);
    world.function("Many", &many, &Value::Null);
    world.function("One", &json!([{"type": "eventGridTrigger", "name": "ev"}]), &Value::Null);
    let host = world.start().await.expect("started");
    let post = async |name: &str, kind: &str, content_type: &str, body: &'static str| {
        let url = format!("http://{}/runtime/webhooks/eventgrid?functionName={name}", host.address());
        let request = reqwest::Client::new().post(url).header("content-type", content_type);
        let answer = request.header("aeg-event-type", kind).body(body).send().await.expect("answered");
        let of = answer.headers().get("content-type").map(|value| value.to_str().expect("text").to_owned());
        (answer.status().as_u16(), of.unwrap_or_default(), answer.text().await.expect("text"))
    };
    let plain = "text/plain; charset=utf-8".to_owned();
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let missing = post("Nope", "Notification", json, "[]").await;
    assert_eq!(missing, (404, plain.clone(), "cannot find function: 'Nope'".to_owned()));
    let validation = r#"[{"data":{"validationCode":"c0de"}}]"#;
    let validated = post("One", "SubscriptionValidation", json, validation).await;
    assert_eq!(validated, (200, plain, r#"{"validationResponse":"c0de"}"#.to_owned()));
    for (content_type, body) in [(json, "not JSON"), (json, "7"), (json, ""), (form, "[]")] {
        assert_eq!(post("One", "Notification", content_type, body).await.0, 500, "{content_type} {body}");
    }
    assert!(handler.has_no_call());
    assert_eq!(post("Many", "Notification", "text/plain", "[]").await.0, 202);
    assert_eq!(handler.next_call().await.json()["Data"]["evs"], "[]");
    host.stop().await;
}

#[tokio::test]
async fn the_admin_api_answers_what_tools_read() {
    let world = World::new().await;
    let handler = FakeHandler::start().await;
    let bundle = json!({"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.28.0, 5.0.0)"});
    world.with_handler(&handler, &json!({"extensionBundle": bundle}));
    world.function("Open", &http("open", "anonymous", Some("res")), &Value::Null);
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    let (_, status) = get(&host, "admin/host/status").await;
    let expected = r#"{"id":"test","state":"Running","version":"4.1037.0.0","versionDetails":"4.1037.0.0","platformVersion":"","instanceId":"00000000-0000-0000-0000-000000000001","computerName":"","processUptime":"#;
    let (uptime, rest) = status.strip_prefix(expected).and_then(|rest| rest.split_once(',')).expect(&status);
    uptime.parse::<u64>().expect("milliseconds");
    let bundle = r#"{"id":"Microsoft.Azure.Functions.ExtensionBundle","version":"4.28.0"}"#;
    assert_eq!(rest, format!(r#""functionAppContentEditingState":"Unknown","extensionBundle":{bundle}}}"#));
    assert_eq!(get(&host, "admin/functions/open/status").await, (200, "{}".to_owned()));
    assert_eq!(get(&host, "admin/functions/nobody/status").await.0, 404);
    let page = reqwest::get(format!("http://{}/", host.address())).await.expect("answered");
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-type"]),
        (200, &"text/html".parse().expect("a value"))
    );
    let lock = || world.services.blobs.get("azure-webjobs-hosts", "locks/test/host").expect("read");
    let held = || lock().is_some_and(|lock| lock.properties.metadata.contains_key("functioninstance"));
    world.until("the host's lock", held).await;
    let metadata = lock().expect("a lock").properties.metadata;
    assert_eq!(metadata["functioninstance"], "00000000-0000-0000-0000-000000000001");
    let restart = reqwest::Client::new().post(format!("http://{}/admin/host/restart", host.address()));
    assert_eq!(restart.send().await.expect("answered").status(), 200);
    host.restart_asked().await;
    host.stop().await;
}

#[tokio::test]
async fn a_function_of_every_kind_runs_by_hand() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    let functions = [
        ("Http", http("x", "anonymous", Some("res"))),
        ("Tick", json!([{"type": "timerTrigger", "name": "tick", "schedule": "0 0 0 1 1 *"}])),
        (
            "Work",
            json!([{"type": "queueTrigger", "name": "item", "queueName": "work", "connection": "AzureWebJobsStorage"}]),
        ),
        ("One", json!([{"type": "eventGridTrigger", "name": "ev"}])),
        ("Many", json!([{"type": "eventGridTrigger", "name": "evs", "cardinality": "many"}])),
        ("OnBlob", json!([{"type": "blobTrigger", "name": "blob", "path": "incoming/{name}", "source": "EventGrid"}])),
        (
            "Feed",
            json!([{"type": "cosmosDBTrigger", "name": "docs", "connection": "Cosmos", "databaseName": "catalog",
                "containerName": "products", "leaseContainerName": "leases"}]),
        ),
        (
            "Hub",
            json!([{"type": "eventHubTrigger", "name": "events", "eventHubName": "orders", "consumerGroup": "site",
                "connection": "EventHubs", "cardinality": "many", "dataType": "string"}]),
        ),
    ];
    for (name, bindings) in &functions {
        world.function(name, bindings, &Value::Null);
    }
    world.services.queues.create("work").expect("created");
    world.services.blobs.create_container("incoming").expect("created");
    world.services.blobs.put("incoming", "a.txt", "hello".into(), Default::default()).expect("stored");
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    let post = async |name: &str, body: String| {
        let request = reqwest::Client::new().post(format!("http://{}/admin/functions/{name}", host.address()));
        request.header("content-type", "application/json").body(body).send().await.expect("answered").status().as_u16()
    };
    let document = r#"{"id":"e","data":{"a":1}}"#;
    let quoted = json!(json!(document).to_string());
    for (name, input, data) in [
        ("tick", "", json!({"Schedule": {"AdjustForDST": true}})),
        ("work", document, quoted.clone()),
        ("One", document, json!({"id": "e", "data": {"a": 1}})),
        ("feed", document, quoted),
        ("hub", document, json!(json!([document]).to_string())),
        ("onblob", "incoming/a.txt", json!("aGVsbG8=")),
    ] {
        assert_eq!(post(name, json!({"input": input}).to_string()).await, 202, "{name}");
        let call = handler.next_call().await.json();
        let (binding, value) = call["Data"].as_object().and_then(|data| data.iter().next()).expect("a value");
        match data.get("Schedule") {
            Some(schedule) => assert_eq!(value["Schedule"], *schedule, "{name}"),
            None => assert_eq!(*value, data, "{name}"),
        }
        assert_eq!(call["Metadata"][binding], json!(json!(input).to_string()), "{name}");
        if name == "work" {
            let metadata = &call["Metadata"];
            assert_eq!((&metadata["DequeueCount"], &metadata["id"]), (&json!("0"), &json!(r#""e""#)));
            assert!(metadata.get("PopReceipt").is_none(), "{metadata}");
        }
    }
    // Taken, and failed afterwards.
    for name in ["Http", "Many", "OnBlob"] {
        assert_eq!(post(name, json!({"input": document}).to_string()).await, 202, "{name}");
    }
    assert_eq!(post("Nobody", "{}".to_owned()).await, 404);
    assert_eq!(post("Tick", "not JSON".to_owned()).await, 400);
    assert_eq!(post("Tick", String::new()).await, 400);
    let untyped = reqwest::Client::new().post(format!("http://{}/admin/functions/Tick", host.address()));
    assert_eq!(untyped.body("{}").send().await.expect("answered").status(), 415);
    host.stop().await;
    assert!(handler.has_no_call());
}

/// A connection string beats the settings of an identity, and names where checkpoints are.
#[tokio::test]
async fn checkpoints_lie_under_the_host_of_a_connection_string() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    let text = "Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=k;SharedAccessKey=a;UseDevelopmentEmulator=true";
    world.write("local.settings.json", &json!({"Values": {"EventHubs": text}}));
    let binding = json!([{"type": "eventHubTrigger", "name": "events", "eventHubName": "orders", "consumerGroup": "site",
        "connection": "EventHubs", "cardinality": "many", "dataType": "string"}]);
    world.function("Hub", &binding, &Value::Null);
    world.send("one");
    let host = world.start().await.expect("started");
    let call = handler.next_call().await.json();
    assert_eq!(call["Metadata"]["PartitionContext"]["FullyQualifiedNamespace"], "127.0.0.1");
    let checkpoint =
        || world.services.blobs.get("azure-webjobs-eventhub", "127.0.0.1/orders/site/checkpoint/0").expect("read");
    world.until("a checkpoint", || checkpoint().is_some()).await;
    host.stop().await;
}

#[tokio::test]
async fn timers_follow_the_zone_of_the_app() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("Tick", &json!([{"type": "timerTrigger", "name": "tick", "schedule": "0 0 9 * * *"}]), &Value::Null);
    world.write("local.settings.json", &json!({"Values": {"WEBSITE_TIME_ZONE": "Asia/Kolkata"}}));
    let host = world.start().await.expect("started");
    host.ready().await.expect("ready");
    assert!(host.fire_timer("Tick").await.expect("a timer"));
    let status = handler.next_call().await.json()["Data"]["tick"]["ScheduleStatus"].clone();
    assert!(status["Next"].as_str().expect("a time").ends_with("T09:00:00+05:30"), "{status}");
    assert_eq!(status["LastUpdated"], "0001-01-01T00:00:00+00:00");
    host.stop().await;
    world.write("local.settings.json", &json!({"Values": {"WEBSITE_TIME_ZONE": "India Standard Time"}}));
    let error = world.start().await.err().expect("refused").to_string();
    assert!(error.starts_with("local.settings.json: Values.WEBSITE_TIME_ZONE: 'India Standard Time'"), "{error}");
}
