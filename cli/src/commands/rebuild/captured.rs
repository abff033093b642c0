//! Captured files as the events a function takes.

use std::fs::File;
use std::io::{BufReader, Seek, Write};

use anyhow::Context;
use contoso_handlers::app::App;
use contoso_handlers::domain::capture::{self, CaptureFile, CapturedEvent};
use contoso_handlers::events::{DecodeError, Incoming};
use contoso_handlers::registry::{HubEvent, Position};
use futures::{Stream, StreamExt, stream};
use time::{Duration, OffsetDateTime};

/// The container of captured files, as topology.json names it.
const CONTAINER: &str = "capture";

/// Captured files tell whole seconds. The hub stored an event up to so much later.
const REST_OF_THE_SECOND: Duration = Duration::milliseconds(999);

/// The captured files of a hub, of each partition in the order of their windows.
pub(super) struct Captured(Vec<Entry>);

/// One file.
pub(super) struct Entry {
    pub(super) file: CaptureFile,
    pub(super) etag: String,
    pub(super) length: u64,
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
        // Names begin with the namespace, which an address on this machine does not tell; they sort as their windows do.
        let listed = app.blobs().list(CONTAINER, "").await.context("cannot list the captured files")?;
        let files = listed.into_iter().filter_map(|blob| {
            let subject = format!("/blobServices/default/containers/{CONTAINER}/blobs/{}", blob.name);
            CaptureFile::from_subject(&subject).map(|file| Entry { file, etag: blob.etag, length: blob.length })
        });
        // Capture creates a file before it has anything to put there.
        Ok(Self(files.filter(|entry| entry.file.hub == hub && entry.length > 0).collect()))
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().map(|entry| entry.length).sum()
    }
}

/// The events of one file as `consumer_group` would have got them.
///
/// # Errors
/// When the file cannot be read, or the schema registry not be reached.
pub(super) async fn events<'a>(
    app: &'a App,
    entry: &'a Entry,
    consumer_group: &'a str,
) -> anyhow::Result<impl Stream<Item = anyhow::Result<Record>> + 'a> {
    let path = &entry.file.path;
    let local = download(app, path).await.with_context(|| format!("cannot read the captured file {path}"))?;
    let records =
        capture::read(BufReader::new(local)).with_context(|| format!("cannot read the captured file {path}"))?;
    Ok(stream::iter(records).then(move |record| async move {
        let record = record.with_context(|| format!("cannot read the captured file {path} to its end"))?;
        decode(app, &entry.file, consumer_group, record).await
    }))
}

/// A copy of the file on this machine: the reader of Avro waits for its bytes, and files may be larger than memory.
async fn download(app: &App, path: &str) -> anyhow::Result<File> {
    let mut local = tempfile::tempfile()?;
    let mut parts = app.blobs().stream(CONTAINER, path).await?;
    while let Some(part) = parts.next().await {
        local.write_all(&part?)?;
    }
    local.rewind()?;
    Ok(local)
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
        Ok(event) => Ok(Ok(HubEvent { event, position })),
        Err(DecodeError::Park(cause)) => Ok(Err(cause.chain())),
        Err(DecodeError::Retry(cause)) => Err(anyhow::Error::msg(cause.chain())),
    }
}
