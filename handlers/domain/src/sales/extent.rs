//! Extent of a record: where it ends in a text, by the rules of quotes and line breaks, without looking at what is in it.

/// The longest record (bytes).
pub(super) const LONGEST: usize = 64 << 10;

/// The most line breaks of a record.
const MOST_BREAKS: u64 = 100;

/// Where a record ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Bytes without the line break.
    pub(super) body: usize,
    /// Bytes with it.
    pub(super) whole: usize,
    /// Line breaks inside.
    pub(super) breaks: u64,
    pub(super) fields: usize,
    /// Something stands between a closing quote and the next delimiter.
    pub(super) is_untidy: bool,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Complete,
    /// The file ends inside quotes.
    Open,
    TooLong,
    TooManyBreaks,
}

impl Extent {
    /// Whether it can be taken as a record of so many fields; `text` is what it was found at the beginning of.
    pub(super) fn is_record_of(&self, fields: usize, delimiter: u8, text: &[u8]) -> bool {
        let is_whole = self.end == End::Complete && self.fields == fields;
        is_whole && (self.breaks == 0 || !self.is_untidy && !has_record_inside(&text[..self.body], delimiter, fields))
    }

    /// Why it cannot.
    pub(super) fn reason(&self, expected: usize) -> String {
        match self.end {
            End::Open => "a quote is opened and not closed before the end of the file".to_owned(),
            End::TooLong => "the record is longer than 64 KiB: is a quote not closed?".to_owned(),
            End::TooManyBreaks => "the record has more than 100 line breaks: is a quote not closed?".to_owned(),
            End::Complete if self.breaks > 0 && self.fields == expected && !self.is_untidy => {
                "a quote is opened and not closed in this line: up to the next quote there is a line that is a record by itself"
                    .to_owned()
            }
            End::Complete if self.breaks > 0 && self.fields == expected => {
                "a quote is opened and not closed in this line: behind the next quote, lines below, there is text"
                    .to_owned()
            }
            End::Complete if self.breaks > 0 => {
                format!(
                    "a quote is opened and not closed in this line: up to the next quote there are {} fields instead of {expected}",
                    self.fields
                )
            }
            End::Complete if self.fields == 1 => {
                format!("1 field instead of {expected}")
            }
            End::Complete => format!("{} fields instead of {expected}", self.fields),
        }
    }
}

/// Whether a line of a record over several lines is a record of so many fields by itself: then a quote that nobody closed swallowed it. The
/// lines of a field with line breaks lack the fields before it or behind it; but the last line of a first field lacks none, so there its
/// first line is asked, without the quote.
fn has_record_inside(record: &[u8], delimiter: u8, fields: usize) -> bool {
    let is_record = |line: &[u8]| {
        let is_whole =
            extent_of(line, delimiter, true).is_some_and(|line| line.end == End::Complete && line.fields == fields);
        is_whole && has_numbers(line, delimiter)
    };
    let mut lines = record.split(|byte| matches!(byte, b'\n' | b'\r'));
    let first = lines.next().unwrap_or_default();
    let is_first_field =
        extent_of(first, delimiter, true).is_some_and(|first| first.end == End::Open && first.fields == 1);
    if is_first_field {
        lines.next_back();
    }
    is_first_field && first.get(1..).is_some_and(is_record) || lines.any(is_record)
}

/// Whether two fields begin with a digit, as quantity and price of a record do; a list of words in a description has none.
fn has_numbers(line: &[u8], delimiter: u8) -> bool {
    let begins =
        |field: &&[u8]| field.iter().find(|byte| !matches!(byte, b' ' | b'"' | b'-')).is_some_and(u8::is_ascii_digit);
    line.split(|byte| *byte == delimiter).filter(begins).count() >= 2
}

