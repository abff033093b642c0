//! Events that the local server did not take: a line of JSON for each in a file for the user alone, until they are taken.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::taken::Taken;
use crate::private;

/// So many are kept; while there are as many, nothing more is taken from the queue.
pub(super) const MOST: usize = 1_000;

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) event_type: String,
    /// When it was sent last.
    pub(super) at: String,
    pub(super) fault: String,
    content_type: String,
    deliveries: u32,
    body: String,
}

/// The file, with what is in it.
pub(super) struct KeptFile {
    file: PathBuf,
    lines: Vec<Line>,
}

impl KeptFile {
    /// What an earlier run kept. A last line that is cut off was not acknowledged, and comes again.
    pub(super) fn open(file: PathBuf) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let lines: Vec<Line> = text.lines().filter_map(|line| contoso_json::from_str(line).ok()).collect();
        let this = Self { file, lines };
        if !text.is_empty() {
            this.write_all()?;
        }
        Ok(this)
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(super) fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// How many more may be kept.
    pub(super) fn room(&self) -> usize {
        MOST.saturating_sub(self.lines.len())
    }

    /// Keeps an event, on disk before this returns: the queue forgets it next.
    pub(super) fn keep(&mut self, event: &Taken, fault: &str, at: String) -> anyhow::Result<()> {
        let line = Line {
            id: event.attributes.id.clone(),
            event_type: event.attributes.event_type.clone(),
            at,
            fault: fault.to_owned(),
            content_type: event.content_type.clone(),
            deliveries: event.deliveries,
            body: BASE64_STANDARD.encode(&event.body),
        };
        let text = serde_json::to_string(&line)? + "\n";
        let written = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.file)?;
            file.write_all(text.as_bytes())?;
            file.sync_data()
        };
        written().with_context(|| format!("cannot write {}", self.file.display()))?;
        self.lines.push(line);
        Ok(())
    }

    /// The events as they are sent again: each counts one delivery more.
    pub(super) fn events(&self) -> Vec<Taken> {
        let event = |line: &Line| {
            let body = BASE64_STANDARD.decode(&line.body).unwrap_or_default();
            Taken::plain(body, line.content_type.clone(), line.deliveries.saturating_add(1))
        };
        self.lines.iter().map(event).collect()
    }

    /// Puts these in place of all: what is still not taken.
    pub(super) fn replace(&mut self, still: Vec<(Taken, String)>, at: &str) -> anyhow::Result<()> {
        self.lines = still
            .into_iter()
            .map(|(event, fault)| Line {
                id: event.attributes.id.clone(),
                event_type: event.attributes.event_type.clone(),
                at: at.to_owned(),
                fault,
                content_type: event.content_type.clone(),
                deliveries: event.deliveries,
                body: BASE64_STANDARD.encode(&event.body),
            })
            .collect();
        self.write_all()
    }

    /// Whole, or as it was.
    fn write_all(&self) -> anyhow::Result<()> {
        let written = || -> anyhow::Result<()> {
            if self.lines.is_empty() {
                return match std::fs::remove_file(&self.file) {
                    Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
                    _ => Ok(()),
                };
            }
            let mut text = String::new();
            for line in &self.lines {
                text += &serde_json::to_string(line)?;
                text.push('\n');
            }
            let unfinished = self.file.with_extension("part");
            private::write(&unfinished, text.as_bytes())?;
            Ok(std::fs::rename(&unfinished, &self.file)?)
        };
        written().with_context(|| format!("cannot write {}", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_in_the_next_run_until_it_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("kept.jsonl");
        let event = |id: &str| {
            Taken::plain(
                format!("{{\"id\":\"{id}\",\"source\":\"/s\", \"type\":\"t\"}}").into_bytes(),
                "x".to_owned(),
                0,
            )
        };
        let mut kept = KeptFile::open(file.clone()).expect("opened");
        kept.keep(&event("1"), "refused", "now".to_owned()).expect("kept");
        kept.keep(&event("2"), "refused", "now".to_owned()).expect("kept");
        // A run that was killed while it wrote.
        let mut text = std::fs::read_to_string(&file).expect("read");
        text.push_str("{\"id\":\"3\",\"ev");
        std::fs::write(&file, text).expect("written");

        let mut again = KeptFile::open(file.clone()).expect("opened");
        assert_eq!((again.room(), again.is_full()), (MOST - 2, false));
        let events = again.events();
        assert_eq!(events.iter().map(|event| event.attributes.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((events[0].deliveries, events[0].body.as_slice()), (1, event("1").body.as_slice()));
        again.replace(vec![(events[1].clone(), "still".to_owned())], "later").expect("written");
        let mut last = KeptFile::open(file.clone()).expect("opened");
        assert_eq!((last.lines().len(), last.lines()[0].fault.as_str()), (1, "still"));
        last.replace(Vec::new(), "later").expect("written");
        assert!(!file.exists());
    }
}
