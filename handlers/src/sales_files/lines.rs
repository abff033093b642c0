//! Lines of a file as they come: its bytes arrive on one side, and are taken apart on a thread that may block.

use std::{
    io::{self, Read},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures::StreamExt;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    azure::blobs::{BlobError, ByteStream},
    domain::sales::{
        reader::{Cursor, FileReader, Line, Step},
        rejection::ReadError,
    },
};

/// Parts of the file, or chunks of lines, that wait for the next step.
const WAITING: usize = 4;

/// Lines in a chunk.
const LINES: usize = 1_000;

/// How long a chunk is gathered: a file can be made such that a line takes a while, or that it has none over long stretches.
const GATHERED: Duration = Duration::from_secs(1);

/// Some lines, perhaps none, and how far the file is read with them.
pub(super) struct Chunk {
    pub(super) lines: Vec<Line>,
    pub(super) cursor: Cursor,
    /// Bytes of the file, as it lies in storage.
    pub(super) bytes: u64,
    pub(super) is_last: bool,
}

/// Begins to read a file, or goes on at the cursor. The last chunk says so; after an error there is none.
pub(super) fn lines(
    bytes: ByteStream,
    currency: String,
    cursor: Option<Cursor>,
) -> mpsc::Receiver<Result<Chunk, ReadError>> {
    let (part_sender, parts) = mpsc::channel(WAITING);
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(fetch(bytes, part_sender));
    tokio::task::spawn_blocking(move || {
        if let Err(error) = take_apart(Parts { parts, rest: Bytes::new() }, &currency, cursor, &sender) {
            // Nobody waits for it any more if this fails.
            drop(sender.blocking_send(Err(error)));
        }
    });
    receiver
}

async fn fetch(mut bytes: ByteStream, parts: mpsc::Sender<Result<Bytes, BlobError>>) {
    while let Some(part) = bytes.next().await {
        if parts.send(part).await.is_err() {
            break;
        }
    }
}

fn take_apart(
    parts: Parts,
    currency: &str,
    cursor: Option<Cursor>,
    chunks: &mpsc::Sender<Result<Chunk, ReadError>>,
) -> Result<(), ReadError> {
    let mut reader = match cursor {
        Some(cursor) => FileReader::resume(parts, currency, cursor)?,
        None => FileReader::open(parts, currency)?,
    };
    loop {
        let mut lines = Vec::with_capacity(LINES);
        let mut is_last = false;
        let began = Instant::now();
        while lines.len() < LINES && !is_last && began.elapsed() < GATHERED {
            match reader.step()? {
                Step::Line(line) => lines.push(line),
                Step::Passed => {}
                Step::End => is_last = true,
            }
        }
        let chunk = Chunk { lines, cursor: reader.cursor(), bytes: reader.bytes_read(), is_last };
        if chunks.blocking_send(Ok(chunk)).is_err() || is_last {
            return Ok(());
        }
    }
}

/// The file's bytes for a reader that blocks.
struct Parts {
    parts: mpsc::Receiver<Result<Bytes, BlobError>>,
    rest: Bytes,
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.parts.blocking_recv() {
                Some(part) => self.rest = part.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = self.rest.len().min(buffer.len());
        self.rest.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
