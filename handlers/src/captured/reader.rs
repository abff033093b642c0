//! The captured events of a hub from a cursor on: day by day, and within a partition in the order in which the hub stored them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::future;
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use super::records::{FileError, Records};
use crate::{
    app::App,
    azure::blobs::{BlobEntry, BlobErrorKind},
    domain::capture::{CaptureFile, CapturedEvent, Cursor, StoredEnd},
    events::{DecodeError, Event, Incoming},
    outcome::Cause,
    stores::capture::FILES,
};

/// The container of files that name nobody; those of the hubs that are read here were never in another.
const CONTAINER: &str = FILES[0];

/// Captured files are deleted after so long (`topology.json`): nothing is looked for before.
const KEPT: Duration = Duration::days(1_095);

/// The captured events of a hub from a cursor on.
///
/// What is no event of ours, and a file that is damaged, is left out and counted: `CaptureBatch` parks both.
pub struct CapturedEvents {
    app: App,
    cursor: Cursor,
    until: OffsetDateTime,
    /// Begins the names of the hub's files; absent if there is none.
    folder: Option<String>,
    /// How far the hub itself was at `measured`, by partition, before anything was listed.
    ends: BTreeMap<String, StoredEnd>,
    measured: OffsetDateTime,
    /// The first day that was not listed, and the last that is.
    day: Option<Date>,
    last_day: Date,
    files: VecDeque<(CaptureFile, String)>,
    open: Option<Open>,
    /// Partitions of which an event from `until` or later was seen.
    ended: BTreeSet<String>,
    left_out: u64,
}

struct Open {
    file: CaptureFile,
    etag: String,
    records: Records,
}

/// An event that a hub stored.
#[derive(Debug)]
pub struct Captured {
    /// The event.
    pub event: Event,
    /// When the hub stored it, in whole seconds, if that is understood.
    pub enqueued: Option<OffsetDateTime>,
}

impl CapturedEvents {
    /// Prepares to read what the hub stored before `until`.
    ///
    /// # Errors
    /// If the hub or storage cannot be reached; repeating is safe.
    pub async fn of(app: &App, hub: &str, cursor: Cursor, until: OffsetDateTime) -> Result<Self, Cause> {
        let measured = app.now();
        let until = until.checked_to_offset(UtcOffset::UTC).unwrap_or(until);
        let partitions = app.hubs().partitions(hub).await;
        let ends: BTreeMap<String, StoredEnd> = partitions
            .map_err(|error| Cause::from_error("read the ends of the hub's partitions", error))?
            .into_iter()
            .map(|info| (info.id, StoredEnd { last_sequence: info.last_sequence, last_enqueued: info.last_enqueued }))
            .collect();
        let folder = folder(app, hub).await?;
        let day = cursor.first_day(ends.keys().map(String::as_str)).max(measured.saturating_sub(KEPT).date());
        // A day more: clocks differ, and a window may begin before its events.
        let last_day = until.min(measured).saturating_add(Duration::DAY).date();
        Ok(Self {
            app: app.clone(),
            cursor,
            until,
            folder,
            ends,
            measured,
            day: Some(day),
            last_day,
            files: VecDeque::new(),
            open: None,
            ended: BTreeSet::new(),
            left_out: 0,
        })
    }

    /// The next event; `None` once everything that was captured so far is read. After an error, what was not read comes again.
    ///
    /// # Errors
    /// If storage or the schema registry cannot be reached; repeating is safe.
    pub async fn next(&mut self) -> Result<Option<Captured>, Cause> {
        loop {
            let Some(open) = &mut self.open else { if self.open_next().await? { continue } else { return Ok(None) } };
            let Some(record) = open.records.next().await else {
                self.close().await?;
                continue;
            };
            if record.enqueued.is_some_and(|enqueued| enqueued >= self.until) {
                // Within a partition, all that follow are as young.
                self.ended.insert(open.file.partition.clone());
                self.open = None;
                continue;
            }
            // Decoded before the cursor passes it: a registry that is out of reach must not skip it.
            let mut passed = self.cursor.clone();
            let is_new = passed.pass(&open.file, record.sequence, record.enqueued);
            let decoded = match if is_new { decode(&self.app, record).await } else { Ok(None) } {
                Ok(decoded) => decoded,
                Err(cause) => {
                    if let Some(Open { file, etag, .. }) = self.open.take() {
                        self.files.push_front((file, etag));
                    }
                    return Err(cause);
                }
            };
            self.cursor = passed;
            match decoded {
                Some(captured) => return Ok(Some(captured)),
                None if is_new => self.left_out += 1,
                None => {}
            }
        }
    }

    /// Behind the last event that was returned.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// How many records and files could not be read so far.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Until when nothing is missing, once [`Self::next`] has no more: what the hub stored afterwards may be in a window that is not
    /// closed. Not later than the end that was asked for.
    pub fn complete_until(&self) -> OffsetDateTime {
        let of = |(partition, end): (&String, &StoredEnd)| {
            if self.ended.contains(partition) {
                self.until
            } else {
                self.cursor.complete_until(partition, *end, self.measured)
            }
        };
        self.ends.iter().map(of).min().unwrap_or(self.measured).min(self.until)
    }

