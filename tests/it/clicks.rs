//! Clicks, from a page's `POST` to the visitor's list: what a second delivery, bad input, a flood and an erasure do.

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use time::{Duration, format_description::well_known::Rfc3339};

use crate::support::{Inside, eventually, machine::now};

const VISITOR: &str = "5f0d6b3c-2f7e-4c1e-9a57-0d9a2f8a7b11";

impl Inside {
    fn api(&self, path: &str) -> String {
        format!("{}/api/{path}", self.stack.endpoints().functions)
    }

    fn post_clicks(&self, clicks: &Value) -> RequestBuilder {
        self.http.post(self.api("clicks")).json(clicks)
    }

    /// What the site answers, and its headers.
    async fn site(&self, path: &str) -> Response {
        self.http.get(self.api(&format!("site/{path}"))).send().await.expect("an answer")
    }

    /// The products a visitor viewed, newest first.
    async fn viewed(&self, visitor: &str) -> Vec<String> {
        let list: Value = self.site(&format!("visitors/{visitor}")).await.json().await.expect("JSON");
        let items = list["items"].as_array().unwrap_or_else(|| panic!("no items: {list}"));
        items.iter().map(|item| item["productId"].as_str().expect("an id").to_owned()).collect()
    }

    async fn shows(&self, visitor: &str, products: &[&str]) {
        eventually(&format!("{products:?} in the list of {visitor}"), || async {
            let viewed = self.viewed(visitor).await;
            if viewed == products { Ok(()) } else { Err(format!("{viewed:?}")) }
        })
        .await;
    }
}

fn click(product: &str) -> Value {
    json!({ "productId": product, "visitorId": VISITOR, "consent": true })
}

/// RFC 3339.
fn minutes_ago(minutes: i64) -> String {
    let time = now() - Duration::minutes(minutes);
    time.format(&Rfc3339).expect("a time")
}

