//! Message annotations: of a message that it stores, the service drops delivery annotations and adds three message
//! annotations.

use std::ops::Range;

use bytes::BufMut;

use super::{
    decode::{DecodeError, Decoder},
    section::{Kind, sections, width},
    value::Value,
};

pub(crate) const SEQUENCE_NUMBER: &str = "x-opt-sequence-number";
pub(crate) const OFFSET: &str = "x-opt-offset";
pub(crate) const ENQUEUED_TIME: &str = "x-opt-enqueued-time";
pub(crate) const PARTITION_KEY: &str = "x-opt-partition-key";

/// Where an event came to lie in its partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) sequence: i64,
    pub(crate) offset: i64,
    pub(crate) enqueued_millis: i64,
}

/// A message that was found well formed, ready to be stamped and stored.
pub(crate) struct ReceivedMessage<'a> {
    message: &'a [u8],
    header: Range<usize>,
    /// Entries of the message annotations that stay, as encoded keys and values.
    kept: Vec<Range<usize>>,
    kept_values: u32,
    /// Everything behind the annotations.
    rest: usize,
    /// Delivery annotations in there.
    dropped: Vec<Range<usize>>,
}

impl<'a> ReceivedMessage<'a> {
    /// Finds the parts of `message`.
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut incoming =
            Self { message, header: 0..0, kept: Vec::new(), kept_values: 0, rest: 0, dropped: Vec::new() };
        let mut head = true;
        // Python's client writes no body section for a body of none, which is read like one of null.
        let mut empty = true;
        for section in sections(message) {
            let section = section?;
            empty = false;
            match section.kind {
                Kind::Header => incoming.header = section.whole.clone(),
                Kind::DeliveryAnnotations if !head => incoming.dropped.push(section.whole.clone()),
                Kind::DeliveryAnnotations => {}
                Kind::MessageAnnotations => incoming.keep_entries(section.value.clone())?,
                Kind::Data | Kind::Sequence | Kind::Value => {}
                Kind::Properties | Kind::ApplicationProperties | Kind::Footer => {}
            }
            head &= section.kind <= Kind::MessageAnnotations;
            if head {
                incoming.rest = section.whole.end;
            }
        }
        if empty { Err(DecodeError::Invalid("a message has no sections")) } else { Ok(incoming) }
    }

    fn keep_entries(&mut self, map: Range<usize>) -> Result<(), DecodeError> {
        let mut at = map.start
            + match self.message.get(map.start) {
                Some(0xc1) => 3,
                Some(0xd1) => 9,
                // An annotation section may hold nothing at all.
                Some(0x40) => 1,
                _ => return Err(DecodeError::Invalid("message annotations are no map")),
            };
        while at < map.end {
            let value = at + width(&self.message[at..map.end])?;
            let end = value + width(&self.message[value..map.end])?;
            if !is_stamp(&self.message[at..value]) {
                self.kept.push(at..end);
                self.kept_values += 2;
            }
            at = end;
        }
        Ok(())
    }

    /// Room that the stored message takes at most.
    pub(crate) fn stored_size(&self) -> usize {
        self.message.len() + 128
    }

    /// Appends the message as readers will get it.
    pub(crate) fn write(&self, stamp: Stamp, out: &mut Vec<u8>) {
        out.put_slice(&self.message[self.header.clone()]);
        out.put_slice(&[0x00, 0x53, 0x72, 0xd1]);
        let size_at = out.len();
        out.put_u32(0);
        out.put_u32(self.kept_values + 6);
        for entry in &self.kept {
            out.put_slice(&self.message[entry.clone()]);
        }
        put_symbol(SEQUENCE_NUMBER, out);
        out.put_u8(0x81);
        out.put_i64(stamp.sequence);
        put_symbol(OFFSET, out);
        let mut digits = [0; 20];
        let digits = decimal(stamp.offset, &mut digits);
        out.put_slice(&[0xa1, u8::try_from(digits.len()).unwrap_or(u8::MAX)]);
        out.put_slice(digits);
        put_symbol(ENQUEUED_TIME, out);
        out.put_u8(0x83);
        out.put_i64(stamp.enqueued_millis);
        let size = u32::try_from(out.len() - size_at - 4).unwrap_or(u32::MAX);
        out[size_at..size_at + 4].copy_from_slice(&size.to_be_bytes());
        let mut at = self.rest;
        for dropped in &self.dropped {
            out.put_slice(&self.message[at..dropped.start]);
            at = dropped.end;
        }
        out.put_slice(&self.message[at..]);
    }
}

fn put_symbol(name: &'static str, out: &mut Vec<u8>) {
    out.put_slice(&[0xa3, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
    out.put_slice(name.as_bytes());
}

/// Decimal digits of a number that is not negative, without an allocation per event.
fn decimal(mut number: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number <= 0 || at == 0 {
            return &buffer[at..];
        }
    }
}

/// Whether an encoded key is one of the three annotations that only the service sets.
fn is_stamp(key: &[u8]) -> bool {
    let name = match key {
        [0xa1 | 0xa3, _, name @ ..] | [0xb1 | 0xb3, _, _, _, _, name @ ..] => name,
        _ => return false,
    };
    [SEQUENCE_NUMBER, OFFSET, ENQUEUED_TIME].iter().any(|stamp| stamp.as_bytes() == name)
}

/// The partition key of a message or batch envelope, from its annotations.
pub(crate) fn partition_key(message: &[u8]) -> Result<Option<String>, DecodeError> {
    for section in sections(message) {
        let section = section?;
        if section.kind == Kind::MessageAnnotations {
            let annotations = Decoder::new(&message[section.value]).value()?;
            return Ok(annotations.entry(PARTITION_KEY).as_text().map(str::to_owned));
        }
        if section.kind > Kind::MessageAnnotations {
            break;
        }
    }
    Ok(None)
}

/// A message from sections that are not null, in the order given.
pub(crate) fn compose(sections: impl IntoIterator<Item = (Kind, Value)>) -> bytes::Bytes {
    let mut out = bytes::BytesMut::new();
    for (kind, value) in sections {
        Value::Described(Box::new(Value::Ulong(kind.code())), Box::new(value)).encode(&mut out);
    }
    out.freeze()
}

/// `message` with `annotations` as its delivery annotations, which follow the header, if it has one.
pub(crate) fn with_delivery_annotations(message: &[u8], annotations: Value) -> bytes::Bytes {
    let header = sections(message)
        .next()
        .and_then(Result::ok)
        .filter(|section| section.kind == Kind::Header)
        .map_or(0, |section| section.whole.end);
    let mut out = bytes::BytesMut::with_capacity(message.len() + 192);
    out.put_slice(&message[..header]);
    Value::Described(Box::new(Value::Ulong(Kind::DeliveryAnnotations.code())), Box::new(annotations)).encode(&mut out);
    out.put_slice(&message[header..]);
    out.freeze()
}
