//! External buffer: clicks on disk, by the hour they happened in: a partition's clicks of 100 days are more than memory holds.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::PathBuf,
};

use anyhow::Context;
use contoso_handlers::domain::trends::window::SequencedClick;
use tempfile::TempDir;

/// Bytes in memory before they go to their files.
const BUFFERED: usize = 8 << 20;
const SECONDS: i64 = 3_600;

/// The clicks of one partition, of each hour in the order they were put here.
pub(super) struct Spool {
    dir: TempDir,
    /// What is not in the files yet, of every hour there is.
    buffers: BTreeMap<i64, Vec<u8>>,
    buffered: usize,
}

impl Spool {
    pub(super) fn new() -> anyhow::Result<Self> {
        let dir = TempDir::new().context("cannot make a temporary folder")?;
        Ok(Self { dir, buffers: BTreeMap::new(), buffered: 0 })
    }

    pub(super) fn push(&mut self, click: &SequencedClick) -> anyhow::Result<()> {
        let buffer = self.buffers.entry(click.at.unix_timestamp().div_euclid(SECONDS)).or_default();
        let before = buffer.len();
        serde_json::to_writer(&mut *buffer, click).context("cannot write a click")?;
        buffer.push(b'\n');
        self.buffered += buffer.len() - before;
        if self.buffered >= BUFFERED { self.flush() } else { Ok(()) }
    }

    /// The hours of which there are clicks.
    pub(super) fn hours(&self) -> Vec<i64> {
        self.buffers.keys().copied().collect()
    }

    /// Hands out the clicks of an hour behind `place`, and moves that to their end.
    pub(super) fn read(
        &mut self,
        hour: i64,
        place: &mut u64,
        mut each: impl FnMut(SequencedClick) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.flush()?;
        let path = self.path(hour);
        let failed = || format!("cannot read {}", path.display());
        let mut file = File::open(&path).with_context(failed)?;
        file.seek(SeekFrom::Start(*place)).with_context(failed)?;
        for line in BufReader::new(file).lines() {
            let line = line.with_context(failed)?;
            *place += line.len() as u64 + 1;
            each(contoso_json::from_str(&line).with_context(failed)?)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let full: Vec<i64> =
            self.buffers.iter().filter(|(_, buffer)| !buffer.is_empty()).map(|(hour, _)| *hour).collect();
        for hour in full {
            let path = self.path(hour);
            let failed = || format!("cannot write {}", path.display());
            let mut file = OpenOptions::new().create(true).append(true).open(&path).with_context(failed)?;
            let buffer = self.buffers.entry(hour).or_default();
            file.write_all(buffer).with_context(failed)?;
            *buffer = Vec::new();
        }
        self.buffered = 0;
        Ok(())
    }

    fn path(&self, hour: i64) -> PathBuf {
        self.dir.path().join(format!("{hour}.jsonl"))
    }
}

#[cfg(test)]
mod tests {
    use contoso_handlers::domain::trends::window::EventHash;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn facts_come_back_by_the_hour_in_their_order() {
        let click = |sequence: i64| SequencedClick {
            sequence,
            event: EventHash::new("/test", &sequence.to_string()),
            at: datetime!(2026-06-01 12:00 UTC) + time::Duration::minutes(sequence * 40),
            click: serde_json::from_value(json!({"productId": "p-1", "category": "Lamps"})).expect("a click"),
        };
        let mut spool = Spool::new().expect("a spool");
        (0..4).for_each(|sequence| spool.push(&click(sequence)).expect("written"));
        let hours = spool.hours();
        let read = |spool: &mut Spool, hour, place: &mut u64| {
            let mut read = Vec::new();
            let put = |click: SequencedClick| {
                read.push((click.sequence, click.at, click.event, click.click));
                Ok(())
            };
            spool.read(hour, place, put).expect("read");
            read
        };
        let whole = |sequence| (sequence, click(sequence).at, click(sequence).event, click(sequence).click);
        let mut place = 0;
        assert_eq!(read(&mut spool, hours[0], &mut place), [whole(0), whole(1)]);
        assert_eq!(read(&mut spool, hours[1], &mut 0), [whole(2)]);
        spool.push(&click(1)).expect("written");
        assert_eq!(read(&mut spool, hours[0], &mut place), [whole(1)], "what was added since");
    }
}
