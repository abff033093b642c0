//! Records of a CSV file with their physical lines: where each begins, also after quoted line breaks, and where reading goes on behind a
//! quote that nobody closed.
//!
//! A quote opens a field only at its beginning, as everywhere; what follows a closing quote belongs to the field. A line break is a line
//! feed, a carriage return, or both together.
//!
//! One unclosed quote would swallow the file up to the next quote, or its end. So a record over several lines must have as many fields as
//! the header and nothing behind a closing quote, be no longer than 64 KiB, have no more than 100 line breaks, and end before the file
//! does; and no line in it may be a record by itself. If it is not so, its first line is bad, and reading goes on at the next line at which
//! such a record begins, or after a thousand lines, at which the next bad one begins. So however a file is made, a step through it ends soon, and
//! whoever reads can stop there and go on later.

use std::io::Read;

use super::{
    extent::{End, Extent, Zeros, extent_of, is_blank, is_empty, line_of, zeros_of},
    header::{self, Layout, told, told_delimiter},
    rejection::{ReadError, Rejection},
    shape::{Shape, names_in},
    text::decode,
    unpack::Unpacked,
};

/// Bytes read at a time.
const STEP: usize = 64 << 10;

/// What is kept of a bad line for who is to mend it (bytes).
const KEPT: usize = 4 << 10;

/// Lines that are passed in one step, as blank ones or as those of one that is bad.
const MOST_PASSED: u32 = 1_000;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// What archives and newer workbooks begin with, and archives of nothing.
const ZIP: &[u8] = b"PK\x03\x04";
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";

/// What older workbooks begin with (compound files, MS-CFB section 2.2).
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Records of a file, one by one.
pub(super) struct Records<R> {
    source: Unpacked<R>,
    buffer: Vec<u8>,
    /// What was read last.
    step: Box<[u8]>,
    /// Where the next record begins in the buffer.
    start: usize,
    /// Where that is in the text of the file.
    offset: u64,
    /// Its physical line, from 1.
    line: u64,
    is_at_end: bool,
    /// How the file's records are parted; known after the header.
    shape: Option<Shape>,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Fields, in their order.
    Record(Record),
    /// A header of another number of columns, or with another delimiter, which is given.
    Header(Record, u8),
    /// Blank lines, and perhaps more behind them.
    Blank,
    /// Lines that are no record.
    Bad {
        /// The first of them.
        line: u64,
        reason: String,
        /// What is there, as far as it is kept.
        original: String,
    },
}

/// A record that has as many fields as the header, or is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) fields: Vec<String>,
    pub(super) is_windows_1252: bool,
    /// Its bytes in the file, for the case that it is bad in another way.
    pub(super) original: String,
}

impl<R: Read> Records<R> {
    /// The text's beginning.
    pub(super) fn open(source: R) -> Result<Self, ReadError> {
        let source = Unpacked::open(source)?;
        let step = vec![0; STEP].into_boxed_slice();
        Ok(Self { source, buffer: Vec::new(), step, start: 0, offset: 0, line: 1, is_at_end: false, shape: None })
    }

    /// Bytes of the text before the next record.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The physical line of the next record.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Bytes of the file that were read so far.
    pub(super) fn packed(&self) -> u64 {
        self.source.packed()
    }

    /// Goes on where a reader of this file was before, without looking at what it read.
    pub(super) fn skip_to(&mut self, offset: u64, line: u64) -> Result<(), ReadError> {
        while self.offset < offset {
            if self.available() == 0 && !self.fill()? {
                break;
            }
            let step = usize::try_from(offset - self.offset).unwrap_or(usize::MAX).min(self.available());
            self.advance(step);
        }
        self.line = line;
        Ok(())
    }

    /// Says how records are parted, and how many fields each has.
    pub(super) fn set_shape(&mut self, delimiter: u8, fields: usize) {
        self.shape = Some(Shape::of(delimiter, fields));
    }

    /// The line in which the header stands, which is the first one that is not blank. It is not passed.
    pub(super) fn peek_header(&mut self) -> Result<Vec<u8>, ReadError> {
        if self.offset == 0 {
            self.refuse_other_forms()?;
        }
        self.skip_bom()?;
        for _ in 0..=MOST_PASSED {
            let Some(extent) = self.physical_line()? else { return Err(Rejection::Empty.into()) };
            let line = &self.buffer[self.start..self.start + extent.body];
            if line.contains(&0) {
                return Err(match zeros_of(line) {
                    Zeros::Utf16 => Rejection::Utf16.into(),
                    Zeros::Utf32 => Rejection::Utf32.into(),
                    Zeros::Binary => Rejection::Binary.into(),
                });
            }
            if extent.end != End::Complete {
                return Err(Rejection::EndlessHeader.into());
            }
            if !is_blank(line) {
                return Ok(line.to_vec());
            }
            self.pass(extent);
        }
        Err(Rejection::NoHeader.into())
    }

