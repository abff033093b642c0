//! What the recorded stack is made to store, and how a later stack is asked for it.
//!
//! Each acknowledgement is a line of a file beside the data directory, so that the record holds it in its place among
//! the file operations.

mod missing;
mod publications;
mod schemas;

use std::{
    error::Error,
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, LazyLock, Mutex},
};

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use contoso_cli::identity;
use contoso_local::{
    blobs::PutOptions,
    stack::{Ports, Stack, StackOptions},
    storage::Sync,
    topology::Topology,
    transport::Hosts,
};

use super::recorder::STACK;
use crate::support::eventually;
pub(crate) use missing::missing;

/// The acknowledgements, in the recorded directory.
pub(crate) const ACKS: &str = "acks";
/// What begins a line of what was refused.
pub(crate) const REFUSED: &str = "refused";
/// Writers of events first, then writers to the other services in turn.
pub(crate) const WRITERS: usize = EVENT_WRITERS + 2 * OTHERS;
/// What the lines of each service's acknowledgements begin with; that of the hubs, then those of the others.
pub(crate) const SERVICES: [&str; 1 + OTHERS] = ["event", "document", "blob", "message", "schema", "publication"];
const OTHERS: usize = 5;
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
    acks.write(&subscribe(&stack).await.expect("subscribed"));
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

/// Makes the subscription that publications wait in; the line that acknowledges it.
pub(crate) async fn subscribe(stack: &Stack) -> Result<String, String> {
    publications::subscribe(stack).await.map(|()| "subscription".to_owned())
}

/// One entry for each service; the lines that acknowledge them, or what was said instead.
pub(crate) async fn store_one_of_each(stack: &Stack, number: u64) -> Vec<Result<String, String>> {
    let mut lines = Vec::new();
    for writer in std::iter::once(0).chain(EVENT_WRITERS..EVENT_WRITERS + OTHERS) {
        lines.push(store(stack, writer, number).await);
    }
    lines
}

/// Stores entry `number` of `writer`. The line that acknowledges it, or service and error.
async fn store(stack: &Stack, writer: usize, number: u64) -> Result<String, String> {
    let Some(writer) = writer.checked_sub(EVENT_WRITERS) else { return send_events(stack, writer, number) };
    match writer % OTHERS {
        0 => write_document(stack, writer, number).await,
        1 => write_blob(stack, writer, number),
        2 => put_message(stack, writer, number),
        3 => schemas::register(stack, writer, number).await,
        _ => publications::publish(stack, writer, number).await,
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

/// One request of the REST protocol, as an upsert where it stores.
pub(crate) async fn cosmos(stack: &Stack, method: Method, path: &str, key: &str, body: Bytes) -> (StatusCode, Bytes) {
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
    let options =
        StackOptions { topology, data_dir: directory.to_owned(), ports: Ports::auto(), sync, hosts: Hosts::default() };
    Box::pin(Stack::start(options, &|_| {})).await.map_err(|error| chain(&error))
}

/// A token of the identity that deploys, which registers schemas and subscribes.
fn deployment(stack: &Stack, resource: &str) -> String {
    stack.identity().token(identity::DEPLOYMENT, resource).expect("a token")
}

/// For requests over the wire. It keeps no connections: they would end with the test that made them.
fn client() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        let client = reqwest::Client::builder().pool_max_idle_per_host(0);
        // Each round has an authority of its own, whose certificate is another test's.
        client.tls_danger_accept_invalid_certs(true).build().expect("a client")
    });
    &CLIENT
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
