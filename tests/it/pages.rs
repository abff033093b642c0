//! The storefront and the operations page in headless Chromium.

use std::path::PathBuf;

use contoso_local::blobs::PutOptions;
use serde_json::{Value, json};

use crate::support::{Inside, Shop, ShopOptions, data, eventually, javascript, machine, readers};

/// An outage of the traffic, prices, clicks; accessibility in both schemes on both sizes. Screenshots are kept beside the build output.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn pages_in_a_browser() {
    let catalogue = data::real("catalogue-dotnet-eshop/catalog.json");
    let options = ShopOptions { catalogue: Some(catalogue), ..ShopOptions::default() };
    let shop = Shop::start(options).await;
    eventually("the last product on the site", || async {
        shop.site_product("101").await.ok_or_else(|| "not yet".to_owned())
    })
    .await;
    for suite in ["pages.js", "storefront.js", "boards.js", "hub.js", "visitors.js"] {
        passes(suite, &shop, json!({})).await;
    }
}

/// Letters of poison on a hub: listed, opened, dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_in_a_browser() {
    let shop = Shop::empty().await;
    passes("dead_letters.js", &shop, json!({})).await;
    // The one event that came while the others were dropped.
    shop.parks("RecentlyViewed", 1).await;
    shop.parks("Trends", 1).await;
}

/// With keys asked for, as in Azure; and as the shop is empty, what its pages say then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operations_page_asks_for_a_key() {
    let options = ShopOptions { arguments: vec!["--auth".to_owned()], ..ShopOptions::default() };
    let shop = Shop::start(options).await;
    let said = shop.whole_log();
    let key = said.lines().find_map(|line| line.trim().strip_prefix("OpsApi key")).expect("the summary has a key");
    for suite in ["pages.js", "empty.js"] {
        passes(suite, &shop, json!({ "key": key.trim() })).await;
    }
}

/// It measures time, which other tests beside it would change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a quiet machine: cargo test -p contoso-tests --test it -- --ignored first_paint"]
async fn the_first_paint_of_each_page_comes_within_200_ms() {
    let catalogue = data::real("catalogue-dotnet-eshop/catalog.json");
    let options = ShopOptions { catalogue: Some(catalogue), ..ShopOptions::default() };
    let shop = Shop::start(options).await;
    passes("paint.js", &shop, json!({})).await;
}

/// Runs a suite, which is told of `pages` beside the browser; shows a line a case, and all that was said where one fails.
pub(crate) async fn passes(suite: &'static str, shop: &Shop, mut pages: Value) {
    let screenshots = javascript::output("screenshots");
    pages["browser"] = json!(browser());
    pages["screenshots"] = json!(screenshots);
    let mut input = shop.endpoints.clone();
    input["pages"] = pages;
    let run = tokio::task::spawn_blocking(move || javascript::run_suite(suite, &input)).await.expect("no panic");
    match run {
        Ok(said) => println!("{said}\nscreenshots: {}", screenshots.display()),
        Err(said) => panic!("{}\n{}", failures(&said), shop.log()),
    }
}

/// What a suite says of its failed cases, which the reporter `spec` of Node.js repeats behind all cases; all that it said where it did not get so far.
fn failures(said: &str) -> &str {
    said.find("failing tests:").map_or(said, |at| &said[at..])
}

/// `CHROMIUM`, or what is installed.
pub(crate) fn browser() -> PathBuf {
    let named = machine::variable("CHROMIUM").map(PathBuf::from);
    let path = machine::variable("PATH").unwrap_or_default();
    let installed = || {
        ["chromium", "chromium-browser", "google-chrome"]
            .iter()
            .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
            .find(|file| file.is_file())
    };
    named.or_else(installed).expect("there is no Chromium: `./contoso setup` installs it")
}

/// What operators read: nothing is claimed before it is measured, then lag, rates and dead letters; a reader that has it is told so.
#[tokio::test]
async fn the_overview_shows_lag_and_dead_letters() {
    let shop = Inside::start().await;
    let url = format!("{}/api/ops/overview", shop.stack.endpoints().functions);
    let overview = || async {
        let answer = shop.http.get(&url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.expect("JSON")
    };
    let empty = overview().await;
    assert_eq!((&empty["clicks"], &empty["anomalies"], &empty["trending"]), (&json!([]), &Value::Null, &Value::Null));
    assert_eq!(empty["deadLetters"]["count"], 0, "{empty}");

    let body = json!({"name": "Rope", "category": "Climbing", "price": {"amount": "1.00", "currency": "USD"}});
    shop.put("rope", &body).await;
    shop.comes_to_rest(1).await;
    // A record that no function can read.
    let partition =
        shop.stack.event_hubs().hub("products").expect("the hub").partition("0").expect("it exists").clone();
    partition.append(&[bytes::Bytes::from_static(b"\x00\x53\x75\xa0\x01x")]).expect("stored");
    let readers = readers("products");
    for (function, _) in &readers {
        shop.parks(function, 1).await;
    }
    // And one of a function that this app does not serve.
    let other =
        json!({"function": "Elsewhere", "cause": "a fault", "bodyBase64": "", "parkedAt": "2026-01-05T10:00:00Z"});
    let written = PutOptions::default();
    shop.stack
        .blobs()
        .put("dead-letters", "Elsewhere/clicks/0/1-aa.json", other.to_string().into(), written)
        .expect("written");
    shop.parks("Elsewhere", 1).await;

    let host = shop.stack.host().expect("a host");
    let seen = eventually("lag, rates and dead letters", || async {
        host.fire_timer("Heartbeat").await.expect("a timer");
        let seen = overview().await;
        let flows = seen["flows"].as_array().expect("flows").iter();
        let at_rest = flows.filter(|flow| flow["lag"] == 0 && flow["handledPerSecond"].is_number()).count();
        if at_rest >= 2 && seen["deadLetters"]["count"] == readers.len() + 1 { Ok(seen) } else { Err(seen.to_string()) }
    })
    .await;
    let owners = readers.iter().map(|(function, _)| *function).chain(["Elsewhere"]);
    let one_each: serde_json::Map<_, _> = owners.map(|function| (function.to_owned(), json!(1))).collect();
    assert_eq!(seen["deadLetters"]["byOwner"], json!(one_each), "{seen}");
    assert_eq!(seen["deadLetters"]["records"], 2, "what all readers parked is one record: {seen}");
    let newest = seen["deadLetters"]["newest"].as_array().expect("letters");
    assert!(newest.iter().all(|letter| letter["cause"].as_str().is_some_and(|cause| !cause.is_empty())), "{seen}");
    assert_eq!(seen["partners"]["waiting"], 0, "{seen}");
    assert_eq!(seen["partners"]["givenUp"]["count"], 0, "{seen}");
    assert!(seen["measuredAt"].is_string(), "{seen}");

    eventually("an answer that did not change", || async {
        let first = shop.http.get(&url).send().await.expect("an answer");
        let etag = first.headers()["etag"].clone();
        let again = shop.http.get(&url).header("if-none-match", etag).send().await.expect("an answer");
        if again.status() == 304 { Ok(()) } else { Err(again.status().to_string()) }
    })
    .await;
    shop.stop().await;
}
