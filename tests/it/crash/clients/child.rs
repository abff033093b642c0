//! The process with the clients.

use std::{
    fs::File,
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use azure_identity::ManagedIdentityCredential;
use azure_messaging_eventhubs::{
    ConsumerClient, EventDataBatchOptions, EventHubsError, OpenReceiverOptions, ProducerClient, RetryOptions,
    StartLocation, StartPosition, models::EventData,
};
use futures::{
    StreamExt,
    future::{join, join_all},
};
use serde_json::json;

use super::{ENDPOINT, NOTES, PARTITIONS, ROUND, told::digest};
use crate::support::machine::{setting, time_passes};

const NAMESPACE: &str = "contoso.servicebus.windows.net";
const HUB: &str = "products";
const WRITERS: usize = 2;
/// What the events are; the app skips events of a type it does not know.
const TYPE: &str = "crash.sent";
/// The client may wait for ever for an answer that came early.
const DEADLINE: Duration = Duration::from_secs(10);
/// Between two batches of a writer, so that a long run does not end in reading the log alone.
const PACE: Duration = Duration::from_millis(5);

/// The child process; nothing where this is an ordinary test run. One thread, as the handler has, where the client's
/// races do not happen.
#[tokio::test]
async fn clients_in_a_child() {
    let (Some(endpoint), Some(notes)) = (setting::<String>(ENDPOINT), setting::<String>(NOTES)) else { return };
    let round: usize = setting(ROUND).expect("a round");
    let notes = Notes(Arc::new(Mutex::new(File::create(notes).expect("a file"))));
    let writers = (0..WRITERS).map(|writer| write(&endpoint, round, writer, &notes));
    let readers = (0..PARTITIONS).map(|partition| read(&endpoint, partition, &notes));
    join(join_all(writers), join_all(readers)).await;
}

#[derive(Clone)]
struct Notes(Arc<Mutex<File>>);

impl Notes {
    fn write(&self, line: &str) {
        let mut file = self.0.lock().expect("no panic");
        file.write_all(format!("{line}\n").as_bytes()).expect("room");
    }
}

/// Sends batch after batch, each with a number of its own, whatever became of the one before.
async fn write(endpoint: &str, round: usize, writer: usize, notes: &Notes) {
    let mut producer = None;
    for number in 0u64.. {
        let client = match producer.take() {
            Some(client) => client,
            None => match in_time(open_producer(endpoint)).await {
                Ok(client) => client,
                Err(error) => {
                    notes.write(&format!("failed {error}"));
                    continue;
                }
            },
        };
        match in_time(send(&client, round, writer, number)).await {
            Ok(()) => {
                notes.write(&format!("told {writer} {number}"));
                producer = Some(client);
            }
            Err(error) => notes.write(&format!("failed {error}")),
        }
        time_passes(PACE).await;
    }
}

async fn open_producer(endpoint: &str) -> Result<ProducerClient, String> {
    let credential = ManagedIdentityCredential::new(None).map_err(|error| error.to_string())?;
    // A repeat of the client's own could store a batch twice, which is for the writer to decide.
    let once = RetryOptions { max_retries: 0, ..RetryOptions::default() };
    let builder = ProducerClient::builder().with_custom_endpoint(endpoint.to_owned()).with_retry_options(once);
    builder.open(NAMESPACE, HUB, credential).await.map_err(|error| error.to_string())
}

async fn send(producer: &ProducerClient, round: usize, writer: usize, number: u64) -> Result<(), String> {
    let failed = |error: EventHubsError| error.to_string();
    let partition = (number % PARTITIONS as u64).to_string();
    let options = EventDataBatchOptions { partition_id: Some(partition), ..Default::default() };
    let batch = producer.create_batch(Some(options)).await.map_err(failed)?;
    let of = 1 + number % 5;
    for index in 0..of {
        let place = json!({"round": round, "writer": writer, "number": number, "index": index, "of": of});
        let body = json!({"crash": place, "padding": "x".repeat((number % 97) as usize * 8)});
        let id = format!("{round}-{writer}-{number}-{index}");
        let attribute = |name: &str| format!("cloudEvents:{name}");
        let event = EventData::builder()
            .with_body(body.to_string().into_bytes())
            .with_content_type("application/json".to_owned())
            .add_property(attribute("specversion"), "1.0")
            .add_property(attribute("id"), id.as_str())
            .add_property(attribute("source"), "/crash")
            .add_property(attribute("type"), TYPE)
            .build();
        assert!(batch.try_add_event_data(event, None).map_err(failed)?, "a small batch");
    }
    producer.send_batch(batch, None).await.map_err(failed)
}

/// Follows a partition, and begins anew at its end where the link breaks.
async fn read(endpoint: &str, partition: usize, notes: &Notes) {
    loop {
        let error = follow(endpoint, partition, notes).await.err().unwrap_or_default();
        notes.write(&format!("failed {error}"));
        time_passes(PACE).await;
    }
}

async fn follow(endpoint: &str, partition: usize, notes: &Notes) -> Result<(), String> {
    let failed = |error: EventHubsError| error.to_string();
    let credential = ManagedIdentityCredential::new(None).map_err(|error| error.to_string())?;
    let builder = ConsumerClient::builder().with_custom_endpoint(endpoint.to_owned());
    let open = async { builder.open(NAMESPACE, HUB.to_owned(), credential).await.map_err(failed) };
    let client = in_time(open).await?;
    let options = OpenReceiverOptions {
        start_position: Some(StartPosition { location: StartLocation::Latest, ..Default::default() }),
        ..Default::default()
    };
    let open = async { client.open_receiver_on_partition(partition.to_string(), Some(options)).await.map_err(failed) };
    let receiver = in_time(open).await?;
    let mut events = receiver.stream_events();
    while let Some(event) = events.next().await {
        let event = event.map_err(failed)?;
        let sequence = event.sequence_number().expect("a sequence number");
        let offset = event.offset().as_deref().expect("an offset");
        let content = digest(event.event_data().body().unwrap_or_default());
        notes.write(&format!("saw {partition} {sequence} {offset} {content}"));
    }
    Ok(())
}

async fn in_time<T>(call: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(DEADLINE, call).await.map_err(|_| format!("no answer within {DEADLINE:?}"))?
}
