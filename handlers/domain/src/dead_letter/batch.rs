//! Replays: letters chosen at one moment, each given once more to the function that parked it, with what became of it.
//!
//! A batch is cut into slices, each of one function, so that an app takes those of its own functions. Who works on a slice has claimed it
//! for a while; a result is stored in the slice before its letter goes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::LetterId;

/// How long a claim lasts. Every store renews it, and at most a few letters lie between two.
pub const CLAIM: Duration = Duration::seconds(120);

/// Letters of a slice.
pub const SLICE: usize = 100;

/// How often a letter is tried while the world around it is broken.
pub const MOST_TRIES: u32 = 5;

/// How long a slice rests whose letters must be tried again.
pub const REST: Duration = Duration::seconds(15);

/// What became of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The record's effects are stored.
    Done,
    /// Nothing was to be done, for this reason.
    Skipped(String),
    /// It is bad still: the letter has the new cause.
    Parked(String),
    /// The function cannot be given it.
    Refused(String),
    /// The world is broken: it must be tried again.
    Again(String),
}

/// How a letter ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Its record's effects are stored; the letter is gone.
    Done,
    /// There was nothing to be done; the letter is gone.
    Skipped,
    /// The record is bad still; the letter stays, with the new cause.
    Parked,
    /// The letter was gone when its turn came.
    Gone,
    /// Its function cannot be given it; the letter stays.
    Refused,
    /// It was tried often, and the world stayed broken; the letter stays.
    Failed,
}

impl Outcome {
    /// Whether the letter has done its duty.
    pub fn removes(self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }
}

/// A letter of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its id.
    pub letter: String,
    /// How often it was tried in vain.
    #[serde(default)]
    pub tries: u32,
    /// How it ended; absent while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why: the reason of a skip, the cause of what was parked, refused, or is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
}

/// Some letters of a batch, all of one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slice {
    /// Its number, with leading zeros.
    pub id: String,
    /// Of which batch.
    pub batch: String,
    /// Whose letters.
    pub function: String,
    /// Whether some wait.
    pub open: bool,
    /// Until when somebody works on it, or it rests.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub claimed_until: Option<OffsetDateTime>,
    /// The letters.
    pub letters: Vec<Task>,
}

/// Bytes of a reason that are kept.
const LONGEST_REASON: usize = 300;

impl Slice {
    /// The slices of these letters, which are of functions.
    pub fn cut(batch: &str, letters: &[LetterId]) -> Vec<Self> {
        let mut by_function: BTreeMap<&str, Vec<&LetterId>> = BTreeMap::new();
        for letter in letters {
            by_function.entry(letter.owner()).or_default().push(letter);
        }
        let slices = by_function.into_iter().flat_map(|(function, mut letters)| {
            // As they came: what has an order of its own needs none of ours, and mostly there is less to skip.
            letters.sort_by_key(|letter| (letter.origin(), letter.part(), number(letter), letter.text()));
            letters.dedup();
            let chunks: Vec<Vec<Task>> = letters
                .chunks(SLICE)
                .map(|chunk| chunk.iter().map(|letter| Task::waiting(letter.text().to_owned())).collect())
                .collect();
            chunks.into_iter().map(move |letters| (function.to_owned(), letters))
        });
        slices
            .enumerate()
            .map(|(index, (function, letters))| Self {
                id: format!("{index:05}"),
                batch: batch.to_owned(),
                function,
                open: true,
                claimed_until: None,
                letters,
            })
            .collect()
    }

    /// Whether it has work that nobody does.
    pub fn is_free(&self, now: OffsetDateTime) -> bool {
        self.open && self.claimed_until.is_none_or(|until| until <= now)
    }

    /// Claims it, or goes on claiming it.
    pub fn claim(&mut self, now: OffsetDateTime) {
        self.claimed_until = Some(now + CLAIM);
    }

    /// The next letters that wait, as places: those that were tried in vain come last.
    pub fn next(&self, most: usize) -> Vec<usize> {
        let mut waiting: Vec<usize> =
            (0..self.letters.len()).filter(|place| self.letters[*place].outcome.is_none()).collect();
        waiting.sort_by_key(|place| self.letters[*place].tries);
        waiting.truncate(most);
        waiting
    }

    /// Notes what became of a letter; `None` is that it was gone.
    pub fn note(&mut self, place: usize, replayed: Option<Replayed>, now: OffsetDateTime) {
        let Some(task) = self.letters.get_mut(place) else { return };
        let (outcome, reason) = match replayed {
            Some(Replayed::Done) => (Some(Outcome::Done), None),
            Some(Replayed::Skipped(reason)) => (Some(Outcome::Skipped), Some(reason)),
            Some(Replayed::Parked(cause)) => (Some(Outcome::Parked), Some(cause)),
            Some(Replayed::Refused(reason)) => (Some(Outcome::Refused), Some(reason)),
            Some(Replayed::Again(cause)) => {
                task.tries += 1;
                ((task.tries >= MOST_TRIES).then_some(Outcome::Failed), Some(cause))
            }
            None => (Some(Outcome::Gone), None),
        };
        task.outcome = outcome;
        task.reason = reason.map(|reason| super::beginning(&reason, LONGEST_REASON).to_owned());
        task.at = Some(now);
    }

