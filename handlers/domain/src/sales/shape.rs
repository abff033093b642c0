//! Shape: how the records of a file are parted, and the fields of one.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::{
    extent::{End, LONGEST, extent_of},
    header::{COLUMNS, Layout},
    text::decode,
};

/// How the records of a file are parted.
pub(super) struct Shape {
    pub(super) delimiter: u8,
    /// Of each record.
    pub(super) fields: usize,
    parser: Box<Reader>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Shape {
    pub(super) fn of(delimiter: u8, fields: usize) -> Self {
        let parser = Box::new(ReaderBuilder::new().delimiter(delimiter).build());
        Self { delimiter, fields, parser, text: vec![0; LONGEST], ends: vec![0; fields.max(1) + 1] }
    }

    /// The fields of one record.
    pub(super) fn parse(&mut self, record: &[u8]) -> Vec<Vec<u8>> {
        self.parser.reset();
        let (mut read, mut written, mut ended) = (0, 0, 0);
        loop {
            let (result, used, text, ends) =
                self.parser.read_record(&record[read..], &mut self.text[written..], &mut self.ends[ended..]);
            read += used;
            written += text;
            ended += ends;
            match result {
                // An empty input says that the record ends.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        let mut from = 0;
        let field = |end: &usize| {
            let field = self.text[from..*end].to_vec();
            from = *end;
            field
        };
        self.ends[..ended].iter().map(field).collect()
    }
}

/// The names in a line that is a header, with its fields parted so.
pub(super) fn names_in(line: &[u8], delimiter: u8) -> Option<Vec<String>> {
    let column = COLUMNS[0].as_bytes();
    if !line.windows(column.len()).any(|part| part.eq_ignore_ascii_case(column)) {
        return None;
    }
    let extent = extent_of(line, delimiter, true).filter(|extent| extent.end == End::Complete)?;
    let names: Vec<String> =
        Shape::of(delimiter, extent.fields).parse(line).iter().map(|field| decode(field).0).collect();
    // A record without a line break at its end stands before a header in one line: such a line has dates and numbers.
    let is_value = |name: &String| name.trim_start().starts_with(|letter: char| letter.is_ascii_digit());
    (Layout::is_header(&names) && !names.iter().any(is_value)).then_some(names)
}
