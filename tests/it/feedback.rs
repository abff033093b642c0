//! Feedback: from a partner's request to the rating that the site shows; repeated, corrected, withdrawn, and cut off in the middle.

use std::{collections::BTreeMap, time::Duration};

use contoso_handlers::domain::feedback::{CustomerRef, rating::Sums};
use reqwest::{Method, StatusCode, header::ETAG};
use serde_json::{Value, json};

use crate::{
    partners::Partner,
    support::{Inside, eventually, machine, seed},
};

const GROUP: &str = "ratings";
const DAY: &str = "2026-01-05T10";

/// An item about the product `boots`.
fn item(id: &str, rating: i64, text: Option<&str>, minute: usize) -> Value {
    json!({ "id": id, "about": "product", "productId": "boots", "rating": rating, "text": text, "at": format!("{DAY}:{minute:02}:00Z") })
}

fn statuses(answer: &(u16, Value)) -> Vec<&str> {
    assert_eq!(answer.0, 202, "{}", answer.1);
    answer.1["items"].as_array().expect("items").iter().map(|item| item["status"].as_str().expect("a status")).collect()
}

impl Inside {
    async fn ratings(&self, product: &str) -> (Value, String) {
        let url = format!("{}/api/site/products/{product}/ratings", self.stack.endpoints().functions);
        // A handler that was killed just now answers nobody.
        eventually("an answer", || async {
            let answer = self.http.get(&url).send().await.map_err(|error| format!("{error:?}"))?;
            if answer.status() != StatusCode::OK {
                return Err(format!("{answer:?}"));
            }
            let etag = answer.headers()[ETAG].to_str().expect("text").to_owned();
            Ok((answer.json().await.map_err(|error| format!("{error:?}"))?, etag))
        })
        .await
    }

    /// Waits until the hub's events are projected, and gives what the site says of `boots`.
    async fn projected(&self) -> Value {
        self.handles("feedback", GROUP, self.events_of("feedback")).await;
        self.ratings("boots").await.0
    }

