//! What the recorded stack is made to store, and how a later stack is asked for it.
//!
//! Each acknowledgement is a line of a file beside the data directory, so that the record holds it in its place among
//! the file operations.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use contoso_local::blobs::PutOptions;
use contoso_local::stack::{Ports, Stack, StackOptions};
use contoso_local::storage::Sync;
use contoso_local::topology::Topology;
use serde_json::Value;

use super::recorder::STACK;
use crate::support::eventually;

/// The acknowledgements, in the recorded directory.
pub(crate) const ACKS: &str = "acks";
/// What begins a line of what was refused.
pub(crate) const REFUSED: &str = "refused";
/// Writers of events first, then writers of documents, blobs and messages in turn.
pub(crate) const WRITERS: usize = EVENT_WRITERS + 6;
const EVENT_WRITERS: usize = 6;
const HUB: &str = "products";
const CONTAINER: &str = "reports";
const QUEUE: &str = "cut";
/// Every so many blobs one is larger than a chunk of the store.
const LARGE: u64 = 7;

/// A line each: what was acknowledged.
#[derive(Clone)]
struct Acks(Arc<Mutex<File>>);

impl Acks {
    fn write(&self, line: &str) {
        let mut file = self.0.lock().expect("no panic");
        file.write_all(format!("{line}\n").as_bytes()).expect("room");
    }
}

/// Stores until the process is killed or every writer was refused.
pub(crate) async fn run(directory: &Path, sync: Sync) {
    let acks = Acks(Arc::new(Mutex::new(File::create(directory.join(ACKS)).expect("a file"))));
    let stack = Arc::new(start(&directory.join(STACK), sync).await.expect("the stack starts"));
    if register_schema(&stack).await {
        acks.write("schema");
    }
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (stack, acks) = (Arc::clone(&stack), acks.clone());
        writers.push(tokio::spawn(async move {
            for number in 0.. {
                match store(&stack, writer, number).await {
                    Ok(line) => acks.write(&line),
                    Err(error) => return acks.write(&format!("{REFUSED} {error}")),
                }
                tokio::task::yield_now().await;
            }
        }));
    }
    for writer in writers {
        writer.await.expect("no writer panics");
    }
    // The parent looks at what was written, then kills this process.
    std::future::pending().await
}

/// One entry for each service; the lines that acknowledge them, or what was said instead.
pub(crate) async fn store_one_of_each(stack: &Stack, number: u64) -> Vec<Result<String, String>> {
    let mut lines = Vec::new();
    for writer in [0, EVENT_WRITERS, EVENT_WRITERS + 1, EVENT_WRITERS + 2] {
        lines.push(store(stack, writer, number).await);
    }
    lines
}

/// Stores entry `number` of `writer`. The line that acknowledges it, or service and error.
async fn store(stack: &Stack, writer: usize, number: u64) -> Result<String, String> {
    match writer.checked_sub(EVENT_WRITERS) {
        None => send_events(stack, writer, number),
        Some(writer) if writer % 3 == 0 => write_document(stack, writer, number).await,
        Some(writer) if writer % 3 == 1 => write_blob(stack, writer, number),
        Some(writer) => put_message(stack, writer, number),
    }
}

fn send_events(stack: &Stack, writer: usize, number: u64) -> Result<String, String> {
    let hub = stack.event_hubs().hub(HUB).expect("the hub");
    let partition = &hub.partitions()[writer % hub.partitions().len()];
    // Now and then a publication that spans many sectors.
    let event = |event| message(&format!("{writer} {number} {event} "), number);
    let events: Vec<Bytes> = (0..1 + number % 5).map(event).collect();
    let first = partition.append(&events).map_err(|error| format!("event: {}", chain(&error)))?;
    Ok(format!("event {} {first} {writer} {number}", partition.id()))
}

async fn write_document(stack: &Stack, writer: usize, version: u64) -> Result<String, String> {
    let id = format!("d-{writer}-{}", version % 5);
    let body = serde_json::json!({"id": id, "version": version, "padding": "x".repeat((version % 300) as usize)});
    let path = "/dbs/site/colls/products/docs";
    let (status, body) = cosmos(stack, Method::POST, path, &id, body.to_string().into()).await;
    if status.is_success() {
        Ok(format!("document {id} {version}"))
    } else {
        Err(format!("document: {status} {body:?}"))
    }
}

