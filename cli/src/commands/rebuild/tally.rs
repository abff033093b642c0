//! What was read and what became of it.

use std::fmt;

/// Counted as a rebuild goes on, so that one that ends early tells how far it came.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) files: u64,
    pub(super) events: u64,
    pub(super) bad: u64,
    pub(super) first_cause: Option<String>,
    /// Results by name, in the order in which they are told.
    results: Vec<(&'static str, u64)>,
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
        f.write_str(&parts.join(", "))
    }
}