    /// Ends the work on it: it is closed if no letter waits, and rests for a while if some must be tried again.
    pub fn leave(&mut self, now: OffsetDateTime) {
        self.open = self.letters.iter().any(|task| task.outcome.is_none());
        self.claimed_until = self.open.then_some(now + REST);
    }

    /// Letters whose results are stored and that may be there still.
    pub fn to_remove(&self) -> impl Iterator<Item = &str> {
        let is_over = |task: &&Task| task.outcome.is_some_and(Outcome::removes);
        self.letters.iter().filter(is_over).map(|task| task.letter.as_str())
    }
}

impl Task {
    fn waiting(letter: String) -> Self {
        Self { letter, tries: 0, outcome: None, reason: None, at: None }
    }
}

/// The sequence number in a letter's name, if it is one.
fn number(letter: &LetterId) -> Option<i64> {
    letter.record()?.parse().ok()
}

/// How many letters of a batch ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Wait, or are being replayed.
    pub waiting: usize,
    /// See [`Outcome::Done`].
    pub done: usize,
    /// See [`Outcome::Skipped`].
    pub skipped: usize,
    /// See [`Outcome::Parked`].
    pub parked: usize,
    /// See [`Outcome::Gone`].
    pub gone: usize,
    /// See [`Outcome::Refused`].
    pub refused: usize,
    /// See [`Outcome::Failed`].
    pub failed: usize,
}

impl Progress {
    /// Of these slices.
    pub fn of<'a>(slices: impl IntoIterator<Item = &'a Slice>) -> Self {
        let mut progress = Self::default();
        for task in slices.into_iter().flat_map(|slice| &slice.letters) {
            *match task.outcome {
                None => &mut progress.waiting,
                Some(Outcome::Done) => &mut progress.done,
                Some(Outcome::Skipped) => &mut progress.skipped,
                Some(Outcome::Parked) => &mut progress.parked,
                Some(Outcome::Gone) => &mut progress.gone,
                Some(Outcome::Refused) => &mut progress.refused,
                Some(Outcome::Failed) => &mut progress.failed,
            } += 1;
        }
        progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(function: &str, count: usize) -> Vec<LetterId> {
        (0..count).map(|number| format!("{function}/clicks/0/{number}-a.json").parse().unwrap()).collect()
    }

    #[test]
    fn a_slice_is_of_one_function_and_its_letters_are_in_the_order_of_the_hub() {
        let chosen = [letters("Trends", 150), letters("RecentlyViewed", 3), letters("Trends", 1)].concat();
        let slices = Slice::cut("b", &chosen);
        let shape: Vec<_> = slices.iter().map(|slice| (slice.function.as_str(), slice.letters.len())).collect();
        assert_eq!(shape, [("RecentlyViewed", 3), ("Trends", SLICE), ("Trends", 50)], "one that is named twice is one");
        assert_eq!(slices[1].letters[10].letter, "Trends/clicks/0/10-a.json");
        assert_eq!(Progress::of(&slices).waiting, 153);
    }

    #[test]
    fn a_claim_ends_and_what_was_tried_in_vain_comes_last_until_it_has_failed() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let mut slice = Slice::cut("b", &letters("Trends", 3)).remove(0);
        slice.claim(now);
        assert!(!slice.is_free(now + CLAIM - Duration::SECOND) && slice.is_free(now + CLAIM));
        slice.note(0, Some(Replayed::Again("busy".to_owned())), now);
        assert_eq!(slice.next(2), [1, 2]);
        slice.note(1, Some(Replayed::Done), now);
        slice.note(2, Some(Replayed::Parked("x".repeat(1_000))), now);
        slice.leave(now);
        assert!(slice.open && !slice.is_free(now) && slice.is_free(now + REST));
        assert_eq!(slice.to_remove().collect::<Vec<_>>(), ["Trends/clicks/0/1-a.json"]);
        for _ in 1..MOST_TRIES {
            assert_eq!(slice.next(9), [0]);
            slice.note(0, Some(Replayed::Again("busy".to_owned())), now);
        }
        slice.leave(now);
        let progress = Progress { done: 1, parked: 1, failed: 1, ..Progress::default() };
        assert!(!slice.open && Progress::of([&slice]) == progress);
    }
}
