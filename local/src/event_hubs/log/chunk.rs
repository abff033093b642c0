//! Chunk: one publication as it is stored, with version, enqueued time, number of events, the end of each, the
//! messages.

use bytes::{BufMut, Bytes};

use super::offset::offset_of;
use crate::event_hubs::{
    amqp::message::{ReceivedMessage, Stamp},
    event::StoredEvent,
};

const VERSION: u8 = 1;
/// Version, enqueued time and number of events.
const HEAD: usize = 1 + 8 + 4;

/// A stored publication, decoded only as far as finding its events needs.
pub(super) struct Chunk {
    first: i64,
    enqueued_millis: i64,
    count: u32,
    bytes: Bytes,
}

impl Chunk {
    /// Stamps and encodes the events of a publication.
    pub(super) fn build(first: i64, enqueued_millis: i64, events: &[ReceivedMessage<'_>]) -> Self {
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let messages_at = HEAD + 4 * events.len();
        let room = events.iter().map(ReceivedMessage::stored_size).sum::<usize>();
        let mut out = Vec::with_capacity(messages_at + room);
        out.put_u8(VERSION);
        out.put_i64(enqueued_millis);
        out.put_u32(count);
        out.resize(messages_at, 0);
        for ((event, sequence), index) in events.iter().zip(first..).zip(0..) {
            event.write(Stamp { sequence, offset: offset_of(sequence), enqueued_millis }, &mut out);
            let end = u32::try_from(out.len() - messages_at).unwrap_or(u32::MAX);
            let at: usize = HEAD + 4 * index;
            out[at..at + 4].copy_from_slice(&end.to_be_bytes());
        }
        Self { first, enqueued_millis, count, bytes: out.into() }
    }

    /// Reads a stored record; nothing where it is damaged.
    pub(super) fn decode(first: i64, bytes: Bytes) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (millis, rest) = rest.split_first_chunk()?;
        let count = u32::from_be_bytes(*rest.first_chunk()?);
        let chunk = Self { first, enqueued_millis: i64::from_be_bytes(*millis), count, bytes: bytes.clone() };
        let messages_at = chunk.messages_at();
        if *version != VERSION || bytes.len() < messages_at {
            return None;
        }
        let mut before = 0;
        for index in 0..usize::try_from(count).ok()? {
            let end = chunk.end_of(index);
            if end < before {
                return None;
            }
            before = end;
        }
        (before == bytes.len() - messages_at).then_some(chunk)
    }

    pub(super) fn first(&self) -> i64 {
        self.first
    }

    /// Sequence number behind the last event.
    pub(super) fn end(&self) -> i64 {
        self.first + i64::from(self.count)
    }

    pub(super) fn enqueued_millis(&self) -> i64 {
        self.enqueued_millis
    }

    /// The record as it is stored.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The same chunk on other memory with the same content.
    pub(super) fn backed_by(self, bytes: Bytes) -> Self {
        Self { bytes, ..self }
    }

    /// The event with this sequence number, which must lie in the chunk.
    pub(super) fn event(&self, sequence: i64) -> StoredEvent {
        let index = usize::try_from(sequence - self.first).unwrap_or(0);
        let start = if index == 0 { 0 } else { self.end_of(index - 1) };
        let messages_at = self.messages_at();
        StoredEvent {
            sequence,
            offset: offset_of(sequence),
            enqueued_millis: self.enqueued_millis,
            message: self.bytes.slice(messages_at + start..messages_at + self.end_of(index)),
        }
    }

    fn messages_at(&self) -> usize {
        HEAD + 4 * usize::try_from(self.count).unwrap_or(0)
    }

    /// End of an event, relative to the first message.
    fn end_of(&self, index: usize) -> usize {
        let at = HEAD + 4 * index;
        let end = self.bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        usize::try_from(u32::from_be_bytes(end)).unwrap_or(usize::MAX)
    }
}
