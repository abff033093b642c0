//! Captured files as the events a function takes.
//!
//! A file is read to its end before the first of its events is used: one that is damaged anywhere counts as a whole, as it does for
//! `CaptureBatch`, which stores nothing of it. It is parked, told and left out; the others go on.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufReader, Seek, Write},
};

use anyhow::{Context, bail};
use backon::Retryable;
use contoso_handlers::{
    app::App,
    azure::blobs::{BlobError, BlobErrorKind},
    domain::capture::{self, CaptureFile, CapturedEvent},
    events::{DecodeError, Incoming},
    function::{HubEvent, Position},
    functions::capture_batch,
    outcome::Cause,
    stores::capture::FILES,
};
use futures::{Stream, StreamExt, stream};
use time::{Duration, OffsetDateTime};

use super::{replayed::pauses, tally::Tally};
use crate::output;

/// Captured files tell whole seconds. The hub stored an event up to so much later.
const REST_OF_THE_SECOND: Duration = Duration::milliseconds(999);

/// The captured files of a hub, of each partition in the order of their windows.
pub(super) struct Captured {
    files: Vec<Entry>,
    /// Partitions of which a file was left out.
    damaged: BTreeSet<String>,
}

/// One file.
pub(super) struct Entry {
    pub(super) file: CaptureFile,
    pub(super) etag: String,
    pub(super) length: u64,
}

/// A copy of a file that was read to its end, and is at its beginning.
pub(super) struct Readable {
    local: File,
    events: u64,
}

/// An event of a partition.
pub(super) struct Record {
    pub(super) sequence: i64,
    /// When the hub stored it, if it is understood.
    pub(super) enqueued: Option<OffsetDateTime>,
    /// As its consumer would have got it, or what is wrong with it.
    pub(super) event: Result<HubEvent, String>,
}

impl Captured {
    pub(super) async fn list(app: &App, hub: &str) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for container in FILES {
            // Names begin with the namespace, which an address on this machine does not tell.
            let listed = app.blobs().list(container, "").await.context("cannot list the captured files")?;
            files.extend(listed.into_iter().filter_map(|blob| {
                let subject = format!("/blobServices/default/containers/{container}/blobs/{}", blob.name);
                CaptureFile::from_subject(&subject).map(|file| Entry { file, etag: blob.etag, length: blob.length })
            }));
        }
        // Capture creates a file before it has anything to put there.
        files.retain(|entry| entry.file.hub == hub && entry.length > 0);
        // Names sort as their windows do, also where the hub's container was changed.
        files.sort_by(|one, other| one.file.path.cmp(&other.file.path));
        Ok(Self { files, damaged: BTreeSet::new() })
    }

    /// Reads every file to its end, forgets those that cannot be read, and returns the number of events in the others.
    pub(super) async fn check(&mut self, app: &App, tally: &mut Tally) -> anyhow::Result<u64> {
        let bar = output::bar("bytes checked", self.bytes());
        let (mut readable, mut events) = (Vec::new(), 0);
        for entry in std::mem::take(&mut self.files) {
            bar.inc(entry.length);
            match fetch(app, &entry, tally).await? {
                Some(file) => {
                    events += file.events;
                    readable.push(entry);
                }
                None => drop(self.damaged.insert(entry.file.partition)),
            }
        }
        bar.finish_and_clear();
        self.files = readable;
        Ok(events)
    }

    /// Whether no file of a partition was left out by [`Self::check`].
    pub(super) fn is_whole(&self, partition: &str) -> bool {
        !self.damaged.contains(partition)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Entry> {
        self.files.iter()
    }

    /// The files of one partition.
    pub(super) fn of<'a>(&'a self, partition: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.files().filter(move |entry| entry.file.partition == partition)
    }

    /// The partitions of which there are files.
    pub(super) fn partitions(&self) -> BTreeSet<String> {
        self.files().map(|entry| entry.file.partition.clone()).collect()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|entry| entry.length).sum()
    }
}

