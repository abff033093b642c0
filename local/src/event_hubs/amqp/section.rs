//! Walks the sections of an encoded message without decoding what is in them (part 3, §3.2).

use std::ops::Range;

use super::decode::DecodeError;

/// The encoding of null.
pub(crate) const NULL: u8 = 0x40;

/// Nesting of descriptors that a walk follows.
const MAX_DEPTH: u8 = 8;

/// The kinds of section, in the order in which a message holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Header,
    DeliveryAnnotations,
    MessageAnnotations,
    Properties,
    ApplicationProperties,
    Data,
    Sequence,
    Value,
    Footer,
}

impl Kind {
    fn from_code(code: u64) -> Option<Self> {
        Some(match code {
            0x70 => Self::Header,
            0x71 => Self::DeliveryAnnotations,
            0x72 => Self::MessageAnnotations,
            0x73 => Self::Properties,
            0x74 => Self::ApplicationProperties,
            0x75 => Self::Data,
            0x76 => Self::Sequence,
            0x77 => Self::Value,
            0x78 => Self::Footer,
            _ => return None,
        })
    }

    /// The numeric descriptor.
    pub(crate) fn code(self) -> u64 {
        0x70 + u64::from(self as u8)
    }
}

/// One section: where it is and where its value, behind the descriptor, is.
pub(crate) struct Section {
    pub(crate) kind: Kind,
    pub(crate) whole: Range<usize>,
    pub(crate) value: Range<usize>,
}

/// The sections of `message`, in order. Ends after the first error.
///
/// Delivery annotations may stand anywhere: Python's client writes them last, which the service lets pass.
pub(crate) fn sections(message: &[u8]) -> impl Iterator<Item = Result<Section, DecodeError>> {
    let mut at = 0;
    let mut last = Kind::Header;
    std::iter::from_fn(move || {
        if at >= message.len() {
            return None;
        }
        let section = section(message, at).and_then(|section| {
            if section.kind != Kind::DeliveryAnnotations {
                if section.kind < last {
                    return Err(DecodeError::Invalid("the sections of a message are out of order"));
                }
                last = section.kind;
            }
            Ok(section)
        });
        at = section.as_ref().map_or(message.len(), |section| section.whole.end);
        Some(section)
    })
}

fn section(message: &[u8], start: usize) -> Result<Section, DecodeError> {
    let descriptor = message.get(start..).ok_or(DecodeError::Truncated)?;
    let (code, skipped) = match descriptor {
        [0, 0x53, code, ..] => (u64::from(*code), 3),
        [0, 0x80, rest @ ..] => {
            let code = rest.first_chunk().ok_or(DecodeError::Truncated)?;
            (u64::from_be_bytes(*code), 10)
        }
        _ => return Err(DecodeError::Invalid("a message section has no numeric descriptor")),
    };
    let kind = Kind::from_code(code).ok_or(DecodeError::Invalid("a message has an unknown section"))?;
    let value = start + skipped;
    let end = value + width(message.get(value..).ok_or(DecodeError::Truncated)?)?;
    Ok(Section { kind, whole: start..end, value: value..end })
}

/// Number of bytes that the first value of `bytes` takes.
pub(crate) fn width(bytes: &[u8]) -> Result<usize, DecodeError> {
    nested_width(bytes, 0)
}

fn nested_width(bytes: &[u8], depth: u8) -> Result<usize, DecodeError> {
    let code = *bytes.first().ok_or(DecodeError::Truncated)?;
    let width = match code >> 4 {
        0 if depth >= MAX_DEPTH => return Err(DecodeError::Depth),
        0 if code == 0 => {
            let descriptor = nested_width(&bytes[1..], depth + 1)?;
            1 + descriptor + nested_width(&bytes[1 + descriptor..], depth + 1)?
        }
        4 => 1,
        5 => 2,
        6 => 3,
        7 => 5,
        8 => 9,
        9 => 17,
        0xa | 0xc | 0xe => 2 + usize::from(*bytes.get(1).ok_or(DecodeError::Truncated)?),
        0xb | 0xd | 0xf => {
            let size = bytes.get(1..).and_then(<[u8]>::first_chunk).ok_or(DecodeError::Truncated)?;
            let size = usize::try_from(u32::from_be_bytes(*size)).map_err(|_| DecodeError::Truncated)?;
            size.checked_add(5).ok_or(DecodeError::Truncated)?
        }
        _ => return Err(DecodeError::Constructor(code)),
    };
    if width > bytes.len() {
        return Err(DecodeError::Truncated);
    }
    Ok(width)
}

/// The content of a binary value, such as that of a data section; empty for null, which JavaScript's client writes for a
/// body of null.
pub(crate) fn binary(message: &[u8], value: Range<usize>) -> Result<Range<usize>, DecodeError> {
    let skipped = match message.get(value.start) {
        Some(0xa0) => 2,
        Some(0xb0) => 5,
        Some(&NULL) => 1,
        _ => return Err(DecodeError::Invalid("a data section holds no binary")),
    };
    // `width` has seen that the size field is there.
    Ok(value.start + skipped..value.end)
}
