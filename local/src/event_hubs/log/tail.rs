//! Cache of the newest chunks of a partition in memory, bounded by their size.

use std::{collections::VecDeque, sync::Arc};

use super::chunk::Chunk;

pub(super) struct Tail {
    chunks: VecDeque<Arc<Chunk>>,
    bytes: usize,
    limit: usize,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Self {
        Self { chunks: VecDeque::new(), bytes: 0, limit }
    }

    /// Adds the newest chunk and lets go of the oldest beyond the limit; the newest always stays.
    pub(super) fn push(&mut self, chunk: Arc<Chunk>) {
        self.bytes += chunk.bytes().len();
        self.chunks.push_back(chunk);
        while self.bytes > self.limit && self.chunks.len() > 1 {
            self.pop();
        }
    }

    /// The chunk that holds the event with this sequence number.
    pub(super) fn find(&self, sequence: i64) -> Option<Arc<Chunk>> {
        let index = self.chunks.partition_point(|chunk| chunk.end() <= sequence);
        self.chunks.get(index).filter(|chunk| chunk.first() <= sequence).cloned()
    }

    /// Lets go of chunks that end at or before `begin`.
    pub(super) fn drop_before(&mut self, begin: i64) {
        while self.chunks.front().is_some_and(|chunk| chunk.end() <= begin) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(chunk) = self.chunks.pop_front() {
            self.bytes -= chunk.bytes().len();
        }
    }
}
