//! Reading a sales file line by line: what is good, what is bad, and what is to be said about the file.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::{
    header::{Layout, delimiter, told, told_delimiter},
    records::{Found, Record, Records},
    rejection::{ReadError, Rejection},
    row::{self, Row},
    text::decode,
};
use crate::money::Money;

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// It says something.
    Good(Row),
    /// It is parked.
    Bad(BadLine),
}

/// A step through a file, which ends soon however the file is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A line was found.
    Line(Line),
    /// Lines were passed that are nothing: blank, or headers.
    Passed,
    /// The file ends.
    End,
}

/// A line that says nothing, why, and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// Physical line of the file, from 1; of several the first.
    pub line: u64,
    /// In a sentence.
    pub reason: String,
    /// As it is in the file; of what is long the beginning.
    pub original: String,
}

/// What is to be said about a file beside its totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Notes {
    /// Lines that are no UTF-8, and were read as Windows-1252.
    pub windows_1252_lines: u64,
    /// Headers beside the first one, as of files that were put together.
    pub repeated_headers: u64,
    /// Lines whose amount is finer than the currency.
    pub rounded_lines: u64,
    /// Lines with a price below zero.
    pub negative_prices: u64,
    /// Lines with a price of nothing.
    pub zero_prices: u64,
}

/// How far a file was read: what a reader needs to go on there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    offset: u64,
    /// The physical line of the next record.
    pub line: u64,
    /// What the header said.
    pub layout: Layout,
    /// What was noted up to there.
    pub notes: Notes,
}

/// A file that is being read.
pub struct FileReader<R> {
    records: Records<R>,
    layout: Layout,
    notes: Notes,
    places: u32,
}

impl<R: Read> FileReader<R> {
    /// Reads the header. Amounts are in minor units of `currency`.
    ///
    /// # Errors
    /// A rejection of the whole file, or a failure of the source.
    pub fn open(source: R, currency: &str) -> Result<Self, ReadError> {
        let places = places(currency)?;
        let mut records = Records::open(source)?;
        let mut first = records.peek_header()?;
        // How spreadsheets are told which delimiter a file has.
        let line = decode(&first).0;
        let told = told(&line);
        if told.is_some() {
            records.pass_line()?;
            first = records.peek_header()?;
        }
        let delimiter = told.and_then(told_delimiter).unwrap_or_else(|| delimiter(&first));
        let header = records.header(delimiter)?;
        let layout = Layout::of(&header, delimiter)?;
        records.set_shape(layout.delimiter, layout.fields);
        Ok(Self { records, layout, notes: Notes::default(), places })
    }

    /// Goes on where a reader of the same bytes stopped.
    ///
    /// # Errors
    /// As of [`Self::open`].
    pub fn resume(source: R, currency: &str, cursor: Cursor) -> Result<Self, ReadError> {
        let Cursor { offset, line, layout, notes } = cursor;
        let mut records = Records::open(source)?;
        records.skip_to(offset, line)?;
        records.set_shape(layout.delimiter, layout.fields);
        Ok(Self { records, layout, notes, places: places(currency)? })
    }

    /// The next line that is not blank; `None` at the end of the file.
    ///
    /// # Errors
    /// As of [`Self::open`].
    pub fn next_line(&mut self) -> Result<Option<Line>, ReadError> {
        loop {
            match self.step()? {
                Step::Line(line) => return Ok(Some(line)),
                Step::Passed => {}
                Step::End => return Ok(None),
            }
        }
    }

    /// Goes on a little, to the next line at most. Between two steps [`Self::cursor`] says where reading can go on.
    ///
    /// # Errors
    /// As of [`Self::open`].
    pub fn step(&mut self) -> Result<Step, ReadError> {
        let record = match self.records.next()? {
            None => return Ok(Step::End),
            Some(Found::Blank) => return Ok(Step::Passed),
            Some(Found::Bad { line, reason, original }) => {
                return Ok(Step::Line(Line::Bad(BadLine { line, reason, original })));
            }
            Some(Found::Header(header, delimiter)) => return Ok(self.header(header, delimiter)),
            Some(Found::Record(record)) => record,
        };
        if record.fields.iter().all(|field| field.trim().is_empty()) {
            return Ok(Step::Passed);
        }
        if Layout::is_header(&record.fields) {
            return Ok(self.header(record, self.layout.delimiter));
        }
        Ok(Step::Line(self.line(record)))
    }

    /// Goes by a header from its line on, whatever its columns, their order and its delimiter are; one that cannot be followed is given back.
    fn header(&mut self, header: Record, delimiter: u8) -> Step {
        match Layout::of(&header.fields, delimiter) {
            Ok(layout) => {
                self.notes.repeated_headers += 1;
                self.records.set_shape(layout.delimiter, layout.fields);
                self.layout = layout;
                Step::Passed
            }
            Err(rejection) => Step::Line(bad(header, rejection.to_string())),
        }
    }

    fn line(&mut self, record: Record) -> Line {
        match row::row(record.line, &record.fields, &self.layout, self.places) {
            Ok((row, is_rounded)) => {
                self.notes.windows_1252_lines += u64::from(record.is_windows_1252);
                self.notes.rounded_lines += u64::from(is_rounded);
                self.notes.negative_prices += u64::from(row.unit_price.starts_with('-'));
                self.notes.zero_prices +=
                    u64::from(row.unit_price.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-')));
                Line::Good(row)
            }
            Err(reason) => bad(record, reason),
        }
    }

    /// Where the next line begins.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            offset: self.records.offset(),
            line: self.records.line(),
            layout: self.layout.clone(),
            notes: self.notes.clone(),
        }
    }

    /// What was noted so far.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// What the header said, or the last one.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Bytes of the file, packed or not, that were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.records.packed()
    }
}

fn bad(record: Record, reason: String) -> Line {
    Line::Bad(BadLine { line: record.line, reason, original: record.original })
}

/// How many decimal places amounts of a currency have.
fn places(currency: &str) -> Result<u32, Rejection> {
    let one = Money::from_minor_units(1, currency).map_err(|_| Rejection::Currency(currency.to_owned()))?;
    Ok(one.amount().split_once('.').map_or(0, |(_, places)| u32::try_from(places.len()).unwrap_or_default()))
}
