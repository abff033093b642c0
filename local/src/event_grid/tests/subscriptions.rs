//! Subscriptions through Resource Manager: handshakes, reads, updates, refusals.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::support::{MANAGEMENT_VERSION, Receiver, Stack, agreement, plain, topology, until, web_hook};

#[tokio::test]
async fn the_cloud_events_handshake() {
    let stack = Stack::start().await;
    let agrees = Receiver::with_statuses(|_| 200).await;
    let operation = stack.subscribe("agrees", web_hook(&agrees.url, json!({}))).await;
    assert_eq!(operation["status"], "Succeeded");
    let asked = agrees.all().remove(0);
    assert_eq!(asked.method, Method::OPTIONS);
    assert_eq!(asked.header("webhook-request-origin"), "eventgrid.azure.net");
    assert!(asked.header("webhook-request-callback").starts_with(&format!("http://{}/", stack.grid.address())));

    let denies = Receiver::answering(|_, _| plain(405)).await;
    let stranger = Receiver::answering(|_, _| {
        let mut response = agreement();
        response.headers_mut().insert("webhook-allowed-origin", http::HeaderValue::from_static("elsewhere.example"));
        response
    })
    .await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}/", listener.local_addr().expect("an address"))
    };
    let closed = url::Url::parse(&closed).expect("a URL");
    for (name, url, expected) in [
        ("denies", &denies.url, "WebHook-Allowed-Origin"),
        ("stranger", &stranger.url, "elsewhere.example"),
        ("closed", &closed, "could not be reached"),
    ] {
        let operation = stack.subscribe(name, web_hook(url, json!({}))).await;
        assert_eq!(operation["status"], "Failed", "{name}");
        let message = operation["error"]["message"].as_str().expect("a message");
        assert!(message.starts_with("Webhook validation handshake failed for "), "{message}");
        assert!(message.contains(expected), "{message}");
        let (_, _, shown) = stack.call(Method::GET, &stack.subscription_url(name), None).await;
        assert_eq!(shown["properties"]["provisioningState"], "Failed");
    }
    stack.publish_order("1", json!({})).await;
    agrees.delivered(1).await;
    assert!(denies.deliveries().is_empty() && stranger.deliveries().is_empty());
}

#[tokio::test]
async fn consent_by_hand_through_the_callback() {
    let stack = Stack::start().await;
    let silent = Receiver::answering(|_, _| plain(200)).await;
    let body = json!({ "properties": web_hook(&silent.url, json!({})) });
    let url = stack.subscription_url("by-hand");
    let state = || async { stack.call(Method::GET, &url, None).await.2["properties"]["provisioningState"].clone() };
    let (_, headers, _) = stack.call(Method::PUT, &url, Some(body.clone())).await;
    until("the wait for consent", || async { (state().await == "AwaitingManualAction").then_some(()) }).await;
    let callback = silent.all()[0].header("webhook-request-callback").to_owned();
    assert_eq!(stack.call(Method::GET, &callback, None).await.0, 200);
    assert_eq!(stack.finished(&headers).await["status"], "Succeeded");
    assert_eq!(state().await, "Succeeded");
    assert_eq!(stack.call(Method::GET, &callback, None).await.0, 400, "only once");

    // An update is validated again; nobody consents in time, and what was in force stays.
    let (_, headers, _) = stack.call(Method::PUT, &url, Some(body)).await;
    until("the wait for consent", || async { (state().await == "AwaitingManualAction").then_some(()) }).await;
    stack.clock.advance(Duration::from_secs(601));
    assert_eq!(stack.finished(&headers).await["status"], "Failed");
    assert_eq!(state().await, "Succeeded");
}

