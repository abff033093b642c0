//! Dead letters as operators see them: which there are, what is in one, what was done with them.
//!
//! A letter is a blob; [`LetterId`] names it. [`Notes`] are kept with the blob, so that a list of thousands needs no letter read.
//! [`Filter`] chooses letters, [`Cursor`] continues a list of them, [`Groups`] counts them by function and cause: letters and the
//! records that they are of, since three functions that read a hub park one bad record three times.

pub mod batch;
mod cursor;
mod filter;
mod groups;
mod id;
mod notes;
mod preview;

pub use self::{
    cursor::{Cursor, CursorError},
    filter::{Asked, Filter},
    groups::{Group, Groups},
    id::{Kept, LetterId, LetterIdError},
    notes::{EventName, Notes, Said, event_of},
    preview::{LONGEST_PREVIEW, Preview, exact},
};
use time::OffsetDateTime;

/// A letter as it stands in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its blob.
    pub id: LetterId,
    /// Changes with every write.
    pub etag: String,
    /// When it was written last.
    pub parked_at: OffsetDateTime,
    /// Bytes of the blob, of which the record's own are about three quarters.
    pub size: u64,
    /// What its notes say; `None` where neither notes nor letter were read.
    pub said: Option<Said>,
}

impl Letter {
    /// What tells its record from others: its own id, where nothing is known.
    pub fn record(&self) -> &str {
        self.said.as_ref().and_then(|said| said.record.as_deref()).unwrap_or_else(|| self.id.text())
    }

    /// How many records it is of: Event Grid puts all events of an attempt into one letter.
    pub fn records(&self) -> usize {
        self.said.as_ref().map_or(1, |said| said.records)
    }

    /// What letters of one kind share; `None` where it was not read.
    pub fn label(&self) -> Option<&str> {
        self.said.as_ref().map(|said| said.label.as_str())
    }
}

/// Puts letters in the order of lists: the newest first, and by id where several are of one time.
pub fn sort(letters: &mut [Letter]) {
    letters.sort_by(|a, b| b.parked_at.cmp(&a.parked_at).then_with(|| a.id.text().cmp(b.id.text())));
}
