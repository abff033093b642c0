//! The links of the official Rust client, on a runtime of one thread as the handler has.

use std::{sync::Arc, time::Duration};

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_messaging_eventhubs::{
    ConsumerClient, OpenReceiverOptions, ProducerClient, SendEventOptions, StartLocation, StartPosition,
};
use futures::StreamExt;
use serde_json::json;

use super::Fixture;

const NAMESPACE: &str = "contoso.servicebus.windows.net";

#[derive(Debug)]
struct Operator(String);

#[async_trait::async_trait]
impl TokenCredential for Operator {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new(self.0.clone(), crate::clock::machine_now() + Duration::from_secs(12 * 3600)))
    }
}

impl Fixture {
    fn credential(&self) -> Arc<Operator> {
        let token = self.stack.identity().token("operator", "https://eventhubs.azure.net").expect("a token");
        Arc::new(Operator(token))
    }

    fn amqp(&self) -> String {
        format!("amqp://{}", self.stack.event_hubs().address())
    }

    async fn producer(&self) -> ProducerClient {
        let builder = ProducerClient::builder().with_custom_endpoint(self.amqp());
        builder.open(NAMESPACE, "products", self.credential()).await.expect("a producer")
    }

    fn stored(&self) -> i64 {
        let hub = self.stack.event_hubs().hub("products").expect("the hub");
        hub.partition("0").expect("a partition").state().last_sequence + 1
    }
}

fn to_first() -> Option<SendEventOptions> {
    Some(SendEventOptions { partition_id: Some("0".to_owned()) })
}

/// The client's known fault: a send that the service released or modified is Ok to it, and the event is nowhere. When
/// this fails, the client has been mended: take the residual risk out of ARCHITECTURE.md.
#[tokio::test]
async fn a_released_send_looks_like_success_to_the_rust_client() {
    let fixture = Fixture::start().await;
    let producer = fixture.producer().await;
    producer.send_event("kept", to_first()).await.expect("sent");
    for answer in ["released", "modified"] {
        let plan = json!({"hub": "products", "answer": answer});
        let (status, said) = fixture.pull("/event-hubs/answer-sends", &plan).await;
        assert_eq!((status, &said["answers"][0]["left"]), (200, &json!(1)), "{said}");
        producer.send_event("lost", to_first()).await.expect("the client takes it for success");
        assert_eq!(fixture.stored(), 1, "{answer}: nothing was stored");
        assert_eq!(fixture.look("/event-hubs").await["answers"], json!([]), "the answer was given");
    }
    let refused = json!({"hub": "products", "answer": {"rejected": {"condition": "amqp:not-allowed"}}});
    assert_eq!(fixture.pull("/event-hubs/answer-sends", &refused).await.0, 200);
    producer.send_event("refused", to_first()).await.expect_err("a rejection is an error");
    producer.send_event("kept too", to_first()).await.expect("sent");
    assert_eq!(fixture.stored(), 2);
    drop(producer);
    fixture.stop().await;
}

