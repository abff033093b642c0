//! The header of a sales file: which delimiter it has, and where each column is.

use serde::{Deserialize, Serialize};

use super::rejection::Rejection;

/// The columns of a sales file, in the order in which [`Layout`] has their places.
pub const COLUMNS: [&str; 8] =
    ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"];

/// What is between the whole part of a number and its fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decimals {
    /// 2.55
    Point,
    /// 2,55
    Comma,
}

/// How the lines of a file are to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Between two fields: a comma or a semicolon.
    pub delimiter: u8,
    /// Fields of a line.
    pub fields: usize,
    /// The place of each of [`COLUMNS`].
    pub places: [usize; 8],
    /// Columns that are not read.
    pub ignored: Vec<String>,
}

impl Layout {
    /// The layout that a header says.
    ///
    /// # Errors
    /// A column that is missing, or there twice.
    pub fn of(header: &[String], delimiter: u8) -> Result<Self, Rejection> {
        let names: Vec<String> = header.iter().map(|name| bare(name).to_owned()).collect();
        let is_same = |name: &str, other: &str| name.to_lowercase() == other.to_lowercase();
        for (index, name) in names.iter().enumerate() {
            if !name.is_empty() && names[..index].iter().any(|earlier| is_same(earlier, name)) {
                return Err(Rejection::DuplicateColumn(shown(std::slice::from_ref(name))));
            }
        }
        let place = |column: &str| names.iter().position(|name| is_same(name, column));
        let missing: Vec<&str> = COLUMNS.into_iter().filter(|column| place(column).is_none()).collect();
        if !missing.is_empty() {
            let mend = match names.as_slice() {
                [_] => "fields are parted by commas or semicolons, and the header is the first line",
                _ => "call each column so, in any order",
            };
            return Err(Rejection::MissingColumns { missing: missing.join(", "), found: shown(&names), mend });
        }
        let ignored = names.iter().filter(|name| !COLUMNS.iter().any(|column| is_same(name, column)));
        Ok(Self {
            delimiter,
            fields: names.len(),
            places: COLUMNS.map(|column| place(column).unwrap_or_default()),
            ignored: ignored
                .map(|name| if name.is_empty() { "(without a name)".to_owned() } else { name.clone() })
                .collect(),
        })
    }

    /// How numbers are written where fields are parted so: who parts them by semicolons needs the comma.
    pub fn decimals(&self) -> Decimals {
        if self.delimiter == b';' { Decimals::Comma } else { Decimals::Point }
    }

    /// Whether a line is a header once more, as the second of two files put together has.
    pub(super) fn is_header(line: &[String]) -> bool {
        COLUMNS.iter().all(|column| line.iter().any(|field| bare(field).eq_ignore_ascii_case(column)))
    }
}

/// A name without what is round it and not seen: spaces, and marks of Unicode that have no width, of which a byte order mark is one. Quotes
/// behind a space open no field, and are round the name too.
fn bare(name: &str) -> &str {
    let is_unseen = |letter: char| {
        letter.is_whitespace()
            || letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    unquoted(name.trim_matches(is_unseen)).trim_matches(is_unseen)
}

/// A text without the quotes that are left round it where a space stood before them.
pub(super) fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

/// The names of a header, as far as they fit a sentence. They are a stranger's, and must not command a terminal.
pub(super) fn shown(names: &[String]) -> String {
    const MOST: usize = 300;
    let plain = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
    let all: String = names.join(", ").chars().map(plain).collect();
    match all.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &all[..end]),
        None => all,
    }
}

/// What a line tells a spreadsheet of how the fields below are parted: what is behind `sep=`. `None` of any other line.
pub(super) fn told(line: &str) -> Option<&str> {
    let line = line.trim_matches(['\u{feff}', '"', ' ', '\r', '\n']);
    let (name, told) = line.split_at_checked(4)?;
    name.eq_ignore_ascii_case("sep=").then_some(told)
}

/// The delimiter that was told, where it is one: what parts fields is one byte. Some programs fill the line up with it.
pub(super) fn told_delimiter(told: &str) -> Option<u8> {
    told.bytes().next().filter(|first| first.is_ascii_punctuation() || *first == b'\t')
}

/// The delimiter of a first line: which of comma and semicolon is there more often outside quotes.
pub(super) fn delimiter(line: &[u8]) -> u8 {
    let (mut commas, mut semicolons, mut is_quoted) = (0_usize, 0_usize, false);
    for byte in line {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => commas += 1,
            b';' if !is_quoted => semicolons += 1,
            _ => {}
        }
    }
    if semicolons > commas { b';' } else { b',' }
}