    /// Opens the next file that may have something to read; `false` if there is none.
    async fn open_next(&mut self) -> Result<bool, Cause> {
        loop {
            let Some((file, etag)) = self.files.pop_front() else {
                if self.list().await? { continue } else { return Ok(false) }
            };
            if self.ended.contains(&file.partition) || !self.cursor.wants_file(&file, &etag) {
                continue;
            }
            match Records::open(self.app.blobs(), &file.container, &file.path).await {
                Ok(records) => {
                    self.open = Some(Open { file, etag, records });
                    return Ok(true);
                }
                // Its time was over.
                Err(error) if error.kind == BlobErrorKind::NotFound => {}
                Err(error) => {
                    self.files.push_front((file, etag));
                    return Err(Cause::from_error("read a captured file", error));
                }
            }
        }
    }

    /// Ends the open file. If storage failed in the middle, the file is opened again and its read records are skipped.
    async fn close(&mut self) -> Result<(), Cause> {
        let Some(Open { file, etag, records }) = self.open.take() else { return Ok(()) };
        match records.end().await {
            Ok(()) => self.cursor.finish(&file, &etag),
            Err(FileError::Storage(error)) => {
                self.files.push_front((file, etag));
                return Err(Cause::from_error("read a captured file", error));
            }
            Err(error) => {
                let cause = Cause::from_error("take the file apart", error).chain();
                tracing::warn!(file = file.path, cause, "the rest of a captured file is left out");
                self.left_out += 1;
            }
        }
        Ok(())
    }

    /// Lists the files of the next day, or month if all of it is asked for; `false` after the last.
    async fn list(&mut self) -> Result<bool, Cause> {
        let (Some(folder), Some(day)) = (&self.folder, self.day.filter(|day| *day <= self.last_day)) else {
            return Ok(false);
        };
        let (span, next) = span(day, self.last_day);
        let prefixes = self.ends.keys().map(|partition| format!("{folder}{partition}/{span}")).collect();
        let mut files = list(&self.app, prefixes).await?;
        files.retain(|(file, _)| Cursor::may_be_before(file, self.until));
        files.sort_by(|(one, _), (other, _)| (one.window(), &one.partition).cmp(&(other.window(), &other.partition)));
        self.files.extend(files);
        self.day = next;
        Ok(true)
    }
}

/// The folder of a hub's files. It begins with the namespace, which an address on this machine does not tell.
pub(super) async fn folder(app: &App, hub: &str) -> Result<Option<String>, Cause> {
    let failed = |error| Cause::from_error("list the captured files", error);
    let namespace = app.settings().event_hubs.namespace.split('.').next().unwrap_or_default();
    let folder = format!("{namespace}/{hub}/");
    if !app.blobs().list_first(CONTAINER, &folder, 1).await.map_err(failed)?.is_empty() {
        return Ok(Some(folder));
    }
    let first = app.blobs().list_first(CONTAINER, "", 1).await.map_err(failed)?;
    Ok(first.first().and_then(|blob| Some(format!("{}/{hub}/", blob.name.split_once('/')?.0))))
}

/// The files that are not empty and whose names begin so, with their versions.
pub(super) async fn list(app: &App, prefixes: Vec<String>) -> Result<Vec<(CaptureFile, String)>, Cause> {
    let lists = prefixes.into_iter().map(async |prefix| app.blobs().list(CONTAINER, &prefix).await);
    let listed = future::try_join_all(lists).await;
    let listed = listed.map_err(|error| Cause::from_error("list the captured files", error))?;
    // Capture creates a file before it has anything to put there.
    Ok(listed.into_iter().flatten().filter(|entry| entry.length > 0).filter_map(captured_file).collect())
}

fn captured_file(BlobEntry { name, etag, .. }: BlobEntry) -> Option<(CaptureFile, String)> {
    let subject = format!("/blobServices/default/containers/{CONTAINER}/blobs/{name}");
    CaptureFile::from_subject(&subject).map(|file| (file, etag.trim_matches('"').to_owned()))
}

/// The part of a file's name that says its day, or its month where `last` is behind that month's end; and the first day behind.
fn span(day: Date, last: Date) -> (String, Option<Date>) {
    let (year, month) = (day.year(), u8::from(day.month()));
    let days = i64::from(day.month().length(year));
    let behind = day.checked_add(Duration::days(days)).filter(|behind| day.day() == 1 && *behind <= last);
    match behind {
        Some(behind) => (format!("{year:04}/{month:02}/"), Some(behind)),
        None => (format!("{year:04}/{month:02}/{:02}/", day.day()), day.next_day()),
    }
}

/// The event in a record; `None` if it is no event of ours.
pub(super) async fn decode(app: &App, record: CapturedEvent) -> Result<Option<Captured>, Cause> {
    let CapturedEvent { enqueued, content_type, properties, body, .. } = record;
    let incoming =
        Incoming { body: &body, content_type: content_type.as_deref(), properties: properties.into_iter().collect() };
    match app.events().decode(incoming).await {
        Ok(event) => Ok(Some(Captured { event, enqueued })),
        Err(DecodeError::Park(_)) => Ok(None),
        Err(DecodeError::Retry(cause)) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn whole_months_are_listed_at_once() {
        let spans = |first: Date, last: Date| {
            let mut spans = Vec::new();
            let mut day = Some(first);
            while let Some(at) = day.filter(|day| *day <= last) {
                let (text, next) = span(at, last);
                spans.push(text);
                day = next;
            }
            spans
        };
        assert_eq!(
            spans(date!(2026 - 01 - 31), date!(2026 - 03 - 02)),
            ["2026/01/31/", "2026/02/", "2026/03/01/", "2026/03/02/"]
        );
        assert_eq!(spans(date!(2026 - 02 - 01), date!(2026 - 02 - 02)), ["2026/02/01/", "2026/02/02/"]);
    }
}
