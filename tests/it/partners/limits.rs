//! Limits of a partner, which hold for requests that come at once too, and requests that are read strictly.

use futures::future::join_all;
use time::format_description::well_known::Rfc3339;

use super::*;
use crate::partner_redelivery::Receiver;

impl Partner<'_> {
    /// A body as it is, which is no wish of a program that can write JSON.
    async fn raw(&self, method: Method, path: &str, media: &str, body: &str) -> (u16, Value) {
        answer(self.request(method, path).header("content-type", media).body(body.to_owned())).await
    }

    /// How many keys count.
    async fn keys(&self) -> Vec<Value> {
        let (_, listed) = self.get("/keys").await;
        let keys = listed["items"].as_array().expect("items");
        keys.iter().filter(|key| key["counts"] == true).cloned().collect()
    }
}

fn count(statuses: &[(u16, Value)], status: u16) -> usize {
    statuses.iter().filter(|(one, _)| *one == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_for_requests_that_come_at_once() {
    let shop = Inside::start().await;
    let (acme, other) = (Partner::joins(&shop, "acme").await, Partner::joins(&shop, "other").await);

    // Twenty subscriptions of forty, and not fewer.
    let wish = |number| json!({"name": format!("hook-{number}"), "endpoint": "https://ok.example/", "paused": true});
    let made = join_all((0..40).map(|number| acme.post("/subscriptions", wish(number)))).await;
    assert_eq!((count(&made, 201), count(&made, 409)), (20, 20), "{made:?}");
    let (_, listed) = acme.get("/subscriptions").await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(20), "{listed}");

    // Two keys count, however many are asked for at once; of those that are to take the same one's place, one does.
    let key = json!({"scope": "write"});
    let made = join_all((0..8).map(|_| other.post("/keys", key.clone()))).await;
    assert_eq!((count(&made, 201), count(&made, 409)), (1, 7), "{made:?}");
    let second = made.iter().find(|(status, _)| *status == 201).expect("one").1["key"].clone();
    let second = Partner { key: second.as_str().expect("a key").to_owned(), ..other };
    let instead = json!({"scope": "write", "supersedes": &other.key[4..16], "graceHours": 0});
    let made = join_all((0..6).map(|_| second.post("/keys", instead.clone()))).await;
    assert_eq!(count(&made, 201), 1, "{made:?}");
    assert_eq!((second.keys().await.len(), other.get("").await.0), (2, 401), "{made:?}");
    let third = made.iter().find(|(status, _)| *status == 201).expect("one").1["key"].clone();
    let third = Partner { key: third.as_str().expect("a key").to_owned(), ..other };

    // Each revokes the other's at once: one of them is, the other request is refused, and the key that is left cannot be ended by itself.
    let (mut left, mut more) = (second, third);
    for round in 0..4 {
        let id = |partner: &Partner<'_>| format!("/keys/{}", &partner.key[4..16]);
        let (one, two) = (id(&left), id(&more));
        let ended = tokio::join!(left.call(Method::DELETE, &two, None), more.call(Method::DELETE, &one, None));
        let ended = [ended.0, ended.1];
        // Who comes after the end of its own key is 401.
        let refused = |answer: &(u16, Value)| {
            [(409, "/problems/last-write-key"), (401, "/problems/key-revoked")].contains(&kind(answer))
        };
        let is_one = count(&ended, 204) == 1 && ended.iter().filter(|answer| refused(answer)).count() == 1;
        assert!(is_one, "round {round}: {ended:?}");
        if left.get("").await.0 != 200 {
            std::mem::swap(&mut left, &mut more);
        }
        assert_eq!((left.get("").await.0, left.keys().await.len()), (200, 1), "round {round}: {ended:?}");
        let (status, made) = left.post("/keys", key.clone()).await;
        assert_eq!(status, 201, "{made}");
        more.key = made["key"].as_str().expect("a key").to_owned();
    }
    assert_eq!(left.call(Method::DELETE, &format!("/keys/{}", &more.key[4..16]), None).await.0, 204);
    let left = &left;
    let own = format!("/keys/{}", &left.key[4..16]);
    assert_eq!(kind(&left.call(Method::DELETE, &own, None).await), (409, "/problems/last-write-key"));
    let reader = json!({"scope": "read", "supersedes": &left.key[4..16]});
    assert_eq!(kind(&left.post("/keys", reader).await), (409, "/problems/last-write-key"));
    assert_eq!(left.get("").await.0, 200);

    // Twenty jobs of thirty: each waits for what is not captured yet.
    left.subscribes("prices", &Receiver::default(), json!({})).await;
    let (from, until) = (machine::now() - time::Duration::HOUR, machine::now() + time::Duration::minutes(4));
    let text = |at: OffsetDateTime| at.format(&Rfc3339).expect("a time");
    let wish = json!({"from": text(from), "until": text(until), "openWindow": "wait"});
    let jobs = format!("{HOOK}/redeliveries");
    let made = join_all((0..30).map(|_| left.post(&jobs, wish.clone()))).await;
    assert_eq!((count(&made, 202), count(&made, 409)), (20, 10), "{made:?}");
    let (_, jobs) = left.get(&format!("{jobs}?limit=100")).await;
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(20), "{jobs}");
    shop.stop().await;
}

