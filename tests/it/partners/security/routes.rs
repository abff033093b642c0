//! Who may not, on every route.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_tells_or_does_anything_for_another_partner() {
    let shop = Inside::start().await;
    let (acme, other) = (Partner::joins(&shop, "acme").await, Partner::joins(&shop, "rival").await);
    let reader = acme.with_key(Scope::Read, None).await;
    let (webhook, theirs) = (Webhook::default(), Webhook::default());
    webhook.set(true);
    theirs.set(true);
    let endpoint = webhook.serve().await;
    let wish = json!({"name": "hidden-acme", "endpoint": endpoint, "categories": ["Ropes"]});
    assert_eq!(acme.post("/subscriptions", wish).await.0, 201);
    acme.stands("/subscriptions/hidden-acme", "active").await;
    shop.put("rope", &product("Ropes", "5.00")).await;
    webhook.gets("an event", |event| event["subject"] == "rope").await;
    let job = json!({"from": "2026-01-01T00:00:00Z", "openWindow": "wait"});
    let (status, job) = acme.post("/subscriptions/hidden-acme/redeliveries", job).await;
    assert_eq!(status, 202, "{job}");
    let job = job["id"].as_str().expect("an id").to_owned();
    let state = async || {
        let (_, mut subscription) = acme.get("/subscriptions/hidden-acme").await;
        let (_, mut keys) = acme.get("/keys").await;
        // When a key was last used, and the looks at a subscription, are no change of it.
        for key in keys["items"].as_array_mut().expect("keys") {
            key["lastUsed"] = Value::Null;
        }
        subscription["looked"] = Value::Null;
        let (_, job) = acme.get(&format!("/subscriptions/hidden-acme/redeliveries/{job}")).await;
        (subscription, keys, job["ended"].clone(), job["from"].clone())
    };
    let before = state().await;
    let (_, secret) = acme.get("/subscriptions/hidden-acme/secret").await;
    let secret = secret["versions"][0]["secret"].as_str().expect("a secret").to_owned();
    let acme_key = &acme.key[4..16];

    let (routes, methods) = (routes(&shop), methods());
    let names = |partner| Names { partner, subscription: "hidden-acme", key: acme_key, job: &job, event: "rope-1" };
    let host = endpoint.split('/').nth(2).expect("a host");
    let is_silent = |what: &str, headers: &HeaderMap, text: &str| {
        let said = format!("{headers:?} {text}").to_lowercase();
        for mark in ["acme", acme_key, job.as_str(), host, CREDENTIAL, &secret] {
            assert!(!said.contains(&mark.to_lowercase()), "{what} tells {mark}: {said}");
        }
    };

    // With no key, a made-up one, another partner's, and one that is whole but for its end.
    let mut mistyped = acme.key.clone();
    let last = if mistyped.pop() == Some('0') { '1' } else { '0' };
    mistyped.push(last);
    let keys = [String::new(), ApiKey::of([9; RANDOM]).reveal().to_owned(), other.key.clone(), mistyped];
    let strangers = keys.map(|key| Partner { shop: &shop, name: "acme", key });
    let mut refusals = BTreeSet::new();
    for route in &routes {
        let path = names("acme").fill(route);
        let mut refused = 0;
        for (stranger, method) in strangers.iter().flat_map(|one| methods.iter().map(move |method| (one, method))) {
            let what = format!("{method} {route}");
            let (status, headers, text) = stranger.sends(|| stranger.to(method, &path).json(&json!({}))).await;
            is_silent(&what, &headers, &text);
            match status.as_u16() {
                401 => {
                    refused += 1;
                    refusals.insert(text);
                }
                // The method is none of this path, which everybody may know.
                404 | 405 => {}
                // A browser's preflight, which never has a key.
                200 if *method == Method::OPTIONS && text.is_empty() => {}
                status => panic!("{what}: {status} {text}"),
            }
        }
        assert!(refused >= strangers.len(), "{route} asks nobody for a key");
    }
    refusals.remove("");
    assert_eq!(refusals.len(), 1, "nothing tells them apart: {refusals:?}");

    // Another partner, by its own name, at what is acme's.
    let endpoint = theirs.serve().await;
    for route in &routes {
        let path = names("rival").fill(route);
        let is_theirs = path != names("rival").fill(&route.replace("{subscription}", "x").replace("{key}", "x"));
        for method in &methods {
            let what = format!("{method} {route}");
            let body = json!({"name": "prices", "endpoint": endpoint});
            let body = if route.ends_with("/subscriptions") { body } else { json!({}) };
            let (status, headers, text) = other.sends(|| other.to(method, &path).json(&body)).await;
            is_silent(&what, &headers, &text);
            assert!(!status.is_server_error(), "{what}: {status} {text}");
            // A browser's preflight says nothing of what is there.
            let is_preflight = *method == Method::OPTIONS && status == 200 && text.is_empty();
            assert!(!is_theirs || status.is_client_error() || is_preflight, "{what}: {status} {text}");
        }
    }

    // A key that may only read changes nothing, but may listen.
    for route in routes.iter().filter(|route| !route.contains("/listeners")) {
        let path = names("acme").fill(route);
        for method in [Method::POST, Method::PATCH, Method::DELETE] {
            let (status, _, text) = reader.sends(|| reader.to(&method, &path).json(&json!({}))).await;
            let is_preview = route.to_lowercase().replace("%3a", ":").ends_with(":preview") && method == Method::POST;
            let is_refused = matches!(status.as_u16(), 403..=405);
            assert!(is_refused || is_preview && !status.is_server_error(), "{method} {route}: {status} {text}");
        }
    }

    assert_eq!(state().await, before, "it is as it was");
    let (_, audit) = acme.get("/audit?limit=200").await;
    for entry in audit["items"].as_array().expect("entries") {
        assert!([acme_key, &reader.key[4..16]].contains(&entry["key"].as_str().expect("a key")), "{entry}");
    }
    let (status, _) = acme.call(Method::DELETE, &format!("/subscriptions/hidden-acme/redeliveries/{job}"), None).await;
    assert_eq!(status, 200);
    shop.stop().await;
}

