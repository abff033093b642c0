//! Official AMQP clients over TLS, in a process of their own with the app's identity, since a client's TLS trusts what the
//! environment of its process says.
//!
//! Writers send batches one after the other, and readers follow every partition. What they were told, and what they saw
//! where, they write down line by line; whoever killed the stack then looks for it in the log.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azure_identity::ManagedIdentityCredential;
use azure_messaging_eventhubs::models::EventData;
use azure_messaging_eventhubs::{
    ConsumerClient, EventDataBatchOptions, OpenReceiverOptions, ProducerClient, RetryOptions, StartLocation,
    StartPosition,
};
use contoso_cli::{endpoints, identity};
use contoso_local::stack::Endpoints;
use futures::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::log::Log;
use crate::support::{Shop, eventually};

const CHILD: &str = "crash::clients::clients_in_a_child";
const NOTES: &str = "CONTOSO_CRASH_NOTES";
const ROUND: &str = "CONTOSO_CRASH_ROUND";
const ENDPOINT: &str = "CONTOSO_CRASH_ENDPOINT";
const NAMESPACE: &str = "contoso.servicebus.windows.net";
const HUB: &str = "products";
const PARTITIONS: usize = 4;
const WRITERS: usize = 2;
/// What the events are; the app skips events of a type it does not know.
const TYPE: &str = "crash.sent";
/// The client may wait for ever for an answer that came early.
const DEADLINE: Duration = Duration::from_secs(10);
/// Between two batches of a writer, so that a long run does not end in reading the log alone.
const PACE: Duration = Duration::from_millis(5);

/// The running clients.
pub(super) struct Clients {
    child: Child,
    notes: TempDir,
    round: usize,
}

/// What the clients of one round wrote down.
pub(super) struct Told {
    lines: Vec<String>,
    round: usize,
}

impl Clients {
    pub(super) fn start(shop: &Shop, round: usize) -> Self {
        let endpoints: Endpoints = serde_json::from_value(shop.endpoints.clone()).expect("endpoints");
        let address = endpoints::event_hubs_address(&endpoints).expect("an address");
        let port = address.rsplit_once(':').expect("a port").1;
        let app = &endpoints.identities[identity::APP];
        let notes = TempDir::new().expect("a temporary folder");
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", CHILD, "--nocapture"])
            .env("IDENTITY_ENDPOINT", &app.endpoint)
            .env("IDENTITY_HEADER", &app.header)
            .env("SSL_CERT_FILE", &endpoints.ca_certificate)
            .env(ENDPOINT, format!("amqps://localhost:{port}"))
            .env(ROUND, round.to_string())
            .env(NOTES, file_in(notes.path()))
            .stdout(Stdio::null())
            .spawn()
            .expect("the child starts");
        Self { child, notes, round }
    }

    /// Waits until so many publications were acknowledged.
    pub(super) async fn were_told(&self, count: usize) {
        eventually("acknowledged publications", || async {
            let lines = lines_in(self.notes.path());
            let told = lines.iter().filter(|line| line.starts_with("told")).count();
            if told >= count { Ok(()) } else { Err(format!("{told} of {count}: {:?}", lines.last())) }
        })
        .await;
    }

    pub(super) fn kill(mut self) -> Told {
        self.child.kill().expect("it runs or has ended");
        self.child.wait().expect("it ends");
        Told { lines: lines_in(self.notes.path()), round: self.round }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // Already gone is as good.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn file_in(notes: &Path) -> std::path::PathBuf {
    notes.join("notes")
}

/// The lines that are whole.
fn lines_in(notes: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file_in(notes)).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

impl Told {
    /// Every acknowledged batch is there, whole and once, in the order in which its writer sent it; and what readers saw
    /// is where they saw it. In each partition all of it lies behind `from`.
    pub(super) fn holds_in(self, log: &Log, from: &[usize]) {
        let round = self.round;
        let told: HashSet<(u64, u64)> = self.told().collect();
        let mut found: HashMap<(u64, u64), usize> = HashMap::new();
        for partition in 0..PARTITIONS {
            let mut last: HashMap<u64, u64> = HashMap::new();
            let mut batch: Vec<Sent> = Vec::new();
            for event in &log.partition(partition)[from.get(partition).copied().unwrap_or_default()..] {
                let body = event.decode().expect("an event").body;
                let Some(sent) = Sent::of(&body).filter(|sent| sent.round == round) else {
                    assert!(batch.is_empty(), "partition {partition}: something stands within {batch:?}");
                    continue;
                };
                let at = (partition, event.sequence);
                assert!(
                    sent.index == batch.len() && batch.iter().all(|first| first.is_with(&sent)),
                    "{at:?}: {sent:?}"
                );
                let whole = sent.index + 1 == sent.of;
                batch.push(sent);
                if whole && let Some(sent) = batch.drain(..).last() {
                    // What nobody was told of may be stored late, from a connection that was given up.
                    if told.contains(&(sent.writer, sent.number)) {
                        let before = last.insert(sent.writer, sent.number);
                        assert!(before.is_none_or(|before| before < sent.number), "{at:?}: {sent:?} after {before:?}");
                    }
                    assert_eq!(found.insert((sent.writer, sent.number), partition), None, "{at:?}: {sent:?} again");
                }
            }
            assert!(batch.is_empty(), "partition {partition} ends within {batch:?}");
        }
        for batch in told {
            assert!(found.contains_key(&batch), "round {round}: {batch:?} was acknowledged and is lost");
        }
        for [partition, sequence, offset, content] in self.saw() {
            let index = |number: u64| usize::try_from(number).expect("an index");
            let event = log.partition(index(partition)).get(index(sequence));
            let event =
                event.unwrap_or_else(|| panic!("round {round}: {sequence} of {partition} was read and is lost"));
            let body = event.decode().expect("an event").body;
            let stored = (event.offset.cast_unsigned(), digest(&body));
            assert_eq!(stored, (offset, content), "round {round}: {sequence} of {partition} was something else");
        }
    }