    /// Passes the line that [`Self::peek_header`] showed.
    pub(super) fn pass_line(&mut self) -> Result<(), ReadError> {
        if let Some(extent) = self.physical_line()? {
            self.pass(extent);
        }
        Ok(())
    }

    /// The fields of the header, however many there are.
    pub(super) fn header(&mut self, delimiter: u8) -> Result<Vec<String>, ReadError> {
        let Some(extent) = self.extent(delimiter)? else { return Err(Rejection::Empty.into()) };
        if extent.end == End::Complete && extent.breaks > 0 {
            self.set_shape(delimiter, extent.fields);
            let body = self.start..self.start + extent.body;
            let names = self.shape.as_mut().map(|shape| shape.parse(&self.buffer[body])).unwrap_or_default();
            let names: Vec<String> = names.iter().map(|field| decode(field).0).collect();
            // A name may have a line break; a quote that nobody closed swallows lines, and those have delimiters.
            let is_name = |name: &String| !(name.contains(['\n', '\r']) && name.contains(char::from(delimiter)));
            if Layout::is_header(&names) && names.iter().all(is_name) {
                self.pass(extent);
                return Ok(names);
            }
        }
        // A quote that is open at its end is one of the header's faults, which its names then show.
        let extent =
            if extent.end == End::Complete && extent.breaks == 0 { Some(extent) } else { self.physical_line()? };
        let Some(extent) = extent else { return Err(Rejection::Empty.into()) };
        self.set_shape(delimiter, extent.fields);
        let body = self.start..self.start + extent.body;
        let fields = self.shape.as_mut().map(|shape| shape.parse(&self.buffer[body])).unwrap_or_default();
        self.pass(extent);
        Ok(fields.iter().map(|field| decode(field).0).collect())
    }

