//! Where a list goes on.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use time::OffsetDateTime;

use super::{Filter, Letter};

/// Characters of the longest cursor.
const LONGEST: usize = 2_048;

/// The last letter that was shown. Letters that come later are newer, and on pages before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    at: OffsetDateTime,
    id: String,
}

/// No cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be taken from the next address of a list, with the filter of that list")]
pub struct CursorError;

impl Cursor {
    /// Behind `letter`.
    pub fn behind(letter: &Letter) -> Self {
        Self { at: letter.parked_at, id: letter.id.text().to_owned() }
    }

    /// Whether a letter is behind.
    pub fn is_before(&self, letter: &Letter) -> bool {
        letter.parked_at < self.at || (letter.parked_at == self.at && letter.id.text() > self.id.as_str())
    }

    /// As text, for the list of this filter alone.
    pub fn text(&self, filter: &Filter) -> String {
        let nanos = self.at.unix_timestamp_nanos();
        URL_SAFE_NO_PAD.encode(format!("{:08x}.{nanos}.{}", filter.digest(), self.id))
    }

    /// Reads a cursor of the list of this filter.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(text: &str, filter: &Filter) -> Result<Self, CursorError> {
        let read = || {
            let bytes = (text.len() <= LONGEST).then(|| URL_SAFE_NO_PAD.decode(text).ok())??;
            let text = String::from_utf8(bytes).ok()?;
            let (digest, rest) = text.split_once('.')?;
            let (nanos, id) = rest.split_once('.')?;
            if digest != format!("{:08x}", filter.digest()) {
                return None;
            }
            let at = OffsetDateTime::from_unix_timestamp_nanos(nanos.parse().ok()?).ok()?;
            Some(Self { at, id: id.to_owned() })
        };
        read().ok_or(CursorError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dead_letter::sort;

    fn letter(at: i64, id: u8) -> Letter {
        Letter {
            id: format!("F/o/p/{id}-x.json").parse().unwrap(),
            etag: String::new(),
            parked_at: OffsetDateTime::from_unix_timestamp(at).unwrap(),
            size: 0,
            said: None,
        }
    }

    proptest! {
        /// Whatever is on one page: each letter is shown once, and those that came meanwhile disturb nobody.
        #[test]
        fn pages_show_each_letter_once(
            known in prop::collection::btree_set((0_i64..20, any::<u8>()), 1..40),
            size in 1_usize..7,
            newer in prop::collection::vec((20_i64..30, any::<u8>()), 0..5),
        ) {
            let filter = Filter::default();
            let mut letters: Vec<Letter> = known.into_iter().map(|(at, id)| letter(at, id)).collect();
            letters.dedup_by(|a, b| a.id == b.id && a.parked_at == b.parked_at);
            sort(&mut letters);
            let expected = letters.clone();
            let (mut shown, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let after = cursor.as_deref().map(|text| Cursor::read(text, &filter).unwrap());
                let rest: Vec<&Letter> =
                    letters.iter().filter(|letter| after.as_ref().is_none_or(|after| after.is_before(letter))).collect();
                let page: Vec<Letter> = rest.into_iter().take(size).cloned().collect();
                let Some(last) = page.last() else { break };
                cursor = Some(Cursor::behind(last).text(&filter));
                shown.extend(page);
                if shown.len() == size.min(expected.len()) {
                    letters.extend(newer.iter().map(|(at, id)| letter(*at, *id)));
                    sort(&mut letters);
                }
            }
            prop_assert_eq!(shown, expected);
        }

        #[test]
        fn a_cursor_of_chance_is_refused_or_one(text in "\\PC{0,60}") {
            _ = Cursor::read(&text, &Filter::default());
            _ = Cursor::read(&URL_SAFE_NO_PAD.encode(&text), &Filter::default());
        }
    }

    #[test]
    fn a_cursor_is_of_one_list() {
        let other = Filter { function: Some("Trends".to_owned()), ..Filter::default() };
        let text = Cursor::behind(&letter(1, 1)).text(&Filter::default());
        assert_eq!(Cursor::read(&text, &other), Err(CursorError));
        assert!(Cursor::read(&text, &Filter::default()).is_ok());
    }
}
