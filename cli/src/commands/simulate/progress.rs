//! How far a run is: a bar on a terminal, a line now and then elsewhere.
//!
//! It goes by time: how many calls there will be is known on average only.

use std::time::Duration;

use indicatif::ProgressBar;

use crate::output;

/// How often a line is said.
const PACE: Duration = Duration::from_secs(10);

/// How far a run is that lasts so long.
pub(super) struct Progress {
    bar: ProgressBar,
    lasts: Duration,
    /// When the next line is due, from the start.
    due: Duration,
}

impl Progress {
    pub(super) fn new(lasts: Duration) -> Self {
        Self { bar: output::bar("seconds", lasts.as_secs()), lasts, due: PACE }
    }

    /// Moves on to `elapsed` after the start; so many calls were answered, and of them so many failed.
    pub(super) fn at(&mut self, elapsed: Duration, (answered, failed): (u64, u64)) {
        self.bar.set_position(elapsed.min(self.lasts).as_secs());
        if self.bar.is_hidden()
            && let Some(line) = self.line(elapsed, answered, failed)
        {
            output::say(&line);
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// The line that is due, if one is.
    fn line(&mut self, elapsed: Duration, answered: u64, failed: u64) -> Option<String> {
        if elapsed < self.due {
            return None;
        }
        self.due = elapsed + PACE;
        let (now, all) = (elapsed.min(self.lasts).as_secs(), self.lasts.as_secs());
        Some(format!("{now} of {all} s: {answered} calls answered, {failed} of them failed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_every_ten_seconds_and_never_says_more_than_all() {
        let mut progress = Progress::new(Duration::from_secs(25));
        let mut line = |seconds| progress.line(Duration::from_secs(seconds), seconds * 5, 1);
        assert_eq!(line(9), None);
        assert_eq!(line(11).as_deref(), Some("11 of 25 s: 55 calls answered, 1 of them failed"));
        assert_eq!(line(20), None);
        assert_eq!(line(21).as_deref(), Some("21 of 25 s: 105 calls answered, 1 of them failed"));
        // The last answers may come late.
        assert_eq!(line(31).as_deref(), Some("25 of 25 s: 155 calls answered, 1 of them failed"));
    }

    #[test]
    fn the_bar_stays_within_all() {
        let mut progress = Progress::new(Duration::from_secs(2));
        for seconds in [0, 1, 2, 5] {
            progress.at(Duration::from_secs(seconds), (1_000, 0));
            assert!(progress.bar.position() <= progress.bar.length().expect("known"), "{seconds}");
        }
    }
}
