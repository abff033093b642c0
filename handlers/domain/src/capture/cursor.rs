//! Cursor: how far a reader of a hub's captured files has come, so that another can go on from there, in another process or days later.
//!
//! It has a position for each partition: files of several partitions that cover the same minutes are closed at different times, and a
//! single position would miss the file that comes last.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::CaptureFile;

/// The events of a file are at most so much younger than its window's beginning: the longest window there is (15 minutes, Event Hubs
/// Capture), and some minutes for a service whose clocks differ.
const WIDEST: Duration = Duration::minutes(20);

/// The time of one event differs by less between the hub and a captured file: a file tells whole seconds.
const TOLD_WITHIN: Duration = Duration::seconds(2);

/// More than the text of a cursor over the partitions that a hub may have (bytes).
const LONGEST: usize = 16 << 10;

/// How far a reader has come in each partition of a hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// What the hub stored before is not read; whole seconds, as captured files tell them.
    #[serde(with = "time::serde::timestamp")]
    from: OffsetDateTime,
    /// By partition id; a partition is absent before its first record.
    reached: BTreeMap<String, Reached>,
}

/// The last record that was read of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reached {
    /// The window of its file.
    window: String,
    sequence: i64,
    /// When the hub stored it, if that is understood.
    #[serde(default, with = "time::serde::timestamp::option", skip_serializing_if = "Option::is_none")]
    enqueued: Option<OffsetDateTime>,
    /// The version of the file that was read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<String>,
}

impl Reached {
    /// Whether the last event of the partition was read. A hub that was made anew counts from the beginning, so that its last event may have
    /// the number of one that was read long before: it must be as old, too, as far as both times are known.
    fn is_at(&self, end: StoredEnd) -> bool {
        let is_as_old = |(enqueued, last): (OffsetDateTime, OffsetDateTime)| last - enqueued < TOLD_WITHIN;
        self.sequence >= end.last_sequence && self.enqueued.zip(end.last_enqueued).is_none_or(is_as_old)
    }
}

/// The end of a partition, as the hub tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredEnd {
    /// Sequence number of its newest event; -1 if there never was one.
    pub last_sequence: i64,
    /// When that was stored.
    pub last_enqueued: Option<OffsetDateTime>,
}

/// The text is no cursor.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no cursor that an answer had")]
pub struct CursorError;

impl Cursor {
    /// Before the first event that the hub stored at `from` or afterwards.
    pub fn starting(from: OffsetDateTime) -> Self {
        // Files are named by their time in UTC. None is older than 1970, and a time that UTC cannot write is later than all of them.
        let from = from.checked_to_offset(UtcOffset::UTC).unwrap_or(PrimitiveDateTime::MAX.assume_utc());
        let from = from.max(OffsetDateTime::UNIX_EPOCH);
        Self { from: from.replace_nanosecond(0).unwrap_or(from), reached: BTreeMap::new() }
    }