fn write_blob(stack: &Stack, writer: usize, version: u64) -> Result<String, String> {
    let name = format!("b-{writer}-{}", version % 4);
    let stored = stack.blobs().put(CONTAINER, &name, blob(&name, version), PutOptions::default());
    stored.map(|_| format!("blob {name} {version}")).map_err(|error| format!("blob: {}", chain(&error)))
}

/// An AMQP message with one data section.
fn message(text: &str, number: u64) -> Bytes {
    let body = text.repeat(1 + (number % 40) as usize);
    let length = u32::try_from(body.len()).expect("short");
    [&[0x00, 0x53, 0x75, 0xb0][..], &length.to_be_bytes(), body.as_bytes()].concat().into()
}

fn put_message(stack: &Stack, writer: usize, number: u64) -> Result<String, String> {
    let text = format!("{writer} {number}");
    let put = stack.queues().create(QUEUE).and_then(|_| stack.queues().put(QUEUE, text, None));
    put.map(|_| format!("message {writer} {number}")).map_err(|error| format!("message: {}", chain(&error)))
}

/// The content of a blob, which says its own version.
fn blob(name: &str, version: u64) -> Bytes {
    let line = format!("{name} {version}\n");
    let lines = if version.is_multiple_of(LARGE) { 60_000 } else { 1 + version % 90 };
    line.repeat(lines as usize).into()
}

async fn cosmos(stack: &Stack, method: Method, path: &str, key: &str, body: Bytes) -> (StatusCode, Bytes) {
    let mut headers = HeaderMap::new();
    let key = serde_json::json!([key]).to_string();
    headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_str(&key).expect("a header"));
    headers.insert("x-ms-documentdb-is-upsert", HeaderValue::from_static("True"));
    let answer = stack.cosmos().execute(method, path, headers, body).await.expect("Cosmos answers");
    (answer.status(), answer.into_body())
}

/// A stack on `directory`, or why there is none. Waits for a stack of this process that has just stopped.
pub(crate) async fn start(directory: &Path, sync: Sync) -> Result<Stack, String> {
    eventually("a data directory that is free", || async {
        match try_start(directory, sync).await {
            Err(error) if error.contains("Locked") => Err(error),
            started => Ok(started),
        }
    })
    .await
}

async fn try_start(directory: &Path, sync: Sync) -> Result<Stack, String> {
    let topology = concat!(env!("CARGO_MANIFEST_DIR"), "/../topology.json");
    let topology = Topology::read(topology.as_ref()).expect("a topology");
    let options = StackOptions { topology, data_dir: directory.to_owned(), ports: Ports::auto(), sync };
    Box::pin(Stack::start(options, &|_| {})).await.map_err(|error| chain(&error))
}

