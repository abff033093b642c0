//! Which letter.

use std::{fmt, ops::Range, str::FromStr};

use serde::{Serialize, Serializer};

/// What ids of events begin with that Event Grid gave up; no function is called so.
const GIVEN_UP: &str = "event-grid/";

/// Bytes of the longest name of a blob.
const LONGEST: usize = 1_024;

/// Who left a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// A function parked a record.
    Parked,
    /// Event Grid gave events up.
    GivenUp,
}

/// A letter's blob: `<function>/<origin>/<part>/<record>-<digest>.json`, or `event-grid/<SUBSCRIPTION>/…` for what Event Grid gave up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LetterId {
    text: String,
    kept: Kept,
}

/// Not the id of a letter. It is not quoted: it may be of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be the id of a dead letter, as lists show it: <function>/<origin>/<part>/<name>.json or event-grid/<subscription>/<name>"
)]
pub struct LetterIdError;

impl LetterId {
    /// The letter with this name in the container of `kept`.
    ///
    /// # Errors
    /// If no letter has such a name.
    pub fn of(kept: Kept, name: &str) -> Result<Self, LetterIdError> {
        match kept {
            Kept::Parked => name.parse().and_then(|id: Self| if id.kept == kept { Ok(id) } else { Err(LetterIdError) }),
            Kept::GivenUp => format!("{GIVEN_UP}{name}").parse(),
        }
    }

    /// Who left it.
    pub fn kept(&self) -> Kept {
        self.kept
    }

    /// The id as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The blob's name in its container.
    pub fn name(&self) -> &str {
        match self.kept {
            Kept::Parked => &self.text,
            Kept::GivenUp => &self.text[GIVEN_UP.len()..],
        }
    }

    /// The function that parked it, or the subscription that Event Grid gave up on, in upper case.
    pub fn owner(&self) -> &str {
        self.segment(0)
    }

    /// The hub or the kind of feed where the record was found.
    pub fn origin(&self) -> &str {
        match self.kept {
            Kept::Parked => self.segment(1),
            Kept::GivenUp => "event-grid-delivery",
        }
    }

    /// The partition or the part of the feed.
    pub fn part(&self) -> Option<&str> {
        (self.kept == Kept::Parked).then(|| self.segment(2))
    }

    /// What people know the record by among others of its part, such as its sequence number.
    pub fn record(&self) -> Option<&str> {
        let file = (self.kept == Kept::Parked).then(|| self.segment(3))?;
        file.rsplit_once('-').map(|(record, _)| record)
    }

    fn segment(&self, index: usize) -> &str {
        self.name().split('/').nth(index).unwrap_or_default()
    }
}

impl FromStr for LetterId {
    type Err = LetterIdError;

    fn from_str(text: &str) -> Result<Self, LetterIdError> {
        const PARKED: Range<usize> = 4..5;
        const GIVEN_UP_IN: Range<usize> = 2..16;
        let (kept, name, segments) = match text.strip_prefix(GIVEN_UP) {
            Some(name) => (Kept::GivenUp, name, GIVEN_UP_IN),
            None => (Kept::Parked, text, PARKED),
        };
        let is_segment = |segment: &str| {
            let is_plain = |c: char| !c.is_control() && !matches!(c, '\\' | '?' | '#');
            !segment.is_empty() && !segment.starts_with('.') && segment.chars().all(is_plain)
        };
        let is_name = name.len() <= LONGEST
            && segments.contains(&name.split('/').count())
            && name.split('/').all(is_segment)
            && name.ends_with(".json");
        if is_name { Ok(Self { text: text.to_owned(), kept }) } else { Err(LetterIdError) }
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for LetterId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_blob_of_one_of_two_containers() {
        let parked: LetterId = "Trends/clicks/3/41-ab.json".parse().unwrap();
        assert_eq!((parked.kept(), parked.owner(), parked.origin()), (Kept::Parked, "Trends", "clicks"));
        assert_eq!((parked.part(), parked.record()), (Some("3"), Some("41")));
        let given_up = LetterId::of(Kept::GivenUp, "ACME-PRICES/2026/1/5/10/x.json").unwrap();
        assert_eq!(given_up.text(), "event-grid/ACME-PRICES/2026/1/5/10/x.json");
        assert_eq!((given_up.owner(), given_up.name()), ("ACME-PRICES", "ACME-PRICES/2026/1/5/10/x.json"));
        assert_eq!(given_up.text().parse(), Ok(given_up));
        let long = format!("F/o/p/{}.json", "x".repeat(1_024));
        for wrong in [
            "",
            "F",
            "F/o/p",
            "F/o/p/x",
            "F/o/p/q/x.json",
            "../o/p/x.json",
            "F/../p/x.json",
            "F//p/x.json",
            "/F/o/p/x.json",
            "F/o/p/.json",
            "F/o/p/a\\b.json",
            "F/o/p/a\nb.json",
            "F/o/p/x.json?snapshot=1",
            "event-grid/x.json",
            "event-grid/../dead-letters/x.json",
            &long,
        ] {
            assert_eq!(wrong.parse::<LetterId>(), Err(LetterIdError), "{wrong}");
        }
    }
}
