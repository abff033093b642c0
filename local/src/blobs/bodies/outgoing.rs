//! Downloads: stored bytes on their way out, pinned while they are read.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::{Bodies, CHUNK, Segment, chunk_key};
use crate::blobs::error::Failure;

/// A part of a segment, in bytes from its start, end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::blobs) struct Slice {
    pub(in crate::blobs) segment: Segment,
    pub(in crate::blobs) from: u64,
    pub(in crate::blobs) to: u64,
}

/// Keeps bodies from being removed while they are read.
pub(in crate::blobs) struct Pin {
    bodies: Arc<Bodies>,
    segments: Vec<Segment>,
}

impl Bodies {
    /// Keeps `segments` readable until the pin is dropped, whatever happens to the blob.
    pub(in crate::blobs) fn pin(self: &Arc<Self>, segments: Vec<Segment>) -> Pin {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        for segment in &segments {
            readers.entry(segment.body).or_default().count += 1;
        }
        Pin::new(Arc::clone(self), segments)
    }
}

impl Pin {
    /// Counts as a reader of `segments`; `bodies` has counted it.
    fn new(bodies: Arc<Bodies>, segments: Vec<Segment>) -> Self {
        Self { bodies, segments }
    }

    /// The part of the pinned bytes from `from` to `to` (excluded), as chunk-sized slices in order.
    pub(in crate::blobs) fn slices(&self, from: u64, to: u64) -> Vec<Slice> {
        let mut slices = Vec::new();
        let mut start = 0;
        for &segment in &self.segments {
            let end = start + segment.length;
            let mut at = from.max(start);
            while at < to.min(end) {
                let within = at - start;
                let chunk_end = (within / CHUNK as u64 + 1) * CHUNK as u64;
                let until = chunk_end.min(segment.length).min(to - start);
                slices.push(Slice { segment, from: within, to: until });
                at = start + until;
            }
            start = end;
        }
        slices
    }

    /// The bytes of a slice that lies within one chunk.
    pub(in crate::blobs) fn read(&self, slice: Slice) -> Result<Bytes, Failure> {
        let chunk = slice.from / CHUNK as u64;
        let start = slice.from % CHUNK as u64;
        let missing = || Failure::Corrupt {
            what: format!("chunk {chunk} of body {}", slice.segment.body),
            source: "it is missing or too short".into(),
        };
        let value = self.bodies.chunks.get(chunk_key(slice.segment.body, chunk))?;
        let value = Bytes::from_owner(value.ok_or_else(missing)?);
        let (from, to) = (usize_of(start), usize_of(start + slice.to - slice.from));
        if to > value.len() {
            return Err(missing());
        }
        Ok(value.slice(from..to))
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        for segment in &self.segments {
            self.bodies.unpin(segment.body);
        }
    }
}

/// A length within one chunk.
fn usize_of(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