/// Where the record ends that a text begins with; `None` if more of the text is needed. An empty text has a record of no bytes.
pub(super) fn extent_of(text: &[u8], delimiter: u8, is_all: bool) -> Option<Extent> {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum In {
        Start,
        Plain,
        Quotes,
        ClosedQuotes,
        Behind,
    }
    let mut place = In::Start;
    let (mut fields, mut breaks, mut is_untidy) = (1, 0, false);
    let mut index = 0;
    let found =
        |body, whole, breaks, fields, is_untidy, end| Some(Extent { body, whole, breaks, fields, is_untidy, end });
    while let Some(byte) = text.get(index).copied() {
        if index >= LONGEST {
            return found(index, index, breaks, fields, is_untidy, End::TooLong);
        }
        let line_break = match byte {
            b'\n' => 1,
            b'\r' => match text.get(index + 1) {
                Some(b'\n') => 2,
                None if !is_all => return None,
                _ => 1,
            },
            _ => 0,
        };
        if line_break > 0 {
            if place != In::Quotes {
                return found(index, index + line_break, breaks, fields, is_untidy, End::Complete);
            }
            breaks += 1;
            if breaks > MOST_BREAKS {
                return found(index, index, breaks, fields, is_untidy, End::TooManyBreaks);
            }
            index += line_break;
            continue;
        }
        place = match (place, byte) {
            (In::Quotes, b'"') => In::ClosedQuotes,
            (In::Quotes, _) => In::Quotes,
            (In::Start, b'"') | (In::ClosedQuotes, b'"') => In::Quotes,
            (_, byte) if byte == delimiter => {
                fields += 1;
                In::Start
            }
            (In::ClosedQuotes | In::Behind, b' ' | b'\t') => In::Behind,
            (In::ClosedQuotes | In::Behind, _) => {
                is_untidy = true;
                In::Plain
            }
            (In::Start | In::Plain, _) => In::Plain,
        };
        index += 1;
    }
    if !is_all {
        return None;
    }
    let end = if place == In::Quotes { End::Open } else { End::Complete };
    found(index, index, breaks, fields, is_untidy, end)
}

/// The physical line that a text begins with; of one that is longer than a record may be, a part, which is not complete.
pub(super) fn line_of(text: &[u8], is_all: bool) -> Option<Extent> {
    let within = &text[..text.len().min(LONGEST)];
    let end = within.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let (body, line_break, end) = match end {
        Some(body) if text[body] == b'\r' => match text.get(body + 1) {
            Some(b'\n') => (body, 2, End::Complete),
            None if !is_all => return None,
            _ => (body, 1, End::Complete),
        },
        Some(body) => (body, 1, End::Complete),
        None if within.len() == LONGEST => (LONGEST, 0, End::TooLong),
        None if is_all => (within.len(), 0, End::Complete),
        None => return None,
    };
    Some(Extent { body, whole: body + line_break, breaks: 0, fields: 1, is_untidy: false, end })
}

/// Whether there is nothing to read.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

/// Whether there is nothing to read but delimiters, empty quotes, and the byte that ends a text of DOS.
pub(super) fn is_empty(line: &[u8], delimiter: u8) -> bool {
    let is_nothing = |byte: &u8| matches!(byte, b' ' | b'\t' | b'"' | 0x1a) || *byte == delimiter;
    line.iter().all(is_nothing) && line.iter().filter(|byte| **byte == b'"').count() % 2 == 0
}

/// What a first line with zero bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zeros {
    Utf16,
    Utf32,
    Binary,
}

/// Every second byte of a Latin text in UTF-16 is zero, and three of four in UTF-32. Zeros at other places are of no text.
pub(super) fn zeros_of(line: &[u8]) -> Zeros {
    let mut places = [0; 4];
    for (index, _) in line.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        places[index % 4] += 1;
    }
    let zeros: usize = places.iter().sum();
    let quarter = line.len().div_ceil(4);
    let is_full = |place: &usize| place * 10 >= quarter * 9;
    let is_bare = |place: &usize| place * 10 <= quarter;
    if places.iter().filter(|place| is_full(place)).count() == 3 && places.iter().any(is_bare) {
        return Zeros::Utf32;
    }
    let most = (places[0] + places[2]).max(places[1] + places[3]);
    if zeros * 3 >= line.len() && most * 10 >= zeros * 9 { Zeros::Utf16 } else { Zeros::Binary }
}
