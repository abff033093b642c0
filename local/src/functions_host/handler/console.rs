//! The handler's console: stdout is information, stderr is errors, except lines that say "warn".

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tracing::{debug, error, info, warn};

/// Lines of stderr that explain the death of the process.
const KEPT: usize = 3;
/// A line starting with this goes to system logs only.
const SYSTEM: &str = "LanguageWorkerConsoleLog";

/// The last lines of stderr.
#[derive(Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

pub(super) async fn forward_stdout(stream: impl AsyncRead + Unpin) {
    each_line(stream, |line| {
        if line.starts_with(SYSTEM) {
            debug!(target: "Host.Function.Console", "{line}");
        } else {
            info!(target: "Host.Function.Console", "{line}");
        }
    })
    .await;
}

pub(super) async fn forward_stderr(stream: impl AsyncRead + Unpin, last_words: LastWords) {
    each_line(stream, |line| {
        if line.starts_with(SYSTEM) {
            debug!(target: "Host.Function.Console", "{line}");
        } else if line.to_lowercase().contains("warn") {
            warn!(target: "Host.Function.Console", "{line}");
        } else {
            error!(target: "Host.Function.Console", "{line}");
        }
        last_words.push(line.to_owned());
    })
    .await;
}

async fn each_line(stream: impl AsyncRead + Unpin, mut log: impl FnMut(&str)) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    // An error ends the stream like its end: the process is gone.
    while matches!(reader.read_until(b'\n', &mut line).await, Ok(1..)) {
        log(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
        line.clear();
    }
}
