//! The official Rust client, unmodified. A runtime of one thread, as the handler has: the client's race between a
//! transfer and its disposition cannot happen there.

use std::{sync::Arc, time::Duration};

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_messaging_eventhubs::{
    ConsumerClient, EventDataBatchOptions, OpenReceiverOptions, ProducerClient, SendEventOptions, StartLocation,
    StartPosition, models::EventData,
};
use futures::StreamExt;

use super::Stand;
use crate::event_hubs::levers::{Answer, Scope};

/// Tokens of the identity that may do everything.
#[derive(Debug)]
struct Owner(String);

impl Owner {
    fn new(stand: &Stand) -> Arc<Self> {
        Arc::new(Self(stand.identity.token("owner", "https://eventhubs.azure.net").unwrap()))
    }
}

#[async_trait::async_trait]
impl TokenCredential for Owner {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new(self.0.clone(), crate::clock::machine_now() + Duration::from_secs(12 * 3600)))
    }
}

const NAMESPACE: &str = "contoso.servicebus.windows.net";

pub(super) async fn producer(stand: &Stand, hub: &str) -> azure_core::Result<ProducerClient> {
    let endpoint = format!("amqp://{}", stand.hubs.address());
    Ok(ProducerClient::builder().with_custom_endpoint(endpoint).open(NAMESPACE, hub, Owner::new(stand)).await?)
}

async fn consumer(stand: &Stand) -> ConsumerClient {
    let endpoint = format!("amqp://{}", stand.hubs.address());
    let builder = ConsumerClient::builder().with_custom_endpoint(endpoint);
    builder.open(NAMESPACE, "products".to_owned(), Owner::new(stand)).await.unwrap()
}

/// Bodies from the earliest event on.
async fn received(consumer: &ConsumerClient, partition: &str, count: usize) -> Vec<Vec<u8>> {
    let options = OpenReceiverOptions {
        start_position: Some(StartPosition { location: StartLocation::Earliest, ..Default::default() }),
        ..Default::default()
    };
    let receiver = consumer.open_receiver_on_partition(partition.to_owned(), Some(options)).await.unwrap();
    let mut events = receiver.stream_events();
    let mut bodies = Vec::new();
    while bodies.len() < count {
        let event = tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(event.sequence_number(), Some(i64::try_from(bodies.len()).unwrap()));
        bodies.push(event.event_data().body().unwrap_or_default().to_vec());
    }
    bodies
}

#[tokio::test]
async fn the_rust_client_sends_and_receives() {
    let stand = Stand::new().await;
    let producer = producer(&stand, "products").await.unwrap();
    let properties = producer.get_eventhub_properties().await.unwrap();
    assert_eq!(properties.partition_ids, ["0", "1", "2", "3"]);

    let options = EventDataBatchOptions { partition_id: Some("2".to_owned()), ..Default::default() };
    let batch = producer.create_batch(Some(options)).await.unwrap();
    for n in 0..3 {
        // More than one frame holds.
        let body = format!("{n}").repeat(90_000).into_bytes();
        let event = EventData::builder().with_body(body).add_property("n".to_owned(), n).build();
        assert!(batch.try_add_event_data(event, None).unwrap());
    }
    producer.send_batch(batch, None).await.unwrap();
    let options = SendEventOptions { partition_id: Some("2".to_owned()) };
    producer.send_event("single", Some(options)).await.unwrap();

    let state = producer.get_partition_properties("2").await.unwrap();
    assert_eq!(state.last_enqueued_sequence_number, 3);
    let consumer = consumer(&stand).await;
    let bodies = received(&consumer, "2", 4).await;
    assert_eq!(bodies[1], "1".repeat(90_000).into_bytes());
    assert_eq!(bodies[3], b"single");
    consumer.close().await.unwrap();
    producer.close().await.unwrap();
    stand.hubs.stop().await;
}

#[tokio::test]
async fn a_key_goes_to_the_partition_that_producers_compute() {
    let stand = Stand::new().await;
    let producer = producer(&stand, "products").await.unwrap();
    let count = std::num::NonZeroU32::new(4).unwrap();
    for key in ["alphabet", "product/1017", "visitor-42"] {
        let partition = contoso_partitioner::partition(key, count);
        let before = stand.hub().partitions()[partition as usize].state().last_sequence;
        let options = EventDataBatchOptions { partition_key: Some(key.to_owned()), ..Default::default() };
        let batch = producer.create_batch(Some(options)).await.unwrap();
        assert!(batch.try_add_event_data(EventData::builder().with_body("x").build(), None).unwrap());
        producer.send_batch(batch, None).await.unwrap();
        let partition = &stand.hub().partitions()[partition as usize];
        assert_eq!(partition.state().last_sequence, before + 1);
        let stored = &partition.read(before + 1, 1, 1).unwrap()[0];
        assert_eq!(stored.decode().unwrap().partition_key.as_deref(), Some(key));
    }
    producer.close().await.unwrap();
    stand.hubs.stop().await;
}