    /// Writer and number of each acknowledged batch.
    fn told(&self) -> impl Iterator<Item = (u64, u64)> {
        self.numbers("told").map(|[writer, number]| (writer, number))
    }

    /// Partition, sequence number, offset and digest of each event that was read.
    fn saw(&self) -> impl Iterator<Item = [u64; 4]> {
        self.numbers("saw")
    }

    fn numbers<const N: usize>(&self, kind: &str) -> impl Iterator<Item = [u64; N]> {
        let of_kind = self.lines.iter().filter_map(move |line| line.strip_prefix(kind));
        of_kind.map(|line| {
            let numbers = line.split_whitespace().map(|word| word.parse().expect("a number"));
            numbers.collect::<Vec<u64>>().try_into().expect("so many numbers")
        })
    }
}

/// One event as a writer sent it.
#[derive(Debug)]
struct Sent {
    round: usize,
    writer: u64,
    number: u64,
    /// Its place in the batch, and the size of that.
    index: usize,
    of: usize,
}

impl Sent {
    fn of(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let number = |name: &str| body["crash"][name].as_u64();
        let index = |name: &str| number(name).and_then(|number| usize::try_from(number).ok());
        Some(Self {
            round: index("round")?,
            writer: number("writer")?,
            number: number("number")?,
            index: index("index")?,
            of: index("of")?,
        })
    }

    fn is_with(&self, other: &Self) -> bool {
        (self.writer, self.number, self.of) == (other.writer, other.number, other.of)
    }
}

fn digest(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// The child process; nothing where this is an ordinary test run. One thread, as the handler has, where the client's
/// races do not happen.
#[tokio::test]
async fn clients_in_a_child() {
    let (Ok(endpoint), Ok(notes)) = (std::env::var(ENDPOINT), std::env::var(NOTES)) else { return };
    let round: usize = std::env::var(ROUND).expect("a round").parse().expect("a number");
    let notes = Notes(Arc::new(Mutex::new(File::create(notes).expect("a file"))));
    let writers = (0..WRITERS).map(|writer| write(&endpoint, round, writer, &notes));
    let readers = (0..PARTITIONS).map(|partition| read(&endpoint, partition, &notes));
    futures::future::join(futures::future::join_all(writers), futures::future::join_all(readers)).await;
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
            None => match timely(open_producer(endpoint)).await {
                Ok(client) => client,
                Err(error) => {
                    notes.write(&format!("failed {error}"));
                    continue;
                }
            },
        };
        match timely(send(&client, round, writer, number)).await {
            Ok(()) => {
                notes.write(&format!("told {writer} {number}"));
                producer = Some(client);
            }
            Err(error) => notes.write(&format!("failed {error}")),
        }
        tokio::time::sleep(PACE).await;
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
    let failed = |error: azure_messaging_eventhubs::EventHubsError| error.to_string();
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
        tokio::time::sleep(PACE).await;
    }
}

async fn follow(endpoint: &str, partition: usize, notes: &Notes) -> Result<(), String> {
    let failed = |error: azure_messaging_eventhubs::EventHubsError| error.to_string();
    let credential = ManagedIdentityCredential::new(None).map_err(|error| error.to_string())?;
    let builder = ConsumerClient::builder().with_custom_endpoint(endpoint.to_owned());
    let open = async { builder.open(NAMESPACE, HUB.to_owned(), credential).await.map_err(failed) };
    let client = timely(open).await?;
    let options = OpenReceiverOptions {
        start_position: Some(StartPosition { location: StartLocation::Latest, ..Default::default() }),
        ..Default::default()
    };
    let open = async { client.open_receiver_on_partition(partition.to_string(), Some(options)).await.map_err(failed) };
    let receiver = timely(open).await?;
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

async fn timely<T>(call: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(DEADLINE, call).await.map_err(|_| format!("no answer within {DEADLINE:?}"))?
}
