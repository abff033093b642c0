//! Keys and tokens on the wire: what opens a link, what refuses it, what ends it.

use super::{
    Stand, message,
    peer::{DETACH, Peer, TRANSFER, greeting_with},
    wire::exchange,
};
use crate::event_hubs::{access::tests::signature, amqp::Value};

const RULE: &str = "RootManageSharedAccessKey";
const KEY: &str = "SAS_KEY_VALUE";
const SAS: &str = "servicebus.windows.net:sastoken";
const REFUSED: &str = "amqp:unauthorized-access";
const RESOURCE: &str = "https://eventhubs.azure.net";
const SITE: &str = "products/ConsumerGroups/site/Partitions/0";

#[tokio::test]
async fn a_link_needs_a_token_that_covers_it() {
    let stand = Stand::new().await;
    let mut peer = Peer::anonymous(&stand).await;
    assert_eq!(peer.sender(9, "products").await, Err(REFUSED.to_owned()));
    peer.node(0, "$cbs").await.unwrap();
    let wrong = signature("sb://localhost/products", RULE, "wrong", 60);
    assert_eq!(peer.put_token(SAS, "sb://localhost/products", &wrong).await, 401);
    assert_eq!(peer.sender(11, "products").await, Err(REFUSED.to_owned()));

    let narrow = format!("sb://localhost/{SITE}");
    assert_eq!(peer.put_token(SAS, &narrow, &signature(&narrow, RULE, KEY, 60)).await, 202);
    peer.receiver(12, SITE, None, None).await.unwrap();
    assert_eq!(peer.sender(13, "products").await, Err(REFUSED.to_owned()));
    let other = "products/ConsumerGroups/site/Partitions/1";
    assert_eq!(peer.receiver(14, other, None, None).await, Err(REFUSED.to_owned()));

    let hub = "sb://localhost/PRODUCTS";
    assert_eq!(peer.put_token(SAS, hub, &signature(hub, RULE, KEY, 60)).await, 202);
    peer.sender(15, "products/Partitions/3").await.unwrap();
    assert_eq!(peer.send(15, &message("x")).await.0, 0x24);
    // An unknown hub is told from a forbidden one only to those who may know.
    assert_eq!(peer.sender(16, "nothing").await, Err(REFUSED.to_owned()));
    let whole = "sb://localhost/";
    assert_eq!(peer.put_token(SAS, whole, &signature(whole, RULE, KEY, 60)).await, 202);
    assert_eq!(peer.sender(17, "nothing").await, Err("amqp:not-found".to_owned()));
    stand.hubs.stop().await;
}

#[tokio::test]
async fn roles_decide_what_an_identity_may_do() {
    let stand = Stand::new().await;
    let mut peer = Peer::anonymous(&stand).await;
    peer.node(0, "$cbs").await.unwrap();
    let audience = "amqps://contoso.servicebus.windows.net/products";
    let token = |name| stand.identity.token(name, RESOURCE).unwrap();
    assert_eq!(peer.put_token("jwt", audience, "x").await, 401);
    assert_eq!(peer.put_token("jwt", audience, &token("stranger")).await, 202);
    assert_eq!(peer.sender(9, "products").await, Err(REFUSED.to_owned()));
    assert_eq!(peer.receiver(10, SITE, None, None).await, Err(REFUSED.to_owned()));
    peer.node(2, "$management").await.unwrap();
    let read = [("operation", "READ"), ("type", "com.microsoft:eventhub"), ("name", "products")];
    assert_eq!(peer.request(2, &read, Value::Null).await, (401, Some(REFUSED.to_owned())));
    let owner = token("owner");
    let with_token = [&read[..], &[("security_token", owner.as_str())]].concat();
    assert_eq!(peer.request(2, &with_token, Value::Null).await, (200, None));

    assert_eq!(peer.put_token("jwt", audience, &token("site")).await, 202);
    peer.receiver(13, SITE, None, None).await.unwrap();
    let default = "products/ConsumerGroups/$Default/Partitions/0";
    assert_eq!(peer.receiver(14, default, None, None).await, Err(REFUSED.to_owned()));
    assert_eq!(peer.sender(15, "products").await, Err(REFUSED.to_owned()));
    assert_eq!(peer.request(2, &read, Value::Null).await, (200, None));

    assert_eq!(peer.put_token("jwt", audience, &owner).await, 202);
    peer.sender(11, "products").await.unwrap();
    peer.receiver(12, SITE, None, None).await.unwrap();
    assert_eq!(peer.request(2, &read, Value::Null).await, (200, None));
    let unknown = [("operation", "READ"), ("type", "com.microsoft:eventhub"), ("name", "nothing")];
    assert_eq!(peer.request(2, &unknown, Value::Null).await.0, 401);
    stand.hubs.stop().await;
}