#[tokio::test]
async fn the_event_grid_handshake() {
    let stack = Stack::start().await;
    let topic = stack.grid.topic_id("classic").expect("a topic");
    let answer = |respond: fn(&Value) -> (u16, Value)| {
        Receiver::answering(move |request, _| {
            let (status, body) = respond(&request.json()[0]);
            let mut response = plain(status);
            *response.body_mut() = axum::body::Body::from(body.to_string());
            response
        })
    };
    let echoes = answer(|event| (200, echo(event))).await;
    let accepted_only = answer(|event| (202, echo(event))).await;
    let wrong = answer(|_| (200, json!({ "validationResponse": "wrong" }))).await;
    for (name, receiver, status) in
        [("echoes", &echoes, "Succeeded"), ("accepted-only", &accepted_only, "Failed"), ("wrong", &wrong, "Failed")]
    {
        let url = format!("{}{topic}/eventSubscriptions/{name}?{MANAGEMENT_VERSION}", stack.resource_manager());
        let body =
            json!({ "properties": web_hook(&receiver.url, json!({ "eventDeliverySchema": "EventGridSchema" })) });
        let (created, headers, shown) = stack.call(Method::PUT, &url, Some(body)).await;
        assert_eq!(created, 201);
        assert_eq!(shown["type"], "Microsoft.EventGrid/topics/eventSubscriptions");
        assert_eq!(stack.finished(&headers).await["status"], status, "{name}");
        let asked = receiver.all().remove(0);
        assert_eq!(asked.header("aeg-event-type"), "SubscriptionValidation");
        assert_eq!(asked.json()[0]["eventType"], "Microsoft.EventGrid.SubscriptionValidationEvent");
    }
    let event = json!([{ "id": "1", "subject": "s", "eventType": "t", "eventTime": "2026-03-04T10:11:12Z", "data": {}, "dataVersion": "7" }]);
    stack.publish("classic", "application/json", event.to_string()).await;
    let delivery = echoes.delivered(1).await.remove(0);
    assert_eq!(delivery.header("aeg-data-version"), "7");
    assert_eq!(delivery.json()[0]["topic"], topic);
}

fn echo(validation: &Value) -> Value {
    json!({ "validationResponse": validation["data"]["validationCode"] })
}

