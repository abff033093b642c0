//! Keys and values of the queue.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::event_grid::{error::Error, event::Schema};

/// Place of an entry: subscription, due time in milliseconds, ticket, each big-endian, so that order is by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position(pub(super) [u8; 24]);

impl Position {
    pub(super) fn new(subscription: u64, due_millis: u64, ticket: u64) -> Self {
        let mut key = [0; 24];
        key[..8].copy_from_slice(&subscription.to_be_bytes());
        key[8..16].copy_from_slice(&due_millis.to_be_bytes());
        key[16..].copy_from_slice(&ticket.to_be_bytes());
        Self(key)
    }

    /// Before everything of `subscription`.
    pub(crate) fn start_of(subscription: u64) -> Self {
        Self::new(subscription, 0, 0)
    }

    /// The least position after this one.
    pub(crate) fn after(self) -> Self {
        let next = u128::from_be_bytes(self.tail()).saturating_add(1);
        let mut key = self.0;
        key[8..].copy_from_slice(&next.to_be_bytes());
        Self(key)
    }

    fn tail(self) -> [u8; 16] {
        let mut tail = [0; 16];
        tail.copy_from_slice(&self.0[8..]);
        tail
    }

    pub(super) fn subscription(self) -> u64 {
        let mut id = [0; 8];
        id.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(id)
    }

    pub(crate) fn due_millis(self) -> u64 {
        u64::try_from(u128::from_be_bytes(self.tail()) >> 64).unwrap_or(u64::MAX)
    }

    pub(crate) fn ticket(self) -> u64 {
        let mut ticket = [0; 8];
        ticket.copy_from_slice(&self.0[16..]);
        u64::from_be_bytes(ticket)
    }
}

/// What is known about a pending delivery beside its event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Schema of the stored body, which is the one it is delivered in.
    pub(crate) schema: Schema,
    pub(crate) published_millis: i64,
    /// Attempts made.
    pub(crate) attempts: u32,
    pub(crate) last: Option<LastAttempt>,
    /// Set once delivery was given up and only the dead letter is to be written.
    pub(crate) dead: Option<Dead>,
}

/// How the last attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastAttempt {
    pub(crate) at_millis: i64,
    pub(crate) outcome: String,
    pub(crate) status: Option<u16>,
}

/// Why and when delivery was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dead {
    pub(crate) reason: String,
    pub(crate) at_millis: i64,
}

/// An entry, taken from the store.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) position: Position,
    pub(crate) header: Header,
    /// One event, JSON.
    pub(crate) body: Bytes,
}

/// The header as one line of JSON, then the event.
pub(super) fn encode(header: &Header, body: &[u8]) -> Result<Vec<u8>, Error> {
    let mut value = serde_json::to_vec(header).map_err(|source| Error::Damaged {
        what: "delivery",
        id: "(new)".to_owned(),
        source,
    })?;
    value.push(b'\n');
    value.extend_from_slice(body);
    Ok(value)
}

pub(super) fn decode(position: Position, value: &[u8]) -> Result<Pending, Error> {
    let end = value.iter().position(|byte| *byte == b'\n').unwrap_or(value.len());
    let header = contoso_json::from_slice(&value[..end]).map_err(|source| Error::Damaged {
        what: "delivery",
        id: position.ticket().to_string(),
        source,
    })?;
    Ok(Pending { position, header, body: Bytes::copy_from_slice(value.get(end + 1..).unwrap_or_default()) })
}
