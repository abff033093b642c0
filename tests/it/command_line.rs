//! `tail` and `simulate` on a running shop.

use serde_json::{Value, json};

use crate::support::{Shop, contoso};

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

async fn run(command: impl FnOnce() -> std::process::Command + Send + 'static) -> std::process::Output {
    tokio::task::spawn_blocking(move || command().output().expect("contoso runs")).await.expect("no panic")
}
