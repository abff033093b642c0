//! Kills, restarts, bad records, repeated and disordered delivery.

use serde_json::{Value, json};

use crate::support::{Shop, eventually};

fn product(price: &str) -> Value {
    json!({"name": "Rope", "category": "Climbing", "price": {"amount": price, "currency": "USD"}})
}

/// Handlers die while prices change: the latest state of every product arrives, every difference starts where the last
/// one ended, and no event means two things.
#[tokio::test]
async fn changes_survive_kills_of_the_handler() {
    let shop = Shop::empty().await;
    let ids: Vec<String> = (0..8).map(|number| format!("rope-{number}")).collect();
    for id in &ids {
        shop.put_product(id, &product("1.00")).await;
    }
    for round in 2..=5 {
        for id in &ids {
            put_through_restarts(&shop, id, &product(&format!("{round}.00"))).await;
        }
        shop.kill_handler().await;
    }
    let log = shop.whole_log();
    assert!(log.contains("THE FUNCTIONS HOST STOPPED"), "the third death stops the host, loudly: {log}");
    for id in &ids {
        shop.site_shows_price(id, "5.00").await;
        shop.partner_gets("the last price", |event| {
            event["subject"] == id.as_str() && event["data"]["state"]["price"]["amount"] == "5.00"
        })
        .await;
    }
    let inbox = shop.partner_inbox().await;
    assert_eq!(inbox["contradictions"], 0, "one id, one meaning");
    let events = inbox["events"].as_array().expect("events");
    for id in &ids {
        let mut history: Vec<&Value> =
            events.iter().map(|event| &event["data"]).filter(|data| data["productId"] == id.as_str()).collect();
        history.sort_by_key(|data| data["revision"].as_i64());
        let price = |data: &Value, end: &str| {
            let changes = data["changes"].as_array().expect("changes");
            let change = changes.iter().find(|change| change["field"] == "price").expect("the price changed");
            change[end].clone()
        };
        for pair in history.windows(2) {
            assert_eq!(price(pair[0], "to"), price(pair[1], "from"), "{id}: the difference is from what was last sent");
        }
    }
}

/// While the host restarts the handler, a request may fail; staff would try again.
async fn put_through_restarts(shop: &Shop, id: &str, body: &Value) {
    eventually("an accepted change", || async {
        let answer = shop.http.put(shop.api(&format!("products/{id}"))).json(body).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// `kill -9` of the stack: catalogue, hubs, checkpoints and projections are where they were, and the flow goes on.
#[tokio::test]
async fn a_crashed_stack_goes_on_where_it_was() {
    let shop = Shop::empty().await;
    shop.put_product("r1", &product("1.00")).await;
    shop.site_shows_price("r1", "1.00").await;
    shop.partner_gets("the first price", |event| event["subject"] == "r1").await;

    let shop = shop.crash_and_restart().await;
    shop.site_shows_price("r1", "1.00").await;
    let before = shop.http.get(shop.api("products/r1")).send().await.expect("an answer");
    assert_eq!(before.headers()["etag"], "\"1\"", "the catalogue kept its version");
    shop.patch_product("r1", &json!({"price": {"amount": "2.00", "currency": "USD"}})).await;
    shop.site_shows_price("r1", "2.00").await;
    let told = shop.partner_gets("the second price", |event| event["data"]["state"]["price"]["amount"] == "2.00").await;
    assert_eq!(told["data"]["revision"], 2, "revisions go on");
    assert_eq!(told["data"]["changes"][0]["from"]["amount"], "1.00", "and the state last sent was kept");
}

/// Ctrl-C leaves nothing behind.
#[tokio::test]
async fn an_interrupt_stops_everything() {
    let shop = Shop::empty().await;
    let (code, left) = shop.interrupt().await;
    assert_eq!(code, Some(0));
    assert_eq!(left, Vec::<u32>::new());
}
