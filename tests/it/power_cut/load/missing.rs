//! How a later stack is asked for what was acknowledged.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::Duration,
};

use axum::http::Method;
use bytes::Bytes;
use contoso_local::{stack::Stack, storage::Sync};
use serde_json::Value;

use super::{CONTAINER, HUB, QUEUE, blob, cosmos, publications, schemas, start};

/// What a stack on `directory` lacks of what was acknowledged, and what is out of order.
pub(crate) async fn missing(directory: &Path, acknowledged: &[String]) -> Vec<String> {
    let stack = match start(directory, Sync::Always).await {
        Ok(stack) => stack,
        Err(error) => return vec![format!("no stack starts: {error}")],
    };
    let mut missing = Vec::new();
    let mut newest: HashMap<(&str, &str), u64> = HashMap::new();
    let (mut events, mut messages, mut publications) = (Vec::new(), Vec::new(), None);
    for line in acknowledged {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: usize| words[word].parse::<u64>().expect("a number");
        match words[0] {
            "event" => events.push((words[1], number(2), number(3), number(4))),
            "message" => messages.push(format!("{} {}", words[1], words[2])),
            "subscription" => publications = Some(Vec::new()),
            "publication" => publications.get_or_insert_default().push(format!("{} {}", words[1], words[2])),
            "schema" => missing.extend(schemas::missing(&stack, words[1], number(2), words[3], words[4]).await),
            kind => {
                newest.insert((kind, words[1]), number(2));
            }
        }
    }
    missing.extend(missing_events(&stack, &events));
    missing.extend(missing_messages(&stack, &messages));
    if let Some(publications) = publications {
        missing.extend(publications::missing(&stack, &publications).await);
    }
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