/// The error with its causes.
fn chain(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What a stack on `directory` lacks of what was acknowledged, and what is out of order.
pub(crate) async fn missing(directory: &Path, acknowledged: &[String]) -> Vec<String> {
    let stack = match start(directory, Sync::Always).await {
        Ok(stack) => stack,
        Err(error) => return vec![format!("no stack starts: {error}")],
    };
    let mut missing = Vec::new();
    let mut newest: HashMap<(&str, &str), u64> = HashMap::new();
    let (mut events, mut messages) = (Vec::new(), Vec::new());
    for line in acknowledged {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: usize| words[word].parse::<u64>().expect("a number");
        match words[0] {
            "event" => events.push((words[1], number(2), number(3), number(4))),
            "message" => messages.push(format!("{} {}", words[1], words[2])),
            "schema" => missing.extend(missing_schema(&stack).await),
            kind => {
                newest.insert((kind, words[1]), number(2));
            }
        }
    }
    missing.extend(missing_events(&stack, &events));
    missing.extend(missing_messages(&stack, &messages));
    for ((kind, name), version) in newest {
        let found = if kind == "blob" { blob_version(&stack, name) } else { document_version(&stack, name).await };
        match found {
            Ok(found) if found >= version => {}
            other => missing.push(format!("{kind} {name} at version {version}: {other:?}")),
        }
    }
    stack.stop().await;
    missing
}

fn missing_events(stack: &Stack, acknowledged: &[(&str, u64, u64, u64)]) -> Vec<String> {
    let mut missing = Vec::new();
    let hub = stack.event_hubs().hub(HUB).expect("the hub");
    for partition in hub.partitions() {
        let events = partition.read(0, usize::MAX, usize::MAX).expect("a log");
        let mut last: HashMap<String, u64> = HashMap::new();
        for (expected, event) in (0..).zip(&events) {
            if event.sequence != expected {
                missing.push(format!("partition {}: {} instead of {expected}", partition.id(), event.sequence));
            }
            let (writer, number) = event_of(&event.message);
            if last.insert(writer.clone(), number).is_some_and(|before| before > number) {
                missing.push(format!("partition {}: event {number} of writer {writer} is late", partition.id()));
            }
        }
        for (_, first, writer, number) in acknowledged.iter().filter(|(id, ..)| *id == partition.id()) {
            let found =
                usize::try_from(*first).ok().and_then(|first| events.get(first)).map(|event| event_of(&event.message));
            if found != Some((writer.to_string(), *number)) {
                missing.push(format!("event {number} of writer {writer} at {first} of {}: {found:?}", partition.id()));
            }
        }
    }
    missing
}

fn missing_messages(stack: &Stack, acknowledged: &[String]) -> Vec<String> {
    let mut found = HashSet::new();
    // The queue itself may be newer than the cut.
    while let Ok(taken) = stack.queues().take(QUEUE, 32, Duration::from_secs(600))
        && !taken.is_empty()
    {
        found.extend(taken.into_iter().map(|message| message.text));
    }
    acknowledged.iter().filter(|text| !found.contains(*text)).map(|text| format!("message {text}")).collect()
}

/// Writer and number of a stored event.
fn event_of(message: &[u8]) -> (String, u64) {
    let at = message.windows(4).rposition(|window| window == [0x00, 0x53, 0x75, 0xb0]).expect("a data section");
    let text = String::from_utf8_lossy(&message[at + 8..]);
    let mut words = text.split(' ');
    let writer = words.next().unwrap_or_default().to_owned();
    (writer, words.next().and_then(|number| number.parse().ok()).expect("a number"))
}

fn blob_version(stack: &Stack, name: &str) -> Result<u64, String> {
    let found = stack.blobs().get(CONTAINER, name).map_err(|error| error.to_string())?.ok_or("it is missing")?;
    let line = found.body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let version = String::from_utf8_lossy(line).rsplit(' ').next().and_then(|version| version.parse().ok());
    let version = version.ok_or("it says no version")?;
    if found.body == blob(name, version) { Ok(version) } else { Err(format!("version {version} is spoilt")) }
}

async fn document_version(stack: &Stack, id: &str) -> Result<u64, String> {
    let path = format!("/dbs/site/colls/products/docs/{id}");
    let (status, body) = cosmos(stack, Method::GET, &path, id, Bytes::new()).await;
    let document: Value = serde_json::from_slice(&body).map_err(|error| format!("{status}: {error}"))?;
    document["version"].as_u64().ok_or_else(|| format!("{status} {document}"))
}

/// Registers a schema in the name of the first identity that may; `false` where the topology has none.
async fn register_schema(stack: &Stack) -> bool {
    for answer in ask_registry(stack, Method::PUT, "", r#"{"type":"record","name":"Cut","fields":[]}"#).await {
        if answer == StatusCode::NO_CONTENT {
            return true;
        }
    }
    false
}

async fn missing_schema(stack: &Stack) -> Option<String> {
    let answers = ask_registry(stack, Method::GET, "/versions/1", "").await;
    (!answers.contains(&StatusCode::OK)).then(|| format!("the schema: {answers:?}"))
}

/// What the registry answers each identity.
async fn ask_registry(stack: &Stack, method: Method, path: &str, body: &'static str) -> Vec<StatusCode> {
    let registry = &stack.endpoints().event_hubs.schema_registry;
    // Each round has an authority of its own, whose certificate is another test's.
    let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
    let url = format!("{registry}/$schemaGroups/contoso/schemas/Cut{path}?api-version=2023-07-01");
    let mut answers = Vec::new();
    for name in stack.identity().names() {
        let token = stack.identity().token(name, "https://eventhubs.azure.net").expect("a token");
        let request = http.request(method.clone(), &url).bearer_auth(token).body(body);
        let request = request.header("content-type", "application/json; serialization=Avro");
        answers.push(request.send().await.expect("an answer").status());
    }
    answers
}
