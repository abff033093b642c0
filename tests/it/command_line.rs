//! `tail`, `simulate` and `replay` on a running shop.

use contoso_cli::clickstream::HEADER;
use serde_json::{Value, json};

use crate::support::{Shop, contoso, eventually};

#[tokio::test]
async fn tail_shows_decoded_events_and_simulate_drives_changes() {
    let shop = Shop::empty().await;
    for number in 0..4 {
        let body = json!({"name": "Rope", "category": "Climbing", "price": {"amount": "1.00", "currency": "USD"}});
        shop.put_product(&format!("r{number}"), &body).await;
    }
    for number in 0..4 {
        shop.site_shows_price(&format!("r{number}"), "1.00").await;
    }
    let endpoints = shop.endpoints_file();
    let simulated = {
        let endpoints = endpoints.clone();
        run(move || {
            let mut command = contoso();
            command.args(["simulate", "--rate", "20", "--duration", "2s", "--seed", "7", "--category", "Climbing"]);
            command.arg("--endpoints").arg(endpoints);
            command
        })
        .await
    };
    assert!(simulated.status.success(), "{simulated:?}");

    let tailed = run(move || {
        let mut command = contoso();
        command
            .args(["tail", "products", "--from", "earliest", "--limit", "5", "--json", "--endpoints"])
            .arg(endpoints);
        command
    })
    .await;
    assert!(tailed.status.success(), "{tailed:?}");
    let lines: Vec<Value> = String::from_utf8_lossy(&tailed.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        assert_eq!(line["type"], "com.contoso.product.changed.v1", "{line}");
        assert!(line["data"]["productId"].as_str().is_some_and(|id| id.starts_with('r')), "{line}");
    }
}

#[tokio::test]
async fn a_replayed_log_is_on_sale_and_on_the_pages() {
    let shop = Shop::empty().await;
    let rows = [
        "2008;4;1;1;29;1;1;A13;1;5;1;28;2;1",
        "2008;4;1;2;29;1;2;B4;1;5;1;52;2;1",
        "2008;4;1;1;29;2;1;A13;1;5;1;28;2;1",
    ];
    let log = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(log.path(), format!("{}\n{}\n", HEADER.join(";"), rows.join("\n"))).expect("written");
    let (endpoints, path) = (shop.endpoints_file(), log.path().to_owned());
    let replayed = run(move || {
        let mut command = contoso();
        command.args(["replay", "clicks", "--products"]).arg(path).arg("--endpoints").arg(endpoints);
        command
    })
    .await;
    assert!(replayed.status.success(), "{replayed:?}");
    let said = String::from_utf8_lossy(&replayed.stdout).into_owned();
    assert!(said.starts_with("3 clicks of 2 sessions"), "{said}");

    let product = shop.site_shows_price("B4", "52.00").await;
    assert_eq!((product["name"].as_str(), product["category"].as_str()), (Some("Skirts B4"), Some("skirts")));
    for (visitor, products) in [("session-000001", vec!["B4", "A13"]), ("session-000002", vec!["A13"])] {
        eventually(visitor, || async {
            let found = viewed(&shop, visitor).await;
            if found == products { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }
}

/// The products a visitor viewed, newest first.
async fn viewed(shop: &Shop, visitor: &str) -> Vec<String> {
    let answer = shop.http.get(shop.api(&format!("site/visitors/{visitor}"))).send().await.expect("an answer");
    let list: Value = answer.json().await.expect("JSON");
    let products = list["items"].as_array().into_iter().flatten().filter_map(|item| item["productId"].as_str());
    products.map(ToOwned::to_owned).collect()
}

async fn run(command: impl FnOnce() -> std::process::Command + Send + 'static) -> std::process::Output {
    tokio::task::spawn_blocking(move || command().output().expect("contoso runs")).await.expect("no panic")
}
