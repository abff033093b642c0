//! Uploads: bytes on their way into the store.

use std::sync::{Arc, atomic::Ordering};

use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};

use super::{Bodies, CHUNK, Segment, chunk_key};
use crate::storage::{Batch, StorageError};

/// A body on its way in.
pub(in crate::blobs) struct Upload {
    draft: Draft,
    buffer: BytesMut,
    md5: Option<Md5>,
}

impl Bodies {
    /// Starts a new body.
    pub(in crate::blobs) fn upload(self: &Arc<Self>) -> Upload {
        Upload::new(Arc::clone(self), self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl Upload {
    /// Starts the body with the number `body`, which nothing has yet.
    fn new(bodies: Arc<Bodies>, body: u64) -> Self {
        let draft = Draft { body, length: 0, full_chunks: 0, tail: Bytes::new(), bodies, committed: false };
        Self { draft, buffer: BytesMut::new(), md5: None }
    }

    /// Also computes the MD5 of what is written.
    pub(in crate::blobs) fn with_md5(mut self) -> Self {
        self.md5 = Some(Md5::new());
        self
    }

    /// Whether so many more bytes can be taken without writing to the store.
    pub(in crate::blobs) fn fits(&self, more: usize) -> bool {
        self.buffer.len() + more <= CHUNK
    }

    /// Takes more bytes; full chunks go to the store at once.
    pub(in crate::blobs) fn write(&mut self, mut data: &[u8]) -> Result<(), StorageError> {
        if let Some(md5) = &mut self.md5 {
            md5.update(data);
        }
        self.draft.length += data.len() as u64;
        while !data.is_empty() {
            // A chunk is written only when more follows: the last one belongs to the commit.
            if self.buffer.len() == CHUNK {
                self.draft.spill(&self.buffer.split())?;
            }
            let (now, later) = data.split_at(data.len().min(CHUNK - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            data = later;
        }
        Ok(())
    }

    /// The whole body, to be adopted by a commit, and its MD5 where that was asked for.
    pub(in crate::blobs) fn finish(mut self) -> (Draft, Option<[u8; 16]>) {
        self.draft.tail = self.buffer.freeze();
        (self.draft, self.md5.map(|md5| md5.finalize().into()))
    }
}

/// A body that nothing refers to yet. Dropped without a commit, its chunks are removed.
pub(in crate::blobs) struct Draft {
    body: u64,
    length: u64,
    full_chunks: u64,
    tail: Bytes,
    bodies: Arc<Bodies>,
    committed: bool,
}

impl Draft {
    fn spill(&mut self, chunk: &[u8]) -> Result<(), StorageError> {
        // The commit that adopts the body is flushed, and with it all that was written before.
        let mut batch = self.bodies.storage.batch();
        if self.full_chunks == 0 {
            batch.insert(&self.bodies.unowned, self.body.to_be_bytes(), []);
        }
        batch.insert(&self.bodies.chunks, chunk_key(self.body, self.full_chunks), chunk);
        batch.commit_unsynced()?;
        self.full_chunks += 1;
        Ok(())
    }

    /// The same with all its bytes in the store, where many wait for one commit.
    pub(in crate::blobs) fn stored(mut self) -> Result<Self, StorageError> {
        let tail = std::mem::take(&mut self.tail);
        if !tail.is_empty() {
            self.spill(&tail)?;
        }
        Ok(self)
    }

    /// Adds what is left to `batch`, which is about to refer to the body. `None` where the body is empty.
    pub(in crate::blobs) fn adopt(&self, batch: &mut Batch) -> Option<Segment> {
        if self.length == 0 {
            return None;
        }
        if !self.tail.is_empty() {
            let tail: &[u8] = &self.tail;
            batch.insert(&self.bodies.chunks, chunk_key(self.body, self.full_chunks), tail);
        }
        if self.full_chunks > 0 {
            batch.remove(&self.bodies.unowned, self.body.to_be_bytes());
        }
        Some(Segment { body: self.body, length: self.length })
    }

    /// The commit succeeded: the body is owned.
    pub(in crate::blobs) fn committed(mut self) {
        self.committed = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.committed && self.full_chunks > 0 {
            self.bodies.remove_or_warn(self.body);
        }
    }
}
