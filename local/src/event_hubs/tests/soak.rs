//! The Rust client's races, looked for by number: on several threads, where they happen.

use std::{sync::Arc, time::Duration};

use azure_messaging_eventhubs::{EventDataBatchOptions, ProducerClient, SendEventOptions, models::EventData};

use super::{Stand, clients::producer};

/// Beyond any send that is not lost.
const LOST: Duration = Duration::from_secs(60);

/// `clients` clients one after the other, `at_once` of them side by side: each opens, asks for properties, which puts a token
/// and drops its links, sends a single event and a batch, and closes.
async fn short_clients(stand: &Arc<Stand>, clients: usize, at_once: usize) {
    let lane = |_| {
        let stand = Arc::clone(stand);
        tokio::spawn(async move {
            for _ in 0..clients / at_once {
                let client = async {
                    let producer = producer(&stand, "products").await.expect("it opens");
                    producer.get_eventhub_properties().await.expect("properties");
                    send(&producer, 1).await;
                    let options = EventDataBatchOptions { partition_id: Some("0".to_owned()), ..Default::default() };
                    let batch = producer.create_batch(Some(options)).await.expect("a batch");
                    let event = EventData::builder().with_body("x").build();
                    assert!(batch.try_add_event_data(event, None).expect("an event"));
                    producer.send_batch(batch, None).await.expect("the batch is sent");
                    producer.close().await.expect("it closes");
                };
                tokio::time::timeout(LOST, client).await.expect("nothing is lost");
            }
        })
    };
    for lane in (0..at_once).map(lane).collect::<Vec<_>>() {
        lane.await.expect("no panic");
    }
    let expected = i64::try_from(clients / at_once * at_once * 2).unwrap() - 1;
    assert_eq!(stand.hub().partitions()[0].state().last_sequence, expected);
}

async fn send(producer: &ProducerClient, count: usize) {
    for n in 0..count {
        let options = SendEventOptions { partition_id: Some("0".to_owned()) };
        let sent = producer.send_event(format!("{n}"), Some(options));
        tokio::time::timeout(LOST, sent).await.expect("the answer comes").expect("it is accepted");
    }
}

/// Rounds of sends, each by a client of its own.
async fn long_runs(stand: &Stand, rounds: usize, sends: usize) {
    let before = stand.hub().partitions()[0].state().last_sequence;
    for _ in 0..rounds {
        let producer = producer(stand, "products").await.expect("it opens");
        send(&producer, sends).await;
        producer.close().await.expect("it closes");
    }
    let last = stand.hub().partitions()[0].state().last_sequence;
    assert_eq!(last, before + i64::try_from(rounds * sends).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_clients_on_several_threads_lose_no_answer() {
    let stand = Arc::new(Stand::new().await);
    short_clients(&stand, 8, 2).await;
    long_runs(&stand, 2, 300).await;
    stand.hubs.stop().await;
}

/// The long form: `cargo test -p contoso-local --release --lib soak -- --ignored`, some minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes minutes; run it after changes to the engine or of the client's version"]
async fn rust_clients_lose_no_answer_in_the_long_run() {
    let stand = Arc::new(Stand::new().await);
    short_clients(&stand, 400, 4).await;
    long_runs(&stand, 25, 1000).await;
    stand.hubs.stop().await;
}