    /// The day of the first window that may have something to read.
    pub fn first_day<'p>(&self, partitions: impl Iterator<Item = &'p str>) -> Date {
        let first = |partition: &str| {
            let reached = self.reached.get(partition).and_then(|reached| super::file::begins(&reached.window));
            reached.unwrap_or_else(|| self.from.saturating_sub(WIDEST)).date()
        };
        partitions.map(first).min().unwrap_or_else(|| self.from.date())
    }

    /// Whether this version of a file may hold events that were not read.
    pub fn wants_file(&self, file: &CaptureFile, etag: &str) -> bool {
        match self.reached.get(&file.partition) {
            Some(reached) if reached.window == file.window() => reached.whole.as_deref() != Some(etag),
            Some(reached) => reached.window.as_str() < file.window(),
            None => file.begins().is_none_or(|begins| begins >= self.from.saturating_sub(WIDEST)),
        }
    }

    /// Whether a file may hold events that the hub stored before `until`.
    pub fn may_be_before(file: &CaptureFile, until: OffsetDateTime) -> bool {
        file.begins().is_none_or(|begins| begins < until.saturating_add(WIDEST))
    }

    /// The latest that an event in a file can be.
    pub fn latest_in(file: &CaptureFile) -> Option<OffsetDateTime> {
        file.begins().map(|begins| begins.saturating_add(WIDEST))
    }

    /// Takes a record as read, and says whether it is one that was asked for and not read before. Of an unknown time are few, and no
    /// reader should miss them.
    pub fn pass(&mut self, file: &CaptureFile, sequence: i64, enqueued: Option<OffsetDateTime>) -> bool {
        let reached = self.reached.get(&file.partition);
        if reached.is_some_and(|reached| reached.window == file.window() && reached.sequence >= sequence) {
            return false;
        }
        let window = file.window().to_owned();
        self.reached.insert(file.partition.clone(), Reached { window, sequence, enqueued, whole: None });
        enqueued.is_none_or(|enqueued| enqueued >= self.from)
    }

    /// Takes a version of a file as read to its end; of a file without records there is nothing to remember.
    pub fn finish(&mut self, file: &CaptureFile, etag: &str) {
        if let Some(reached) = self.reached.get_mut(&file.partition).filter(|reached| reached.window == file.window()) {
            reached.whole = Some(etag.to_owned());
        }
    }

    /// The time before which every event of a partition was read by who read all files to this cursor. The partition ended so when
    /// `measured`, before the files were listed. Events of one second may be in two files, so the last second does not count.
    pub fn complete_until(&self, partition: &str, end: StoredEnd, measured: OffsetDateTime) -> OffsetDateTime {
        let is_older = end.last_sequence < 0 || end.last_enqueued.is_some_and(|last| last < self.from);
        match self.reached.get(partition) {
            _ if is_older => measured,
            Some(reached) if reached.is_at(end) => measured,
            Some(reached) => reached.enqueued.unwrap_or(self.from).max(self.from),
            None => self.from,
        }
    }

    /// The cursor as opaque text of the letters that may stand in a query.
    pub fn to_text(&self) -> String {
        serde_json::to_vec(self).map(|json| URL_SAFE_NO_PAD.encode(json)).unwrap_or_default()
    }

    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// For any other text.
    pub fn from_text(text: &str) -> Result<Self, CursorError> {
        if text.len() > LONGEST {
            return Err(CursorError);
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        let cursor: Self = contoso_json::from_slice(&json).map_err(|_| CursorError)?;
        let windows = cursor.reached.values().all(|reached| super::file::begins(&reached.window).is_some());
        windows.then_some(cursor).ok_or(CursorError)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    const FROM: OffsetDateTime = datetime!(2026-03-04 10:15:30 UTC);

    fn file(partition: u8, window: &str) -> CaptureFile {
        let subject =
            format!("/blobServices/default/containers/capture/blobs/ns/products/{partition}/2026/03/04/{window}.avro");
        CaptureFile::from_subject(&subject).expect("a captured file")
    }

    #[test]
    fn a_reader_goes_on_behind_the_last_record_it_read() {
        let mut cursor = Cursor::starting(FROM + Duration::milliseconds(700));
        let (first, second) = (file(0, "10/14/00"), file(0, "10/19/00"));
        assert!(cursor.wants_file(&first, "a") && !cursor.wants_file(&file(0, "09/50/00"), "a"));
        assert!(!cursor.pass(&first, 6, Some(datetime!(2026-03-04 10:15:29 UTC))), "before it was asked for");
        assert!(cursor.pass(&first, 7, Some(FROM)), "files tell whole seconds");
        let mut again = Cursor::from_text(&cursor.to_text()).expect("its own text");
        assert_eq!(again, cursor);
        assert!(again.wants_file(&first, "a") && !again.pass(&first, 7, Some(FROM)), "read already");
        assert!(again.pass(&first, 8, None), "of an unknown time");
        again.finish(&first, "a");
        assert!(!again.wants_file(&first, "a") && again.wants_file(&first, "b"), "written again, with more in it");
        assert!(again.wants_file(&second, "a") && again.wants_file(&file(1, "10/14/00"), "a"), "other partitions wait");
        assert_eq!(again.first_day(["0", "1"].into_iter()), date!(2026 - 03 - 04));
        assert!(Cursor::may_be_before(&second, FROM) && !Cursor::may_be_before(&file(0, "10/36/00"), FROM));
    }

    #[test]
    fn a_reader_begins_on_the_day_in_utc_wherever_it_was_asked() {
        let first_day = |from| Cursor::starting(from).first_day(["0"].into_iter());
        assert_eq!(first_day(datetime!(2026-03-05 01:00 +2)), date!(2026 - 03 - 04));
        assert_eq!(first_day(datetime!(2026-03-04 23:00 -2)), date!(2026 - 03 - 05));
        for hostile in [datetime!(9999-12-31 23:59:59 -23:59), datetime!(0000-01-01 00:00 +23:59)] {
            let cursor = Cursor::starting(hostile);
            assert_eq!(Cursor::from_text(&cursor.to_text()), Ok(cursor), "{hostile}");
        }
    }

    #[test]
    fn a_partition_is_complete_when_its_last_event_was_read() {
        let mut cursor = Cursor::starting(FROM);
        let measured = FROM + Duration::hours(1);
        let end = |last_sequence, seconds| StoredEnd {
            last_sequence,
            last_enqueued: Some(FROM + Duration::seconds(seconds)),
        };
        assert_eq!(cursor.complete_until("0", end(-1, 0), measured), measured, "empty");
        assert_eq!(cursor.complete_until("0", end(9, -60), measured), measured, "nothing since");
        assert_eq!(cursor.complete_until("0", end(9, 60), measured), FROM, "nothing was captured yet");
        cursor.pass(&file(0, "10/14/00"), 7, Some(FROM + Duration::seconds(50)));
        assert_eq!(cursor.complete_until("0", end(9, 60), measured), FROM + Duration::seconds(50));
        cursor.pass(&file(0, "10/14/00"), 9, Some(FROM + Duration::seconds(60)));
        let measured_at = |last| cursor.complete_until("0", last, measured);
        let last = StoredEnd { last_enqueued: Some(FROM + Duration::milliseconds(60_999)), ..end(9, 60) };
        assert_eq!((measured_at(end(9, 60)), measured_at(last)), (measured, measured), "files tell whole seconds");
        assert_eq!(measured_at(end(3, 900)), FROM + Duration::seconds(60), "of a hub that was made anew");
        assert_eq!(measured_at(StoredEnd { last_enqueued: None, ..end(9, 60) }), measured);
        cursor.pass(&file(0, "10/19/00"), 3, Some(FROM + Duration::seconds(900)));
        assert_eq!(cursor.complete_until("0", end(3, 900), measured), measured, "its events are read like others");
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let text = |json: &str| URL_SAFE_NO_PAD.encode(json);
        assert!(
            Cursor::from_text(&text(r#"{"from":5,"reached":{"0":{"window":"2026/03/04/10/15/02","sequence":1}}}"#))
                .is_ok()
        );
        for refused in [
            String::new(),
            "x y".to_owned(),
            text("[]"),
            text(r#"{"from":5}"#),
            text(r#"{"from":99999999999999999,"reached":{}}"#),
            text(r#"{"from":5,"reached":{},"more":1}"#),
            text(r#"{"from":5,"reached":{"0":{"window":"../..","sequence":1}}}"#),
            text(r#"{"from":5,"reached":{"0":{"window":"2026/13/04/10/15/02","sequence":1}}}"#),
            "A".repeat(LONGEST + 1),
        ] {
            assert_eq!(Cursor::from_text(&refused), Err(CursorError), "{refused:.80}");
        }
    }
}