/// Connections break, a partition is stolen, deliveries are late: the receiver gets every event all the same.
#[tokio::test]
async fn a_receiver_lives_through_broken_stolen_and_slow_links() {
    let fixture = Fixture::start().await;
    let producer = fixture.producer().await;
    let builder = ConsumerClient::builder().with_custom_endpoint(fixture.amqp());
    let consumer = builder.with_consumer_group("site".to_owned());
    let consumer = consumer.open(NAMESPACE, "products".to_owned(), fixture.credential()).await.expect("a consumer");
    let start = StartPosition { location: StartLocation::Earliest, ..Default::default() };
    let options = OpenReceiverOptions { start_position: Some(start), ..Default::default() };
    let receiver = consumer.open_receiver_on_partition("0".to_owned(), Some(options)).await.expect("a receiver");
    let mut events = receiver.stream_events();
    producer.send_event("0", to_first()).await.expect("sent");
    let first = tokio::time::timeout(Duration::from_secs(20), events.next()).await.expect("in time");
    assert_eq!(first.expect("an event").expect("an event").sequence_number(), Some(0));

    let steal = json!({"hub": "products", "consumerGroup": "site", "partition": "0"});
    let (status, said) = fixture.pull("/event-hubs/steal", &steal).await;
    assert_eq!((status, said), (200, json!({"count": 1})));
    let slow = json!({"hub": "products", "partition": "0", "deliveryMillis": 50});
    let (status, said) = fixture.pull("/event-hubs/delay", &slow).await;
    assert_eq!((status, &said["deliveryDelays"][0]["millis"]), (200, &json!(50)), "{said}");
    producer.send_event("1", to_first()).await.expect("sent");
    let second = tokio::time::timeout(Duration::from_secs(30), events.next()).await.expect("in time");
    assert!(second.is_some(), "the stream goes on or says why");

    let (status, said) = fixture.pull("/event-hubs/drop", &json!({"hub": "products"})).await;
    assert!(status == 200 && said["count"].as_u64() >= Some(1), "{said}");
    for (path, body) in [
        ("/event-hubs/steal", json!({"hub": "products", "consumerGroup": "nobody", "partition": "0"})),
        ("/event-hubs/drop", json!({"hub": "nothing"})),
        ("/event-hubs/drop", json!({"hub": "products", "partition": "9"})),
    ] {
        let (status, said) = fixture.pull(path, &body).await;
        assert_eq!(status, 404, "{path} {body}: {said}");
    }
    assert_eq!(fixture.pull("/event-hubs/drop", &json!({"partition": "0"})).await.0, 400);
    fixture.stop().await;
}

/// A link that the service detaches is gone at once, and only that one. What the Rust client makes of its next send on it
/// differs from time to time, so another producer goes on.
#[tokio::test]
async fn a_detached_link_is_gone() {
    let fixture = Fixture::start().await;
    let producer = fixture.producer().await;
    producer.send_event("0", to_first()).await.expect("sent");
    let detach = json!({"hub": "products", "partition": "0", "condition": "amqp:link:detach-forced"});
    assert_eq!(fixture.pull("/event-hubs/detach", &detach).await, (200, json!({"count": 1})));
    assert_eq!(fixture.look("/event-hubs").await["links"], json!([]));
    assert_eq!(fixture.pull("/event-hubs/detach", &detach).await, (200, json!({"count": 0})));
    let producer = fixture.producer().await;
    producer.send_event("1", to_first()).await.expect("sent on another link");
    assert_eq!(fixture.stored(), 2);
    let elsewhere = json!({"hub": "products", "partition": "1", "condition": "amqp:link:detach-forced"});
    assert_eq!(fixture.pull("/event-hubs/detach", &elsewhere).await.1, json!({"count": 0}), "the link stays");
    let odd = json!({"hub": "products", "condition": "not a symbol"});
    assert_eq!(fixture.pull("/event-hubs/detach", &odd).await.0, 400);
    drop(producer);
    fixture.stop().await;
}

#[tokio::test]
async fn delays_and_planned_answers_are_forgotten_together() {
    let fixture = Fixture::start().await;
    let producer = fixture.producer().await;
    let slow = json!({"hub": "products", "deliveryMillis": 600_000, "dispositionMillis": 600_000});
    assert_eq!(fixture.pull("/event-hubs/delay", &slow).await.0, 200);
    let refuse = json!({"answer": {"rejected": {"condition": "amqp:not-allowed"}}, "times": 9});
    assert_eq!(fixture.pull("/event-hubs/answer-sends", &refuse).await.0, 200);
    let planned = fixture.look("/event-hubs").await;
    assert_eq!(planned["answers"][0]["left"], 9, "{planned}");
    assert_eq!(fixture.forget("/event-hubs").await, 204);
    let left = fixture.look("/event-hubs").await;
    for what in ["answers", "deliveryDelays", "dispositionDelays"] {
        assert_eq!((what, &left[what]), (what, &json!([])));
    }
    producer.send_event("kept", to_first()).await.expect("sent, and told so at once");
    assert_eq!(fixture.stored(), 1);
    drop(producer);
    fixture.stop().await;
}