#[tokio::test]
async fn an_unknown_hub_is_refused() {
    let stand = Stand::new().await;
    let producer = producer(&stand, "nothing").await.unwrap();
    let error = producer.get_eventhub_properties().await.unwrap_err();
    assert!(format!("{error:?}").contains("could not be found"), "{error:?}");
    stand.hubs.stop().await;
}

/// The workaround for the client's races holds where they can happen: on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_send_is_lost_on_several_threads() {
    let stand = Stand::new().await;
    let producer = producer(&stand, "products").await.unwrap();
    for n in 0..300 {
        let options = SendEventOptions { partition_id: Some("0".to_owned()) };
        let sent = producer.send_event(format!("{n}"), Some(options));
        tokio::time::timeout(Duration::from_secs(20), sent).await.expect("the send completes").unwrap();
    }
    assert_eq!(stand.hub().partitions()[0].state().last_sequence, 299);
    producer.close().await.unwrap();
    stand.hubs.stop().await;
}

/// Where the child process of the next test finds the server, and with which token.
const TLS_ENDPOINT: &str = "CONTOSO_TEST_TLS_ENDPOINT";
const TLS_TOKEN: &str = "CONTOSO_TEST_TLS_TOKEN";

/// The client's TLS trusts what the system trusts, which only the environment of a process can change.
#[tokio::test]
async fn the_rust_client_speaks_tls_on_the_same_port() {
    let stand = Stand::new().await;
    let run = |certificate: std::path::PathBuf| {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "event_hubs::tests::clients::over_tls"]);
        child.env("SSL_CERT_FILE", certificate);
        child.env(TLS_ENDPOINT, format!("amqps://localhost:{}", stand.hubs.address().port()));
        child.env(TLS_TOKEN, stand.identity.token("owner", "https://eventhubs.azure.net").unwrap());
        child.output()
    };
    let output = run(stand.identity.ca_certificate().to_owned()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(stand.hub().partitions()[1].state().last_sequence, 0);
    stand.hubs.stop().await;
}

#[tokio::test]
#[ignore = "the child process of another test"]
#[expect(clippy::disallowed_methods, reason = "how a child process of a test is told what it is to do")]
async fn over_tls() {
    let (endpoint, token) = (std::env::var(TLS_ENDPOINT).unwrap(), std::env::var(TLS_TOKEN).unwrap());
    let builder = ProducerClient::builder().with_custom_endpoint(endpoint);
    let producer = builder.open(NAMESPACE, "products", Arc::new(Owner(token))).await.unwrap();
    let options = SendEventOptions { partition_id: Some("1".to_owned()) };
    producer.send_event("secret", Some(options)).await.unwrap();
    producer.close().await.unwrap();
}

/// The scope of a role counts for the official client too.
#[tokio::test]
async fn an_identity_without_a_role_is_refused() {
    let stand = Stand::new().await;
    let stranger = stand.identity.token("stranger", "https://eventhubs.azure.net").unwrap();
    for token in [stranger, "x".to_owned()] {
        let endpoint = format!("amqp://{}", stand.hubs.address());
        let builder = ProducerClient::builder().with_custom_endpoint(endpoint);
        let producer = builder.open(NAMESPACE, "products", Arc::new(Owner(token))).await.unwrap();
        let refused = tokio::time::timeout(Duration::from_secs(100), producer.get_eventhub_properties()).await;
        assert!(refused.expect("an answer").is_err());
    }
    stand.hubs.stop().await;
}

/// A known risk of the client, which the lever shows: it takes a release for an accept. When this fails after an upgrade,
/// the risk is gone.
#[tokio::test]
async fn the_rust_client_takes_a_released_send_for_an_accepted_one() {
    let stand = Stand::new().await;
    let producer = producer(&stand, "products").await.unwrap();
    let once = std::num::NonZeroU32::MIN;
    stand.hubs.levers().answer_sends(Scope::All, Answer::Released, once).unwrap();
    for body in ["lost", "stored"] {
        let options = SendEventOptions { partition_id: Some("0".to_owned()) };
        producer.send_event(body, Some(options)).await.unwrap();
    }
    let stored = stand.hub().partitions()[0].read(0, 10, 1 << 20).unwrap();
    let bodies: Vec<_> = stored.iter().map(|event| event.decode().unwrap().body).collect();
    assert_eq!(bodies, ["stored"]);

    // A refusal it does report.
    let refused = Answer::Rejected { condition: "com.microsoft:argument-error".to_owned() };
    stand.hubs.levers().answer_sends(Scope::All, refused, once).unwrap();
    assert!(producer.send_event("refused", None).await.is_err());
    producer.close().await.unwrap();
    stand.hubs.stop().await;
}