/// Gets a file and reads it to its end; `None` if it cannot be read, which is parked and told then.
///
/// # Errors
/// When storage cannot be reached: that says nothing about the file.
pub(super) async fn fetch(app: &App, entry: &Entry, tally: &mut Tally) -> anyhow::Result<Option<Readable>> {
    let path = &entry.file.path;
    let is_transient = |error: &anyhow::Error| error.downcast_ref().is_some_and(BlobError::is_transient);
    let downloaded = (|| download(app, &entry.file)).retry(pauses()).when(is_transient).await;
    let cause = match downloaded {
        Ok(local) => match check(local).await? {
            Ok(readable) => return Ok(Some(readable)),
            Err(cause) => cause,
        },
        Err(error) => match error.downcast::<BlobError>() {
            Ok(error) if error.kind == BlobErrorKind::NotFound => {
                Cause::of("the file is gone", format!("there is no file {path} any more"))
            }
            Ok(error) if error.kind == BlobErrorKind::Refused => Cause::from_error("read the file", error),
            Ok(error) => bail!(anyhow::Error::new(error).context(format!("cannot read the captured file {path}"))),
            Err(error) => bail!(error.context(format!("cannot copy the captured file {path}"))),
        },
    };
    let parked = capture_batch::park_file(app, &entry.file, &cause).await;
    parked.map_err(|error| anyhow::Error::msg(error.chain())).with_context(|| format!("cannot park {path}"))?;
    tally.leave_out(path, &cause.chain());
    Ok(None)
}

/// A copy of the file on this machine: the reader of Avro waits for its bytes, and files may be larger than memory.
async fn download(app: &App, file: &CaptureFile) -> anyhow::Result<File> {
    let mut local = tempfile::tempfile()?;
    let mut parts = app.blobs().stream(&file.container, &file.path).await?;
    while let Some(part) = parts.next().await {
        local.write_all(&part?)?;
    }
    local.rewind()?;
    Ok(local)
}

/// Reads a file to its end, or says what is wrong with it.
async fn check(local: File) -> anyhow::Result<Result<Readable, Cause>> {
    let failed = |error| Cause::from_error("take the file apart", error);
    let checking = tokio::task::spawn_blocking(move || {
        let counted = capture::read(BufReader::new(&local))
            .and_then(|mut records| records.try_fold(0, |events, record| record.map(|_| events + 1)));
        (local, counted)
    });
    let (mut local, counted) = match checking.await {
        Ok(checked) => checked,
        // Damage that the reader of Avro panics at.
        Err(error) => return Ok(Err(Cause::from_error("take the file apart", error))),
    };
    match counted {
        Ok(events) => {
            local.rewind()?;
            Ok(Ok(Readable { local, events }))
        }
        Err(error) => Ok(Err(failed(error))),
    }
}

/// The events of one file as `consumer_group` would have got them.
///
/// # Errors
/// When the schema registry cannot be reached.
pub(super) fn events<'a>(
    app: &'a App,
    entry: &'a Entry,
    Readable { local, .. }: Readable,
    consumer_group: &'a str,
) -> anyhow::Result<impl Stream<Item = anyhow::Result<Record>> + 'a> {
    let failed = || format!("cannot read the captured file {} once more", entry.file.path);
    let records = capture::read(BufReader::new(local)).with_context(failed)?;
    Ok(stream::iter(records).then(move |record| async move {
        decode(app, &entry.file, consumer_group, record.with_context(failed)?).await
    }))
}

async fn decode(app: &App, file: &CaptureFile, consumer_group: &str, record: CapturedEvent) -> anyhow::Result<Record> {
    let CapturedEvent { sequence, offset, enqueued, content_type, properties, body } = record;
    let incoming =
        Incoming { body: &body, content_type: content_type.as_deref(), properties: properties.into_iter().collect() };
    let position = Position {
        hub: file.hub.clone(),
        consumer_group: consumer_group.to_owned(),
        partition: file.partition.clone(),
        sequence,
        offset,
        // The latest it can be: a time of the event in the same second was not after it, and stays what it is. Without it a click would
        // count at no time; at the beginning of time it is judged as bad.
        enqueued: enqueued.map_or(OffsetDateTime::UNIX_EPOCH, |second| second + REST_OF_THE_SECOND),
    };
    Ok(Record { sequence, enqueued, event: hub_event(app, incoming, position).await? })
}

/// The event at a place of a hub, or what is wrong with it.
pub(super) async fn hub_event(
    app: &App,
    incoming: Incoming<'_>,
    position: Position,
) -> anyhow::Result<Result<HubEvent, String>> {
    match app.events().decode(incoming).await {
        Ok(event) => Ok(Ok(HubEvent { event, position, is_replayed: false })),
        Err(DecodeError::Park(cause)) => Ok(Err(cause.chain())),
        Err(DecodeError::Retry(cause)) => Err(anyhow::Error::msg(cause.chain())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_captured_file_says_why_and_breaks_nothing() {
        for content in [&b""[..], b"Avro 1.2 or so", b"Obj\x01\x04"] {
            let mut local = tempfile::tempfile().expect("a file");
            local.write_all(content).expect("written");
            local.rewind().expect("rewound");
            let checked = check(local).await.expect("the disk works");
            let cause = checked.err().expect("no captured file").chain();
            assert!(cause.starts_with("could not take the file apart: the file is no readable Avro file"), "{cause}");
        }
    }
}
