//! The handler can do what the roles of its identity allow, and nothing else.

use contoso_cli::identity;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Inside, eventually};

#[tokio::test]
async fn a_missing_role_is_refused_by_the_service_and_repeating_helps_once_it_is_there() {
    let shop = Inside::start().await;
    let product = json!({ "name": "Lamp", "category": "Lights", "brand": "Contoso", "description": "Bright.",
        "price": { "amount": "10.00", "currency": "USD" } });
    shop.put("lamp", &product).await;
    shop.comes_to_rest(1).await;

    // It may read documents, and write none.
    shop.run_app_as(identity::OPERATOR).await;
    let functions = shop.stack.endpoints().functions.clone();
    eventually("the projection, read", || async {
        let read = shop.http.get(format!("{functions}/api/site/products/lamp")).send().await.expect("an answer");
        if read.status() == StatusCode::OK { Ok(()) } else { Err(read.status().to_string()) }
    })
    .await;
    let write = shop.http.put(format!("{functions}/api/products/chair")).json(&product).send().await;
    assert_eq!(write.expect("an answer").status(), StatusCode::SERVICE_UNAVAILABLE);

    shop.run_app().await;
    shop.put("chair", &product).await;
    shop.comes_to_rest(2).await;
    shop.stop().await;
}
