//! `PriceAlerts`: falls by a fifth are noted, once, and nothing else is.

use serde_json::{Value, json};

use crate::support::Inside;

fn product(price: &str) -> Value {
    json!({"name": "Boots", "category": "Footwear", "price": {"amount": price, "currency": "USD"}})
}

#[tokio::test]
async fn a_fall_by_a_fifth_is_noted_once_and_a_smaller_one_is_not() {
    let shop = Inside::start().await;
    for (events, id, price) in
        [(1, "a", "100.00"), (2, "a", "85.00"), (3, "b", "10.00"), (4, "a", "60.00"), (5, "b", "8.01")]
    {
        shop.put(id, &product(price)).await;
        // One announcement for each price.
        shop.handles("products", "price-alerts", events).await;
    }
    let alert = async |id| shop.document("price-alerts", id, id).await;
    let noted = alert("a").await.expect("an alert");
    assert_eq!((&noted["from"]["amount"], &noted["to"]["amount"]), (&json!("85.00"), &json!("60.00")), "{noted}");
    assert_eq!((&noted["revision"], &noted["name"]), (&json!(3), &json!("Boots")), "{noted}");
    assert_eq!(alert("b").await, None, "a fall by less");

    // What is announced and not yet noted as such is announced again by the next app.
    shop.feed_is_read().await;
    shop.stack.stop_app().await;
    shop.rewind().await;
    shop.run_app().await;
    shop.feed_is_read().await;
    shop.handles("products", "price-alerts", 5).await;
    assert_eq!(alert("a").await, Some(noted), "a second delivery writes nothing: the same ETag");
    assert_eq!(alert("b").await, None);
    shop.stop().await;
}
