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
    notes::{EventName, Notes, event_of},
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

/// What a letter says of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Why it was parked or given up; the beginning of it.
    pub cause: String,
    /// The same without ids and values: what letters of one kind share.
    pub label: String,
    /// Which event it is, if it says so.
    pub event: Option<EventName>,
    /// The same for every letter that one record became.
    pub record: Option<String>,
}

impl Letter {
    /// What tells its record from others: its own id, where nothing is known.
    pub fn record(&self) -> &str {
        self.said.as_ref().and_then(|said| said.record.as_deref()).unwrap_or_else(|| self.id.text())
    }

    /// What letters of one kind share.
    pub fn label(&self) -> &str {
        self.said.as_ref().map_or("not read", |said| said.label.as_str())
    }
}

/// Puts letters in the order of lists: the newest first, and by id where several are of one time.
pub fn sort(letters: &mut [Letter]) {
    letters.sort_by(|a, b| b.parked_at.cmp(&a.parked_at).then_with(|| a.id.text().cmp(b.id.text())));
}

/// The beginning of a text: at most so many bytes, and whole characters.
fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}