#[tokio::test]
async fn a_link_ends_with_its_token_unless_that_is_renewed() {
    let stand = Stand::new().await;
    let (hub, site) = ("sb://localhost/products", format!("sb://localhost/{SITE}"));
    let mut peer = Peer::anonymous(&stand).await;
    peer.node(0, "$cbs").await.unwrap();
    assert_eq!(peer.put_token(SAS, hub, &signature(hub, RULE, KEY, 2)).await, 202);
    peer.sender(9, "products/Partitions/0").await.unwrap();
    assert_eq!(peer.put_token(SAS, &site, &signature(&site, RULE, KEY, 2)).await, 202);
    peer.receiver(10, SITE, None, None).await.unwrap();
    assert_eq!(peer.put_token(SAS, &site, &signature(&site, RULE, KEY, 600)).await, 202);

    let detach = peer.expect(DETACH).await;
    assert_eq!((detach.fields.field(0).as_i64(), detach.condition()), (Some(9), REFUSED.to_owned()));
    assert_eq!(peer.sender(11, "products").await, Err(REFUSED.to_owned()));
    // The other link lives on.
    stand.hub().partitions()[0].append(&[message("x")]).unwrap();
    assert_eq!(peer.expect(TRANSFER).await.fields.field(0).as_i64(), Some(10));

    let gone = [("operation", "delete-token"), ("name", site.as_str())];
    peer.start_send(0, &super::peer::request(&gone, Value::Null)).await;
    assert_eq!(peer.expect(DETACH).await.condition(), REFUSED);
    stand.hubs.stop().await;
}

/// .NET's client puts no token before it asks for properties: each request carries its own.
#[tokio::test]
async fn properties_are_read_with_the_token_of_the_request() {
    let stand = Stand::new().await;
    let mut peer = Peer::anonymous(&stand).await;
    peer.node(0, "$management").await.unwrap();
    peer.node(2, "products/$management").await.unwrap();
    let hub = "amqps://contoso.servicebus.windows.net/products";
    let good = signature(hub, RULE, KEY, 60);
    let refused = (401, Some(REFUSED.to_owned()));
    let read = [("operation", "READ"), ("type", "com.microsoft:eventhub"), ("name", "products")];
    let partition =
        [("operation", "READ"), ("type", "com.microsoft:partition"), ("name", "products"), ("partition", "3")];
    let mut ask = async |sender, request: &[(&str, &str)], token: Option<&str>| {
        let token = token.map(|token| ("security_token", token));
        peer.request(sender, &[request, token.as_slice()].concat(), Value::Null).await
    };
    assert_eq!(ask(0, &read, None).await, refused);
    assert_eq!(ask(0, &read, Some("")).await, refused);
    let bad = [
        signature(hub, RULE, "wrong", 60),
        signature("sb://localhost/other", RULE, KEY, 60),
        signature(hub, RULE, KEY, 0),
        stand.identity.token("stranger", RESOURCE).unwrap(),
        stand.identity.token("owner", "https://storage.azure.com").unwrap(),
        "x".to_owned(),
    ];
    for token in &bad {
        assert_eq!(ask(0, &read, Some(token)).await, refused, "{token}");
    }
    let owner = stand.identity.token("owner", RESOURCE).unwrap();
    for token in [good.as_str(), owner.as_str()] {
        for (sender, request) in [(0, &read[..]), (2, &read), (0, &partition)] {
            assert_eq!(ask(sender, request, Some(token)).await, (200, None));
        }
    }
    // What one request showed opens neither the next one nor anything else.
    assert_eq!(ask(0, &read, None).await, refused);
    assert_eq!(peer.sender(9, "products").await, Err(REFUSED.to_owned()));
    assert_eq!(peer.receiver(10, SITE, None, None).await, Err(REFUSED.to_owned()));
    // A bad token counts, whatever the connection has.
    let mut peer = Peer::with_key(&stand).await;
    peer.node(0, "$management").await.unwrap();
    assert_eq!(peer.request(0, &read, Value::Null).await, (200, None));
    assert_eq!(peer.request(0, &[&read[..], &[("security_token", "x")]].concat(), Value::Null).await, refused);
    stand.hubs.stop().await;
}

#[tokio::test]
async fn plain_with_a_wrong_key_ends_the_connection() {
    let stand = Stand::new().await;
    let answer = exchange(&stand, &greeting_with(b"\0RootManageSharedAccessKey\0wrong", Value::Null)).await;
    // The outcome's code 1 is a failed authentication, and nothing follows it.
    assert!(answer.ends_with(&[0x50, 1, 0x40]), "{answer:?}");
    stand.hubs.stop().await;
}