#[tokio::test]
async fn reads_hide_secrets_and_updates_are_flat() {
    let stack = Stack::start().await;
    let partner = Receiver::with_statuses(|_| 200).await;
    let url = stack.subscription_url("acme");
    let secret = format!("{}?k=s3cret", partner.url);
    let destination = json!({ "endpointType": "WebHook", "properties": { "endpointUrl": secret,
        "deliveryAttributeMappings": [{ "name": "X-Key", "type": "Static", "properties": { "value": "abc", "isSecret": true } }] } });
    stack
        .subscribe("acme", web_hook(&partner.url, json!({ "destination": destination, "labels": ["partner:acme"] })))
        .await;
    let (_, _, shown) = stack.call(Method::GET, &url, None).await;
    let shown_destination = &shown["properties"]["destination"]["properties"];
    assert!(!shown.to_string().contains("s3cret") && !shown.to_string().contains("abc"));
    assert_eq!(shown_destination["endpointUrl"], Value::Null);
    assert_eq!(shown_destination["endpointBaseUrl"], partner.url.as_str());
    assert_eq!(shown["properties"]["retryPolicy"]["maxDeliveryAttempts"], 30);
    assert_eq!(shown["properties"]["topic"], stack.grid.topic_id("orders").expect("a topic"));
    let action = |name: &str| url.replace("?", &format!("/{name}?"));
    let (_, _, full) = stack.call(Method::POST, &action("getFullUrl"), None).await;
    assert_eq!(full["endpointUrl"], secret);
    let (_, _, attributes) = stack.call(Method::POST, &action("getDeliveryAttributes"), None).await;
    assert_eq!(attributes["value"][0]["properties"]["value"], "abc");

    let patch = json!({ "filter": { "includedEventTypes": ["other"] } });
    let (status, headers, _) = stack.call(Method::PATCH, &url, Some(patch)).await;
    assert_eq!(status, 201);
    assert_eq!(stack.finished(&headers).await["status"], "Succeeded");
    let (_, _, shown) = stack.call(Method::GET, &url, None).await;
    assert_eq!(shown["properties"]["filter"]["includedEventTypes"], json!(["other"]));
    assert_eq!(shown["properties"]["labels"], json!(["partner:acme"]), "what a PATCH leaves out stays");
    stack.publish_order("1", json!({})).await;

    let (status, headers, _) = stack.call(Method::DELETE, &url, None).await;
    assert_eq!(status, 202);
    assert_eq!(stack.finished(&headers).await["status"], "Succeeded");
    assert_eq!(stack.call(Method::GET, &url, None).await.0, 404);
    assert_eq!(stack.call(Method::DELETE, &url, None).await.0, 204);
    assert!(partner.deliveries().is_empty(), "the filter held");
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let stack = Stack::start().await;
    let partner = Receiver::with_statuses(|_| 200).await;
    for name in ["acme-1", "acme-2", "umbra-1"] {
        stack.subscribe(name, web_hook(&partner.url, json!({}))).await;
    }
    let list = stack.subscription_url("").replace("/?", "?");
    let names = |body: &Value| -> Vec<String> {
        let values = body["value"].as_array().expect("a list");
        values.iter().map(|value| value["name"].as_str().expect("a name").to_owned()).collect()
    };
    let (_, _, first) = stack.call(Method::GET, &format!("{list}&$top=2"), None).await;
    assert_eq!(names(&first), ["acme-1", "acme-2"]);
    let (_, _, second) = stack.call(Method::GET, first["nextLink"].as_str().expect("a link"), None).await;
    assert_eq!(names(&second), ["umbra-1"]);
    assert!(second.get("nextLink").is_none());
    let (_, _, found) = stack.call(Method::GET, &format!("{list}&$filter=contains(name, 'UMBRA')"), None).await;
    assert_eq!(names(&found), ["umbra-1"]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let stack = Stack::start().await;
    let hook = url::Url::parse("https://partner.example/hook").expect("a URL");
    let to = |endpoint_type: &str, properties: Value| json!({ "destination": { "endpointType": endpoint_type, "properties": properties } });
    for (name, properties, named) in [
        ("x", web_hook(&hook, json!({})), "3 to 64"),
        ("under_score", web_hook(&hook, json!({})), "under_score"),
        ("queue", to("StorageQueue", json!({ "resourceId": "/a", "queueName": "q" })), "not the name of a queue"),
        ("hub", to("EventHub", json!({ "resourceId": "/a" })), "event hub"),
        ("bus", to("ServiceBusQueue", json!({ "resourceId": "/a" })), "ServiceBusQueue"),
        ("plain-http", to("WebHook", json!({ "endpointUrl": "http://partner.example/" })), "https"),
        ("schema", web_hook(&hook, json!({ "eventDeliverySchema": "EventGridSchema" })), "EventGridSchema"),
        ("attempts", web_hook(&hook, json!({ "retryPolicy": { "maxDeliveryAttempts": 31 } })), "between 1 and 30"),
        ("expired", web_hook(&hook, json!({ "expirationTimeUtc": "2020-01-01T00:00:00Z" })), "future"),
        ("typo", web_hook(&hook, json!({ "lables": [] })), "lables"),
        (
            "reserved",
            to(
                "WebHook",
                json!({ "endpointUrl": hook.as_str(), "deliveryAttributeMappings": [
            { "name": "aeg-x", "type": "Static", "properties": { "value": "v" } }] }),
            ),
            "aeg-",
        ),
    ] {
        let body = json!({ "properties": properties });
        let (status, _, error) = stack.call(Method::PUT, &stack.subscription_url(name), Some(body)).await;
        assert_eq!(status, 400, "{name}: {error}");
        assert!(error["error"]["message"].as_str().expect("a message").contains(named), "{name}: {error}");
    }
    let without_version = stack.subscription_url("acme").replace("api-version", "version");
    let (status, _, error) = stack.call(Method::GET, &without_version, None).await;
    assert_eq!((status.as_u16(), error["error"]["code"].as_str()), (400, Some("MissingApiVersionParameter")));
}

#[tokio::test]
async fn a_subscription_of_the_topology_waits_for_its_endpoint_and_leaves_with_the_file() {
    let ready = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let partner = Receiver::answering({
        let ready = ready.clone();
        move |request, _| match (request.method == Method::OPTIONS, ready.load(std::sync::atomic::Ordering::SeqCst)) {
            (true, true) => agreement(),
            (true, false) => plain(503),
            (false, _) => plain(200),
        }
    })
    .await;
    let subscription = json!([{ "name": "deployed", "source": { "topic": "orders" }, "properties": web_hook(&partner.url, json!({})) }]);
    let mut stack = Stack::with(topology(subscription)).await;
    stack.publish_order("1", json!({})).await;
    until("the first question", || async { (!partner.all().is_empty()).then_some(()) }).await;
    assert!(partner.deliveries().is_empty());
    ready.store(true, std::sync::atomic::Ordering::SeqCst);
    let deliveries = until("the delivery", || async {
        stack.clock.advance(Duration::from_secs(1));
        let deliveries = partner.deliveries();
        (!deliveries.is_empty()).then_some(deliveries)
    })
    .await;
    assert_eq!(deliveries[0].json()["id"], "1", "nothing published meanwhile is lost");

    let questions = || partner.all().iter().filter(|request| request.method == Method::OPTIONS).count();
    let asked = questions();
    stack.restart().await;
    stack.publish_order("2", json!({})).await;
    partner.delivered(2).await;
    assert_eq!(questions(), asked, "an unchanged subscription is not asked again");

    let url = |stack: &Stack| stack.subscription_url("deployed");
    assert_eq!(stack.call(Method::GET, &url(&stack), None).await.0, 200);
    stack.restart_with(topology(json!([]))).await;
    assert_eq!(stack.call(Method::GET, &url(&stack), None).await.0, 404, "it left with the file");
}

#[tokio::test]
async fn resource_manager_asks_for_a_token_and_a_role() {
    let stack = Stack::start().await;
    let url = stack.subscription_url("mine");
    let management = "https://management.azure.com/";
    let ask = |token: Option<String>| {
        let request = stack.http.get(&url);
        async move {
            let answer = token.iter().fold(request, |request, token| request.bearer_auth(token)).send().await;
            let answer = answer.expect("an answer");
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.expect("JSON");
            (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
        }
    };
    assert_eq!(ask(None).await, (401, "AuthenticationFailed".to_owned()));
    assert_eq!(ask(Some("nonsense".to_owned())).await, (401, "AuthenticationFailed".to_owned()));
    let plain = stack.http.get(url.replacen("https:", "http:", 1)).bearer_auth(stack.token("owner", management));
    assert_eq!(plain.send().await.expect("an answer").status(), 401);
    let elsewhere = stack.token("owner", "https://eventgrid.azure.net");
    assert_eq!(ask(Some(elsewhere)).await, (401, "AuthenticationFailed".to_owned()));
    assert_eq!(ask(Some(stack.token("stranger", management))).await, (403, "AuthorizationFailed".to_owned()));
    assert_eq!(ask(Some(stack.token("owner", management))).await, (404, "ResourceNotFound".to_owned()));
}

/// The app's key goes along with what is sent to `{functionApp}`, so it leads to the app's webhooks and nowhere else.
#[tokio::test]
async fn an_address_of_the_app_is_below_its_webhooks_however_it_is_written() {
    let stack = Stack::start().await;
    let destination = |path: &str| {
        let url = format!("{{functionApp}}{path}");
        json!({ "properties": { "destination": { "endpointType": "WebHook", "properties": { "endpointUrl": url } } } })
    };
    for path in [
        "/runtime/webhooks/../../admin/x",
        "/runtime/webhooks/..\\..\\admin/x",
        "/runtime/webhooks/%2e%2e/%2E./admin/x",
        "/runtime/webhooks/.\t./../admin/x",
        "/runtime/webhooks/a#b",
        "/runtime/webhooks/a?b#c",
        "/runtime/webhooks/a?b\nc",
        "/runtime/webhooks/\u{e4}",
        "/runtime/webhooks",
        "//elsewhere.example/runtime/webhooks/a",
        "@elsewhere.example/runtime/webhooks/a",
        "\\runtime\\webhooks\\a",
        "/admin/functions",
    ] {
        let (status, _, body) =
            stack.call(Method::PUT, &stack.subscription_url("aside"), Some(destination(path))).await;
        assert_eq!(status, 400, "{path}: {body}");
        assert!(body["error"]["message"].as_str().expect("a message").contains("/runtime/webhooks/"), "{body}");
    }
    let path = "/runtime/webhooks/blobs?functionName=Host.Functions.On%20Blob";
    assert_eq!(stack.call(Method::PUT, &stack.subscription_url("aside"), Some(destination(path))).await.0, 201);
}

/// The switch decides by the address that is dialled, written in a URL or behind a name, and for handshakes and deliveries alike.
#[tokio::test]
async fn webhooks_lead_where_the_switch_allows_and_nowhere_else() {
    let public = json!({ "topics": [{ "name": "orders" }], "webhookEgress": "public" });
    let mut stack = Stack::start().await;
    let partner = Receiver::with_statuses(|_| 200).await;
    let port = partner.url.port().expect("a port");
    let named = url::Url::parse(&format!("http://localhost:{port}/hook?k=s3cret")).expect("a URL");
    assert_eq!(stack.subscribe("acme", web_hook(&named, json!({}))).await["status"], "Succeeded");
    for private in
        ["https://10.255.255.1/s3cret", "https://[fd00::1]/", "https://[::ffff:a9fe:a9fe]/", "https://0xa.1/"]
    {
        let private = url::Url::parse(private).expect("a URL");
        let operation = stack.subscribe("private", web_hook(&private, json!({}))).await;
        assert_eq!(operation["status"], "Failed", "{private}");
        let message = operation["error"]["message"].as_str().expect("a message");
        assert!(message.contains("`contoso up --webhooks any` allows it") && !message.contains("s3cret"), "{message}");
        let (_, _, shown) = stack.call(Method::GET, &stack.subscription_url("private"), None).await;
        assert_eq!(shown["properties"]["provisioningState"], "Failed");
    }
    stack.publish_order("1", json!({})).await;
    partner.delivered(1).await;

    stack.restart_with(serde_json::from_value(public).expect("a valid topology")).await;
    stack.publish_order("2", json!({})).await;
    let attempt = until("an attempt", || async { stack.grid.attempts("acme").pop() }).await;
    assert_eq!((attempt.outcome, attempt.status), ("AddressRefused", None));
    for url in [&named, &partner.url] {
        let operation = stack.subscribe("again", web_hook(url, json!({}))).await;
        let message = operation["error"]["message"].as_str().expect("a message");
        assert!(message.contains("`contoso up --webhooks loopback` allows it"), "{message}");
    }
    assert_eq!(partner.deliveries().len(), 1);
}

#[tokio::test]
async fn a_subscription_is_gone_when_its_time_has_come() {
    let stack = Stack::start().await;
    let partner = Receiver::with_statuses(|_| 500).await;
    let expires = crate::event_grid::event::timestamp(stack.clock.now() + Duration::from_secs(3600));
    let properties = web_hook(&partner.url, json!({ "expirationTimeUtc": expires, "labels": ["run:7"] }));
    stack.subscribe("for-an-hour", properties.clone()).await;
    let url = stack.subscription_url("for-an-hour");
    let (_, _, shown) = stack.call(Method::GET, &url, None).await;
    assert_eq!(
        (&shown["properties"]["expirationTimeUtc"], &shown["properties"]["labels"]),
        (&json!(expires), &json!(["run:7"]))
    );
    stack.publish_order("1", json!({})).await;
    partner.delivered(1).await;
    stack.clock.advance(Duration::from_secs(3600));
    let source = crate::event_grid::names::Source::Topic("orders".to_owned());
    let registered = || stack.grid.service.provisioning.registry.find(&source, "for-an-hour").is_some();
    until("its end", || async { (!registered()).then_some(()) }).await;
    assert_eq!(stack.call(Method::GET, &url, None).await.0, 404);
    let before = partner.deliveries().len();
    stack.clock.advance(Duration::from_secs(24 * 3600));
    stack.subscribe("for-an-hour", web_hook(&partner.url, json!({}))).await;
    stack.publish_order("2", json!({})).await;
    let next = partner.delivered(before + 1).await.pop().expect("a delivery");
    assert_eq!(next.json()["id"], "2", "what waited for the expired one is gone with it");
}