/// What a partner may have is so much also where it asks for all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_get_no_more_than_one_after_the_other() {
    let shop = Inside::start().await;
    let (acme, other) = (Partner::joins(&shop, "acme").await, Partner::joins(&shop, "other").await);
    let webhook = Webhook::default();
    webhook.set(true);
    let endpoint = webhook.serve().await;
    let made = (0..40).map(|number| {
        let wish = json!({"name": format!("many-{number}"), "endpoint": endpoint, "paused": true});
        let acme = &acme;
        async move { kind_of(acme.post("/subscriptions", wish).await) }
    });
    let made = futures::future::join_all(made).await;
    let refused = made.iter().filter(|made| **made == (409, "/problems/too-many-subscriptions".to_owned())).count();
    let there = acme.get("/subscriptions").await.1["items"].as_array().map(Vec::len);
    assert!(there <= Some(20) && there == Some(40 - refused), "{there:?}, {made:?}");

    // Two keys count, however many are asked for.
    let keys = (0..8).map(|_| acme.post("/keys", json!({"scope": "read"})));
    let keys = futures::future::join_all(keys).await;
    let counting = keys.iter().filter(|(status, _)| *status == 201).count();
    assert!(counting <= 1, "{keys:?}");
    let listed = acme.get("/keys").await.1;
    let counts = listed["items"].as_array().expect("keys").iter().filter(|key| key["counts"] == true).count();
    assert!(counts <= 2, "{listed}");

    // The same request many times at once, under one Idempotency-Key: one effect. Another partner's key of that text is another.
    let wish = json!({"name": "once", "endpoint": endpoint, "paused": true});
    let again = (0..10).map(|_| {
        let request = other.request(Method::POST, "/subscriptions").header("idempotency-key", "k").json(&wish);
        async { kind_of(answer(request).await) }
    });
    let again = futures::future::join_all(again).await;
    assert!(again.iter().any(|(status, _)| *status == 201), "{again:?}");
    assert!(again.iter().all(|(status, kind)| *status == 201 || kind == "/problems/still-running"), "{again:?}");
    let once_more = other.request(Method::POST, "/subscriptions").header("idempotency-key", "k").json(&wish);
    assert_eq!(kind_of(answer(once_more).await).0, 201);
    let (_, audit) = other.get("/audit?limit=200").await;
    let entries = audit["items"].as_array().expect("entries");
    assert_eq!((&entries[0]["status"], &entries[0]["replayed"]), (&json!(201), &json!(true)), "{audit}");
    let done = entries.iter().filter(|entry| entry["status"] == 201 && entry["replayed"].is_null()).count();
    assert_eq!(done, 1, "{audit}");
    let effects = other.get("/subscriptions").await.1["items"][0]["revision"].clone();
    assert_eq!(effects, 1, "{audit}");
    shop.stop().await;
}

fn kind_of(answer: (u16, Value)) -> (u16, String) {
    let (status, kind) = kind(&answer);
    (status, kind.to_owned())
}
