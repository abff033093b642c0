//! What was read and what became of it.

use std::fmt;

use super::clear::Cleared;
use crate::output;

/// Of what is told by name, so much is; the rest is counted.
const NAMED: usize = 20;

/// Counted as a rebuild goes on, so that one that ends early tells how far it came.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) files: u64,
    pub(super) events: u64,
    pub(super) bad: u64,
    pub(super) first_cause: Option<String>,
    pub(super) cleared: Cleared,
    left_out: Named,
    mended: Named,
    /// Results by name, in the order in which they are told.
    results: Vec<(&'static str, u64)>,
}

/// Things and what was wrong with them.
#[derive(Debug, Default)]
struct Named {
    count: u64,
    first: Vec<String>,
}

impl Tally {
    /// What will be told, even if it is nothing.
    pub(super) fn of(results: &[&'static str]) -> Self {
        Self { results: results.iter().map(|name| (*name, 0)).collect(), ..Self::default() }
    }

    /// Counts a result.
    pub(super) fn add(&mut self, name: &'static str, count: u64) {
        match self.results.iter_mut().find(|(known, _)| *known == name) {
            Some((_, counted)) => *counted += count,
            None => self.results.push((name, count)),
        }
    }

    /// Bad events are in the dead letters since they were first delivered; here they are only counted.
    pub(super) fn is_bad(&mut self, cause: String) {
        self.bad += 1;
        self.first_cause.get_or_insert(cause);
    }

    /// Something that was to be read or rebuilt, and could not be: the rest goes on, and the command fails in the end.
    pub(super) fn leave_out(&mut self, what: &str, cause: &str) {
        self.left_out.add(what, cause);
    }

    /// Something that was damaged, and is as it should be again.
    pub(super) fn mend(&mut self, what: &str, cause: &str) {
        self.mended.add(what, cause);
    }

    /// Whether nothing was left out.
    pub(super) fn is_whole(&self) -> bool {
        self.left_out.count == 0
    }

    /// Tells on stderr what the summary only counts.
    pub(super) fn tell(&self) {
        if let Some(cause) = &self.first_cause {
            output::say(&format!("the first bad event: {cause}"));
        }
        self.mended.tell("mended");
        self.left_out.tell("left out");
    }
}

impl Named {
    fn add(&mut self, what: &str, cause: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(format!("{what}: {cause}"));
        }
    }

    fn tell(&self, what: &str) {
        for line in &self.first {
            output::say(&format!("{what}: {line}"));
        }
        let rest = self.count - self.first.len() as u64;
        if rest > 0 {
            output::say(&format!("{what}: {rest} more"));
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        // Not every projection is made of files.
        let is_read = self.files > 0 || self.results.is_empty();
        if is_read {
            parts.push(format!("{} events of {} captured files", self.events, self.files));
        }
        parts.extend(self.results.iter().map(|(name, count)| format!("{count} {name}")));
        if is_read || self.bad > 0 {
            parts.push(format!("{} bad", self.bad));
        }
        for (named, what) in [(&self.mended, "mended"), (&self.left_out, "left out")] {
            if named.count > 0 {
                parts.push(format!("{} {what}", named.count));
            }
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_what_was_left_out_only_if_something_was() {
        let mut tally = Tally::of(&["applied"]);
        assert!(tally.is_whole());
        assert_eq!(tally.to_string(), "0 applied");
        tally.files = 2;
        tally.events = 7;
        (0..30).for_each(|file| tally.leave_out(&format!("{file}.avro"), "the file is no readable Avro file"));
        assert_eq!(tally.to_string(), "7 events of 2 captured files, 0 applied, 0 bad, 30 left out");
        assert!(!tally.is_whole());
        assert_eq!(tally.left_out.first.len(), NAMED);
    }
}