    /// The next record, or lines that are none; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Found>, ReadError> {
        for _ in 0..MOST_PASSED {
            self.skip_bom()?;
            let Some((delimiter, expected)) = self.shape.as_ref().map(|shape| (shape.delimiter, shape.fields)) else {
                return Ok(None);
            };
            let Some(extent) = self.extent(delimiter)? else { return Ok(None) };
            let line = &self.buffer[self.start..self.start + extent.body];
            // However many delimiters there are. A second file behind the first one may say its delimiter as well.
            let says_nothing = is_empty(line, delimiter)
                || extent.body < 32 && told(&decode(line).0).and_then(told_delimiter) == Some(delimiter);
            if extent.breaks == 0 && says_nothing {
                self.pass(extent);
                continue;
            }
            if let Some(extent) = self.first_of_two(extent, delimiter, expected)? {
                return Ok(Some(Found::Record(self.take(extent))));
            }
            if extent.is_record_of(expected, delimiter, &self.buffer[self.start..]) {
                return Ok(Some(Found::Record(self.take(extent))));
            }
            if let Some((extent, delimiter, fields)) = self.other_header(0, delimiter)? {
                let bytes = &self.buffer[self.start..self.start + extent.body];
                let original = decode(&bytes[..bytes.len().min(KEPT)]).0;
                let header = Record { line: self.line, fields, is_windows_1252: false, original };
                self.pass(extent);
                return Ok(Some(Found::Header(header, delimiter)));
            }
            return self.bad(extent, delimiter, expected).map(Some);
        }
        Ok(Some(Found::Blank))
    }

    fn available(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Reads more; `false` if there is no more. What was passed is forgotten.
    fn fill(&mut self) -> Result<bool, ReadError> {
        if self.is_at_end {
            return Ok(false);
        }
        if self.start >= STEP {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let read = self.source.read(&mut self.step)?;
        self.buffer.extend_from_slice(&self.step[..read]);
        self.is_at_end = read == 0;
        Ok(!self.is_at_end)
    }

    fn advance(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Goes behind a record.
    fn pass(&mut self, extent: Extent) {
        self.advance(extent.whole);
        self.line += extent.breaks + u64::from(extent.whole > extent.body);
    }

    /// A byte order mark stands at the beginning, and where a second file was put behind the first one.
    fn skip_bom(&mut self) -> Result<(), ReadError> {
        while self.available() < BOM.len() && self.fill()? {}
        if self.buffer[self.start..].starts_with(BOM) {
            self.advance(BOM.len());
        }
        Ok(())
    }

    /// Refuses by its first bytes what is no CSV in UTF-8, packed or not.
    fn refuse_other_forms(&mut self) -> Result<(), ReadError> {
        while self.available() < OLE.len() && self.fill()? {}
        let begins = |forms: &[&[u8]]| forms.iter().any(|form| self.buffer.starts_with(form));
        if begins(&[b"\xff\xfe\0\0", b"\0\0\xfe\xff"]) {
            return Err(Rejection::Utf32.into());
        }
        if begins(&[b"\xff\xfe", b"\xfe\xff"]) {
            return Err(Rejection::Utf16.into());
        }
        if begins(&[ZIP, EMPTY_ZIP, OLE]) {
            return Err(Rejection::Zip.into());
        }
        Ok(())
    }

    /// The record that comes next; `None` if nothing does.
    fn extent(&mut self, delimiter: u8) -> Result<Option<Extent>, ReadError> {
        self.extent_behind(0, delimiter)
    }

    /// The record that begins so many bytes later.
    fn extent_behind(&mut self, skipped: usize, delimiter: u8) -> Result<Option<Extent>, ReadError> {
        loop {
            match extent_of(&self.buffer[self.start + skipped..], delimiter, self.is_at_end) {
                Some(extent) => return Ok((extent.whole > 0).then_some(extent)),
                None => _ = self.fill()?,
            }
        }
    }

    /// The physical line that comes next, whatever quotes are in it.
    fn physical_line(&mut self) -> Result<Option<Extent>, ReadError> {
        self.line_behind(0)
    }

    /// The physical line that begins so many bytes later.
    fn line_behind(&mut self, skipped: usize) -> Result<Option<Extent>, ReadError> {
        loop {
            if let Some(extent) = line_of(&self.buffer[self.start + skipped..], self.is_at_end) {
                return Ok((extent.whole > 0).then_some(extent));
            }
            self.fill()?;
        }
    }

    /// The fields of a record, which is passed.
    fn take(&mut self, extent: Extent) -> Record {
        let bytes = &self.buffer[self.start..self.start + extent.body];
        let fields = self.shape.as_mut().map(|shape| shape.parse(bytes)).unwrap_or_default();
        let mut is_windows_1252 = false;
        let fields = fields.iter().map(|field| {
            let (text, is_other) = decode(field);
            is_windows_1252 |= is_other;
            text
        });
        let record = Record {
            line: self.line,
            fields: fields.collect(),
            is_windows_1252,
            original: decode(&bytes[..bytes.len().min(KEPT)]).0,
        };
        self.pass(extent);
        record
    }

    /// Two packed files that were put together, the first of which has no line break at its end: the first of the two records that then
    /// stand in one line. Where a member ends, there has to be one record before it, and another one or a header behind it.
    fn first_of_two(&mut self, both: Extent, delimiter: u8, fields: usize) -> Result<Option<Extent>, ReadError> {
        let from = self.offset;
        let Some(joint) = self.source.joint(from, from + both.body as u64) else { return Ok(None) };
        let length = usize::try_from(joint - from).unwrap_or(usize::MAX);
        let first = &self.buffer[self.start..self.start + length];
        let first = extent_of(first, delimiter, true)
            .filter(|extent| extent.whole == length && extent.is_record_of(fields, delimiter, first));
        let Some(first) = first else { return Ok(None) };
        let second = self.extent_behind(length, delimiter)?;
        let second =
            second.is_some_and(|extent| extent.is_record_of(fields, delimiter, &self.buffer[self.start + length..]));
        Ok((second || self.other_header(length, delimiter)?.is_some()).then_some(first))
    }

    /// The header in the line that begins so many bytes later, its delimiter and its names, if there is one. `known` is the delimiter of the
    /// header before.
    fn other_header(&mut self, skipped: usize, known: u8) -> Result<Option<(Extent, u8, Vec<String>)>, ReadError> {
        let Some(extent) = self.line_behind(skipped)? else { return Ok(None) };
        let start = self.start + skipped;
        let line = &self.buffer[start..start + extent.body];
        let names = |delimiter| Some((extent, delimiter, names_in(line, delimiter)?));
        Ok([known, header::delimiter(line)].into_iter().find_map(names))
    }

    /// Passes what is no record, up to the next line at which one begins, or as many lines as a step passes.
    fn bad(&mut self, extent: Extent, delimiter: u8, expected: usize) -> Result<Found, ReadError> {
        let line = self.line;
        let reason = extent.reason(expected);
        let mut original = Vec::new();
        for _ in 0..MOST_PASSED {
            self.pass_physical(&mut original)?;
            // A single line of another number of fields says nothing about the next one.
            if extent.end == End::Complete && extent.breaks == 0 {
                break;
            }
            match self.extent(delimiter)? {
                None => break,
                Some(next) if next.is_record_of(expected, delimiter, &self.buffer[self.start..]) => break,
                Some(_) if self.other_header(0, delimiter)?.is_some() => break,
                Some(_) => {}
            }
        }
        let is_cut = original.len() > KEPT;
        original.truncate(KEPT);
        while original.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            original.pop();
        }
        let mut original = decode(&original).0;
        if is_cut {
            original.push('…');
        }
        Ok(Found::Bad { line, reason, original })
    }

    /// Passes a physical line, however long it is, and keeps its beginning.
    fn pass_physical(&mut self, kept: &mut Vec<u8>) -> Result<(), ReadError> {
        loop {
            let Some(extent) = self.physical_line()? else { return Ok(()) };
            let room = (KEPT + 1).saturating_sub(kept.len()).min(extent.whole);
            kept.extend_from_slice(&self.buffer[self.start..self.start + room]);
            self.pass(extent);
            if extent.end == End::Complete {
                return Ok(());
            }
        }
    }
}
