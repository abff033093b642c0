//! `queueTrigger`: one call per message.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use time::{OffsetDateTime, macros::datetime};
use tracing::error;

use super::message_pump::{Handled, Pump};
use crate::{
    functions_host::{
        app::{DataType, Function, QueueOptions, QueueTrigger},
        invocation::{Invoker, Metadata, Outcome, Payload, Value},
    },
    queues::{Message, Queues},
};

/// `DateTimeOffset.MaxValue`.
const NEVER: OffsetDateTime = datetime!(9999-12-31 23:59:59 UTC);
/// The end of a poison queue's name.
const POISON: &str = "-poison";

/// Takes messages until the host stops.
pub(crate) async fn run(
    function: Arc<Function>,
    trigger: QueueTrigger,
    queues: Queues,
    options: QueueOptions,
    invoker: Invoker,
) {
    let base64 = options.base64;
    let pump = Pump {
        queues,
        poison: (!trigger.queue.ends_with(POISON)).then(|| format!("{}{POISON}", trigger.queue)),
        queue: trigger.queue,
        options,
        clock: invoker.clock.clone(),
        stopping: invoker.stopping.clone(),
    };
    let data_type = trigger.data_type;
    pump.run(|message| {
        let (function, invoker) = (Arc::clone(&function), invoker.clone());
        async move {
            let Some(body) = body(&message, base64) else {
                error!("the text of message {} is not Base64, which messageEncoding asks for", message.id);
                return Handled::Unreadable;
            };
            let payload = payload(&function.binding, data_type, &message, &body);
            match invoker.run(&function, "New queue message detected", Ok(payload)).await {
                Outcome::Succeeded(_) => Handled::Done,
                Outcome::Failed(_) => Handled::Failed,
                Outcome::Cancelled => Handled::Cancelled,
            }
        }
    })
    .await;
}

fn body(message: &Message, base64: bool) -> Option<Vec<u8>> {
    if base64 { BASE64_STANDARD.decode(message.text.trim()).ok() } else { Some(message.text.clone().into_bytes()) }
}

/// Builds the call for a message with this body.
pub(crate) fn payload<'a>(binding: &'a str, data_type: DataType, message: &'a Message, body: &'a [u8]) -> Payload<'a> {
    let mut metadata = Metadata::default();
    metadata.add("DequeueCount", Value::json(message.dequeue_count));
    metadata.add("ExpirationTime", Value::DateTimeOffset(message.expires));
    metadata.add("Id", Value::json(message.id));
    metadata.add("InsertionTime", Value::DateTimeOffset(message.inserted));
    metadata.add("NextVisibleTime", Value::DateTimeOffset(message.next_visible));
    metadata.add("PopReceipt", Value::json(message.receipt.to_string()));
    with_body(binding, data_type, metadata, body)
}

/// Builds the call for a run by hand: of a message that never was in a queue.
pub(crate) fn payload_by_hand<'a>(
    binding: &'a str,
    data_type: DataType,
    now: OffsetDateTime,
    input: &'a str,
) -> Payload<'a> {
    let mut metadata = Metadata::default();
    metadata.add("DequeueCount", Value::json(0));
    metadata.add("ExpirationTime", Value::DateTimeOffset(NEVER));
    metadata.add("InsertionTime", Value::DateTimeOffset(now));
    metadata.add("NextVisibleTime", Value::DateTimeOffset(NEVER));
    with_body(binding, data_type, metadata, input.as_bytes())
}

fn with_body<'a>(binding: &'a str, data_type: DataType, mut metadata: Metadata<'a>, body: &'a [u8]) -> Payload<'a> {
    metadata.add_sys();
    let value = if data_type == DataType::Binary {
        Value::Bytes(body)
    } else {
        let text = String::from_utf8_lossy(body);
        metadata.merge_body(&text);
        Value::json(text)
    };
    Payload { data: (binding, value), metadata, size_hint: body.len() * 3 / 2 + 600 }
}
