//! Publications: one message, or a batch of them in one, to a hub or a partition.

use bytes::Bytes;

use super::link::Delivery;
use crate::{
    causes::chain,
    event_hubs::{
        amqp::{
            DecodeError,
            answer::{DeliveryState, MAX_MESSAGE_SIZE},
            condition::{Condition, Refusal},
            message::partition_key,
            section::{Kind, binary, sections},
        },
        error::Error,
        hub::Hub,
        levers::Answer,
        log::Partition,
        switchboard::Switchboard,
    },
    storage::StorageError,
};

/// The message format of a batch: its data sections are whole messages.
const BATCH_FORMAT: u32 = 0x8001_3700;

/// Longest partition key in characters.
///
/// Source: "Azure Event Hubs quotas and limits"; the condition of the refusal is documented nowhere.
const MAX_KEY: usize = 128;

/// Stores a publication, unless a lever answers in its place. When this returns `Accepted`, it is durable.
pub(super) fn publish(
    switchboard: &Switchboard,
    hub: &Hub,
    partition: Option<&Partition>,
    delivery: Delivery,
) -> DeliveryState {
    store(switchboard, hub, partition, delivery).unwrap_or_else(DeliveryState::Rejected)
}

fn store(
    switchboard: &Switchboard,
    hub: &Hub,
    partition: Option<&Partition>,
    delivery: Delivery,
) -> Result<DeliveryState, Refusal> {
    let Some(message) = delivery.message else {
        return Err(Refusal::new(
            Condition::MessageSizeExceeded,
            format!("The received message exceeds the limit of {MAX_MESSAGE_SIZE} bytes."),
        ));
    };
    let malformed =
        |error: DecodeError| Refusal::new(Condition::DecodeError, format!("The message is malformed: {error}."));
    let key = partition_key(&message).map_err(malformed)?;
    if let Some(length) = key.as_ref().map(|key| key.chars().count()).filter(|length| *length > MAX_KEY) {
        let reason = format!("The partition key has {length} characters; the limit is {MAX_KEY}.");
        return Err(Refusal::new(Condition::ArgumentError, reason));
    }
    let partition = match partition {
        Some(partition) => partition,
        None => hub.choose(key.as_deref()),
    };
    let messages = match delivery.message_format {
        BATCH_FORMAT => batch(&message).map_err(malformed)?,
        _ => vec![message],
    };
    match switchboard.take_answer(hub.name(), partition.id()) {
        None => {}
        Some(Answer::Released) => return Ok(DeliveryState::Released),
        Some(Answer::Modified) => return Ok(DeliveryState::Modified),
        Some(Answer::Rejected { condition }) => {
            return Err(Refusal::new(Condition::Named(condition), "A test had the send rejected."));
        }
    }
    match partition.append(&messages) {
        Ok(_) => Ok(DeliveryState::Accepted),
        Err(Error::Malformed { source, .. }) => Err(malformed(source)),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a publication could not be stored");
            // Clients repeat what a busy server refuses, so a full disk that is cleared loses nothing.
            let condition = match &error {
                Error::Storage { source: StorageError::Full { .. } | StorageError::Stopped { .. }, .. } => {
                    Condition::ServerBusy
                }
                _ => Condition::InternalError,
            };
            Err(Refusal::new(condition, chain(&error)))
        }
    }
}

/// The messages in a batch.
fn batch(envelope: &Bytes) -> Result<Vec<Bytes>, DecodeError> {
    let mut messages = Vec::new();
    for section in sections(envelope) {
        let section = section?;
        if section.kind == Kind::Data {
            messages.push(envelope.slice(binary(envelope, section.value)?));
        }
    }
    if messages.is_empty() {
        return Err(DecodeError::Invalid("a batch holds no messages"));
    }
    Ok(messages)
}
