//! Unpacking: the bytes of a sales file, whether or not they are packed, with a bound on how many they become.
//!
//! A gzip file may have several members, one behind the other, as `cat a.gz b.gz` makes; its text is that of all of them. Where one ends
//! is noted: the text of a member need not end with a line break.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
};

use flate2::bufread::GzDecoder;

use super::rejection::{MOST_PACKED, MOST_UNPACKED, ReadError, Rejection};

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes asked of the source at a time.
const BUFFER: usize = 64 << 10;

/// The text of a file.
pub(super) struct Unpacked<R> {
    form: Form<Counted<R>>,
    /// Bytes that it may give.
    most: u64,
    /// Bytes given so far.
    given: u64,
    /// Bytes of the source that were read for them.
    packed: u64,
    /// Where a member ended and another began, in bytes of the text.
    joints: VecDeque<u64>,
}

enum Form<R> {
    Plain(BufReader<R>),
    Packed(Box<GzDecoder<BufReader<R>>>),
    Ended,
}

/// A source whose failures are told apart from those of what is in it.
struct Counted<R> {
    source: R,
    /// Bytes that were looked at, and come once more.
    first: VecDeque<u8>,
    packed: u64,
    failure: Option<io::Error>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.first.is_empty() {
            return self.first.read(buffer);
        }
        loop {
            match self.source.read(buffer) {
                Ok(read) => {
                    self.packed += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    self.failure = Some(error);
                    return Err(kind.into());
                }
            }
        }
    }
}

impl<R: Read> Unpacked<R> {
    /// Looks at the first bytes; a file is what they say, whatever its name says.
    pub(super) fn open(source: R) -> Result<Self, ReadError> {
        Self::open_within(source, MOST_UNPACKED)
    }

    fn open_within(source: R, most: u64) -> Result<Self, ReadError> {
        let mut source = Counted { source, packed: 0, failure: None, first: VecDeque::new() };
        let mut first = Vec::new();
        // The first read may give less.
        if let Err(error) = source.by_ref().take(GZIP.len() as u64).read_to_end(&mut first) {
            return Err(failed(&mut source, error));
        }
        source.first.extend(&first);
        let source = BufReader::with_capacity(BUFFER, source);
        if first.is_empty() {
            return Err(Rejection::Empty.into());
        }
        let form =
            if first.starts_with(&GZIP) { Form::Packed(Box::new(GzDecoder::new(source))) } else { Form::Plain(source) };
        Ok(Self { form, most, given: 0, packed: 0, joints: VecDeque::new() })
    }

    /// Fills some of the buffer with text; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        loop {
            let read = match &mut self.form {
                Form::Ended => return Ok(0),
                Form::Plain(source) => source.read(buffer).map_err(|error| failed(source.get_mut(), error))?,
                Form::Packed(member) => match member.read(buffer) {
                    Ok(0) if !buffer.is_empty() => {
                        self.next_member()?;
                        continue;
                    }
                    Ok(read) => read,
                    Err(error) => return Err(failed(member.get_mut().get_mut(), error)),
                },
            };
            self.given += read as u64;
            self.packed = match &self.form {
                Form::Plain(source) => source.get_ref().packed,
                Form::Packed(member) => member.get_ref().get_ref().packed,
                Form::Ended => self.packed,
            };
            if self.given > self.most {
                return Err(Rejection::TooLargeUnpacked.into());
            }
            return if self.packed > MOST_PACKED { Err(Rejection::TooLarge.into()) } else { Ok(read) };
        }
    }

    /// Goes on with the next member, if there is one. Zeros behind the last one are padding, as of tapes.
    fn next_member(&mut self) -> Result<(), ReadError> {
        let Form::Packed(member) = std::mem::replace(&mut self.form, Form::Ended) else { return Ok(()) };
        let mut source = member.into_inner();
        loop {
            let waiting = match source.fill_buf() {
                Ok(waiting) => waiting,
                Err(error) => return Err(failed(source.get_mut(), error)),
            };
            match waiting.iter().position(|byte| *byte != 0) {
                None if waiting.is_empty() => return Ok(()),
                None => {
                    let padding = waiting.len();
                    source.consume(padding);
                }
                Some(padding) => {
                    let first = waiting.iter().skip(padding).zip(GZIP);
                    if !first.into_iter().all(|(byte, magic)| *byte == magic) {
                        return Err(Rejection::Trailing.into());
                    }
                    source.consume(padding);
                    break;
                }
            }
        }
        self.joints.push_back(self.given);
        self.form = Form::Packed(Box::new(GzDecoder::new(source)));
        Ok(())
    }

    /// Bytes of the source that were read.
    pub(super) fn packed(&self) -> u64 {
        self.packed
    }

    /// Where one member ended and another began, after `from` and before `to`; those before are forgotten.
    pub(super) fn joint(&mut self, from: u64, to: u64) -> Option<u64> {
        while self.joints.front().is_some_and(|joint| *joint <= from) {
            self.joints.pop_front();
        }
        self.joints.iter().copied().find(|joint| *joint < to)
    }
}

/// The source's own failure if it had one; else what is in it is wrong.
fn failed<R>(source: &mut Counted<R>, error: io::Error) -> ReadError {
    match source.failure.take() {
        Some(failure) => ReadError::Source(failure),
        None if error.kind() == io::ErrorKind::UnexpectedEof => Rejection::Truncated.into(),
        None => Rejection::Damaged.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn what_becomes_too_large_is_rejected_before_it_is_in_memory() {
        let block = |letter| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&[letter; 4096]).expect("packed");
            packed.finish().expect("packed")
        };
        let bomb = [block(b'a'), block(b'b'), block(b'c')].concat();
        let read = |most| {
            let mut unpacked = Unpacked::open_within(&bomb[..], most).expect("opened");
            let (mut buffer, mut sum) = ([0; 1000], 0);
            loop {
                match unpacked.read(&mut buffer) {
                    Ok(0) => return Ok(sum),
                    Ok(read) => sum += read,
                    Err(error) => return Err(error.to_string()),
                }
            }
        };
        assert_eq!(read(3 * 4096), Ok(3 * 4096));
        assert!(read(3 * 4096 - 1).expect_err("too large").contains("2 GB"));
    }
}
