//! Checkpoints of Event Hubs consumers: empty blobs with metadata, laid out as the official checkpoint store does.

use std::collections::BTreeMap;

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    blobs::{self, Blobs, PutOptions},
    event_hubs::{Partition, Start},
};

pub(crate) const CONTAINER: &str = "azure-webjobs-eventhub";

/// Checkpoint of one partition by one consumer group.
pub(super) struct Checkpoint {
    blobs: Blobs,
    /// `{namespace}/{hub}/{group}`, lower case.
    prefix: String,
    partition: String,
    /// This host, as `clientidentifier`.
    owner: Uuid,
}

impl Checkpoint {
    /// Opens the checkpoint; nothing is written.
    pub(super) fn open(
        blobs: &Blobs,
        namespace: &str,
        hub: &str,
        group: &str,
        partition: &str,
        owner: Uuid,
    ) -> Result<Self, blobs::Error> {
        blobs.create_container(CONTAINER)?;
        Ok(Self {
            blobs: blobs.clone(),
            prefix: format!("{namespace}/{hub}/{group}").to_lowercase(),
            partition: partition.to_owned(),
            owner,
        })
    }

    /// The position after the checkpoint; `None` before the first one, or where its metadata cannot be read.
    pub(super) fn read(&self) -> Result<Option<Start>, blobs::Error> {
        let Some(blob) = self.blobs.get(CONTAINER, &self.name())? else {
            return Ok(None);
        };
        let metadata = |wanted: &str| {
            let entry = blob.properties.metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            entry.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let by_sequence = metadata("sequencenumber")
            .and_then(|text| text.parse().ok())
            .map(|number| Start::Sequence { number, inclusive: false });
        let by_offset = || metadata("offset").map(|text| Start::Offset { text: text.to_owned(), inclusive: false });
        Ok(by_sequence.or_else(by_offset))
    }

    /// Moves the checkpoint to just before the event with this sequence number, which is then the next; returns the one
    /// that really is, where that one is gone or not there yet.
    pub(super) fn rewind(&self, partition: &Partition, sequence: i64) -> Result<i64, blobs::Error> {
        let next = first_sequence(partition, &Start::Sequence { number: sequence, inclusive: true });
        let before = partition.read(next - 1, 1, usize::MAX).ok().and_then(|events| events.into_iter().next());
        match before.filter(|event| event.sequence == next - 1) {
            Some(event) => self.write(event.offset, event.sequence)?,
            // Nothing is retained before it: from the beginning, as clients spell it.
            None => self.write(-1, -1)?,
        }
        Ok(next)
    }

    /// Moves the checkpoint to an event.
    pub(super) fn write(&self, offset: i64, sequence: i64) -> Result<(), blobs::Error> {
        self.put(
            [
                ("offset".to_owned(), offset.to_string()),
                ("sequencenumber".to_owned(), sequence.to_string()),
                ("clientidentifier".to_owned(), self.owner.to_string()),
            ]
            .into(),
        )
    }

    /// Sets the metadata of a blob that exists, which raises no event, and creates it only at first.
    fn put(&self, metadata: BTreeMap<String, String>) -> Result<(), blobs::Error> {
        let name = self.name();
        match self.blobs.set_metadata(CONTAINER, &name, metadata.clone(), None) {
            Err(error) if error.code() == blobs::Code::BlobNotFound => {
                let options = PutOptions { metadata, ..PutOptions::default() };
                self.blobs.put(CONTAINER, &name, Bytes::new(), options).map(drop)
            }
            done => done.map(drop),
        }
    }

    fn name(&self) -> String {
        format!("{}/checkpoint/{}", self.prefix, self.partition)
    }
}

/// The first sequence number to read from a start position. A position the log does not know (a checkpoint of another
/// life of the hub) falls back to the beginning, as the service's client does when an offset is gone.
pub(super) fn first_sequence(partition: &Partition, start: &Start) -> i64 {
    partition.first_sequence_at(start).unwrap_or_else(|error| {
        tracing::warn!("cannot start at {start:?} ({error}); reading from the beginning");
        partition.state().begin_sequence
    })
}