async fn body(answer: Response, status: StatusCode) -> Value {
    let (found, text) = (answer.status(), answer.text().await.expect("a body"));
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A click is in the visitor's list a moment later; once more delivered from the beginning, nothing is written.
#[tokio::test]
async fn a_click_is_viewed_and_a_second_delivery_writes_nothing() {
    let shop = Inside::start().await;
    // One after the other is seen: clicks of the same millisecond have no order.
    for (product, list) in [
        ("boots", ["boots"].as_slice()),
        ("rope", &["rope", "boots"]),
        ("boots", &["boots", "rope"]),
        ("tent", &["tent", "boots", "rope"]),
    ] {
        let answer =
            body(shop.post_clicks(&click(product)).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
        assert_eq!(answer, json!({ "accepted": 1, "refused": [] }));
        shop.shows(VISITOR, list).await;
    }
    shop.handles("clicks", "recently-viewed", 4).await;
    let before = shop.document("visitors", VISITOR, VISITOR).await;

    shop.stack.stop_app().await;
    shop.rewind().await;
    shop.run_app().await;
    shop.handles("clicks", "recently-viewed", 4).await;
    assert_eq!(shop.document("visitors", VISITOR, VISITOR).await, before, "not written again");
    shop.stop().await;
}

/// Bad clicks are named one by one, and what is bad as a whole is refused as a whole; nobody else notices.
#[tokio::test]
async fn bad_input_is_answered_clearly_and_disturbs_nobody() {
    let shop = Inside::start().await;
    let hour = |hours: i64| minutes_ago(-60 * hours);
    let mixed = json!([
        click("boots"),
        { "productId": "a/b", "visitorId": "short", "id": "0123456789abcdef" },
        { "productId": "rope", "time": hour(2) },
        { "productId": "rope", "time": hour(-25) },
        "rope",
        { "productId": "no-such-product", "visitorId": VISITOR, "consent": true, "time": hour(-23) },
    ]);
    let answer = body(shop.post_clicks(&mixed).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
    assert_eq!(answer["accepted"], 2, "{answer}");
    let refused: Vec<_> = answer["refused"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|refused| {
            let errors = refused["errors"].as_array().expect("errors").iter();
            let fields: Vec<_> = errors.map(|error| error["field"].as_str().expect("a field").to_owned()).collect();
            (refused["index"].as_u64().expect("a place"), fields.join(" "))
        })
        .collect();
    let expected = [(1, "productId visitorId"), (2, "time"), (3, "time"), (4, "")];
    assert_eq!(refused, expected.map(|(index, fields)| (index, fields.to_owned())), "{answer}");
    assert_eq!(answer["refused"][0]["id"], "0123456789abcdef");

    let none =
        body(shop.post_clicks(&json!({ "productId": 7 })).send().await.expect("an answer"), StatusCode::BAD_REQUEST)
            .await;
    assert_eq!(none["refused"][0]["errors"][0]["field"], "productId", "{none}");
    let post = |content_type: &'static str, body: String| {
        shop.http.post(shop.api("clicks")).header("content-type", content_type).body(body).send()
    };
    let many = json!(vec![json!({ "productId": "a" }); 501]).to_string();
    for (content_type, text, status) in [
        ("application/json", "{".to_owned(), 400),
        ("application/json", "[]".to_owned(), 400),
        ("application/xml", "<a/>".to_owned(), 415),
        ("application/json", many, 413),
        ("application/json", format!("[{}]", " ".repeat(10 << 20)), 413),
        ("application/cloudevents-batch+json", format!("[{}]", " ".repeat(10 << 20)), 413),
        ("application/cloudevents+json", json!({ "specversion": "0.3" }).to_string(), 400),
        ("application/json", "[".repeat(200_000), 400),
        ("application/json", json!({ "productId": "a", "time": "9999-12-31T23:59:59-23:00" }).to_string(), 400),
    ] {
        let answer = post(content_type, text).await.expect("an answer");
        assert_eq!(answer.status(), status, "{content_type}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    shop.shows(VISITOR, &["boots", "no-such-product"]).await;
    assert_eq!(shop.events_of("clicks"), 2, "nothing is sent of bad input");
    shop.stop().await;
}

/// One visitor sends far too much: that visitor is told to wait, others go on.
#[tokio::test]
async fn a_flood_by_one_visitor_is_refused_and_touches_nobody_else() {
    let shop = Inside::start().await;
    let flood = json!(vec![click("boots"); 400]);
    let first = body(shop.post_clicks(&flood).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
    assert_eq!(first["accepted"], 400);
    let second = body(shop.post_clicks(&flood).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
    let refused = second["refused"].as_array().expect("a list");
    assert!(!refused.is_empty() && refused.iter().all(|click| click["errors"][0]["field"] == "visitorId"), "{second}");
    // Single clicks come faster than the allowance grows; those of a whole request may not, on a slow machine.
    let third = eventually("nothing left of the allowance", || async {
        let mut posts = tokio::task::JoinSet::new();
        for _ in 0..100 {
            posts.spawn(shop.post_clicks(&click("boots")).send());
        }
        let mut answers = posts.join_all().await.into_iter().map(|answer| answer.expect("an answer"));
        let refused = answers.find(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
        refused.ok_or_else(|| "all were taken".to_owned())
    });
    let other = json!({ "productId": "rope", "visitorId": "another-visitor", "consent": true });
    let (third, other) = tokio::join!(third, shop.post_clicks(&other).send());
    assert!(third.headers()["retry-after"].to_str().expect("text").parse::<u32>().expect("seconds") > 0);
    assert_eq!(body(other.expect("an answer"), StatusCode::ACCEPTED).await["accepted"], 1);
    shop.shows("another-visitor", &["rope"]).await;
    shop.shows(VISITOR, &["boots"]).await;
    shop.stop().await;
}

/// Made-up products and categories, clicked far more than anything that is sold: they count, and no customer sees them.
#[tokio::test]
async fn a_flood_on_products_that_do_not_exist_is_not_shown() {
    let shop = Inside::start().await;
    let price = json!({"amount": "1.00", "currency": "USD"});
    shop.put("rope", &json!({"name": "Rope", "category": "Climbing", "price": price})).await;
    shop.comes_to_rest(1).await;
    let made_up = |number: usize| {
        let category = if number.is_multiple_of(2) { "Climbing".to_owned() } else { format!("Made up {number}") };
        json!({ "productId": format!("none-{}", number % 40), "category": category })
    };
    let flood: Vec<_> = (0..400).map(made_up).collect();
    body(shop.post_clicks(&json!(flood)).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
    let wrong = json!({ "productId": "rope", "category": "Made up 1" });
    body(shop.post_clicks(&wrong).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
    shop.handles("clicks", "trends", 401).await;

    let host = shop.stack.host().expect("a host");
    assert!(host.fire_timer("TrendRollup").await.expect("a timer"), "it succeeds");
    for (path, listed) in [("trending", 1), ("trending?category=Climbing", 1), ("trending?category=Made%20up%201", 0)] {
        let list = body(shop.site(path).await, StatusCode::OK).await;
        let top = list["top"].as_array().expect("products");
        assert_eq!(top.len(), listed, "{path}: {list}");
        assert!(top.iter().all(|top| (&top["productId"], &top["category"]) == (&json!("rope"), &json!("Climbing"))));
    }
    let overview: Value =
        shop.http.get(shop.api("ops/overview")).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(overview["trending"]["leftOut"], json!({ "products": 40, "views": 400 }), "operators see it");
    shop.stop().await;
}

/// A crowd at once, each with one click: all are taken, and each has a list of its own.
#[tokio::test]
async fn a_crowd_at_once_is_taken_in_joined_sends() {
    let shop = Inside::start().await;
    let crowd: Vec<_> = (0..200).map(|number| format!("visitor-{number}")).collect();
    let mut posts = tokio::task::JoinSet::new();
    for visitor in &crowd {
        posts.spawn(shop.post_clicks(&json!({ "productId": "rope", "visitorId": visitor, "consent": true })).send());
    }
    while let Some(answer) = posts.join_next().await {
        body(answer.expect("no panic").expect("an answer"), StatusCode::ACCEPTED).await;
    }
    shop.handles("clicks", "recently-viewed", 200).await;
    for visitor in &crowd {
        assert_eq!(shop.viewed(visitor).await, ["rope"], "{visitor}");
    }
    shop.stop().await;
}

/// Erased is erased: also what comes late from before, and what was recommended. What comes afterwards counts.
#[tokio::test]
async fn an_erasure_holds_against_late_clicks() {
    let shop = Inside::start().await;
    shop.post_clicks(&click("boots")).send().await.expect("an answer");
    shop.shows(VISITOR, &["boots"]).await;
    let recommended = format!("visitor|{VISITOR}");
    let items = json!([{ "productId": "rope", "score": 0.5 }]);
    let document = json!({ "id": recommended, "at": "2026-01-05T10:00:00Z", "items": items });
    shop.create("recommendations", &recommended, &document).await;
    let path = format!("visitors/{VISITOR}/recommendations");
    assert_eq!(shop.site(&path).await.json::<Value>().await.expect("JSON")["items"], items);

    for round in ["once", "twice"] {
        let answer = shop.http.delete(shop.api(&format!("site/visitors/{VISITOR}"))).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{round}");
    }
    assert!(shop.viewed(VISITOR).await.is_empty());
    assert_eq!(shop.site(&path).await.json::<Value>().await.expect("JSON")["items"], json!([]));

    let mut late = click("tent");
    late["time"] = json!(minutes_ago(60));
    body(shop.post_clicks(&late).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
    body(shop.post_clicks(&click("rope")).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
    shop.shows(VISITOR, &["rope"]).await;
    shop.handles("clicks", "recently-viewed", 3).await;
    // Everything once more, from before the erasure too.
    shop.stack.stop_app().await;
    shop.rewind().await;
    shop.run_app().await;
    shop.handles("clicks", "recently-viewed", 3).await;
    assert_eq!(shop.viewed(VISITOR).await, ["rope"]);
    let bad = shop.http.delete(shop.api("site/visitors/short")).send().await.expect("an answer");
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    shop.stop().await;
}

/// Who clicked is known only where that visitor agrees; who agrees and is new gets an id, without any cookie.
#[tokio::test]
async fn visitors_are_known_only_as_they_agree() {
    let shop = Inside::start().await;
    let unasked = json!({ "productId": "boots", "visitorId": VISITOR, "sessionId": "s-1" });
    let mut refusing = unasked.clone();
    refusing["consent"] = json!(false);
    for request in [
        shop.post_clicks(&unasked),
        shop.post_clicks(&refusing),
        shop.post_clicks(&click("boots")).header("dnt", "1"),
        shop.post_clicks(&click("boots")).header("sec-gpc", "1"),
    ] {
        let answer = body(request.send().await.expect("an answer"), StatusCode::ACCEPTED).await;
        assert_eq!(answer, json!({ "accepted": 1, "refused": [] }));
    }
    let hub = shop.stack.event_hubs().hub("clicks").expect("the hub");
    for partition in hub.partitions() {
        for event in partition.read(0, 100, 1 << 20).expect("events") {
            let event = event.decode().expect("an event");
            let text = format!("{event:?}{}", String::from_utf8_lossy(&event.body));
            assert!(!text.contains(VISITOR) && !text.contains("s-1"), "{text}");
        }
    }

    let new = json!([{ "productId": "rope", "consent": true }, { "productId": "tent", "consent": true }]);
    let answer = shop.post_clicks(&new).send().await.expect("an answer");
    assert!(!answer.headers().contains_key("set-cookie"));
    let answer = body(answer, StatusCode::ACCEPTED).await;
    let visitor = answer["visitorId"].as_str().expect("an id").to_owned();
    assert_eq!(visitor.len(), 36, "a UUID: {visitor}");
    eventually("both in one list", || async {
        let viewed = shop.viewed(&visitor).await;
        if viewed.len() == 2 { Ok(()) } else { Err(format!("{viewed:?}")) }
    })
    .await;

    let list = shop.site(&format!("visitors/{visitor}")).await;
    assert_eq!(list.headers()["cache-control"], "private, no-cache");
    let etag = list.headers()["etag"].clone();
    let again = shop.http.get(shop.api(&format!("site/visitors/{visitor}"))).header("if-none-match", etag);
    assert_eq!(again.send().await.expect("an answer").status(), StatusCode::NOT_MODIFIED);
    for (path, empty) in [
        ("visitors/nobody-known", "items"),
        ("visitors/nobody-known/recommendations", "items"),
        ("products/nothing/recommendations", "items"),
        ("trending", "top"),
        ("trending?category=Ski%2Fboarding", "rising"),
    ] {
        let answer = shop.site(path).await;
        let is_private = answer.headers()["cache-control"] == "private, no-cache";
        assert_eq!(is_private, path.starts_with("visitors"), "{path}");
        assert_eq!(body(answer, StatusCode::OK).await[empty], json!([]), "{path}");
    }
    shop.stop().await;
}

/// CloudEvents in each mode, and a page of another origin, through the host.
#[tokio::test]
async fn events_and_pages_of_other_origins_come_through() {
    let shop = Inside::start().await;
    let data = |product: &str| json!({ "productId": product, "visitorId": VISITOR, "consent": true });
    let event = |id: &str, minutes: i64| {
        json!({ "specversion": "1.0", "type": "com.contoso.click.recorded.v1", "source": "/app", "id": id,
                "time": minutes_ago(minutes), "data": data(id) })
    };
    let post = |content_type: &str, body: &Value| {
        shop.http.post(shop.api("clicks")).header("content-type", content_type).body(body.to_string())
    };
    let origin = shop.stack.endpoints().site.clone();
    let binary = post("application/json", &data("third"))
        .header("ce-specversion", "1.0")
        .header("ce-type", "com.contoso.click.recorded.v1")
        .header("ce-source", "/app")
        .header("ce-id", "third")
        .header("ce-time", minutes_ago(3));
    for request in [
        post("application/cloudevents+json", &event("fourth", 4)),
        binary,
        post("application/cloudevents-batch+json", &json!([event("second", 2), event("fifth", 5)])),
        post("text/plain;charset=UTF-8", &data("first")).header("origin", &origin),
    ] {
        let answer = request.send().await.expect("an answer");
        let allowed = answer.headers().get("access-control-allow-origin").cloned();
        let answer = body(answer, StatusCode::ACCEPTED).await;
        assert_eq!(answer["refused"], json!([]));
        assert!(allowed.is_none_or(|allowed| allowed == origin.as_str()));
    }
    shop.shows(VISITOR, &["first", "second", "third", "fourth", "fifth"]).await;

    for (path, method) in [("clicks", "POST"), ("site/trending", "GET"), (&format!("site/visitors/{VISITOR}"), "GET")] {
        for (from, is_allowed) in [(origin.as_str(), true), ("https://elsewhere.example", false)] {
            let asked = shop
                .http
                .request(reqwest::Method::OPTIONS, shop.api(path))
                .header("origin", from)
                .header("access-control-request-method", method)
                .header("access-control-request-headers", "content-type");
            let answer = asked.send().await.expect("an answer");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            let allowed = answer.headers().get("access-control-allow-origin");
            assert_eq!(allowed.is_some_and(|allowed| allowed == from), is_allowed, "{path} from {from}");
        }
    }
    shop.stop().await;
}

/// While the hub takes nothing, nothing is promised; the same request later goes through.
#[tokio::test]
async fn nothing_is_accepted_that_the_hub_does_not_have() {
    let shop = Inside::start().await;
    body(shop.post_clicks(&click("boots")).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
    let busy = json!({ "hub": "clicks", "times": 1000, "answer": { "rejected": { "condition": "com.microsoft:server-busy" } } });
    let lever = format!("{}/event-hubs", shop.stack.endpoints().control);
    let armed = shop.http.post(format!("{lever}/answer-sends")).json(&busy).send().await.expect("an answer");
    assert!(armed.status().is_success(), "{}", armed.status());
    let new = json!({ "productId": "rope", "consent": true, "id": "b7a1d0c2-55aa-4a52-8a0b-3f7d1b1c2d3e" });
    let answer = shop.post_clicks(&new).send().await.expect("an answer");
    assert_eq!(answer.headers()["retry-after"], "1");
    let unsent = body(answer, StatusCode::SERVICE_UNAVAILABLE).await;
    let visitor = unsent["visitorId"].as_str().expect("the id to repeat with").to_owned();
    assert_eq!(shop.events_of("clicks"), 1);

    let cleared = shop.http.delete(lever).send().await.expect("an answer");
    assert!(cleared.status().is_success(), "{}", cleared.status());
    let mut again = new.clone();
    again["visitorId"] = json!(visitor);
    body(shop.post_clicks(&again).send().await.expect("an answer"), StatusCode::ACCEPTED).await;
    shop.shows(&visitor, &["rope"]).await;
    assert_eq!(shop.events_of("clicks"), 2);
    shop.stop().await;
}