#[tokio::test]
async fn requests_are_read_strictly_and_nothing_breaks() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    const JSON: &str = "application/json";

    let deep = "[".repeat(20_000);
    for body in
        [r#"{"name":1,"name":2}"#, r#"{"batching":{"maxEvents":1,"maxEvents":2}}"#, r#"{"name":"\ud800"}"#, &deep]
    {
        for (method, path) in
            [(Method::POST, "/subscriptions"), (Method::POST, "/subscriptions:preview"), (Method::POST, "/keys")]
        {
            let (status, problem) = acme.raw(method, path, JSON, body).await;
            assert_eq!(status, 400, "{path} {body:.40}: {problem}");
        }
    }
    // The key of a request that ran is no way around.
    let once = |body: &'static str| {
        let request = acme.request(Method::POST, "/subscriptions").header("idempotency-key", "k");
        answer(request.header("content-type", JSON).body(body))
    };
    let made = r#"{"name":"paused","endpoint":"https://ok.example/","paused":true}"#;
    assert_eq!(once(made).await.0, 201);
    let twice = r#"{"name":"other","endpoint":"https://ok.example/","paused":false,"paused":true,"name":"paused"}"#;
    assert_eq!(once(twice).await.0, 400);

    for number in
        ["5.0", "1e400", "-1e400", "-0", "-0.0", "9223372036854775808", "18446744073709551616", "1e-400", "0.1"]
    {
        for (path, member) in [
            ("/subscriptions:preview", "last"),
            ("/subscriptions:preview", "priceDropPercent"),
            ("/subscriptions/paused/secret", "overlapHours"),
            ("/subscriptions/paused/redeliveries:preview", "rate"),
            ("/keys", "graceHours"),
        ] {
            let (status, answer) = acme.raw(Method::POST, path, JSON, &format!("{{\"{member}\":{number}}}")).await;
            assert!(status < 500 && status != 404, "{path} {member} {number}: {status} {answer}");
        }
        let body = format!("{{\"batching\":{{\"maxEvents\":{number}}}}}");
        let (status, answer) = acme.raw(Method::PATCH, "/subscriptions/paused", JSON, &body).await;
        let expected: &[u16] = match number {
            "5.0" => &[200],
            // No number that a program can hold, and no JSON to one that keeps no digits of numbers: that hangs on whom it is built with.
            "1e400" | "-1e400" => &[400, 422],
            _ => &[422],
        };
        assert!(expected.contains(&status), "{number}: {status} {answer}");
    }
    assert_eq!(acme.get("/subscriptions/paused").await.1["batching"]["maxEvents"], 5);

    let patch = "application/merge-patch+json";
    assert_eq!(acme.raw(Method::POST, "/subscriptions", patch, made).await.0, 415);
    for media in [JSON, patch] {
        assert_eq!(acme.raw(Method::PATCH, "/subscriptions/paused", media, "{}").await.0, 200, "{media}");
    }

    // Of a name that there is, something else is not said to be made.
    let mut wish =
        json!({"name": "paused", "endpoint": "https://ok.example/", "paused": true, "batching": {"maxEvents": 5}});
    assert_eq!(acme.post("/subscriptions", wish.clone()).await.0, 200);
    wish["startFrom"] = json!(machine::now().format(&Rfc3339).expect("a time"));
    let refused = acme.post("/subscriptions", wish.clone()).await;
    assert_eq!(refused.0, 200, "from now on is the same as without: {refused:?}");
    wish["startFrom"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(kind(&acme.post("/subscriptions", wish.clone()).await), (409, "/problems/subscription-exists"));
    wish["startFrom"] = Value::Null;
    wish["paused"] = json!(false);
    assert_eq!(kind(&acme.post("/subscriptions", wish).await), (409, "/problems/subscription-exists"));
    let early = json!({"name": "early", "endpoint": "https://ok.example/", "startFrom": "2020-01-01T00:00:00Z"});
    let (status, refused) = acme.post("/subscriptions", early).await;
    assert!(status == 422 && refused["detail"].as_str().is_some_and(|said| said.contains("366 days")), "{refused}");

    // Queries, and colons however they are written.
    for (path, said) in [
        ("/audit?limit=x", "limit must be a whole number from 1 to 200"),
        ("/events?limit=0", "limit must be a whole number from 1 to 1000"),
        ("/events?since=yesterday", "since must be a time"),
        ("/subscriptions/paused/redeliveries?limit=1.5", "limit must be a whole number from 1 to 100"),
        ("/subscriptions/paused/failures?limit=501", "limit must be a whole number from 1 to 500"),
        ("/audit?limits=5", "known are: limit, before"),
        ("/audit?limit=5&limit=5", "limit came more than once in the query"),
        ("/events?limit=5&limit=6", "limit came more than once in the query"),
        ("/subscriptions/paused/failures?cursor=x&cursor=y", "cursor came more than once in the query"),
        ("/subscriptions?name=paused", "this takes none"),
        ("?x=1", "this takes none"),
    ] {
        let (status, problem) = acme.get(path).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.contains(said), "{path}: {status} {problem}");
    }
    // Every body is refused by the path of what is wrong in it, what was wanted and what came, in words of ours.
    let acme = Partner::joins(&shop, "beta").await;
    let paused = json!({"name": "paused", "endpoint": "https://ok.example/", "paused": true});
    assert_eq!(acme.post("/subscriptions", paused).await.0, 201);
    let (_, listener) = acme.post("/listeners", json!({})).await;
    let listener = |action: &str| format!("/listeners/{}/{action}", listener["id"].as_str().expect("an id"));
    let hook = |action: &str| format!("/subscriptions/paused/{action}");
    for (path, body, field, said) in [
        ("/keys".to_owned(), json!({"scope": "admin"}), "scope", "must be read or write; it is the string \"admin\""),
        ("/keys".to_owned(), json!({}), "scope", "is required"),
        (
            "/keys".to_owned(),
            json!({"scope": "read", "expires": "soon"}),
            "expires",
            "RFC 3339, as 2027-03-04T10:00:00Z; it is the string \"soon\"",
        ),
        ("/keys".to_owned(), json!({"scope": "read", "label": 7}), "label", "must be a string; it is the number 7"),
        ("/keys".to_owned(), json!({"scope": "read", "wait": 7}), "wait", "is unknown; known are scope, label"),
        (
            listener("receive"),
            json!({"max": "5"}),
            "max",
            "must be a whole number from 1 to 32; it is the string \"5\"",
        ),
        (listener("receive"), json!({"wait": 5}), "wait", "is unknown; known are max"),
        (listener("acknowledge"), json!({"receipts": ["x", 5]}), "receipts[1]", "must be a string; it is the number 5"),
        (listener("acknowledge"), json!({}), "receipts", "is required"),
        (listener("test"), json!({"set": []}), "set", "must be an object; it is an empty list"),
        (hook("test"), json!({"event": ["x"]}), "event", "must be a string; it is a list"),
        (
            hook("secret"),
            json!({"overlapHours": true}),
            "overlapHours",
            "must be a whole number from 1 to 168; it is true",
        ),
        (hook("pause"), json!({"reason": {}}), "reason", "must be a string; it is an object"),
        (hook("resume"), json!({"now": true}), "now", "is unknown; there are no members here"),
        (
            hook("redeliveries"),
            json!({"from": 5}),
            "from",
            "must be a time, RFC 3339, as 2026-03-04T10:00:00Z; it is the number 5",
        ),
        ("/subscriptions".to_owned(), json!({"name": 5}), "name", "must be a string; it is the number 5"),
        (
            "/subscriptions".to_owned(),
            json!({"handshake": "both"}),
            "handshake",
            "must be automatic or manual; it is the string",
        ),
        (
            "/subscriptions:preview".to_owned(),
            json!({"last": "many"}),
            "last",
            "must be a whole number of events, 1 to 1000; it is",
        ),
        ("/listeners".to_owned(), json!({"hours": "two"}), "hours", "must be a whole number of hours, 1 to 24; it is"),
    ] {
        let (status, problem) = eventually("an answer that is not 429", || async {
            let answer = acme.post(&path, body.clone()).await;
            if answer.0 == 429 { Err(answer.1.to_string()) } else { Ok(answer) }
        })
        .await;
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let is_said =
            |error: &Value| error["field"] == field && error["message"].as_str().is_some_and(|is| is.contains(said));
        assert!(matches!(status, 400 | 422) && errors.iter().any(is_said), "{path} {body}: {status} {problem}");
    }

    // Spaces between the scheme and the key, which nobody sees.
    let spaced = acme.shop.http.get(format!("{}/api/partners/beta", shop.stack.endpoints().functions));
    assert_eq!(answer(spaced.header("authorization", format!("bearer  {}", acme.key))).await.0, 200);

    // A key that ends soon says so, and so does each answer about keys where all that may write end by themselves.
    let soon = (machine::now() + time::Duration::days(7)).replace_nanosecond(0).expect("a time");
    let until = soon.format(&Rfc3339).expect("a time");
    assert_eq!(acme.get("/keys").await.1["writeUntil"], Value::Null);
    let wish = json!({"scope": "write", "expires": until, "label": "ends"});
    let (status, ends) = acme.post("/keys", wish).await;
    assert_eq!((status, &ends["writeUntil"]), (201, &Value::Null), "the other does not end: {ends}");
    let ending = Partner { key: ends["key"].as_str().expect("a key").to_owned(), ..acme };
    let revoked =
        ending.request(Method::DELETE, &format!("/keys/{}", &acme.key[4..16])).send().await.expect("an answer");
    assert_eq!(revoked.status().as_u16(), 204);
    for told in ["x-contoso-write-until", "x-contoso-key-expires"] {
        assert_eq!(revoked.headers()[told], until.as_str(), "{told}");
    }
    assert_eq!(ending.get("/keys").await.1["writeUntil"], until.as_str());
    let acme = ending;
    let reader = acme.with_key(Scope::Read, None).await;
    for path in ["/subscriptions%3Apreview", "/subscriptions%3apreview", "/subscriptions/paused/redeliveries%3Apreview"]
    {
        let (status, answer) = reader.post(path, json!({"from": "2026-11-01T00:00:00Z"})).await;
        assert!(![403, 404].contains(&status), "{path}: {status} {answer}");
    }
    shop.stop().await;
}
