//! The records of one captured file: one task fetches its bytes, a thread takes the Avro apart, and whoever reads waits for neither.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use futures::StreamExt;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    azure::blobs::{BlobError, Blobs, ByteStream},
    domain::capture::{self, CaptureError, CapturedEvent},
};

/// Parts of the file, and records, that wait for the next step.
const WAITING: usize = 16;

/// The records of a file, one by one. Dropped early, it reads no further.
pub struct Records {
    records: mpsc::Receiver<CapturedEvent>,
    fetching: JoinHandle<Result<(), BlobError>>,
    taking_apart: JoinHandle<Result<(), CaptureError>>,
}

/// A file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Storage failed: that says nothing about the file.
    #[error(transparent)]
    Storage(#[from] BlobError),
    /// The file is damaged, or not what Capture writes.
    #[error(transparent)]
    Damaged(#[from] CaptureError),
    /// Damage that the reader of Avro panics at.
    #[error(transparent)]
    Panicked(#[from] tokio::task::JoinError),
}

impl Records {
    /// Begins to read a file.
    ///
    /// # Errors
    /// If storage fails; later failures are those of [`Self::end`].
    pub async fn open(blobs: &Blobs, container: &str, path: &str) -> Result<Self, BlobError> {
        let bytes = blobs.stream(container, path).await?;
        let (part_sender, parts) = mpsc::channel(WAITING);
        let (record_sender, records) = mpsc::channel(WAITING);
        let fetching = tokio::spawn(fetch(bytes, part_sender));
        let taking_apart = tokio::task::spawn_blocking(move || take_apart(parts, &record_sender));
        Ok(Self { records, fetching, taking_apart })
    }

    /// The next record; `None` at the end of what can be read, and then [`Self::end`] says whether that is the end of the file.
    pub async fn next(&mut self) -> Option<CapturedEvent> {
        self.records.recv().await
    }

    /// Whether everything was read, once [`Self::next`] has no more.
    ///
    /// # Errors
    /// What ended it early.
    pub async fn end(self) -> Result<(), FileError> {
        drop(self.records);
        let (fetched, taken_apart) = futures::join!(self.fetching, self.taking_apart);
        // In this order: a file whose bytes did not all come looks damaged, but is not.
        fetched??;
        Ok(taken_apart??)
    }
}

async fn fetch(mut bytes: ByteStream, parts: mpsc::Sender<Bytes>) -> Result<(), BlobError> {
    while let Some(part) = bytes.next().await {
        if parts.send(part?).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn take_apart(parts: mpsc::Receiver<Bytes>, records: &mpsc::Sender<CapturedEvent>) -> Result<(), CaptureError> {
    for record in capture::read(Parts { parts, rest: Bytes::new() })? {
        if records.blocking_send(record?).is_err() {
            break;
        }
    }
    Ok(())
}

/// The file's bytes for a reader that blocks.
struct Parts {
    parts: mpsc::Receiver<Bytes>,
    rest: Bytes,
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.parts.blocking_recv() {
                Some(part) => self.rest = part,
                None => return Ok(0),
            }
        }
        let length = self.rest.len().min(buffer.len());
        self.rest.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_are_read_as_one_file() {
        let (sender, parts) = mpsc::channel(8);
        for part in ["ab", "", "cde"] {
            sender.send(Bytes::from(part)).await.expect("open");
        }
        drop(sender);
        let read = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            Parts { parts, rest: Bytes::new() }.read_to_string(&mut text).map(|_| text)
        });
        assert_eq!(read.await.expect("no panic").expect("read"), "abcde");
    }
}
