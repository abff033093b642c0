//! An app of some of the functions: what it tells of itself, and of a shop in which little has happened.

use serde_json::{Value, json};

use crate::support::{Shop, ShopOptions, eventually, package};

impl Shop {
    async fn json(&self, path: &str) -> Value {
        let answer = self.http.get(self.api(path)).send().await.expect("an answer");
        answer.json().await.unwrap_or_default()
    }

    /// Waits until the menu lists these categories.
    async fn menu_is(&self, wanted: &[&str]) {
        let wanted: Vec<_> = wanted.iter().map(|name| json!({ "name": name })).collect();
        eventually(&format!("the menu {wanted:?}"), || async {
            let menu = self.json("site/categories").await;
            if menu["categories"] == json!(wanted) { Ok(()) } else { Err(format!("{menu}\n{}", self.log())) }
        })
        .await;
    }
}

fn boots(category: &str) -> Value {
    json!({"name": "Boots", "category": category, "price": {"amount": "99.00", "currency": "USD"}})
}

#[tokio::test]
async fn only_what_is_staged_is_told_of_and_only_what_has_products_is_in_the_menu() {
    let functions = ["Products", "ProductChanges", "ProductProjection", "Heartbeat", "SiteApi", "OpsApi"];
    let app = package(&[
        "--functions",
        &functions.join(","),
        "--set",
        "ProductChanges.feedPollDelay=50",
        "--set",
        "Heartbeat.schedule=* * * * * *",
    ]);
    let shop = Shop::start(ShopOptions { app: Some(app.path().to_owned()), ..ShopOptions::default() }).await;
    let measured = eventually("a measurement", || async {
        let overview = shop.json("ops/overview").await;
        if overview["measuredAt"].is_string() { Ok(overview) } else { Err(format!("{overview}\n{}", shop.log())) }
    })
    .await;
    let names = |list: &str, name: &str| -> Vec<String> {
        let list = measured[list].as_array().expect("a list");
        list.iter().map(|item| item[name].as_str().expect("a name").to_owned()).collect()
    };
    let mut told: Vec<_> = measured["functions"].as_array().expect("a list").clone();
    told.sort_by_key(ToString::to_string);
    let mut staged = functions;
    staged.sort_unstable();
    assert_eq!(told, staged);
    assert_eq!(names("flows", "function"), ["ProductChanges", "ProductProjection"], "{measured}");
    assert_eq!(names("logs", "name"), ["catalog/products", "products"], "{measured}");
    for log in measured["logs"].as_array().expect("a list") {
        assert_eq!(log["lastStored"], Value::Null, "there never was an event: {measured}");
    }
    let health = shop.json("site/health").await;
    assert!(!health.to_string().contains("1970-"), "{health}");

    shop.menu_is(&[]).await;
    shop.put_product("boots", &boots("Footwear")).await;
    shop.put_product("tent", &boots("Camping")).await;
    shop.menu_is(&["Camping", "Footwear"]).await;
    shop.put_product("boots", &boots("Winter")).await;
    shop.menu_is(&["Camping", "Winter"]).await;
    let gone = shop.http.delete(shop.api("products/tent")).send().await.expect("an answer");
    assert!(gone.status().is_success(), "{}", gone.status());
    shop.menu_is(&["Winter"]).await;
    shop.put_product("tent", &boots("Camping")).await;
    shop.put_product("boots", &boots("Footwear")).await;
    shop.menu_is(&["Camping", "Footwear"]).await;
    eventually("the time of the newest product event", || async {
        let overview = shop.json("ops/overview").await;
        let stored = overview["logs"].as_array().into_iter().flatten().find(|log| log["name"] == "products");
        let at = stored.and_then(|log| log["lastStored"].as_str());
        if at.is_some_and(|at| at > "2020") { Ok(()) } else { Err(overview.to_string()) }
    })
    .await;
}
