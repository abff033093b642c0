//! Dead letters: operators see them by function and cause, look into one, replay it or throw it away with a reason, and the log has it.

use std::time::Instant;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use contoso_cli::identity::{self, SignedIn};
use contoso_local::{blobs::PutOptions, event_hubs::Outgoing};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::format_description::well_known::Rfc3339;

use crate::support::{Inside, eventually, machine, readers};

const CLICK: &str = "com.contoso.click.recorded.v1";

impl Inside {
    /// A route of operators, and its answer.
    async fn letters(&self, path: &str) -> (StatusCode, Value) {
        let url = format!("{}/api/ops/dead-letters{path}", self.stack.endpoints().functions);
        let answer = self.http.get(url).send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    }

    /// Throws letters away, and what the answer says.
    async fn drops_letters(&self, order: &Value) -> (StatusCode, Value) {
        let url = format!("{}/api/ops/dead-letters/drop", self.stack.endpoints().functions);
        let answer = self.http.post(url).json(order).send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    }

    /// Runs `contoso dead-letters`, and returns what it prints.
    async fn dead_letters(&self, arguments: &[&str]) -> String {
        let output = self.contoso("dead-letters", arguments).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Puts messages on a hub, past every producer.
    fn appends(&self, hub: &str, messages: &[Bytes]) {
        let hub = self.stack.event_hubs().hub(hub).expect("the hub");
        hub.partition("0").expect("it exists").append(messages).expect("the hub does not read them");
    }
}

/// A click as a CloudEvent in binary mode.
fn click(id: &str, content_type: &str, body: &[u8]) -> Bytes {
    let now = machine::now().format(&Rfc3339).expect("a text");
    let pairs = [("specversion", "1.0"), ("id", id), ("source", "/test"), ("type", CLICK), ("time", &now)];
    let properties = pairs.map(|(name, value)| (format!("cloudEvents:{name}"), value.to_owned())).to_vec();
    let content_type = Some(content_type.to_owned());
    Outgoing { body: body.to_vec(), properties, content_type, partition_key: None }.encode()
}

fn encoded(id: &str) -> String {
    id.replace('%', "%25").replace('/', "%2F")
}

/// Two bad events that two functions read, and one of Event Grid's.
#[tokio::test(flavor = "multi_thread")]
async fn letters_are_listed_shown_dropped_and_the_log_says_by_whom() {
    let shop = Inside::start().await;
    assert_eq!(shop.letters("").await.1["letters"], 0);
    let visitor = "x".repeat(20_000);
    let unreadable = json!({"productId": 7, "large": 202_201_180_000_000_014_i64, "visitorId": visitor}).to_string();
    shop.appends(
        "clicks",
        &[
            click("no-schema", "avro/binary+0123456789abcdef0123456789abcdef", b"\x00\xffbytes"),
            click("no-product", "application/json", unreadable.as_bytes()),
        ],
    );
    let readers = readers("clicks");
    for (function, _) in &readers {
        shop.parks(function, 2).await;
    }
    let given_up = json!([{ "id": "e-1", "type": "com.contoso.product.changed.v1", "source": "/s", "specversion": "1.0",
        "data": {}, "deadletterreason": "MaxDeliveryAttemptsExceeded", "lastdeliveryoutcome": "NotFound" }]);
    let name = "ACME-PRICES/2026/1/5/10/11111111-1111-1111-1111-111111111111.json";
    shop.stack
        .blobs()
        .put("event-grid-dead-letters", name, given_up.to_string().into(), PutOptions::default())
        .expect("written");
    shop.parks("ACME-PRICES", 1).await;

    // Records are told from letters.
    let (status, all) = shop.letters("").await;
    assert_eq!(status, StatusCode::OK, "{all}");
    assert_eq!((&all["letters"], &all["records"], &all["isMore"]), (&json!(5), &json!(3), &json!(false)), "{all}");
    assert_eq!(all["groups"].as_array().map(Vec::len), Some(5), "{all}");
    let (_, trends) = shop.letters("?function=Trends&limit=1").await;
    assert_eq!((&trends["letters"], &trends["records"]), (&json!(2), &json!(2)), "{trends}");
    assert_eq!(trends["items"].as_array().map(Vec::len), Some(1));
    let next = trends["next"].as_str().expect("a second page").trim_start_matches("/api/ops/dead-letters");
    let (_, second) = shop.letters(next).await;
    assert_ne!(trends["items"][0]["id"], second["items"][0]["id"]);
    assert_eq!(second["next"], Value::Null, "{second}");
    let (status, problem) = shop.letters(&next.replace("function=Trends&", "")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a cursor of another list: {problem}");

    // One that cannot be decoded says why, in hex; one that can is decoded, its numbers exact and its bytes cut.
    let id = async |event: &str, function: &str| {
        let (_, listed) = shop.letters(&format!("?function={function}")).await;
        let items = listed["items"].as_array().expect("letters").clone();
        let item = items.into_iter().find(|item| item["event"]["id"] == event).expect("listed");
        item["id"].as_str().expect("an id").to_owned()
    };
    let (no_schema, no_product) = (id("no-schema", "Trends").await, id("no-product", "Trends").await);
    let (_, shown) = shop.letters(&format!("/letter?id={}", encoded(&no_schema))).await;
    let cause = shown["notDecoded"].as_str().expect("why");
    assert!(cause.contains("0123456789abcdef") && shown["decoded"].is_null(), "{shown}");
    assert_eq!((&shown["body"]["content"], &shown["body"]["isHex"]), (&json!("00ff6279746573"), &json!(true)));
    assert_eq!(shown["position"]["partition"], "0", "{shown}");
    let (_, shown) = shop.letters(&format!("/letter?id={}", encoded(&no_product))).await;
    let data = shown["decoded"]["data"]["content"].as_str().expect("decoded");
    assert!(data.contains("202201180000000014") && data.len() <= 8 << 10, "{data}");
    assert_eq!(shown["decoded"]["event"]["id"], "no-product", "{shown}");
    assert_eq!((&shown["body"]["isCut"], &shown["body"]["size"]), (&json!(true), &json!(unreadable.len())));
    let url =
        format!("{}/api/ops/dead-letters/letter/body?id={}", shop.stack.endpoints().functions, encoded(&no_product));
    let body = shop.http.get(url).send().await.expect("an answer");
    assert_eq!(body.headers()["content-type"], "application/octet-stream");
    assert!(body.headers()["content-disposition"].to_str().expect("text").starts_with("attachment"));
    assert_eq!(body.bytes().await.expect("a body"), unreadable.as_bytes());
    let given_up = format!("event-grid/{name}");
    let (_, shown) = shop.letters(&format!("/letter?id={given_up}")).await;
    assert_eq!(shown["cause"], "MaxDeliveryAttemptsExceeded: NotFound", "{shown}");

    // What is wrong is refused, and nothing is dropped.
    for wrong in ["/letter?id=../x", "/letter", "?from=yesterday", "?colour=red", "?limit=201", "/log?before=~"] {
        assert_eq!(shop.letters(wrong).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(shop.letters("/letter?id=Trends/clicks/0/1-none.json").await.0, StatusCode::NOT_FOUND);
    for wrong in [
        json!({"ids": [no_schema], "by": "me"}),
        json!({"ids": [no_schema], "by": "me", "reason": " "}),
        json!({"ids": [], "by": "me", "reason": "r"}),
        json!({"ids": [no_schema], "filter": {}, "by": "me", "reason": "r"}),
        json!({"filter": {"functoin": "Trends"}, "by": "me", "reason": "r"}),
    ] {
        assert_eq!(shop.drops_letters(&wrong).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let (status, problem) =
        shop.drops_letters(&json!({"filter": {"function": "Trends"}, "expected": 1, "by": "me", "reason": "r"})).await;
    assert_eq!((status, &problem["letters"]), (StatusCode::CONFLICT, &json!(2)), "{problem}");
    assert_eq!(shop.letters("").await.1["letters"], 5);

    // By id, twice; by a filter, by the command; what Event Grid gave up too.
    let order = json!({"ids": [no_schema], "by": "me", "reason": "a load test"});
    assert_eq!(shop.drops_letters(&order).await.1["dropped"], 1);
    let (_, again) = shop.drops_letters(&order).await;
    assert_eq!((&again["dropped"], &again["gone"]), (&json!(0), &json!(1)), "{again}");
    shop.parks("Trends", 1).await;
    let listed = shop.dead_letters(&["list", "--cause", "READ THE CLICK"]).await;
    assert!(listed.contains("1 record\n") && listed.contains("Trends/clicks/0/"), "{listed}");
    let shown = shop.dead_letters(&["show", &no_product]).await;
    assert!(shown.contains("event        no-product"), "{shown}");
    let asked = shop.contoso("dead-letters", &["drop", "--origin", "clicks", "--reason", "a load test"]).await;
    assert_eq!(asked.status.code(), Some(1), "without --yes: {asked:?}");
    let hint = String::from_utf8_lossy(&asked.stderr).into_owned();
    let to = hint.split("--to ").nth(1).and_then(|rest| rest.split(' ').next()).expect("an end").to_owned();
    let filtered =
        ["drop", "--origin", "clicks", "--reason", "a load test", "--by", "night shift", "--to", &to, "--yes"];
    assert_eq!(shop.dead_letters(&filtered).await, format!("{} dropped\n", 2 * readers.len() - 1));
    assert_eq!(shop.dead_letters(&["drop", &given_up, "--reason", "the partner is gone"]).await, "1 dropped\n");
    for owner in readers.iter().map(|(function, _)| *function).chain(["ACME-PRICES"]) {
        shop.parks(owner, 0).await;
    }
    let (_, log) = shop.letters("/log").await;
    let items = log["items"].as_array().expect("entries");
    assert_eq!(items.len(), 4, "{log}");
    assert_eq!((&items[1]["by"], &items[1]["ended"]["dropped"]), (&json!("night shift"), &json!(3)), "{log}");
    assert_eq!(items[1]["filter"]["origin"], "clicks", "{log}");
    assert!(items[1]["filter"]["to"].is_string(), "none that came later: {log}");
    assert_eq!(items[3]["letters"], json!([no_schema]), "{log}");
    let told = shop.dead_letters(&["log"]).await;
    assert!(told.contains("night shift") && told.contains(": a load test"), "{told}");
    shop.stop().await;
}

/// A key of another function, or none, is not enough.
#[tokio::test(flavor = "multi_thread")]
async fn letters_are_for_who_has_the_key() {
    let shop = Inside::start().await;
    shop.run_app_asking_for_keys().await;
    let host = shop.stack.host().expect("a host");
    let key = |function: &str| host.function_key(function).expect("a key");
    let (right, other) = (key("OpsApi"), key("Products"));
    eventually("an app that asks for keys", || async {
        let status = shop.http.get(format!("{}/api/ops/dead-letters", shop.stack.endpoints().functions)).send().await;
        let status = status.map(|answer| answer.status());
        if matches!(status, Ok(StatusCode::UNAUTHORIZED)) { Ok(()) } else { Err(format!("{status:?}")) }
    })
    .await;
    let refused = shop.contoso("dead-letters", &["list", "--key", &other]).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("401"), "{refused:?}");
    assert_eq!(shop.dead_letters(&["list", "--key", &right]).await, "no dead letters\n");
    shop.stop().await;
}

/// Ten thousand letters are listed in under a second by what is deployed, and letters of before there were notes are read once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a quiet machine: ./contoso test --test it -- --ignored letters_are_listed_at_once a_thousand_replays"]
async fn ten_thousand_letters_are_listed_at_once() {
    const LETTERS: usize = 10_000;
    let shop = Inside::start().await;
    let letter = json!({ "function": "Trends", "cause": "read the click: no productId", "position": {}, "properties": null,
        "contentType": null, "bodyBase64": "", "parkedAt": "2026-01-05T10:00:00Z" });
    let noted = |value: &str| URL_SAFE_NO_PAD.encode(value);
    for number in 0..LETTERS {
        let mut options = PutOptions::default();
        // The first have none.
        if number >= 100 {
            let cause = format!(
                "read the click: click e-{number} has no productId, and what else an error says of where it is"
            );
            let at = format!("2026-01-05T10:{:02}:{:02}Z", number / 60 % 60, number % 60);
            options.metadata = [
                ("parkedat", at),
                ("cause", noted(&cause)),
                ("label", noted("read the click")),
                ("eventid", noted(&format!("e-{number}"))),
                ("eventtype", noted(CLICK)),
                ("record", noted(&number.to_string())),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        }
        let name = format!("Trends/clicks/0/{number}-aa.json");
        shop.stack.blobs().put("dead-letters", &name, letter.to_string().into(), options).expect("written");
    }
    shop.letters("?limit=200").await;
    let mut quickest = f64::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        let (_, listed) = shop.letters("?limit=200").await;
        quickest = quickest.min(began.elapsed().as_secs_f64());
        assert_eq!((&listed["letters"], &listed["unread"]), (&json!(LETTERS), &json!(0)));
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(200));
    }
    println!("{LETTERS} letters listed in {quickest:.3} s");
    assert!(quickest < 1.0, "{quickest}");
    let filtered = ["drop", "--function", "Trends", "--reason", "a load test", "--yes", "--json"];
    for left in [LETTERS / 2, 0] {
        let done: Value = serde_json::from_str(&shop.dead_letters(&filtered).await).expect("JSON");
        assert_eq!((&done["dropped"], &done["left"]), (&json!(LETTERS / 2), &json!(left)), "{done}");
    }
    shop.stop().await;
}

/// What a registry says a schema's id is: it follows from group, name and content, so that events may be there before their schema.
fn schema_id(group: &str, name: &str, schema: &Value) -> String {
    let mut hash = Sha256::new();
    for part in [group, name, &schema.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A click in Avro, of a writer whose schema has a field more.
fn newer_click(number: usize, content_type: &str, visitor: &str) -> Bytes {
    let text = |text: &str| {
        // Lengths are zigzag varints; these are short.
        let mut bytes = vec![u8::try_from(2 * text.len()).expect("short")];
        bytes.extend(text.as_bytes());
        bytes
    };
    let null = vec![0];
    let some = |text: Vec<u8>| [vec![2], text].concat();
    let body = [text(&format!("p-{number}")), null.clone(), some(text(visitor)), null, text("phone")].concat();
    click(&format!("newer-{number}"), content_type, &body)
}

/// A hundred clicks of a schema that the registry does not have are parked, by both functions that read them. Then it is registered, and the app
/// restarts: a replay to `Trends` makes the counts right although clicks behind them were counted long ago, and is nothing to its neighbour; a
/// second one changes nothing. So it is with `RecentlyViewed`, and the site is right.
#[tokio::test(flavor = "multi_thread")]
async fn what_became_readable_is_replayed_to_the_function_that_parked_it_and_counts_once() {
    const BAD: usize = 100;
    const VISITOR: &str = "visitor-of-newer";
    let shop = Inside::start().await;
    let name = "com.contoso.click.ClickRecorded";
    let field = |name: &str, default: Value| json!({"name": name, "type": ["null", "string"], "default": default});
    let schema = json!({ "type": "record", "name": "ClickRecorded", "namespace": "com.contoso.click", "fields": [
        {"name": "productId", "type": "string"}, field("category", Value::Null), field("visitorId", Value::Null),
        field("sessionId", Value::Null), {"name": "device", "type": "string", "default": ""} ] });
    let content_type = format!("avro/binary+{}", schema_id("contoso", name, &schema));
    let newer: Vec<Bytes> = (0..BAD).map(|number| newer_click(number, &content_type, VISITOR)).collect();
    shop.appends("clicks", &newer);
    // The window's mark is past them.
    let good = json!({"productId": "boots", "category": null, "visitorId": VISITOR, "sessionId": null}).to_string();
    shop.appends("clicks", &[click("good", "application/json", good.as_bytes())]);
    let readers = readers("clicks");
    for (function, group) in &readers {
        shop.parks(function, BAD).await;
        shop.handles("clicks", group, i64::try_from(BAD + 1).expect("a count")).await;
    }
    let views = async || {
        let host = shop.stack.host().expect("a host");
        assert!(host.fire_timer("TrendRollup").await.expect("a timer"), "it succeeds");
        let mut views = 0;
        for ago in 0..10 {
            let minute = (machine::now() - time::Duration::minutes(ago)).format(&Rfc3339).expect("a text");
            let item = shop.item("analytics", "minutes", &minute[..10], &format!("{}Z", &minute[..16])).await;
            views += item.and_then(|item| item["views"].as_u64()).unwrap_or_default();
        }
        usize::try_from(views).expect("a count")
    };
    let viewed = async || {
        let visitor = shop.document("visitors", VISITOR, VISITOR).await.expect("the visitor");
        visitor["items"].as_array().expect("a list").len()
    };
    assert_eq!((views().await, viewed().await), (1, 1));

    // As long as it is not readable, a replay leaves the letters as they are.
    let replays = async |function: &str, more: &[&str]| {
        let arguments = [&["replay", "--function", function, "--yes", "--by", "night shift", "--json"], more].concat();
        let output = shop.contoso("dead-letters", &arguments).await;
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let one = shop.blobs("dead-letters", "Trends/")[0].clone();
    let tried = shop.contoso("dead-letters", &["replay", &one, "--json"]).await;
    let tried: Value = serde_json::from_slice(&tried.stdout).expect("JSON");
    assert_eq!(tried["progress"]["parked"], 1, "{tried}");
    assert_eq!(shop.blobs("dead-letters", "Trends/").len(), BAD, "the same letter");

    let endpoints = shop.stack.endpoints();
    let deployment = SignedIn::new(endpoints, identity::DEPLOYMENT).expect("an identity");
    let url =
        format!("{}/$schemaGroups/contoso/schemas/{name}", endpoints.event_hubs.schema_registry.trim_end_matches('/'));
    let request = deployment.request(Method::PUT, &url, "https://eventhubs.azure.net").await.expect("a token");
    let request = request.query(&[("api-version", "2023-07-01")]);
    let request = request.header("content-type", "application/json; serialization=Avro").body(schema.to_string());
    let registered = request.send().await.expect("the registry answers");
    assert_eq!(registered.status(), StatusCode::NO_CONTENT, "{:?}", registered.text().await);
    shop.run_app().await;

    let replayed = replays("Trends", &[]).await;
    assert_eq!((&replayed["progress"]["done"], &replayed["count"]), (&json!(BAD), &json!(BAD)), "{replayed}");
    shop.parks("Trends", 0).await;
    // To the function that parked them, and not to its neighbour.
    assert_eq!((views().await, viewed().await), (BAD + 1, 1));
    assert_eq!(shop.blobs("dead-letters", "RecentlyViewed/").len(), BAD);

    // A letter that comes back, as by a worker that died before it was gone: it is counted already, and that is what it says.
    let (id, letter) = {
        let other = shop.blobs("dead-letters", "RecentlyViewed/")[0].clone();
        let mut letter = shop.json_blob("dead-letters", &other).0;
        letter["position"]["consumerGroup"] = json!("trends");
        (other.replacen("RecentlyViewed", "Trends", 1), letter)
    };
    shop.stack.blobs().put("dead-letters", &id, letter.to_string().into(), PutOptions::default()).expect("written");
    let again = replays("Trends", &[]).await;
    assert_eq!(again["progress"]["skipped"], 1, "{again}");
    assert_eq!(again["items"][0]["reason"], "counted before", "{again}");
    assert_eq!(views().await, BAD + 1);
    let nothing = shop.contoso("dead-letters", &["replay", "--function", "Trends", "--yes"]).await;
    assert!(nothing.status.success() && nothing.stdout.is_empty(), "{nothing:?}");

    let replayed = replays("RecentlyViewed", &["--reason", "the schema is registered"]).await;
    // Once twenty newer ones are in the list, the rest is skipped.
    let progress = &replayed["progress"];
    let [done, skipped] = ["done", "skipped"].map(|name| progress[name].as_u64().expect("a count"));
    assert!(done >= 20 && done + skipped == BAD as u64, "{progress}");
    shop.parks("RecentlyViewed", 0).await;
    assert_eq!((views().await, viewed().await), (BAD + 1, 20));
    let (_, log) = shop.letters("/log").await;
    assert_eq!(
        (&log["items"][0]["action"], &log["items"][0]["reason"]),
        (&json!("replay"), &json!("the schema is registered"))
    );
    let batch = log["items"][0]["batch"].as_str().expect("a batch").to_owned();
    assert!(shop.dead_letters(&["batch", &batch]).await.starts_with(&format!("{done} done")));

    // What Event Grid gave up was not parked by any function.
    let name = "ACME-PRICES/2026/1/5/10/a.json";
    shop.stack.blobs().put("event-grid-dead-letters", name, "[{}]".into(), PutOptions::default()).expect("written");
    shop.parks("ACME-PRICES", 1).await;
    let refused = shop.contoso("dead-letters", &["replay", &format!("event-grid/{name}")]).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Event Grid gave these events up"), "{refused:?}");
    shop.stop().await;
}

/// A thousand replays take less than a minute of what is deployed, most of them of one window.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a quiet machine: ./contoso test --test it -- --ignored letters_are_listed_at_once a_thousand_replays"]
async fn a_thousand_replays_take_less_than_a_minute() {
    const LETTERS: usize = 1_000;
    let shop = Inside::start().await;
    let now = machine::now().format(&Rfc3339).expect("a text");
    for number in 0..LETTERS {
        let body = json!({"productId": format!("p-{number}"), "category": null, "visitorId": null, "sessionId": null});
        let letter = json!({ "function": "Trends", "cause": "a fault that is mended", "contentType": "application/json",
            "position": {"hub": "clicks", "consumerGroup": "trends", "partition": "0", "sequence": number, "offset": "0", "enqueued": now},
            "properties": {"cloudEvents:specversion": "1.0", "cloudEvents:id": number.to_string(), "cloudEvents:source": "/s",
                "cloudEvents:type": CLICK, "cloudEvents:time": now},
            "bodyBase64": BASE64.encode(body.to_string()), "parkedAt": now });
        let name = format!("Trends/clicks/0/{number}-aa.json");
        shop.stack
            .blobs()
            .put("dead-letters", &name, letter.to_string().into(), PutOptions::default())
            .expect("written");
    }
    let began = Instant::now();
    let replayed = shop.dead_letters(&["replay", "--all", "--yes", "--json"]).await;
    let took = began.elapsed();
    let replayed: Value = serde_json::from_str(&replayed).expect("JSON");
    assert_eq!(replayed["progress"]["done"], LETTERS, "{}", replayed["progress"]);
    println!("{LETTERS} replays in {took:?}");
    assert!(took.as_secs() < 60, "{took:?}");
    shop.stop().await;
}