    /// What is stored of `boots`: items, sums and rating, with their ETags.
    async fn stored_of_boots(&self, ids: &[&str]) -> Vec<Option<Value>> {
        let mut stored = vec![
            self.document("ratings", "boots", "boots").await,
            self.item("feedback", "items", "boots", "totals").await,
        ];
        for id in ids {
            stored.push(self.item("feedback", "items", "boots", &format!("acme|{id}")).await);
        }
        stored
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feedback_becomes_a_rating_once_and_is_corrected_and_withdrawn() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let other = Partner::joins(&shop, "other").await;
    let (none, _) = shop.ratings("boots").await;
    assert_eq!((&none["count"], &none["average"], &none["recent"]), (&json!(0), &Value::Null, &json!([])));

    let first = item("r-1", 5, Some("The mic is great and I love it."), 0);
    let contrary = item("r-2", 5, Some("What a horrible waste of money, it is terrible."), 1);
    let silent = item("r-3", 2, None, 2);
    let mut of_jo = item("r-4", 4, Some("Jo says it is good."), 3);
    of_jo["customerRef"] = json!("jo@example.com");
    let about_jo = json!({ "id": "v-1", "about": "customer", "customerRef": "jo@example.com", "rating": 1, "text": "Rude.", "at": format!("{DAY}:04:00Z") });
    let all = json!({ "items": [first, contrary, silent, of_jo, about_jo] });
    let answer = acme.post("/feedback", all.clone()).await;
    assert_eq!(statuses(&answer), ["taken"; 5], "{}", answer.1);
    assert_eq!((&answer.1["taken"], &answer.1["items"][4]["id"]), (&json!(5), &json!("v-1")), "{}", answer.1);

    let shown = shop.projected().await;
    assert_eq!(
        (&shown["count"], &shown["average"], &shown["disagreements"]),
        (&json!(4), &json!(4.0), &json!(1)),
        "{shown}"
    );
    assert_eq!(shown["histogram"], json!({ "1": 0, "2": 1, "3": 0, "4": 1, "5": 2 }), "{shown}");
    let sentiment = &shown["sentiment"];
    assert_eq!(
        (&sentiment["scored"], &sentiment["positive"], &sentiment["negative"]),
        (&json!(3), &json!(2), &json!(1)),
        "{shown}"
    );
    let texts: Vec<&str> =
        shown["recent"].as_array().expect("a list").iter().map(|one| one["text"].as_str().expect("text")).collect();
    assert_eq!(
        texts,
        ["Jo says it is good.", "What a horrible waste of money, it is terrible.", "The mic is great and I love it."]
    );
    assert!(!shown.to_string().contains("acme") && !shown.to_string().contains("r-1"), "{shown}");

    // The same again, with another key and without any: no second effect. The same key: the same answer.
    let events = shop.events_of("feedback");
    assert_eq!(statuses(&acme.post("/feedback", all.clone()).await), ["repeated"; 5]);
    let keyed = async |items: Value| {
        let request = acme.request(Method::POST, "/feedback").header("idempotency-key", "k-1").json(&items);
        let answer = request.send().await.expect("an answer");
        let replayed = answer.headers().contains_key("idempotency-replayed");
        (replayed, (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON")))
    };
    // What had no effect is not kept: the mended request has the same key.
    let (replayed, answer) = keyed(json!({ "items": [item("r-5", 6, None, 5)] })).await;
    assert_eq!((replayed, statuses(&answer)), (false, vec!["refused"]));
    let (replayed, answer) = keyed(json!({ "items": [item("r-5", 3, None, 5)] })).await;
    assert_eq!((replayed, statuses(&answer)), (false, vec!["taken"]));
    let (replayed, again) = keyed(json!({ "items": [item("r-5", 3, None, 5)] })).await;
    assert_eq!((replayed, again), (true, answer));
    assert_eq!(keyed(json!({ "items": [item("r-5", 4, None, 5)] })).await.1.0, 422, "another body");
    assert_eq!(shop.events_of("feedback"), events + 1);

    // Another partner has ids of its own, and cannot touch this one's.
    assert_eq!(statuses(&other.post("/feedback", json!({ "items": [item("r-1", 1, None, 6)] })).await), ["taken"]);
    assert_eq!(other.call(Method::DELETE, "/feedback/items/r-2", None).await.0, 404);

    // A correction has a later time; what contradicts is refused by name.
    let answer = acme.post("/feedback", json!({ "items": [item("r-2", 1, Some("Horrible."), 7), item("r-3", 1, None, 2), item("r-1", 1, None, 0)] })).await;
    assert_eq!(statuses(&answer), ["taken", "refused", "refused"], "{}", answer.1);
    assert!(
        answer.1["items"][1]["reason"].as_str().is_some_and(|reason| reason.contains("a later at")),
        "{}",
        answer.1
    );
    let shown = shop.projected().await;
    // r-1 5, r-2 1, r-3 2, r-4 4, r-5 3, and the other's 1.
    assert_eq!(
        (&shown["count"], &shown["average"], &shown["disagreements"]),
        (&json!(6), &json!(2.67), &json!(0)),
        "{shown}"
    );

    // One is withdrawn, and everything of Jo.
    assert_eq!(acme.call(Method::DELETE, "/feedback/items/r-1", None).await.0, 204);
    assert_eq!(acme.call(Method::DELETE, "/feedback/items/r-1", None).await.0, 204, "again");
    assert_eq!(acme.call(Method::DELETE, "/feedback/items/none", None).await.0, 404);
    let wish = json!({ "customerRef": "jo@example.com" });
    assert_eq!(other.post("/feedback/erasures", wish.clone()).await.1["withdrawn"], 0, "its own Jo");
    let erased = acme.post("/feedback/erasures", wish.clone()).await;
    assert_eq!(erased, (200, json!({ "withdrawn": 2, "isComplete": true })));
    assert_eq!(acme.post("/feedback/erasures", wish).await.1["withdrawn"], 0, "again");
    let shown = shop.projected().await;
    assert_eq!((&shown["count"], &shown["average"]), (&json!(4), &json!(1.75)), "{shown}");
    let again = acme.post("/feedback", all).await;
    assert_eq!(statuses(&again), ["refused", "repeated", "repeated", "refused", "refused"], "{}", again.1);
    assert_eq!(statuses(&acme.post("/feedback", json!({ "items": [item("r-1", 5, None, 30)] })).await), ["refused"]);

    // Nothing of what was withdrawn is left in any container; of Jo's name there never was anything.
    let stored = shop.stored_of_boots(&["r-1", "r-2", "r-3", "r-4", "r-5"]).await;
    let customer = CustomerRef::try_from("jo@example.com".to_owned())
        .expect("a reference")
        .customer(&"acme".to_owned().try_into().expect("a name"));
    let key = format!("customer:{customer}");
    let about = shop.item("feedback", "items", &key, "acme|v-1").await;
    let sums: Sums =
        serde_json::from_value(shop.item("feedback", "items", &key, "totals").await.expect("totals")["sums"].clone())
            .expect("sums");
    assert_eq!((about.is_some(), sums), (true, Sums::default()));
    let receipts = [
        shop.item("feedback", "receipts", "acme", "r-1").await,
        shop.item("feedback", "receipts", "acme", "r-4").await,
    ];
    let left = format!("{stored:?} {about:?} {receipts:?}");
    for gone in ["love it", "Jo says", "Rude", "jo@example"] {
        assert!(!left.contains(gone), "{gone}: {left}");
    }

    // Everything is delivered again: the same documents, with the same ETags.
    shop.stack.stop_app().await;
    shop.rewind().await;
    shop.run_app().await;
    shop.projected().await;
    assert_eq!(shop.stored_of_boots(&["r-1", "r-2", "r-3", "r-4", "r-5"]).await, stored);

    // The rating is damaged, and made again; then deleted, and made again from the items.
    let right = shop.ratings("boots").await;
    shop.patch_in(
        "site",
        "ratings",
        "boots",
        "boots",
        &json!({ "operations": [{ "op": "set", "path": "/sums/count", "value": 99 }] }),
    )
    .await;
    shop.patch_in(
        "feedback",
        "items",
        "boots",
        "totals",
        &json!({ "operations": [{ "op": "set", "path": "/sums/sum", "value": 0 }] }),
    )
    .await;
    shop.rebuilt(&["FeedbackProjection"]).await;
    assert_eq!(shop.ratings("boots").await, right);
    shop.rebuilt(&["FeedbackProjection", "--clear"]).await;
    assert_eq!(shop.ratings("boots").await, right);
    shop.stop().await;
}

/// What becomes of items that a stranger may send, by what their reason must name; nothing of them reaches the hub.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_refused_by_itself_and_by_name() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let with = |name: &str, value: Value| {
        let mut item = item("bad", 5, None, 0);
        item[name] = value;
        item
    };
    let refused = [
        (with("rating", json!(0)), "rating"),
        (with("rating", json!(6)), "rating"),
        (with("rating", json!(4.5)), "rating"),
        (with("rating", json!("5")), "rating"),
        (with("rating", Value::Null), "rating"),
        (with("text", json!("\u{1f600}".repeat(4001))), "text"),
        (with("text", json!("a\u{0}b")), "text"),
        (with("at", json!("2026-01-05T10:00:00")), "at"),
        (with("at", json!("2099-01-01T00:00:00Z")), "at"),
        (with("id", json!("a/b")), "id"),
        (with("productId", json!("")), "productId"),
        (with("about", json!("shop")), "about"),
        (with("stars", json!(5)), "stars"),
        (json!([]), "the item"),
        (Value::Null, "the item"),
    ];
    let mut items: Vec<Value> = refused.iter().map(|(item, _)| item.clone()).collect();
    items.push(with("rating", json!(5.0)));
    items.push(item("long", 3, Some(&"\u{1f600}".repeat(4000)), 0));
    items.push(item("bad", 1, None, 0));
    items.push(with("rating", json!(5)));
    let answer = acme.post("/feedback", json!({ "items": items })).await;
    let expected: Vec<&str> =
        vec!["refused"; refused.len()].into_iter().chain(["taken", "taken", "refused", "repeated"]).collect();
    assert_eq!(statuses(&answer), expected, "{}", answer.1);
    for ((_, name), told) in refused.iter().zip(answer.1["items"].as_array().expect("items")) {
        assert!(told["reason"].as_str().is_some_and(|reason| reason.contains(name)), "{name}: {told}");
    }
    assert!(
        answer.1["items"][refused.len() + 2]["reason"].as_str().is_some_and(|reason| reason.contains("twice")),
        "{}",
        answer.1
    );
    assert_eq!(shop.projected().await["count"], 2);

    // Whole bodies.
    let json_of = |text: &str| {
        acme.request(Method::POST, "/feedback").header("content-type", "application/json").body(text.to_owned())
    };
    let one = item("x", 5, None, 0).to_string();
    let many = json!({ "items": (0..101).map(|number| item(&format!("m-{number}"), 5, None, 0)).collect::<Vec<_>>() })
        .to_string();
    for (body, status) in [
        // The host hands on no media type of a body that is empty.
        (String::new(), 415),
        ("[".repeat(20_000), 400),
        (format!("[{one}]"), 400),
        ("{}".to_owned(), 400),
        (r#"{"items":{}}"#.to_owned(), 400),
        (format!(r#"{{"items":[{one}],"more":1}}"#), 400),
        (r#"{"items":[{"rating":1,"rating":5}]}"#.to_owned(), 400),
        (format!(r#"{{"items":[{}]}}"#, one.replace("\"text\":null", r#""text":"\ud800""#)), 400),
        (r#"{"items":[]}"#.to_owned(), 422),
        (many, 422),
        (format!(r#"{{"items":[{one}]}}{}"#, " ".repeat(6 << 20)), 413),
    ] {
        let answer = json_of(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{body:.80}");
        let problem: Value = answer.json().await.expect("a problem document");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    }
    let form = acme.request(Method::POST, "/feedback").header("content-type", "text/plain").body(one.clone());
    assert_eq!(form.send().await.expect("an answer").status(), 415);
    let url = format!("{}/api/partners/acme/feedback", shop.stack.endpoints().functions);
    let anonymous = shop.http.post(&url).json(&json!({ "items": [] }));
    assert_eq!(anonymous.send().await.expect("an answer").status(), 401);
    let other = Partner::joins(&shop, "other").await;
    let foreign = other.request(Method::POST, "/../acme/feedback").json(&json!({ "items": [item("x", 5, None, 0)] }));
    assert_eq!(foreign.send().await.expect("an answer").status(), 401, "another partner's key");
    assert_eq!(shop.http.get(&url).send().await.expect("an answer").status(), 405);
    assert_eq!(shop.events_of("feedback"), 2, "nothing of all that reached the hub");
    shop.stop().await;
}

/// The handler dies again and again while items are given, corrected and withdrawn: what was taken is there, and nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_handler_loses_nothing_taken_and_counts_nothing_twice() {
    const ITEMS: usize = 12;
    const CALLS: usize = 40;
    let mut random = seed::random("CONTOSO_FEEDBACK_SEED");
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    // What each item says in the end: its rating, or nothing once it is withdrawn.
    let mut said: BTreeMap<usize, Option<i64>> = BTreeMap::new();
    for call in 0..CALLS {
        if call % 10 == 5 {
            shop.kill_handler().await;
        }
        let number = random.below(ITEMS);
        let id = format!("r-{number}");
        if said.get(&number).is_some_and(Option::is_some) && random.below(6) == 0 {
            eventually("an item is withdrawn", || async {
                match acme.call_to_end(Method::DELETE, &format!("/feedback/items/{id}"), None).await {
                    Some((204, _)) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            })
            .await;
            said.insert(number, None);
            continue;
        }
        let rating = i64::try_from(random.below(5)).expect("small") + 1;
        let body = json!({ "items": [item(&id, rating, Some("It is good."), call)] });
        // In the middle of the call, once.
        let mut killer = (call % 10 == 7).then(|| shop.stack.handler_pid()).flatten();
        let status = eventually("an item is answered", || {
            let (pid, pause) = (killer.take(), Duration::from_millis(4 * (call as u64 / 10)));
            let call = acme.call_to_end(Method::POST, "/feedback", Some(body.clone()));
            async move {
                let kill = async {
                    if let Some(pid) = pid {
                        machine::time_passes(pause).await;
                        let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
                        assert!(killed.expect("kill runs").success());
                    }
                };
                match tokio::join!(call, kill).0 {
                    Some((202, told)) => Ok(told["items"][0]["status"].as_str().expect("a status").to_owned()),
                    other => Err(format!("{other:?}")),
                }
            }
        })
        .await;
        match said.get(&number) {
            Some(None) => assert_eq!(status, "refused", "it was withdrawn"),
            _ => {
                assert!(["taken", "repeated"].contains(&status.as_str()), "{status}");
                said.insert(number, Some(rating));
            }
        }
    }
    let ratings: Vec<i64> = said.values().copied().flatten().collect();
    let (count, sum) = (ratings.len(), ratings.iter().sum::<i64>());
    eventually("every item is counted", || async {
        let (shown, _) = shop.ratings("boots").await;
        if shown["count"] == count { Ok(()) } else { Err(format!("{shown}, wanted {count}")) }
    })
    .await;
    shop.handles("feedback", GROUP, shop.events_of("feedback")).await;
    let document = shop.document("ratings", "boots", "boots").await.expect("a rating");
    assert_eq!((&document["sums"]["count"], &document["sums"]["sum"]), (&json!(count), &json!(sum)), "{said:?}");
    let stored = shop.stored_of_boots(&[]).await;
    shop.stack.stop_app().await;
    shop.rewind().await;
    shop.run_app().await;
    shop.projected().await;
    assert_eq!(shop.stored_of_boots(&[]).await, stored, "a second delivery writes nothing");
    shop.stop().await;
}

impl Partner<'_> {
    /// Sends a request that a kill may cut off: nothing where nobody answers.
    async fn call_to_end(&self, method: Method, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let request = self.request(method, path);
        let answer = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = answer.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_slice(&answer.bytes().await.ok()?).unwrap_or_default()))
    }
}
