//! One product change from `PUT` to the site and to the partner's webhook.

use serde_json::{Value, json};

use crate::support::{Shop, ShopOptions, data, eventually};

/// The whole catalogue of a real shop, then one change: both readers see it.
#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn a_real_catalogue_and_a_price_change_reach_site_and_partner() {
    let catalogue = data::real("catalogue-dotnet-eshop/catalog.json");
    let source: Vec<Value> = serde_json::from_slice(&std::fs::read(&catalogue).expect("readable")).expect("JSON");
    let shop = Shop::start(ShopOptions { catalogue: Some(catalogue), ..ShopOptions::default() }).await;

    for product in &source {
        let id = product["Id"].to_string();
        let shown = eventually(&format!("product {id} on the site"), || async {
            shop.site_product(&id).await.ok_or_else(|| shop.log())
        })
        .await;
        assert_eq!(shown["name"], product["Name"]);
        assert_eq!(shown["category"], product["Type"]);
        let amount: f64 = shown["price"]["amount"].as_str().expect("text").parse().expect("a number");
        assert!((amount - product["Price"].as_f64().expect("a number")).abs() < 0.001, "{shown} {product}");
    }

    shop.patch_product("7", &json!({"price": {"amount": "12.34", "currency": "USD"}})).await;
    shop.site_shows_price("7", "12.34").await;
    let told = shop
        .partner_gets("the new price of 7", |event| {
            event["subject"] == "7" && event["data"]["state"]["price"]["amount"] == "12.34"
        })
        .await;
    assert_eq!(told["type"], "com.contoso.product.changed.v1");
    let changes = told["data"]["changes"].as_array().expect("what changed");
    assert_eq!(changes.len(), 1, "{told}");
    assert_eq!(changes[0]["field"], "price");
    let old_price =
        source.iter().find(|product| product["Id"] == 7).expect("product 7")["Price"].as_f64().expect("a number");
    assert_eq!(changes[0]["from"], json!({"amount": format!("{old_price:.2}"), "currency": "USD"}), "{told}");
    assert_eq!(changes[0]["to"], json!({"amount": "12.34", "currency": "USD"}));
}

/// Reading the site: categories in pages, conditional requests, and what is gone.
#[tokio::test]
async fn the_site_reads_pages_and_revalidates() {
    let shop = Shop::empty().await;
    for number in 0..5 {
        let body = json!({"name": format!("Boot {number}"), "category": "Footwear", "price": {"amount": "10.00", "currency": "EUR"}});
        shop.put_product(&format!("boot-{number}"), &body).await;
    }
    let listed = |limit: usize| {
        let shop = &shop;
        async move {
            let mut url = shop.api(&format!("site/products?category=Footwear&limit={limit}"));
            let mut names = Vec::new();
            loop {
                let page: Value = shop.http.get(&url).send().await.expect("an answer").json().await.expect("JSON");
                let items = page["items"].as_array().unwrap_or_else(|| panic!("no items: {page}"));
                assert!(items.len() <= limit, "{page}");
                names.extend(items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()));
                match page["next"].as_str() {
                    Some(next) => url = format!("{}{next}", shop.endpoint("/functions")),
                    None => break names,
                }
            }
        }
    };
    eventually("five boots in pages of two", || async {
        let mut names = listed(2).await;
        names.sort();
        if names == ["boot-0", "boot-1", "boot-2", "boot-3", "boot-4"] { Ok(()) } else { Err(format!("{names:?}")) }
    })
    .await;

    let url = shop.api("site/products/boot-1");
    let first = shop.http.get(&url).send().await.expect("an answer");
    let etag = first.headers()["etag"].clone();
    let again = shop.http.get(&url).header("if-none-match", etag).send().await.expect("an answer");
    assert_eq!(again.status(), 304);

    let gone = shop.http.delete(shop.api("products/boot-3")).send().await.expect("an answer");
    assert!(gone.status().is_success(), "{}", gone.status());
    eventually("boot-3 off the list", || async {
        let names = listed(100).await;
        if names.contains(&"boot-3".to_owned()) { Err(format!("{names:?}")) } else { Ok(()) }
    })
    .await;
    let told =
        shop.partner_gets("the end of boot-3", |event| event["type"] == "com.contoso.product.discontinued.v1").await;
    assert_eq!(told["subject"], "boot-3");
}

/// Staff edits: versions, conditions, repetition, and bad input that stores nothing.
#[tokio::test]
async fn products_are_guarded_by_version_and_checked() {
    let shop = Shop::empty().await;
    let url = shop.api("products/p1");
    let body = json!({"name": "Lamp", "category": "Home", "price": {"amount": "19.99", "currency": "USD"}});
    let created = shop.http.put(&url).json(&body).send().await.expect("an answer");
    assert_eq!(created.status(), 201);
    let first = created.headers()["etag"].clone();

    let repeated = shop.http.put(&url).json(&body).send().await.expect("an answer");
    assert_eq!(repeated.status(), 200);
    assert_eq!(repeated.headers()["etag"], first, "the same content again is the same version");

    let price = |amount: &str| json!({"price": {"amount": amount, "currency": "USD"}});
    let changed =
        shop.http.patch(&url).header("if-match", &first).json(&price("21.00")).send().await.expect("an answer");
    assert!(changed.status().is_success(), "{}", changed.status());
    let stale = shop.http.patch(&url).header("if-match", &first).json(&price("22.00")).send().await.expect("an answer");
    assert_eq!(stale.status(), 412);

    // Two callers who send the same under the same condition: one of them wins.
    for round in 0..10 {
        let current = shop.http.get(&url).send().await.expect("an answer").headers()["etag"].clone();
        let attempt = || {
            let body = json!({"stock": round});
            let request = shop.http.patch(&url).header("if-match", &current).json(&body);
            async { request.send().await.expect("an answer").status().as_u16() }
        };
        let (one, other) = tokio::join!(attempt(), attempt());
        let mut statuses = [one, other];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "round {round}");
    }

    for (bad, field) in [
        (json!({"category": "Home", "price": {"amount": "1.00", "currency": "USD"}}), "name"),
        (json!({"name": "Lamp", "category": "Home", "price": {"amount": "-1.00", "currency": "USD"}}), "price.amount"),
        (json!({"name": "Lamp", "category": "Home", "price": {"amount": "1.999", "currency": "USD"}}), "price.amount"),
        (json!({"name": "Lamp", "category": "Home", "price": {"amount": "1.00", "currency": "usd"}}), "price.currency"),
        (json!({"name": 7, "category": "Home", "price": {"amount": "1.00", "currency": "USD"}}), "name"),
        (
            json!({"name": "Lamp", "category": "Home", "price": {"amount": "1.00", "currency": "USD"}, "colour": "red"}),
            "colour",
        ),
    ] {
        let answer = shop.http.put(shop.api("products/p2")).json(&bad).send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{bad}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.expect("JSON");
        let fields: Vec<_> =
            problem["errors"].as_array().expect("errors").iter().map(|error| error["field"].clone()).collect();
        assert!(fields.contains(&json!(field)), "{bad}: {problem}");
    }
    let stored = shop.http.get(shop.api("products/p2")).send().await.expect("an answer");
    assert_eq!(stored.status(), 404, "nothing is stored of bad input");
}
